//! What may be deleted: only what something durable says is superfluous. "No object refers to it"
//! is no evidence, and no rule here looks at a clock to decide whether something is garbage.
//!
//! | object | goes when | evidence |
//! |---|---|---|
//! | segment | a slot names it with its length, and each block of that slot has its meta | [`crate::recover`] |
//! | data of a block without meta | the slot it was minted for exists and does not name it (I5) | [`verdict`] |
//! | a block that a record supersedes | its outputs are visible or superseded in their turn, and the record is old | [`crate::compact`] |
//! | data of a compacted block without meta | the record it was minted for exists and does not name it (I5) | [`verdict_on_compacted`] |
//! | a block that has expired | a record names it as expired, and the record is old | [`crate::compact`] |
//! | slots and records of an hour | no segment and no superseded block is left in that hour or before, each block named has had its meta, no unnamed data is left; `floor` is written first | [`floor_to_write`] |
//! | a record below the floor | it counts for nothing, or all that it names is gone | [`may_go_below_floor`] |
//!
//! Everything else stays. Data whose slot does not exist is never touched: either there are
//! uncovered segments behind it, and adoption will fill the slot, or the slot is below the floor.
//! Behind a record that does not exist there is nothing but blocks that are visible, so it may
//! never be filled: the collector then does that, with a record that only takes the number
//! ([`Record::empty`]), and the compactor that meant to create it loses.
//! That an hour is old only keeps slots around for people to look at; safety comes from the floor.

use crate::id::{BlockOrigin, EpochId, block_origin};
use crate::record::{Input, Record};
use crate::recover::BlockState;
use crate::slot::Slot;
use crate::window::{CompactionWindow, HOUR, compacted_origin, hour_of};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What the store holds of one epoch, by a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Numbers of slots.
    pub slots: BTreeSet<u32>,
    /// Segments: number and length.
    pub segments: BTreeMap<u64, u64>,
}

/// What a block's data without a meta is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Can never become visible: the slot it was minted for exists and does not name it.
    Garbage,
    /// The slot that it was minted for names it: adoption writes its meta, or it was taken away.
    Named,
    /// Its slot does not exist (yet).
    Pending,
    /// Not minted by a journal, or for an epoch that is not known: another program's.
    Foreign,
}

/// Judges the data of a block without a meta, by the slot that it was minted for if that exists.
/// The floor, listed after that slot was read, must be below it: else the slot is no evidence.
pub fn verdict(block: &Uuid, slot: Option<&Slot>) -> Verdict {
    let Some(origin) = block_origin(block) else { return Verdict::Foreign };
    match slot {
        None => Verdict::Pending,
        Some(slot) if slot.k != origin.slot || !origin.is_of(&slot.epoch) => Verdict::Foreign,
        Some(slot) if slot.blocks.iter().any(|named| named.id == *block) => Verdict::Named,
        Some(_) => Verdict::Garbage,
    }
}

/// Judges the data of a compacted block without a meta, by the record that it was minted for if that
/// exists. The floor, listed after that record was read, must be below it.
pub fn verdict_on_compacted(tenant: &str, block: &Uuid, record: Option<&Record>) -> Verdict {
    let (Some(origin), Some(window)) =
        (compacted_origin(block), CompactionWindow::of(tenant, block))
    else {
        return Verdict::Foreign;
    };
    match record {
        None => Verdict::Pending,
        Some(record) if record.k != origin.record || record.window() != window => Verdict::Foreign,
        Some(record) if record.outputs.iter().any(|named| named.id == *block) => Verdict::Named,
        Some(_) => Verdict::Garbage,
    }
}

/// The one epoch of these that the block may have been minted for. Two epochs that share what a
/// block's id tells of them make its origin unknown, so that it is left alone.
pub fn epoch_of<'e>(
    origin: &BlockOrigin,
    epochs: impl Iterator<Item = &'e EpochId>,
) -> Option<EpochId> {
    let mut fitting = epochs.filter(|epoch| origin.is_of(epoch));
    match (fitting.next(), fitting.next()) {
        (Some(epoch), None) => Some(*epoch),
        _ => None,
    }
}

/// What is known of an hour, for [`floor_to_write`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hour {
    /// Segments in it.
    pub segments: usize,
    /// Whether one of its epochs is named by a heartbeat, ours included.
    pub owned: bool,
    /// Whether each block that its slots and records name has had its meta, by a look after they were
    /// read.
    pub finished: bool,
    /// Blocks that its records supersede and that are not gone.
    pub superseded: usize,
    /// Block data without a meta that was minted for one of its epochs or windows.
    pub unnamed: usize,
    /// Whether it has been as it is for long enough. Comfort, not safety.
    pub old: bool,
}

impl Hour {
    /// Whether nothing is left to do in it.
    pub fn is_done(&self) -> bool {
        let left = self.segments + self.superseded + self.unnamed;
        left == 0 && !self.owned && self.finished && self.old
    }
}

/// The hour to write the floor at: the last of the run of hours, from the oldest, that are all
/// done with. `None` when the oldest one is not. What comes after the first hour that is not done
/// with does not matter, so it need not be looked at.
pub fn floor_to_write(hours: &BTreeMap<String, Hour>) -> Option<&str> {
    hours.iter().take_while(|(_, hour)| hour.is_done()).last().map(|(name, _)| name.as_str())
}

/// The first second, since 1970, whose hour a floor does not cover: no epoch is to begin before,
/// whatever the clock of its process says, since no slot of it would count. (The floor may have been
/// raised by a process whose clock is ahead of others'.) `None` when no such second has a name.
pub fn first_second_above(floor: &str) -> Option<u32> {
    hour_of(floor)?.checked_add(1)?.checked_mul(HOUR)
}

/// The most that one pass deletes without an operator being asked, beside a tenth of what there is.
const ALWAYS_ALLOWED: usize = 1000;

/// Whether a pass may delete so many of so many objects. A pass that wants more has most likely
/// been misled, and stops with an alarm instead.
pub fn may_delete(deletions: usize, objects: usize) -> bool {
    deletions <= ALWAYS_ALLOWED || deletions <= objects / 10
}

/// Whether a record at or below the floor may be removed, by what lies in the store of the blocks that
/// it names. An expiry stands until they are gone, so that they are hidden and deleted whatever stops
/// on the way; other records count for nothing there.
pub fn may_go_below_floor(record: &Record, states: &BTreeMap<Uuid, BlockState>) -> bool {
    let is_gone = |input: &Input| states.get(&input.id) == Some(&BlockState::Gone);
    !record.counts_below_floor() || record.inputs.iter().all(is_gone)
}

/// Whether the floor covers an hour.
pub fn is_below(floor: Option<&str>, hour: &str) -> bool {
    floor.is_some_and(|floor| hour <= floor)
}
