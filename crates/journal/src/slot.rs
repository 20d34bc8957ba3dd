//! A commit slot: one create-only object that makes blocks count and segments superfluous, both
//! in the same instant.
//!
//! Its frame is that of `framed.rs`, `TRIBCMT` with a zero byte, version 1; its map is [`Slot`].
//!
//! Versions: a reader refuses a version that it does not know; it must then leave the epoch to a
//! newer process, because it cannot tell what is covered. New named fields may join without a new
//! version if a reader may ignore them.
//!
//! Invariants, beside the journal's
//! 1. Slot `k + 1` is created only after slot `k` was seen, so slots have no gaps.
//! 2. `rows_in` = rows of all blocks + `duplicates` + `rejected` (I10), and of the rejected at most all
//!    are `relogged`. A slot that does not keep
//!    this is neither written nor read. `rows_in` = spans of all segments that it covers: a slot that
//!    does not keep this is not written, because its segments would be deleted with spans in them
//!    that are in no block. It can be read, so that an audit names it.
//! 3. A block is named by one slot and has an id that was minted for it ([`crate::id`]).
//! 4. At most [`MAX_SLOT`] bytes.

use crate::framed::{self, Encoded, Format, Unreadable};
use crate::id::{EpochId, MAX_SLOTS, Uid, block_origin};
use crate::segment::SegmentInfo;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tributary_span::tenant;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// The largest slot, in bytes: a generation with more blocks than fit is committed in parts.
pub const MAX_SLOT: usize = framed::MAX;

const FORMAT: Format = Format { magic: *b"TRIBCMT\0", version: 1 };

/// What a slot says.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// Random, by which its writer knows it again. It stands before the map.
    #[serde(skip, default = "no_uid")]
    pub uid: Uid,
    /// The epoch.
    pub epoch: EpochId,
    /// The slot's number.
    pub k: u32,
    /// The blocks that it makes visible.
    #[serde(deserialize_with = "crate::grow::list")]
    pub blocks: Vec<BlockEntry>,
    /// The segments whose spans are in these blocks.
    #[serde(deserialize_with = "crate::grow::list")]
    pub covers: Vec<SegmentInfo>,
    /// Segments that no release can read. They are left out from now on, and never deleted.
    #[serde(default, deserialize_with = "crate::grow::list")]
    pub quarantined: Vec<u64>,
    /// Spans in the covered segments.
    pub rows_in: u64,
    /// Of these, spans left out because one with the same id and kind is in the same block.
    pub duplicates: u64,
    /// Of these, spans that none of the blocks holds.
    #[serde(default)]
    pub rejected: u64,
    /// Of the rejected, spans of tenants whose blocks the store did not take: they were logged again
    /// before, in an epoch of their own. Older releases know of no such.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub relogged: u64,
    /// Of the duplicates, spans whose ids and kind are another's but whose contents are not: which
    /// spans are one and the same is Tempo's rule, id and kind, and the first one counts.
    pub conflicts: u64,
    /// The epoch's owner writes no more. Late segments of earlier writes may still appear.
    pub closed: bool,
    /// Written by another process than the epoch's owner.
    #[serde(default)]
    pub adopted: bool,
}

/// A block, with all that an adopter needs to finish it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockEntry {
    /// Its tenant.
    pub tenant: String,
    /// Its id.
    pub id: Uuid,
    /// Its `meta.json`, byte for byte.
    pub meta: Bytes,
    /// Spans in it.
    pub rows: u64,
    /// Length of its `data.parquet`.
    pub size: u64,
    /// CRC-32 of its `data.parquet`.
    pub crc: u32,
}

/// Why bytes are not a slot that can be read, or a slot must not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// Written by a newer release: the epoch is to be left to a process that knows it.
    #[error("the commit slot has version {0}, which this release does not know")]
    UnknownVersion(u16),
    /// Not what was written.
    #[error("the commit slot is damaged: {0}")]
    Damaged(&'static str),
    /// It contradicts itself: a fault of its writer.
    #[error("the commit slot is wrong: {0}")]
    Wrong(String),
}

impl From<Unreadable> for SlotError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Version(version) => SlotError::UnknownVersion(version),
            Unreadable::Damaged(what) => SlotError::Damaged(what),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

pub(crate) fn no_uid() -> Uid {
    Uid([0; 16])
}

impl Slot {
    /// The slot's object.
    ///
    /// # Errors
    /// When it breaks one of its invariants.
    pub fn encode(&self) -> Result<Encoded, SlotError> {
        self.check()?;
        let spans = self.spans();
        if spans != Some(self.rows_in) {
            return Err(SlotError::Wrong(format!(
                "{} rows in, but its segments have {spans:?} spans",
                self.rows_in
            )));
        }
        framed::encode(FORMAT, &self.uid, self).map_err(SlotError::Wrong)
    }

    /// Reads a slot.
    ///
    /// # Errors
    /// When a single bit is not as it was written, the version is not known, or the slot breaks
    /// one of its invariants.
    pub fn decode(bytes: &[u8]) -> Result<Slot, SlotError> {
        let (uid, mut slot) = framed::decode::<Slot>(FORMAT, bytes)?;
        slot.uid = uid;
        slot.check()?;
        Ok(slot)
    }

    /// Whether it covers the segment or sets it aside: for everything else the segment is done with.
    pub fn names(&self, n: u64) -> bool {
        self.covers.iter().any(|segment| segment.n == n) || self.quarantined.contains(&n)
    }

    /// Spans in the segments that it covers, if the sum is a number at all.
    pub(crate) fn spans(&self) -> Option<u64> {
        self.covers.iter().try_fold(0u64, |sum, segment| sum.checked_add(segment.spans))
    }

    fn check(&self) -> Result<(), SlotError> {
        let wrong = |why: String| Err(SlotError::Wrong(why));
        if self.k >= MAX_SLOTS {
            return wrong(format!("number {} is too large", self.k));
        }
        let rows = self.blocks.iter().try_fold(0u64, |sum, block| sum.checked_add(block.rows));
        let out = rows
            .and_then(|rows| rows.checked_add(self.duplicates))
            .and_then(|rows| rows.checked_add(self.rejected));
        if out != Some(self.rows_in) {
            return wrong(format!(
                "{} rows in, but {rows:?} in blocks, {} duplicates, {} rejected",
                self.rows_in, self.duplicates, self.rejected
            ));
        }
        if self.relogged > self.rejected {
            return wrong(format!("{} of {} rejected are relogged", self.relogged, self.rejected));
        }
        let mut named = BTreeSet::new();
        let covers = self.covers.iter().map(|segment| segment.n);
        if let Some(n) = covers.chain(self.quarantined.iter().copied()).find(|n| !named.insert(*n))
        {
            return wrong(format!("segment {n} is named twice"));
        }
        for block in &self.blocks {
            if let Err(e) = tenant::check(&block.tenant) {
                return wrong(format!("block {}: {e}", block.id));
            }
            let minted_here =
                block_origin(&block.id).is_some_and(|o| o.slot == self.k && o.is_of(&self.epoch));
            if !minted_here {
                return wrong(format!("block {} was not minted for it", block.id));
            }
        }
        Ok(())
    }
}
