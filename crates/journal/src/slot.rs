//! A commit slot: one create-only object that makes blocks count and segments superfluous, both
//! in the same instant.
//!
//! ```text
//! offset  bytes
//!      0      8  "TRIBCMT" and a zero byte
//!      8      2  version, 1 (little-endian)
//!     10      2  zero
//!     12      4  CRC-32 of all bytes from 16 on (little-endian)
//!     16     16  uid: random, new for this attempt at the slot
//!     32      …  MessagePack map with named fields ([`Slot`])
//! ```
//!
//! Versions: a reader refuses a version that it does not know; it must then leave the epoch to a
//! newer process, because it cannot tell what is covered. New named fields may join without a new
//! version if a reader may ignore them.
//!
//! Invariants, beside the journal's
//! 1. Slot `k + 1` is created only after slot `k` was seen, so slots have no gaps.
//! 2. `rows_in` = rows of all blocks + `duplicates` + `rejected` (I10). A slot that does not keep
//!    this is neither written nor read.
//! 3. A block is named by one slot and has an id that was minted for it ([`crate::id`]).
//! 4. At most [`MAX_SLOT`] bytes.

use crate::id::{EpochId, MAX_SLOTS, Uid, block_origin};
use crate::segment::SegmentInfo;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;
use tributary_span::tenant;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// The largest slot, in bytes: a generation with more blocks than fit is committed in parts.
pub const MAX_SLOT: usize = 16 << 20;

const MAGIC: [u8; 8] = *b"TRIBCMT\0";
const VERSION: u16 = 1;
const HEAD: usize = 32;

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
    /// Segments that nobody can read. They are left out from now on, and never deleted.
    #[serde(default, deserialize_with = "crate::grow::list")]
    pub quarantined: Vec<u64>,
    /// Spans in the covered segments.
    pub rows_in: u64,
    /// Of these, spans left out because one with the same id and kind is in the same block.
    pub duplicates: u64,
    /// Of these, spans that no block can hold.
    #[serde(default)]
    pub rejected: u64,
    /// Of the duplicates, spans whose ids and kind are another's but whose contents are not: which
    /// spans are one and the same is Tempo's rule, id and kind, and the first one counts.
    pub conflicts: u64,
    /// The epoch's owner writes no more. Late segments of earlier writes may still appear.
    pub closed: bool,
    /// Written by another process than the epoch's owner.
    #[serde(default)]
    pub adopted: bool,
}

/// A block, with all that anybody needs to finish it.
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

/// A slot ready to be written.
#[derive(Debug, Clone)]
pub struct EncodedSlot {
    /// The object.
    pub bytes: Bytes,
    /// Where in it the bytes are that no other writer can have written.
    pub identity: Range<usize>,
}

fn no_uid() -> Uid {
    Uid([0; 16])
}

impl Slot {
    /// The slot's object.
    ///
    /// # Errors
    /// When it breaks one of its invariants.
    pub fn encode(&self) -> Result<EncodedSlot, SlotError> {
        self.check()?;
        let mut out = Vec::with_capacity(1024);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&self.uid.0);
        let written = rmp_serde::encode::write_named(&mut out, self);
        written.map_err(|e| SlotError::Wrong(e.to_string()))?;
        if out.len() > MAX_SLOT {
            return Err(SlotError::Wrong(format!("{} bytes, {MAX_SLOT} are allowed", out.len())));
        }
        let crc = crc32fast::hash(out.get(16..).unwrap_or_default());
        let field = out.iter_mut().skip(12).zip(crc.to_le_bytes());
        field.for_each(|(to, from)| *to = from);
        Ok(EncodedSlot { bytes: out.into(), identity: 0..HEAD })
    }

    /// Reads a slot.
    ///
    /// # Errors
    /// When a single bit is not as it was written, the version is not known, or the slot breaks
    /// one of its invariants.
    pub fn decode(bytes: &[u8]) -> Result<Slot, SlotError> {
        use SlotError::Damaged;
        if bytes.len() > MAX_SLOT {
            return Err(Damaged("longer than any slot"));
        }
        let (head, map) =
            bytes.split_first_chunk::<HEAD>().ok_or(Damaged("shorter than its head"))?;
        let [magic @ .., v0, v1, z0, z1, c0, c1, c2, c3] =
            head.first_chunk::<16>().ok_or(Damaged("head"))?;
        if magic != &MAGIC {
            return Err(Damaged("does not begin as a slot"));
        }
        let version = u16::from_le_bytes([*v0, *v1]);
        if version != VERSION {
            return Err(SlotError::UnknownVersion(version));
        }
        let covered = bytes.get(16..).unwrap_or_default();
        if [*z0, *z1] != [0, 0]
            || crc32fast::hash(covered) != u32::from_le_bytes([*c0, *c1, *c2, *c3])
        {
            return Err(Damaged("checksum"));
        }
        let mut slot: Slot = rmp_serde::from_slice(map).map_err(|_| Damaged("map"))?;
        slot.uid = Uid(*head.last_chunk::<16>().ok_or(Damaged("head"))?);
        slot.check()?;
        Ok(slot)
    }

    /// Whether it covers or sets aside segment `n`.
    pub fn names(&self, n: u64) -> bool {
        self.quarantined.contains(&n) || self.covers.iter().any(|segment| segment.n == n)
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
