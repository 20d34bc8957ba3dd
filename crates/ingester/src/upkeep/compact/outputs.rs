//! The blocks that come out of a merge, one open at a time. What is written of it goes to the store
//! row group by row group.

use crate::block::{BlockBuilder, CommitError, block_entry_with};
use bytes::Bytes;
use crc32fast::Hasher;
use tributary_block::{
    BlockWriter, InputError, Object, SpliceError, Spliced, Taken, WriterSettings,
};
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
        let open = match self.open.take() {
            Some(open) => open,
            None if rows.is_empty() => return Ok(()),
            None => self.begin()?,
        };
        let add = move |writer: &mut BlockWriter| {
            writer.push(&rows.iter().collect::<Vec<_>>())?;
            Ok::<_, CommitError>(())
        };
        let ((), open) = self.add(open, add).await?;
        self.keep(open, last).await
    }

    /// Adds a row group of rows of other blocks; the block is stored when it is large enough. How many
    /// spans of each of those were taken, or which cannot be read.
    pub(super) async fn splice(
        &mut self,
        spliced: Spliced,
    ) -> Result<Result<Taken, InputError>, CommitError> {
        let open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        let add = move |writer: &mut BlockWriter| match writer.splice(&spliced) {
            Ok(taken) => Ok(Ok(taken)),
            Err(SpliceError::Input(error)) => Ok(Err(error)),
            Err(SpliceError::Block(error)) => Err(CommitError::from(error)),
        };
        let (taken, open) = self.add(open, add).await?;
        if taken.is_ok() {
            self.keep(open, false).await?;
        }
        Ok(taken)
    }

    /// Has rows written, and sends what there is of them.
    async fn add<T: Send + 'static>(
        &mut self,
        open: Open,
        add: impl FnOnce(&mut BlockWriter) -> Result<T, CommitError> + Send + 'static,
    ) -> Result<(T, Open), CommitError> {
        let Open { mut writer, mut data } = open;
        let add = move || add(&mut writer).map(|added| (added, writer));
        let (added, mut writer) = match self.builder.inline {
            true => add()?,
            false => tokio::task::spawn_blocking(add).await??,
        };
        data.send(writer.take()?).await?;
        Ok((added, Open { writer, data }))
    }

    async fn keep(&mut self, open: Open, last: bool) -> Result<(), CommitError> {
        let is_full = open.writer.bytes() as u64 >= self.limits.block
            || open.writer.traces() as u64 >= self.limits.traces;
        if last || is_full {
            return self.close(open).await;
        }
        self.open = Some(open);
        Ok(())
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
