//! Merging blocks: read side by side, written one row group after the other.
//!
//! They are merged leaf by leaf, those with the schema of another version span by span. In memory are, at
//! most: of each input the compressed pages of one row group of the output and the ids of its traces, of
//! the row group that is being made the values of one leaf, or its spans, some parts of one output on
//! their way to the store, and the ids of its traces. An output that is large enough is closed, and the
//! next one begins with the next trace.
//! What that takes is set aside of the budget for spans before a merge begins ([`room`](super::room)), and
//! between two steps it gives way to ingestion.

use super::Compactor;
use super::history::{History, Visible};
use super::outputs::Outputs;
use super::room;
use crate::block::CommitError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::{
    BlockError, BlockMeta, FolderSource, InputError, Merge, Opened, Source, Splice, WriterSettings,
};
use tributary_journal::record::Input;
use tributary_journal::{CompactionWindow, Record, layout};
use tributary_span::Columns;
use tributary_store::StoreError;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// When a merge that gave way looks again.
const AGAIN: Duration = Duration::from_millis(200);
/// What a span takes when spans are made of it, over what it takes leaf by leaf: a row group has so many
/// times fewer of them.
const REWRITTEN: usize = 4;
/// Bytes in memory that a span is reckoned with: of larger ones a row group has fewer.
const SPAN_BYTES: usize = 1 << 10;

impl Compactor {
    /// Merges blocks and stores what comes out; record `k`, which names it. What is `last` is not merged
    /// again soon, and is made small. `None` when one of the blocks is gone or cannot be read, so that the
    /// view was out of date, or when there is no memory for it now.
    pub(super) async fn merge(
        &self,
        window: &CompactionWindow,
        (k, last): (u32, bool),
        inputs: &[Uuid],
        visible: &Visible,
        history: &mut History,
    ) -> Result<Option<Record>, CommitError> {
        let metas: Vec<&Arc<BlockMeta>> = inputs.iter().filter_map(|id| visible.get(id)).collect();
        let level = metas.iter().map(|meta| meta.compaction_level).max().unwrap_or(0) + 1;
        let bytes = room::beside_what_is_free(metas.iter().map(|meta| &***meta), self.group_spans);
        let room = self.memory.set_aside(usize::try_from(bytes).unwrap_or(usize::MAX)).await;
        let Some(_room) = room else {
            tracing::debug!(bytes, "there is no memory for a merge: it is tried again later");
            return Ok(None);
        };
        let total = metas.iter().map(|meta| meta.size).sum::<u64>();
        let settings = self.settings(level, last || total >= self.limits.block / 2);
        let mut outputs = Outputs::new(&self.builder, settings, window, k, &self.limits);
        let read = match self.read(&metas, &mut outputs).await? {
            Ok(read) => read,
            Err(error) => {
                put_aside(metas.get(error.number).copied(), &error, history);
                // Whether it is the block or the store that is not well shows in time.
                return if is_transient(&error) { Err(error.error.into()) } else { Ok(None) };
            }
        };
        let ids = metas.iter().map(|meta| meta.block_id);
        Ok(Some(Record {
            outputs: outputs.entries,
            inputs: ids.zip(read).map(|(id, rows)| Input { id, rows }).collect(),
            duplicates: outputs.duplicates,
            conflicts: outputs.conflicts,
            ..Record::empty(self.builder.ids.uid()?, window, k)
        }))
    }

    /// Takes the blocks through, and answers how many spans each had; or which of them could not be
    /// read.
    async fn read(
        &self,
        metas: &[&Arc<BlockMeta>],
        outputs: &mut Outputs<'_>,
    ) -> Result<Result<Vec<u64>, InputError>, CommitError> {
        let source = |meta: &BlockMeta| {
            let folder = layout::block(&meta.tenant_id, &meta.block_id);
            FolderSource::new(self.builder.store.clone(), folder)
        };
        let blocks = metas.iter().map(|meta| (meta.as_ref().clone(), source(meta)));
        let dedicated = &self.builder.settings.dedicated;
        match Splice::open(blocks.collect(), dedicated, self.group_spans).await {
            Ok(Opened::Splice(splice)) => self.splice(splice, outputs).await,
            Ok(Opened::Other(blocks)) => self.rewrite(blocks, outputs).await,
            Err(error) => Ok(Err(error)),
        }
    }

    /// Blocks of ours, leaf by leaf.
    async fn splice<S: Source>(
        &self,
        mut splice: Splice<S>,
        outputs: &mut Outputs<'_>,
    ) -> Result<Result<Vec<u64>, InputError>, CommitError> {
        loop {
            self.give_way().await;
            let step = match splice.next().await {
                Ok(Some(step)) => step,
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            };
            match outputs.splice(step).await? {
                Ok(taken) => splice.count(&taken),
                Err(error) => return Ok(Err(error)),
            }
        }
        outputs.push(Vec::new(), true).await?;
        Ok(Ok(splice.spans().collect()))
    }

    /// Blocks of ours with the schema of another version, span by span.
    async fn rewrite<S: Source>(
        &self,
        blocks: Vec<(BlockMeta, S)>,
        outputs: &mut Outputs<'_>,
    ) -> Result<Result<Vec<u64>, InputError>, CommitError> {
        let mut merge = match Merge::open(blocks).await {
            Ok(merge) => merge,
            Err(error) => return Ok(Err(error)),
        };
        let mut waiting: Vec<Columns> = Vec::new();
        loop {
            let step = match merge.next().await {
                Ok(step) => step,
                Err(error) => return Ok(Err(error)),
            };
            let ended = step.is_empty();
            waiting.extend(step);
            self.give_way().await;
            if ended || is_group(&waiting, self.group_spans / REWRITTEN) {
                outputs.push(std::mem::take(&mut waiting), ended).await?;
            }
            if ended {
                return Ok(Ok(merge.spans().collect()));
            }
        }
    }

    /// How a block of a level is written. One that is merged again is written fast. To try encodings
    /// takes memory: an ingester with little of it never does.
    fn settings(&self, level: u32, last: bool) -> WriterSettings {
        let fast = self.builder.settings.clone().of_level(0);
        let settings = match last && self.packs {
            true => fast.of_level(level),
            false => WriterSettings { compaction_level: level, ..fast },
        };
        WriterSettings { row_group_spans: usize::MAX, ..settings }
    }

    /// Waits as long as spans wait for their first block that had to leave memory.
    async fn give_way(&self) {
        while self.live.is_behind() {
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// Whether spans are enough for a row group, by their number or by what they take in memory.
fn is_group(waiting: &[Columns], spans: usize) -> bool {
    waiting.iter().map(Columns::len).sum::<usize>() >= spans
        || waiting.iter().map(Columns::bytes).sum::<usize>() >= spans.saturating_mul(SPAN_BYTES)
}

/// Leaves a block that could not be read out of merges for a while, so that the others go on without
/// it. It is told of once.
fn put_aside(meta: Option<&Arc<BlockMeta>>, error: &InputError, history: &mut History) {
    let Some(block) = meta.map(|meta| meta.block_id) else { return };
    let why = ErrorChain(error).to_string();
    if !history.unreadable.failed(block, why, Instant::now()) {
        return;
    }
    let told = ErrorChain(error);
    match &error.error {
        // Merged and deleted by another ingester, most likely, and listed no more soon.
        BlockError::Missing(_) => {
            tracing::info!(%block, error = %told, "a block that was to be merged is gone")
        }
        BlockError::TooLarge(_) => {
            tracing::warn!(%block, error = %told, "a block is not merged with others")
        }
        _ => {
            tracing::error!(%block, error = %told, "a block cannot be read; it is not merged with others")
        }
    }
}

fn is_transient(error: &InputError) -> bool {
    match &error.error {
        BlockError::Source(source) => source.downcast_ref().is_some_and(StoreError::is_transient),
        _ => false,
    }
}
