//! What only the adopter and the collector need: surveys, the floor, orphans.

use super::{Journal, JournalError};
use crate::collect::{self, Held};
use crate::id::EpochId;
use crate::layout::{self, Place};
use crate::segment::{Header, Sealed, SegmentError};
use bytes::Bytes;
use std::collections::BTreeMap;
use tributary_store::Created;
use uuid::Uuid;

/// A block that no reader can see: objects, but no meta.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metaless {
    /// Its tenant.
    pub tenant: String,
    /// Its id.
    pub id: Uuid,
    /// The paths of its objects.
    pub objects: Vec<String>,
}

impl Journal {
    /// The floor: the last hour whose slots no longer count. `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn floor(&self) -> Result<Option<String>, JournalError> {
        Ok(self.floors().await?.pop())
    }

    /// Hours at which the floor was raised, in their order. Other programs' names are passed over:
    /// one that sorts after every hour would make all slots void.
    async fn floors(&self) -> Result<Vec<String>, JournalError> {
        let found = self.store.list(layout::FLOOR).await?;
        let hours = found.iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Floor(hour)) => Some(hour),
            _ => None,
        });
        let mut hours: Vec<String> = hours.collect();
        hours.sort_unstable();
        Ok(hours)
    }

    /// Whether the floor covers this epoch. Ask after what it is to be evidence for was read.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn is_below_floor(&self, epoch: &EpochId) -> Result<bool, JournalError> {
        self.is_below(&epoch.hour()).await
    }

    /// Whether the floor covers an hour. Ask after what it is to be evidence for was read.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn is_below(&self, hour: &str) -> Result<bool, JournalError> {
        Ok(collect::is_below(self.floor().await?.as_deref(), hour))
    }

    /// Raises the floor to an hour that [`collect::floor_to_write`] answered.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn raise_floor(&self, hour: &str) -> Result<(), JournalError> {
        // Several may raise it at once, and to different hours: each is an object of its own.
        self.store.put(&layout::floor(hour), Bytes::from_static(b"{}")).await?;
        // The last one counts alone, so those before it are only in the way of listings.
        let mut floors = self.floors().await?;
        floors.pop();
        Ok(self.store.delete_all(floors.iter().map(|hour| layout::floor(hour))).await?)
    }

    /// Slots and segments of all epochs, by one listing.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn survey(&self) -> Result<BTreeMap<EpochId, Held>, JournalError> {
        let mut epochs: BTreeMap<EpochId, Held> = BTreeMap::new();
        for object in self.store.list(layout::LOG).await? {
            match layout::parse(&object.path) {
                Some(Place::Segment(epoch, n)) => {
                    epochs.entry(epoch).or_default().segments.insert(n, object.size);
                }
                Some(Place::Slot(epoch, k)) => {
                    epochs.entry(epoch).or_default().slots.insert(k);
                }
                _ => {}
            }
        }
        Ok(epochs)
    }

    /// Deletes slots at or below the floor.
    ///
    /// # Errors
    /// When the store did not confirm one of them; deleting again is right.
    pub async fn delete_slots(
        &self,
        slots: impl Iterator<Item = (EpochId, u32)>,
    ) -> Result<(), JournalError> {
        Ok(self.store.delete_all(slots.map(|(epoch, k)| layout::slot(&epoch, k))).await?)
    }

    /// Blocks that have objects but neither `meta.json` nor `meta.compacted.json`: tenant, id and
    /// the paths of the objects; and how many blocks there are in all.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub async fn blocks_without_meta(&self) -> Result<(Vec<Metaless>, usize), JournalError> {
        let mut blocks: BTreeMap<(String, Uuid), (bool, Vec<String>)> = BTreeMap::new();
        for object in self.store.list(layout::BLOCKS).await? {
            if let Some(Place::Block { tenant, block, object: name }) = layout::parse(&object.path)
            {
                let block = blocks.entry((tenant, block)).or_default();
                block.0 |= name == layout::META || name == layout::META_COMPACTED;
                block.1.push(object.path);
            }
        }
        let all = blocks.len();
        let without = blocks.into_iter().filter(|(_, (has_meta, _))| !has_meta);
        let without =
            without.map(|((tenant, id), (_, objects))| Metaless { tenant, id, objects }).collect();
        Ok((without, all))
    }

    /// Writes the content of a segment as the only segment of a new epoch. When it is durable there
    /// the old one may go, and the new epoch is adopted like any other.
    ///
    /// # Errors
    /// When the segment cannot be read: an error about `epoch`, and nothing was written. When the
    /// store did not confirm the write: call again with the same header.
    pub async fn relog(&self, epoch: &EpochId, n: u64, to: &Header) -> Result<(), JournalError> {
        let object = self.read_segment(epoch, n).await?;
        let fail = |source| JournalError::Segment { epoch: *epoch, n, source };
        object.segment.map_err(fail)?;
        self.put_back(&object.bytes, to).await
    }

    /// Writes the content of a segment, such as that of a copy which was set aside, as the only segment
    /// of a new epoch, which is then adopted like any other. Its epoch is to be of this hour and above
    /// the floor.
    ///
    /// # Errors
    /// When `bytes` are no segment that can be read, or the store did not confirm the write: call
    /// again with the same header.
    pub async fn put_back(&self, bytes: &Bytes, to: &Header) -> Result<(), JournalError> {
        let fail = |source| JournalError::Segment { epoch: to.epoch, n: to.n, source };
        let sealed = Sealed::readdressed(bytes, to).map_err(fail)?;
        match self.put_segment(&to.epoch, &sealed).await? {
            Created::Won => Ok(()),
            Created::Lost => Err(fail(SegmentError::Damaged("its epoch's id exists twice"))),
        }
    }

    /// Deletes the copy of a segment that was set aside, when its content is durable elsewhere.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn delete_copy(&self, epoch: &EpochId, n: u64) -> Result<(), JournalError> {
        Ok(self.store.delete(&layout::quarantine(epoch, n)).await?)
    }
}
