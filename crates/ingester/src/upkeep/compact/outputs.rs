//! The blocks that come out of a merge, one open at a time. What is written of it goes to the store
//! row group by row group.

use crate::block::{BlockBuilder, CommitError, block_entry_with};
use bytes::Bytes;
use crc32fast::Hasher;
use tributary_block::{BlockError, BlockWriter, Object, WriterSettings};
use tributary_journal::compact::Limits;
use tributary_journal::window::mint_compacted;
use tributary_journal::{BlockEntry, CompactionWindow, layout};
use tributary_span::Columns;
use tributary_store::{StoreError, Upload};

/// The blocks of one record, as far as they have been made.
pub(super) struct Outputs<'a> {
    builder: &'a BlockBuilder,
    settings: WriterSettings,
    window: &'a CompactionWindow,
    k: u32,
    limits: &'a Limits,
    open: Option<Open>,
    pub(super) entries: Vec<BlockEntry>,
    pub(super) duplicates: u64,
    pub(super) conflicts: u64,
}

/// A block of which some is in the store, where no reader sees it yet.
struct Open {
    writer: BlockWriter,
    data: Data,
}

/// What is sent of a block's data.
struct Data {
    upload: Upload,
    crc: Hasher,
}

impl Data {
    async fn send(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.crc.update(&bytes);
        self.upload.push(bytes).await
    }
}

impl<'a> Outputs<'a> {
    /// None yet, for record `k` of a window. An output is closed when it has as many bytes or traces as
    /// `limits` allow.
    pub(super) fn new(
        builder: &'a BlockBuilder,
        settings: WriterSettings,
        window: &'a CompactionWindow,
        k: u32,
        limits: &'a Limits,
    ) -> Self {
        Outputs {
            builder,
            settings,
            window,
            k,
            limits,
            open: None,
            entries: Vec::new(),
            duplicates: 0,
            conflicts: 0,
        }
    }

    /// Adds a row group; after the last one, or when it is large enough, the block is stored.
    pub(super) async fn push(&mut self, rows: Vec<Columns>, last: bool) -> Result<(), CommitError> {
        let Open { mut writer, mut data } = match self.open.take() {
            Some(open) => open,
            None if rows.is_empty() => return Ok(()),
            None => self.begin()?,
        };
        let add = move || {
            writer.push(&rows.iter().collect::<Vec<_>>())?;
            Ok::<_, BlockError>(writer)
        };
        let mut writer = match self.builder.inline {
            true => add()?,
            false => tokio::task::spawn_blocking(add).await??,
        };
        data.send(writer.take()?).await?;
        let is_full = writer.bytes() as u64 >= self.limits.block
            || writer.traces() as u64 >= self.limits.traces;
        let open = Open { writer, data };
        match last || is_full {
            true => self.close(open).await,
            false => {
                self.open = Some(open);
                Ok(())
            }
        }
    }

    fn begin(&self) -> Result<Open, CommitError> {
        let id = mint_compacted(self.window, self.k, self.builder.ids.block()?);
        let id = id.ok_or_else(|| CommitError::NoRecordLeft(self.window.clone()))?;
        let tenant = &self.window.tenant;
        let path = layout::block_object(tenant, &id, &Object::Data.name());
        Ok(Open {
            writer: BlockWriter::new(id, tenant, self.settings.clone())?,
            data: Data { upload: self.builder.store.upload(&path)?, crc: Hasher::new() },
        })
    }

    async fn close(&mut self, open: Open) -> Result<(), CommitError> {
        let Open { writer, mut data } = open;
        let block = writer.finish()?;
        data.send(block.data.clone()).await?;
        data.upload.finish().await?;
        self.builder.store_filters(&block).await?;
        self.duplicates += block.stats.duplicates;
        self.conflicts += block.stats.conflicts;
        self.entries.push(block_entry_with(&block, data.crc.finalize()));
        Ok(())
    }
}
