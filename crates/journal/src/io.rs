//! The protocol's operations on a store, one function each. What to do, and when, is decided
//! elsewhere ([`crate::epoch`], [`crate::recover`]).

use crate::cluster::{Cluster, ClusterError, FORMAT};
use crate::heartbeat::HeartbeatError;
use crate::id::{EpochId, Uid};
use crate::layout::{self, Place};
use crate::record::RecordError;
use crate::segment::{Sealed, SegmentError};
use crate::slot::{BlockEntry, Slot, SlotError};
use crate::window::CompactionWindow;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use tributary_store::{Created, Store, StoreError};

mod compaction;
mod heartbeats;
mod read;
mod upkeep;

pub use compaction::RecordListing;
pub use read::SegmentObject;
pub use upkeep::Metaless;

/// Objects read, or written, at a time by one call.
const AT_ONCE: usize = 8;

/// Why an operation on the journal failed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The store failed; its error says whether trying again helps.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A segment cannot be read, neither the first time nor the second: quarantine it, or leave it to
    /// a newer release.
    #[error("segment {n} of epoch {epoch}: {source}")]
    Segment {
        /// The epoch.
        epoch: EpochId,
        /// The segment's number.
        n: u64,
        /// Why.
        source: SegmentError,
    },
    /// A slot cannot be read or written: the epoch is to be left alone, and an operator to be told.
    #[error("commit slot {k} of epoch {epoch}: {source}")]
    Slot {
        /// The epoch.
        epoch: EpochId,
        /// The slot's number.
        k: u32,
        /// Why.
        source: SlotError,
    },
    /// A window's record cannot be read or written: the window is to be left alone, and an operator
    /// to be told.
    #[error("record {k} of tenant {}'s window {}: {source}", window.tenant, window.hour_name())]
    Record {
        /// The window.
        window: CompactionWindow,
        /// The record's number.
        k: u32,
        /// Why.
        source: RecordError,
    },
    /// An object was damaged in two readings, which differ: the store does not give what was written,
    /// and what lies in it is not known. Leave the object as it is and try again later.
    #[error(
        "{path} is damaged in two readings, which differ: the store, or what lies between, gives wrong bytes"
    )]
    Unsteady {
        /// The object.
        path: String,
    },
    /// The bucket must not be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Our own heartbeat is too large.
    #[error(transparent)]
    Heartbeat(#[from] HeartbeatError),
}

/// The journal in a store.
#[derive(Clone)]
pub struct Journal {
    store: Store,
}

impl Journal {
    /// The journal in `store`.
    pub fn new(store: Store) -> Self {
        Journal { store }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The bucket's identity: `ours` if no process came before, else the one that is there.
    ///
    /// # Errors
    /// When the bucket belongs to something else, or to a newer release.
    pub async fn open_cluster(
        &self,
        ours: Uid,
        name: Option<&str>,
    ) -> Result<Cluster, JournalError> {
        let cluster = Cluster { cluster: ours, format: FORMAT, name: name.map(str::to_owned) };
        let bytes = cluster.encode();
        // Reading first spares every start but the very first one a write.
        match self.store.get(layout::CLUSTER).await {
            Ok(theirs) => return Ok(Cluster::decode(&theirs)?.named(name)?),
            Err(StoreError::NotFound { .. }) => {}
            Err(e) => return Err(e.into()),
        }
        let identity = 0..bytes.len();
        match self.store.create(layout::CLUSTER, bytes, identity).await? {
            Created::Won => Ok(cluster),
            Created::Lost => {
                let theirs = Cluster::decode(&self.store.get(layout::CLUSTER).await?)?;
                Ok(theirs.named(name)?)
            }
        }
    }

    /// Writes a segment. [`Created::Won`]: its frames may be acknowledged. [`Created::Lost`]: the
    /// epoch's id exists twice; abandon the epoch, put the content into a new one.
    ///
    /// # Errors
    /// When the outcome could not be found out in time: call again with the same bytes, or never use
    /// the number again.
    pub async fn put_segment(
        &self,
        epoch: &EpochId,
        sealed: &Sealed,
    ) -> Result<Created, JournalError> {
        let path = layout::segment(epoch, sealed.info.n);
        Ok(self.store.create(&path, sealed.bytes.clone(), sealed.identity.clone()).await?)
    }

    /// Keeps a copy of a segment that cannot be read: `bytes` are those that were judged, not those
    /// of another reading. The copy is there when this has succeeded, and not before.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn quarantine(
        &self,
        epoch: &EpochId,
        n: u64,
        bytes: Bytes,
    ) -> Result<(), JournalError> {
        Ok(self.store.put(&layout::quarantine(epoch, n), bytes).await?)
    }

    /// Creates a commit slot. All data that it names must be complete in the store (I4).
    /// [`Created::Lost`]: another process has committed in this epoch.
    ///
    /// # Errors
    /// When the outcome could not be found out in time: call again with the same slot, and keep
    /// every file meanwhile.
    pub async fn put_slot(&self, slot: &Slot) -> Result<Created, JournalError> {
        let fail = |source| JournalError::Slot { epoch: slot.epoch, k: slot.k, source };
        let encoded = slot.encode().map_err(fail)?;
        let path = layout::slot(&slot.epoch, slot.k);
        Ok(self.store.create(&path, encoded.bytes, encoded.identity).await?)
    }

    /// Reads a commit slot.
    ///
    /// # Errors
    /// When the store fails, the slot is not what its name says, or two readings of it differ.
    pub async fn get_slot(&self, epoch: &EpochId, k: u32) -> Result<Slot, JournalError> {
        let decode = |bytes: &Bytes| match Slot::decode(bytes)? {
            slot if slot.epoch == *epoch && slot.k == k => Ok(slot),
            _ => Err(SlotError::Damaged("it lies under another's name")),
        };
        let newer = |error: &SlotError| matches!(error, SlotError::UnknownVersion(_));
        let (_, slot) = self.read(&layout::slot(epoch, k), decode, newer).await?;
        slot.map_err(|source| JournalError::Slot { epoch: *epoch, k, source })
    }

    /// Writes the metas of blocks that a slot names, which readers see from then on. Doing it
    /// again writes the same bytes.
    ///
    /// # Errors
    /// When the store did not confirm one of them.
    pub async fn write_metas(&self, blocks: &[BlockEntry]) -> Result<(), JournalError> {
        let write = |block: &BlockEntry| {
            let path = layout::block_object(&block.tenant, &block.id, layout::META);
            let meta = block.meta.clone();
            async move { self.store.put(&path, meta).await }
        };
        let writes = blocks.iter().map(write);
        Ok(stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?)
    }

    /// Deletes segments. Only what [`crate::epoch::WriterEpoch::metas_written`] or
    /// an adoption ([`crate::adopt`]) allow may be given here (I2).
    ///
    /// # Errors
    /// When the store did not confirm one of them; deleting again is right.
    pub async fn delete_segments(
        &self,
        epoch: &EpochId,
        segments: &[u64],
    ) -> Result<(), JournalError> {
        Ok(self.store.delete_all(segments.iter().map(|n| layout::segment(epoch, *n))).await?)
    }

    /// All epochs in the store, sorted. What is not named as an epoch is not looked at.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn epochs(&self) -> Result<Vec<EpochId>, JournalError> {
        let hours = self.store.list_folders(layout::LOG).await?;
        let list = |hour: String| async move {
            let names = self.store.list_folders(&layout::hour_folder(&hour)).await?;
            let epochs = names.into_iter().filter_map(|name| name.parse::<EpochId>().ok());
            Ok::<_, StoreError>(epochs.filter(|epoch| epoch.hour() == hour).collect::<Vec<_>>())
        };
        let found = stream::iter(hours.into_iter().map(list)).buffer_unordered(AT_ONCE);
        let mut epochs = found.try_concat().await?;
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// All slots of `epoch`, read.
    ///
    /// # Errors
    /// When the store fails, or one of the slots cannot be read: then it is not known what is
    /// covered, and the epoch must be left alone.
    pub async fn slots(&self, epoch: &EpochId) -> Result<BTreeMap<u32, Slot>, JournalError> {
        let found = self.store.list(&layout::slots(epoch)).await?;
        let numbers = found.iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Slot(of, k)) if of == *epoch => Some(k),
            _ => None,
        });
        let read = |k| async move { Ok::<_, JournalError>((k, self.get_slot(epoch, k).await?)) };
        let reads = numbers.map(read).collect::<Vec<_>>();
        stream::iter(reads).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The segments of `epoch`: number and length.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn segments(&self, epoch: &EpochId) -> Result<BTreeMap<u64, u64>, JournalError> {
        let found = self.store.list(&layout::segments(epoch)).await?;
        let segments = found.iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Segment(of, n)) if of == *epoch => Some((n, object.size)),
            _ => None,
        });
        Ok(segments.collect())
    }
}
