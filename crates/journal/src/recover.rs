//! What is left to do for an epoch, from what lies in the store alone.
//!
//! The adopter may be the owner after a restart, another replica, or two replicas at once:
//! the plan only ever does what is safe for all of them. It is made from two listings of which
//! neither is a snapshot: the slots first, then the segments. A slot that the listing missed only
//! makes the creation of the next slot fail; then list again.

use crate::segment::SegmentInfo;
use crate::slot::{BlockEntry, Slot};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What lies in the store for one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Listing {
    /// All slots, read and decoded, by number.
    pub(crate) slots: BTreeMap<u32, Slot>,
    /// All segments, listed after the slots: number and length.
    pub(crate) segments: BTreeMap<u64, u64>,
}

/// What lies in the store of a block that a slot names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockState {
    /// It has its `meta.json`: readers see it.
    Visible,
    /// It has been compacted away, so it had its `meta.json`.
    Compacted,
    /// It has data but no meta: the process that won the slot did not get to write it.
    Unfinished,
    /// Nothing at all is there. It was deleted after its time, or it was lost: the store cannot tell.
    Gone,
}

/// What to do for an epoch, in this order: finish, delete, replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    /// Blocks whose `meta.json` is to be written.
    pub(crate) finish: Vec<BlockEntry>,
    /// Segments that may be deleted now: a slot names them with this length, and all its blocks
    /// have had their metas (I2).
    pub(crate) deletable: Vec<u64>,
    /// Segments that may be deleted once `finish` is done.
    pub(crate) deletable_after_finish: Vec<u64>,
    /// Segments that exist and that no slot names: live data, to be replayed. Number and length.
    pub(crate) uncovered: BTreeMap<u64, u64>,
    /// The slot to commit the replay in: the end of the run of slots without a gap.
    pub(crate) next_slot: u32,
    /// Segments that a slot names, but with another length or together with a block that is gone.
    /// Neither deleted, since nothing proves that their spans are elsewhere, nor replayed, since
    /// they are covered: for a person to look at.
    pub(crate) unproven: Vec<u64>,
}

/// The blocks that [`plan`] must know the state of: those of slots that cover a segment which is
/// still there. The others were finished before their segments went, and a meta that is missing
/// now was taken away by compaction or retention: writing it again would bring back what is gone.
pub(crate) fn blocks_to_look_at(listing: &Listing) -> Vec<&BlockEntry> {
    let unfinished = listing.slots.values().filter(|slot| covers_present(slot, listing));
    unfinished.flat_map(|slot| &slot.blocks).collect()
}

fn covers_present(slot: &Slot, listing: &Listing) -> bool {
    slot.covers.iter().any(|segment| listing.segments.contains_key(&segment.n))
}

/// What is to be done, given the state of the blocks that [`blocks_to_look_at`] named. A block
/// without a state counts as not looked at, and keeps its slot's segments from being deleted.
pub(crate) fn plan(listing: &Listing, blocks: &BTreeMap<Uuid, BlockState>) -> Plan {
    let mut plan = Plan { next_slot: contiguous(&listing.slots), ..Plan::default() };
    let mut named = BTreeSet::new();
    for slot in listing.slots.values() {
        named.extend(slot.quarantined.iter().copied());
        named.extend(slot.covers.iter().map(|segment| segment.n));
        if !covers_present(slot, listing) {
            continue;
        }
        let state = |block: &BlockEntry| blocks.get(&block.id).copied();
        let unfinished: Vec<_> = slot
            .blocks
            .iter()
            .filter(|b| state(b) == Some(BlockState::Unfinished))
            .cloned()
            .collect();
        let looked_at = slot.blocks.iter().all(|b| state(b).is_some());
        let gone = slot.blocks.iter().any(|b| state(b) == Some(BlockState::Gone));
        for SegmentInfo { n, len, .. } in &slot.covers {
            match listing.segments.get(n) {
                None => {}
                Some(listed) if listed != len || gone => plan.unproven.push(*n),
                Some(_) if !looked_at => {}
                Some(_) if unfinished.is_empty() => plan.deletable.push(*n),
                Some(_) => plan.deletable_after_finish.push(*n),
            }
        }
        plan.finish.extend(unfinished);
    }
    let uncovered = listing.segments.iter().filter(|(n, _)| !named.contains(n));
    plan.uncovered = uncovered.map(|(n, len)| (*n, *len)).collect();
    plan
}

fn contiguous(slots: &BTreeMap<u32, Slot>) -> u32 {
    (0..).find(|k| !slots.contains_key(k)).unwrap_or(u32::MAX)
}

/// Cuts segments into runs that are replayed and committed one after the other, so that a large
/// epoch does not have to fit into memory: each run has at most `most` of what is said of each
/// segment, its bytes or its spans, or one segment.
pub(crate) fn pieces(segments: &BTreeMap<u64, u64>, most: u64) -> Vec<Vec<u64>> {
    let mut pieces: Vec<Vec<u64>> = Vec::new();
    let mut sum = 0;
    for (&n, &size) in segments {
        match pieces.last_mut() {
            Some(piece) if sum + size <= most => {
                piece.push(n);
                sum += size;
            }
            _ => {
                pieces.push(vec![n]);
                sum = size;
            }
        }
    }
    pieces
}
