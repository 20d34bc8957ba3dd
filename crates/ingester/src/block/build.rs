//! Building the blocks of a generation, one a tenant, and storing their data.

use super::{CommitError, Rebuilt};
use crate::group::Generation;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use std::future::ready;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tributary_block::{BlockMeta, BlockStats, FinishedBlock, Object, WriterSettings};
use tributary_journal::id::mint_block;
use tributary_journal::{BlockEntry, EpochId, SegmentInfo, Slot, Uid, layout};
use tributary_span::Columns;
use tributary_store::{Store, StoreError};

/// Objects on their way to the store at a time.
const AT_ONCE: usize = 4;

/// Builds blocks and stores their data.
#[derive(Clone)]
pub(crate) struct BlockBuilder {
    /// Where blocks go.
    pub store: Store,
    /// How they are written.
    pub settings: WriterSettings,
    /// Makes their ids.
    pub ids: IdGenerator,
    /// How many are built at a time: each takes memory beside the budget.
    pub building: Arc<Semaphore>,
    /// Whether they are built where they are asked for, and not on a thread for long work: in a
    /// simulation everything happens in one place.
    pub inline: bool,
}

/// The blocks of one slot, built once: trying to store them again writes the same bytes under the
/// same names.
#[derive(Debug)]
pub(crate) struct BuiltBlocks {
    /// The blocks.
    pub blocks: Vec<FinishedBlock>,
    /// Spans that went in.
    pub rows_in: u64,
    uid: Uid,
}

impl BlockBuilder {
    /// Builds the blocks of a generation for slot `k` of `epoch`.
    ///
    /// # Errors
    /// When a block cannot be built, or the epoch has no slot `k`.
    pub(crate) async fn build(
        &self,
        epoch: EpochId,
        k: u32,
        generation: &Generation,
    ) -> Result<BuiltBlocks, CommitError> {
        let mut blocks = Vec::with_capacity(generation.tenants.len());
        for (tenant, batches) in &generation.tenants {
            let id =
                mint_block(&epoch, k, self.ids.block()?).ok_or(CommitError::NoSlotLeft(epoch))?;
            let (tenant, batches, settings) =
                (tenant.clone(), batches.clone(), self.settings.clone());
            let write = move || {
                let batches: Vec<&Columns> = batches.iter().map(Arc::as_ref).collect();
                tributary_block::write(id, &tenant, &batches, &settings)
            };
            let _turn = self.building.acquire().await.ok();
            blocks.push(match self.inline {
                true => write()?,
                false => tokio::task::spawn_blocking(write).await??,
            });
        }
        Ok(BuiltBlocks { blocks, rows_in: generation.spans, uid: self.ids.uid()? })
    }

    /// Stores data and filters; no reader sees them yet. The blocks of which the store did not
    /// confirm something, and why; storing them again is right.
    pub(crate) async fn store_data<'b>(
        &self,
        blocks: impl IntoIterator<Item = &'b FinishedBlock>,
    ) -> Vec<(&'b FinishedBlock, StoreError)> {
        let all = blocks.into_iter().flat_map(|block| objects(block).map(move |o| (block, o)));
        let puts = all.map(|(block, (path, bytes))| async move {
            self.store.put(&path, bytes).await.err().map(|error| (block, error))
        });
        let puts: Vec<_> = puts.collect();
        let failed = stream::iter(puts).buffer_unordered(AT_ONCE).filter_map(ready);
        let mut failed: Vec<(&FinishedBlock, StoreError)> = failed.collect().await;
        failed.sort_by_key(|(block, _)| block.meta.block_id);
        failed.dedup_by_key(|(block, _)| block.meta.block_id);
        failed
    }

    /// Stores the filters of a block whose data is in the store by now.
    ///
    /// # Errors
    /// When the store did not confirm one.
    pub(crate) async fn store_filters(&self, block: &FinishedBlock) -> Result<(), StoreError> {
        for (path, bytes) in filters(block) {
            self.store.put(&path, bytes).await?;
        }
        Ok(())
    }
}

/// A block as a slot or a record names it.
fn block_entry(block: &FinishedBlock) -> BlockEntry {
    block_entry_with(block, crc32fast::hash(&block.data))
}

/// The same of a block whose data, of which `crc` is the CRC-32, is in the store by now.
pub(crate) fn block_entry_with(block: &FinishedBlock, crc: u32) -> BlockEntry {
    BlockEntry {
        tenant: block.meta.tenant_id.clone(),
        id: block.meta.block_id,
        meta: block.meta.to_json().into(),
        rows: block.stats.spans,
        size: block.meta.size,
        crc,
    }
}

/// The metas that a slot or a record holds.
pub(crate) fn metas_of(entries: &[BlockEntry]) -> impl Iterator<Item = BlockMeta> {
    entries.iter().filter_map(|entry| BlockMeta::parse(&entry.meta).ok())
}

fn objects(block: &FinishedBlock) -> impl Iterator<Item = (String, Bytes)> {
    filters(block).chain([(path(&block.meta, Object::Data), block.data.clone())])
}

fn filters(block: &FinishedBlock) -> impl Iterator<Item = (String, Bytes)> {
    let blooms = (0u32..).zip(&block.blooms);
    blooms.map(|(n, bloom)| (path(&block.meta, Object::Bloom(n)), bloom.clone()))
}

fn path(meta: &BlockMeta, object: Object) -> String {
    layout::block_object(&meta.tenant_id, &meta.block_id, &object.name())
}

impl BuiltBlocks {
    /// The metas of the blocks.
    pub(crate) fn metas(&self) -> impl Iterator<Item = BlockMeta> {
        self.blocks.iter().map(|block| block.meta.clone())
    }

    /// The slot that names these blocks and the segments they cover.
    pub(crate) fn slot(&self, epoch: EpochId, k: u32, covers: Vec<SegmentInfo>) -> Slot {
        let blocks = self.blocks.iter().map(block_entry);
        let stats = self.stats();
        Slot {
            uid: self.uid,
            epoch,
            k,
            blocks: blocks.collect(),
            covers,
            quarantined: Vec::new(),
            rows_in: self.rows_in,
            duplicates: stats.duplicates,
            rejected: 0,
            relogged: 0,
            conflicts: stats.conflicts,
            closed: false,
            adopted: false,
        }
    }

    /// The same, for blocks that were built of what was read back from segments.
    pub(crate) fn slot_of(&self, epoch: EpochId, k: u32, rebuilt: &Rebuilt) -> Slot {
        let covers = rebuilt.generation.segments.values().copied().collect();
        let mut slot = self.slot(epoch, k, covers);
        slot.quarantined.clone_from(&rebuilt.quarantined);
        slot.rejected = rebuilt.rejected;
        slot.rows_in += rebuilt.rejected;
        slot
    }

    /// The slot without the blocks of these tenants, whose spans were logged again; the blocks go,
    /// too.
    pub(super) fn leave_out(&mut self, tenants: &BTreeSet<String>, slot: &Slot) -> Slot {
        let left = |block: &FinishedBlock| !tenants.contains(&block.meta.tenant_id);
        let gone = self.blocks.iter().filter(|block| !left(block));
        let relogged: u64 = gone.map(|block| block.stats.spans + block.stats.duplicates).sum();
        self.blocks.retain(left);
        let stats = self.stats();
        Slot {
            blocks: self.blocks.iter().map(block_entry).collect(),
            duplicates: stats.duplicates,
            conflicts: stats.conflicts,
            rejected: slot.rejected + relogged,
            relogged: slot.relogged + relogged,
            ..slot.clone()
        }
    }

    fn stats(&self) -> BlockStats {
        self.blocks.iter().fold(BlockStats::default(), |sum, block| BlockStats {
            spans: sum.spans + block.stats.spans,
            traces: sum.traces + block.stats.traces,
            duplicates: sum.duplicates + block.stats.duplicates,
            conflicts: sum.conflicts + block.stats.conflicts,
        })
    }

    /// Counts the blocks as visible.
    pub(crate) fn count(&self, metrics: &Metrics) {
        let stats = self.stats();
        metrics.blocks.add(self.blocks.len() as u64);
        metrics.block_bytes.add(self.blocks.iter().map(|b| b.meta.size).sum());
        metrics.spans_stored.add(stats.spans);
        metrics.spans_duplicate.add(stats.duplicates);
        metrics.spans_conflicting.add(stats.conflicts);
    }
}
