//! Traces with parts in more than one place: found by their ids, and put together.

use super::Asker;
use futures_util::{StreamExt, stream};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tributary_block::{BlockError, BlockMeta};
use tributary_query::blocks::Lru;
use tributary_query::join;
use tributary_span::{Columns, TraceId};
use uuid::Uuid;

/// An entry of the cache beside its ids.
const ENTRY: usize = 128;
/// Blocks whose ids are read at a time.
const AT_ONCE: usize = 16;
/// So many traces are looked for in each block's filter; for more, its ids are read.
const FEW: usize = 64;
/// Traces that are put together at a time.
const AT_A_TIME: usize = 2_000;

/// A block by tenant and id.
type Key = (String, Uuid);

/// Ids of the traces of blocks, sorted; of those used last.
pub(super) struct TraceIds(Mutex<Lru<Key, Arc<Vec<TraceId>>>>);

impl TraceIds {
    pub(super) fn new(bytes: usize) -> TraceIds {
        TraceIds(Mutex::new(Lru::new(bytes)))
    }

    fn get(&self, key: &Key) -> Option<Arc<Vec<TraceId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    fn insert(&self, key: Key, ids: Arc<Vec<TraceId>>) {
        let bytes = ids.len() * size_of::<TraceId>() + ENTRY;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ids, bytes);
    }
}

impl Asker {
    /// The traces that lie in several of these blocks, or in one and in memory.
    pub(super) async fn in_several(
        &self,
        blocks: &[Arc<BlockMeta>],
        live: &Columns,
    ) -> Result<HashSet<TraceId>, BlockError> {
        if blocks.len() + usize::from(!live.traces.is_empty()) < 2 {
            return Ok(HashSet::new());
        }
        let asked: Vec<_> = blocks.iter().map(|meta| self.ids_of(meta)).collect();
        let mut asked = stream::iter(asked).buffered(AT_ONCE);
        let mut sorted: Vec<TraceId> = live.traces.clone();
        while let Some(ids) = asked.next().await {
            sorted.extend_from_slice(&ids?);
        }
        sorted.sort_unstable();
        let pairs = sorted.windows(2).filter_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        Ok(pairs.collect())
    }

    /// Whether a block may have spans of a trace.
    pub(super) async fn may_have(
        &self,
        meta: &BlockMeta,
        trace: &TraceId,
    ) -> Result<bool, BlockError> {
        match self.ids.get(&(meta.tenant_id.clone(), meta.block_id)) {
            Some(ids) => Ok(ids.binary_search(trace).is_ok()),
            None => self.traces.blocks.may_contain(meta, trace).await,
        }
    }

    /// Ids of the traces of a block, sorted.
    async fn ids_of(&self, meta: &BlockMeta) -> Result<Arc<Vec<TraceId>>, BlockError> {
        let key = (meta.tenant_id.clone(), meta.block_id);
        if let Some(ids) = self.ids.get(&key) {
            return Ok(ids);
        }
        let (block, source) = self.traces.blocks.open(meta).await?;
        let mut ids = Vec::new();
        for group in 0..block.row_groups() {
            ids.extend(block.trace_ids(&source, group).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let ids = Arc::new(ids);
        self.ids.insert(key, ids.clone());
        Ok(ids)
    }

    /// Traces in portions that can be put together at a time.
    pub(super) fn portions(traces: &HashSet<TraceId>) -> Vec<HashSet<TraceId>> {
        let mut sorted: Vec<TraceId> = traces.iter().copied().collect();
        sorted.sort_unstable();
        sorted.chunks(AT_A_TIME).map(|portion| portion.iter().copied().collect()).collect()
    }

    /// Traces put together from blocks and memory.
    pub(super) async fn put_together(
        &self,
        blocks: &[Arc<BlockMeta>],
        live: &Columns,
        wanted: &HashSet<TraceId>,
    ) -> Result<Columns, BlockError> {
        let mut parts: Vec<Columns> = vec![join([live], |trace| wanted.contains(trace)).spans];
        for meta in blocks {
            let mut has_one = false;
            match self.ids.get(&(meta.tenant_id.clone(), meta.block_id)) {
                Some(ids) => has_one = wanted.iter().any(|trace| ids.binary_search(trace).is_ok()),
                None if wanted.len() > FEW => has_one = true,
                None => {
                    for trace in wanted {
                        has_one = has_one || self.may_have(meta, trace).await?;
                    }
                }
            }
            if has_one {
                let (block, source) = self.traces.blocks.open(meta).await?;
                let found = block.find_many(&source, |id| wanted.contains(id)).await?;
                parts.push(join(&found, |trace| wanted.contains(trace)).spans);
            }
        }
        Ok(join(&parts, |_| true).spans)
    }
}
