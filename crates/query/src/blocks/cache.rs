//! What is kept of blocks between look-ups.

use super::lru::Lru;
use std::sync::{Mutex, PoisonError};
use tributary_block::{Block, BlockError, BlockMeta, Bloom, Object, Source, bloom};
use tributary_span::TraceId;
use uuid::Uuid;

/// Filters and parsed footers of blocks, the last used ones, bounded in bytes.
///
/// Two look-ups that miss the same entry at the same time both read it: that is rare and costs
/// one read more, while waiting for each other would tie one request's end to another's.
#[derive(Debug)]
pub struct Cache {
    blooms: Mutex<Lru<(String, Uuid, u32), Bloom>>,
    footers: Mutex<Lru<(String, Uuid), Block>>,
}

impl Cache {
    /// An empty cache of at most `limit` bytes: half for filters, which each look-up asks of each block,
    /// half for footers.
    pub fn new(limit: usize) -> Self {
        Cache {
            blooms: Mutex::new(Lru::new(limit / 2)),
            footers: Mutex::new(Lru::new(limit - limit / 2)),
        }
    }

    /// Whether the block may hold the trace, by its filter.
    ///
    /// # Errors
    /// When the filter cannot be had.
    pub async fn may_contain<S: Source>(
        &self,
        source: &S,
        meta: &BlockMeta,
        trace: &TraceId,
    ) -> Result<bool, BlockError> {
        let shard = bloom::shard_of(trace, meta.bloom_count());
        let key = (meta.tenant_id.clone(), meta.block_id, shard);
        let cached = lock(&self.blooms).get(&key);
        if let Some(bloom) = cached {
            return Ok(bloom.may_contain(trace));
        }
        let bloom = Bloom::parse(source.whole(Object::Bloom(shard)).await?)?;
        let found = bloom.may_contain(trace);
        let bytes = bloom.bytes() + ENTRY;
        lock(&self.blooms).insert(key, bloom, bytes);
        Ok(found)
    }

    /// The block with its footer.
    ///
    /// # Errors
    /// When it cannot be had or is none.
    pub async fn open<S: Source>(&self, source: &S, meta: &BlockMeta) -> Result<Block, BlockError> {
        let key = (meta.tenant_id.clone(), meta.block_id);
        let cached = lock(&self.footers).get(&key);
        if let Some(block) = cached {
            return Ok(block);
        }
        let block = Block::open(source, meta.clone()).await?;
        lock(&self.footers).insert(key, block.clone(), block.bytes() + ENTRY);
        Ok(block)
    }

    /// Drops what is kept of a block that is gone.
    pub fn forget(&self, tenant: &str, block: &Uuid) {
        lock(&self.blooms).retain(|(t, b, _)| t != tenant || b != block);
        lock(&self.footers).remove(&(tenant.to_owned(), *block));
    }

    /// Bytes in use.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        lock(&self.blooms).bytes() + lock(&self.footers).bytes()
    }
}

/// What an entry takes beside its value, roughly: key, size and order.
const ENTRY: usize = 200;

/// The map is whole after every step, so a thread that died in between left nothing broken.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
