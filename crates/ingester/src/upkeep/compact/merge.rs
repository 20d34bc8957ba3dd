//! Merging blocks: read side by side, written one row group after the other.
//!
//! In memory are, at most: of each input the ids of its traces and one row group's bytes, the spans of
//! one row group that is being made, and the bytes of one output. An output that is large enough is
//! stored and let go, and the next one begins with the next trace.

use super::{Compactor, Remembered, Visible};
use crate::block::{Builder, FlushError, entry, until_done};
use std::sync::Arc;
use tributary_block::{
    BlockError, BlockMeta, BlockWriter, FolderSource, InputError, Merge, WriterSettings,
};
use tributary_journal::record::Input;
use tributary_journal::window::mint_compacted;
use tributary_journal::{BlockEntry, CompactionWindow, Record, layout};
use tributary_span::Columns;
use tributary_store::StoreError;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// A row group has at least so many spans: half of what a fresh block's has, since inputs are in
/// memory beside it.
const GROUP_SPANS: usize = 32 << 10;

/// The blocks of one record, as far as they have been made.
struct Outputs<'a> {
    builder: &'a Builder,
    window: &'a CompactionWindow,
    k: u32,
    level: u32,
    /// Size at which an output is closed.
    most: u64,
    open: Option<BlockWriter>,
    entries: Vec<BlockEntry>,
    duplicates: u64,
    conflicts: u64,
}

impl Compactor {
    /// Merges blocks and stores what comes out; the record that names it. `None` when one of them
    /// is gone or cannot be read, so that the view was out of date.
    pub(super) async fn merge(
        &self,
        window: &CompactionWindow,
        k: u32,
        inputs: &[Uuid],
        visible: &Visible,
        remembered: &mut Remembered,
    ) -> Result<Option<Record>, FlushError> {
        let metas: Vec<&Arc<BlockMeta>> = inputs.iter().filter_map(|id| visible.get(id)).collect();
        let level = metas.iter().map(|meta| meta.compaction_level).max().unwrap_or(0) + 1;
        let mut outputs = Outputs {
            builder: &self.builder,
            window,
            k,
            level,
            most: self.limits.block,
            open: None,
            entries: Vec::new(),
            duplicates: 0,
            conflicts: 0,
        };
        let read = match self.read(&metas, &mut outputs).await? {
            Ok(read) => read,
            Err(InputError { error: BlockError::Missing(_), .. }) => return Ok(None),
            Err(error) if is_of_the_store(&error) => return Err(error.error.into()),
            Err(InputError { number, error: BlockError::TooLarge(why) }) => {
                let block = metas.get(number).map(|meta| meta.block_id);
                tracing::warn!(why, ?block, "a block is not merged with others");
                remembered.unreadable.extend(block);
                return Ok(None);
            }
            Err(error) => {
                let block = metas.get(error.number).map(|meta| meta.block_id);
                tracing::error!(error = %ErrorChain(&error), ?block, "a block cannot be read; it is not merged with others");
                remembered.unreadable.extend(block);
                return Ok(None);
            }
        };
        let ids = metas.iter().map(|meta| meta.block_id);
        Ok(Some(Record {
            outputs: outputs.entries,
            inputs: ids.zip(read).map(|(id, rows)| Input { id, rows }).collect(),
            duplicates: outputs.duplicates,
            conflicts: outputs.conflicts,
            ..Record::empty(self.builder.names.uid()?, window, k)
        }))
    }

    /// Takes the blocks through, and answers how many spans each had; or which of them could not be
    /// read.
    async fn read(
        &self,
        metas: &[&Arc<BlockMeta>],
        outputs: &mut Outputs<'_>,
    ) -> Result<Result<Vec<u64>, InputError>, FlushError> {
        let source = |meta: &BlockMeta| {
            let folder = layout::block(&meta.tenant_id, &meta.block_id);
            FolderSource::new(self.builder.store.clone(), folder)
        };
        let blocks = metas.iter().map(|meta| (meta.as_ref().clone(), source(meta)));
        let mut merge = match Merge::open(blocks.collect()).await {
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
            if ended || waiting.iter().map(Columns::len).sum::<usize>() >= GROUP_SPANS {
                outputs.push(std::mem::take(&mut waiting), ended).await?;
            }
            if ended {
                return Ok(Ok(merge.spans().collect()));
            }
        }
    }
}

fn is_of_the_store(error: &InputError) -> bool {
    match &error.error {
        BlockError::Source(source) => {
            !matches!(source.downcast_ref(), Some(StoreError::Refused { .. }))
        }
        _ => false,
    }
}

impl Outputs<'_> {
    /// Adds a row group; after the last one, or when it is large enough, the block is stored.
    async fn push(&mut self, rows: Vec<Columns>, last: bool) -> Result<(), FlushError> {
        let mut writer = match self.open.take() {
            Some(writer) => writer,
            None if rows.is_empty() => return Ok(()),
            None => self.begin()?,
        };
        let add = move || {
            writer.push(&rows.iter().collect::<Vec<_>>())?;
            Ok::<_, BlockError>(writer)
        };
        let writer = match self.builder.inline {
            true => add()?,
            false => tokio::task::spawn_blocking(add).await??,
        };
        if !last && (writer.bytes() as u64) < self.most {
            self.open = Some(writer);
            return Ok(());
        }
        let block = writer.finish()?;
        self.duplicates += block.stats.duplicates;
        self.conflicts += block.stats.conflicts;
        self.entries.push(entry(&block));
        let blocks = [block];
        let store = || self.builder.store_data(&blocks);
        until_done("a merged block could not be stored yet", store).await;
        Ok(())
    }

    fn begin(&self) -> Result<BlockWriter, FlushError> {
        let id = mint_compacted(self.window, self.k, self.builder.names.block()?);
        let id = id.ok_or_else(|| FlushError::NoRecordLeft(self.window.clone()))?;
        let settings = WriterSettings {
            compaction_level: self.level,
            row_group_spans: usize::MAX,
            ..self.builder.settings.clone()
        };
        Ok(BlockWriter::new(id, &self.window.tenant, settings)?)
    }
}
