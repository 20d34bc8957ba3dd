//! What lies in an epoch, counted.

use super::{BlockKey, EpochView, SegmentFound};
use crate::id::{EpochId, block_origin};
use crate::layout;
use crate::slot::Slot;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

/// Some segments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pile {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest was written, in seconds since 1970 by the store's clock.
    pub oldest: Option<u64>,
}

/// What lies in an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EpochSummary {
    /// The epoch.
    pub epoch: EpochId,
    /// When it began, in seconds since 1970 by its writer's clock.
    pub began: u64,
    /// Who says in a heartbeat that it owns the epoch.
    pub owner: Option<String>,
    /// Whether a slot says that its owner writes no more, or the floor covers it.
    pub closed: bool,
    /// Slots.
    pub slots: u32,
    /// Of these, written by another process than the owner.
    pub adopted: u32,
    /// Segments that no slot names: live data, which recovery turns into blocks.
    pub uncovered: Pile,
    /// Segments whose spans are in visible blocks: what a collection would delete.
    pub collectable: Pile,
    /// Segments whose spans are in blocks of which one has no meta yet: to be kept until it has.
    pub waiting: Pile,
    /// Segments set aside as unreadable, by a slot or by a copy.
    pub quarantined: BTreeSet<u64>,
    /// Blocks that slots name and that are visible.
    pub blocks: u64,
    /// Folders of blocks that a slot names and that have no meta yet.
    pub unfinished: Vec<String>,
    /// Folders of blocks that no slot will ever name: their slot exists and does not (I5).
    pub garbage: Vec<String>,
    /// Folders of blocks whose slot does not exist yet: being built, or left by a crash. Never
    /// garbage, since what they were made of is uncovered.
    pub pending: Vec<String>,
}

/// Whether the block that a slot names was made visible or has been compacted away since.
fn is_finished(view: &EpochView, key: &BlockKey) -> bool {
    view.superseded.contains(key)
        || view.blocks.get(key).is_some_and(|block| block.meta || block.compacted)
}

pub(super) fn keys(slot: &Slot) -> impl Iterator<Item = BlockKey> + '_ {
    slot.blocks.iter().map(|block| (block.tenant.clone(), block.id))
}

/// Counts what a view shows. Of an epoch with a slot that cannot be read it is not known what is
/// covered: then no segment counts as anything but uncovered unless another slot names it.
pub fn summarize(view: &EpochView) -> EpochSummary {
    let slots = || view.counting();
    let mut summary = EpochSummary {
        epoch: view.epoch,
        began: view.epoch.seconds().into(),
        owner: view.owner.clone(),
        closed: view.retired || slots().any(|slot| slot.closed),
        slots: u32::try_from(view.slots.len()).unwrap_or(u32::MAX),
        adopted: u32::try_from(slots().filter(|slot| slot.adopted).count()).unwrap_or(u32::MAX),
        uncovered: Pile::default(),
        collectable: Pile::default(),
        waiting: Pile::default(),
        quarantined: view.copies.clone(),
        blocks: 0,
        unfinished: Vec::new(),
        garbage: Vec::new(),
        pending: Vec::new(),
    };
    let mut covered = BTreeMap::new();
    let mut named = BTreeSet::new();
    for slot in slots() {
        let finished = keys(slot).all(|key| is_finished(view, &key));
        covered.extend(slot.covers.iter().map(|segment| (segment.n, finished)));
        summary.quarantined.extend(&slot.quarantined);
        for key in keys(slot) {
            if is_finished(view, &key) {
                summary.blocks += 1;
            } else {
                summary.unfinished.push(layout::block(&key.0, &key.1));
            }
            named.insert(key);
        }
    }
    for (n, found) in &view.segments {
        match covered.get(n) {
            Some(true) => summary.collectable.add(found),
            Some(false) => summary.waiting.add(found),
            None if summary.quarantined.contains(n) => {}
            None => summary.uncovered.add(found),
        }
    }
    for key in view.blocks.keys().filter(|key| !named.contains(*key)) {
        let Some(origin) = block_origin(&key.1).filter(|origin| origin.is_of(&view.epoch)) else {
            continue;
        };
        let folder = layout::block(&key.0, &key.1);
        match view.slots.get(&origin.slot) {
            // Of a retired epoch these are what its slots made visible.
            _ if view.retired => {}
            Some(Ok(_)) => summary.garbage.push(folder),
            Some(Err(_)) | None => summary.pending.push(folder),
        }
    }
    summary
}

impl EpochSummary {
    /// Whether the epoch has ended and nothing of it is left to do or to delete.
    pub fn is_history(&self) -> bool {
        let piles = [self.uncovered, self.collectable, self.waiting];
        let folders = [&self.unfinished, &self.garbage, &self.pending];
        self.closed
            && self.owner.is_none()
            && self.quarantined.is_empty()
            && piles.iter().all(|pile| pile.count == 0)
            && folders.iter().all(|folders| folders.is_empty())
    }
}

impl Pile {
    fn add(&mut self, found: &SegmentFound) {
        self.count += 1;
        self.bytes += found.len;
        let written = seconds(found.modified);
        self.oldest = Some(self.oldest.map_or(written, |oldest| oldest.min(written)));
    }

    /// Both together.
    pub fn and(self, other: Pile) -> Pile {
        Pile {
            count: self.count + other.count,
            bytes: self.bytes + other.bytes,
            oldest: self.oldest.into_iter().chain(other.oldest).min(),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
