//! The blocks that come out of a merge, one open at a time.

use crate::block::{BlockBuilder, CommitError, block_entry};
use tributary_block::{BlockError, BlockWriter, WriterSettings};
use tributary_journal::window::mint_compacted;
use tributary_journal::{BlockEntry, CompactionWindow};
use tributary_span::Columns;

/// The blocks of one record, as far as they have been made.
pub(super) struct Outputs<'a> {
    builder: &'a BlockBuilder,
    window: &'a CompactionWindow,
    k: u32,
    level: u32,
    /// Size at which an output is closed.
    max_bytes: u64,
    open: Option<BlockWriter>,
    pub(super) entries: Vec<BlockEntry>,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
}

impl<'a> Outputs<'a> {
    /// None yet, for record `k` of a window. An output is closed when it has `max_bytes`.
    pub(super) fn new(
        builder: &'a BlockBuilder,
        window: &'a CompactionWindow,
        k: u32,
        level: u32,
        max_bytes: u64,
    ) -> Self {
        Outputs {
            builder,
            window,
            k,
            level,
            max_bytes,
            open: None,
            entries: Vec::new(),
            duplicates: 0,
            conflicts: 0,
        }
    }

    /// Adds a row group; after the last one, or when it is large enough, the block is stored.
    pub(super) async fn push(&mut self, rows: Vec<Columns>, last: bool) -> Result<(), CommitError> {
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
        if !last && (writer.bytes() as u64) < self.max_bytes {
            self.open = Some(writer);
            return Ok(());
        }
        let block = writer.finish()?;
        self.duplicates += block.stats.duplicates;
        self.conflicts += block.stats.conflicts;
        self.entries.push(block_entry(&block));
        // What is merged is visible as it is: another pass may do better.
        match self.builder.store_data([&block]).await.pop() {
            Some((_, error)) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn begin(&self) -> Result<BlockWriter, CommitError> {
        let id = mint_compacted(self.window, self.k, self.builder.ids.block()?);
        let id = id.ok_or_else(|| CommitError::NoRecordLeft(self.window.clone()))?;
        let fresh = self.builder.settings.clone();
        // To try encodings takes memory. An ingester that has so little that its row groups are small
        // merges as it writes.
        let has_room = fresh.row_group_spans >= WriterSettings::default().row_group_spans;
        let merged = match has_room {
            true => fresh.of_level(self.level),
            false => WriterSettings { compaction_level: self.level, ..fresh },
        };
        let settings = WriterSettings { row_group_spans: usize::MAX, ..merged };
        Ok(BlockWriter::new(id, &self.window.tenant, settings)?)
    }
}
