//! Blocks as a compaction sees them: records, and the objects in a block's folder.

use super::{AT_ONCE, Journal, JournalError};
use crate::layout::{self, Place};
use crate::record::{Record, RecordError};
use crate::recover::BlockState;
use crate::retention::{MAX_RECORDED, Recorded};
use crate::slot::BlockEntry;
use crate::window::CompactionWindow;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use tributary_store::{Created, StoreError};
use uuid::Uuid;

/// The records of all windows: their numbers, and when each was written, by the store's clock.
pub type RecordListing = BTreeMap<CompactionWindow, BTreeMap<u32, SystemTime>>;

impl Journal {
    /// The records that there are, by one listing.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn list_records(&self) -> Result<RecordListing, JournalError> {
        let mut listing = RecordListing::new();
        for object in self.store.list(layout::WINDOWS).await? {
            if let Some(Place::Record(window, k)) = layout::parse(&object.path) {
                listing.entry(window).or_default().insert(k, object.modified);
            }
        }
        Ok(listing)
    }

    /// All records of a window, read, and when each was written, by the store's clock.
    ///
    /// # Errors
    /// When the store fails, or one of the records cannot be read: then it is not known what is
    /// superseded, and the window must be left alone.
    pub async fn records(
        &self,
        window: &CompactionWindow,
    ) -> Result<BTreeMap<u32, (Record, SystemTime)>, JournalError> {
        let found = self.store.list(&layout::records(window)).await?;
        let numbers = found.iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Record(of, k)) if of == *window => Some((k, object.modified)),
            _ => None,
        });
        let read = |(k, modified): (u32, SystemTime)| async move {
            Ok::<_, JournalError>((k, (self.get_record(window, k).await?, modified)))
        };
        let reads = numbers.map(read).collect::<Vec<_>>();
        stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the store fails, the record is not what its name says, or two readings of it differ.
    pub async fn get_record(
        &self,
        window: &CompactionWindow,
        k: u32,
    ) -> Result<Record, JournalError> {
        let decode = |bytes: &Bytes| match Record::decode(bytes)? {
            record if record.window() == *window && record.k == k => Ok(record),
            _ => Err(RecordError::Damaged("it lies under another's name")),
        };
        let newer = |error: &RecordError| matches!(error, RecordError::UnknownVersion(_));
        let (_, record) = self.read(&layout::record(window, k), decode, newer).await?;
        record.map_err(|source| JournalError::Record { window: window.clone(), k, source })
    }

    /// Creates a record. All data that it names must be complete in the store (I4).
    /// [`Created::Lost`]: another compactor has been at work in this window.
    ///
    /// # Errors
    /// When the outcome could not be found out in time: call again with the same record, and keep
    /// every file meanwhile.
    pub async fn put_record(&self, record: &Record) -> Result<Created, JournalError> {
        let (window, k) = (record.window(), record.k);
        let encoded = record.encode();
        let encoded =
            encoded.map_err(|source| JournalError::Record { window: window.clone(), k, source })?;
        Ok(self.store.create(&layout::record(&window, k), encoded.bytes, encoded.identity).await?)
    }

    /// Deletes records at or below the floor.
    ///
    /// # Errors
    /// When the store did not confirm one of them; deleting again is right.
    pub async fn delete_records(
        &self,
        records: impl Iterator<Item = (CompactionWindow, u32)>,
    ) -> Result<(), JournalError> {
        let paths = records.map(|(window, k)| layout::record(&window, k));
        Ok(self.store.delete_all(paths).await?)
    }

    /// The store's clock, as far as the newest heartbeat shows it; long ago when there is none.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn store_time(&self) -> Result<SystemTime, JournalError> {
        let beats = self.store.list(layout::HEARTBEATS).await?;
        let newest = beats.into_iter().map(|beat| beat.modified).max();
        Ok(newest.unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// The retention that processes went by last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recorded_retention(&self) -> Result<Recorded, JournalError> {
        match self.store.get(layout::RETENTION).await {
            Ok(bytes) if bytes.len() as u64 <= MAX_RECORDED => Ok(Recorded::decode(&bytes)),
            Ok(_) => Ok(Recorded::default()),
            Err(StoreError::NotFound { .. }) => Ok(Recorded::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records the retention that is gone by from now on. What a newer release wrote is left as it is.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn record_retention(&self, recorded: &Recorded) -> Result<(), JournalError> {
        match recorded.is_foreign() {
            true => Ok(()),
            false => Ok(self.store.put(layout::RETENTION, recorded.encode()).await?),
        }
    }

    /// What lies in the store of blocks that slots name. One that is gone, but that a record which
    /// counts supersedes, has been compacted away.
    ///
    /// # Errors
    /// When the store fails, or a record that must be asked cannot be read.
    pub async fn block_states(
        &self,
        blocks: impl IntoIterator<Item = &BlockEntry>,
    ) -> Result<BTreeMap<Uuid, BlockState>, JournalError> {
        let keys = blocks.into_iter().map(|block| (block.tenant.clone(), block.id));
        let keys: Vec<(String, Uuid)> = keys.collect();
        let mut states = self.states(keys.clone()).await?;
        // With metas they are what they seem to be; without, only records can tell.
        let doubtful = keys.iter().filter(|(_, id)| {
            matches!(states.get(id), Some(BlockState::Gone | BlockState::Unfinished))
        });
        let windows: BTreeSet<CompactionWindow> =
            doubtful.filter_map(|(tenant, id)| CompactionWindow::of(tenant, id)).collect();
        for window in windows {
            let records = self.records(&window).await?;
            // After they were read: below the floor a record is evidence for nothing.
            if records.is_empty() || self.is_below(&window.hour_name()).await? {
                continue;
            }
            for input in records.values().flat_map(|(record, _)| &record.inputs) {
                states.entry(input.id).and_modify(|state| *state = BlockState::Compacted);
            }
        }
        Ok(states)
    }

    /// What lies in the store of a tenant's blocks.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn states(
        &self,
        blocks: Vec<(String, Uuid)>,
    ) -> Result<BTreeMap<Uuid, BlockState>, JournalError> {
        let look = |(tenant, id): (String, Uuid)| async move {
            let folder = layout::block(&tenant, &id);
            let found = self.store.list(&folder).await?;
            let is = |path: &str, name: &str| {
                path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')) == Some(name)
            };
            let has = |name: &str| found.iter().any(|object| is(&object.path, name));
            let state = if has(layout::META) {
                BlockState::Visible
            } else if has(layout::META_COMPACTED) {
                BlockState::Compacted
            } else if found.is_empty() {
                BlockState::Gone
            } else {
                BlockState::Unfinished
            };
            Ok::<_, JournalError>((id, state))
        };
        let looks = blocks.into_iter().map(look).collect::<Vec<_>>();
        stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Makes superseded blocks invisible: what was their `meta.json` is `meta.compacted.json` now, as
    /// Tempo does it. Those without a meta are left as they are.
    ///
    /// # Errors
    /// When the store did not confirm a step; hiding again is right.
    pub async fn hide(&self, tenant: &str, blocks: &[Uuid]) -> Result<(), JournalError> {
        let hide = |id: Uuid| async move {
            let meta = layout::block_object(tenant, &id, layout::META);
            match self.store.get(&meta).await {
                Ok(bytes) => {
                    let mark = layout::block_object(tenant, &id, layout::META_COMPACTED);
                    self.store.put(&mark, bytes).await?;
                    self.store.delete(&meta).await
                }
                Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        };
        let hides = blocks.iter().copied().map(hide).collect::<Vec<_>>();
        Ok(stream::iter(hides).buffer_unordered(AT_ONCE).try_collect::<()>().await?)
    }

    /// Deletes blocks that a record which counts supersedes and that are hidden.
    ///
    /// # Errors
    /// When the store did not confirm it; deleting again is right.
    pub async fn delete_blocks(&self, tenant: &str, blocks: &[Uuid]) -> Result<(), JournalError> {
        for id in blocks {
            let found = self.store.list(&layout::block(tenant, id)).await?;
            let mark = layout::block_object(tenant, id, layout::META_COMPACTED);
            // The mark last: as long as anything is left, it says why.
            let paths = found.into_iter().map(|object| object.path);
            let (marks, objects): (Vec<_>, Vec<_>) = paths.partition(|path| *path == mark);
            self.store.delete_all(objects).await?;
            self.store.delete_all(marks).await?;
        }
        Ok(())
    }
}
