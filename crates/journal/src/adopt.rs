//! Adoption of an epoch: the adopter finishes what a crash cut off and commits what no slot covers.
//! It is safe at any time and for any number of processes at once, the epoch's owner included,
//! because slots decide; which of them should do it, and when, is the affair of the
//! [`crate::failure_detector`].
//!
//! ```text
//! ReadSlots ─▶ ListSegments ─▶ LookAtBlocks ─▶ ListFloor ─▶ WriteMetas ─▶ Delete ─▶ Build ─▶ Commit ─┐
//!     ▲                                            │                              ▲       won ├─▶ …
//!     │                                            └─ covered ─▶ Relog, Delete …  └───────────┘
//!     └──────────────── the view was out of date, or the slot was lost ───────────────────────┘
//! ```
//!
//! Slots are read before segments are listed (the other order would only waste work) and before
//! the floor is listed (so that a void slot is never taken for evidence, I3).
//!
//! Below the floor no slot counts any more. A segment still does: its content is logged again in a
//! new epoch, which is then adopted in its turn, and the old object is deleted.
//!
//! A segment that cannot be read and is not to be set aside (a newer release wrote it, the store gives
//! other bytes each time, it lies below the floor where no slot counts) is left as it is, live. It
//! stops no other segment of the epoch, and the next look at the epoch finds it again.

use crate::commit::{CommitRun, Ended};
use crate::recover::{self, BlockState, Listing, Plan};
use crate::slot::{BlockEntry, Slot};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read all slots of the epoch.
    ReadSlots,
    /// List its segments.
    ListSegments,
    /// Look what lies in the store of these blocks.
    LookAtBlocks(Vec<BlockEntry>),
    /// List the floor: does it cover the epoch?
    ListFloor,
    /// Write the metas of these blocks.
    WriteMetas(Vec<BlockEntry>),
    /// Delete these segments.
    Delete(Vec<u64>),
    /// Read these segments, or the first of them when all are too much at once; build blocks minted
    /// for slot `k`, and answer the slot: it covers those that could be read and sets aside those that
    /// never will be. What was read and what it names neither way is left as it is.
    Build {
        /// The slot.
        k: u32,
        /// Numbers of segments.
        segments: Vec<u64>,
    },
    /// Carry out this commit.
    Commit(CommitRun),
    /// Write this segment's content into a new epoch, and wait until it is durable there. One that
    /// cannot be read is left as it is, and the next one's turn comes.
    Relog(u64),
    /// Nothing.
    Ended(Summary),
}

/// What has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The slots.
    Slots(BTreeMap<u32, Slot>),
    /// The segments: number and length.
    Segments(BTreeMap<u64, u64>),
    /// What lies in the store of the blocks.
    Blocks(BTreeMap<Uuid, BlockState>),
    /// Whether the floor, listed after the slots were read, covers the epoch's hour.
    Floor {
        /// At or below the floor.
        covered: bool,
    },
    /// The metas are written.
    Shown,
    /// The segments are deleted.
    Deleted,
    /// What came of the segments that were read.
    Built {
        /// The slot; `None` when it would name none.
        slot: Option<Slot>,
        /// The last ones of the segments, which were not read: they come next.
        rest: Vec<u64>,
    },
    /// A segment was gone: another process is at work here.
    OutOfDate,
    /// How the commit ended.
    Committed(Ended),
    /// The segment's content is durable elsewhere.
    Relogged,
    /// The segment that was to be logged again cannot be read, and stays where it is.
    Left,
}

/// What an adoption has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Summary {
    /// Segments committed.
    pub committed: u64,
    /// Segments logged again in a new epoch.
    pub relogged: u64,
    /// Blocks whose commit a crash had cut off.
    pub finished: u64,
    /// Slots that another process took first.
    pub lost: u64,
    /// Segments for a person to look at: a slot names them with another length, or together with a
    /// block that is gone.
    pub unproven: Vec<u64>,
    /// Segments that stay live because they could not be read, by this release or at this time.
    pub left: BTreeSet<u64>,
    /// Given up because others were quicker each time; what they left, the next look finds.
    pub gave_up: bool,
}

/// Something was reported that is not the next step: a fault of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the report does not follow in this adoption: {0}")]
pub struct OutOfTurn(&'static str);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At {
    Slots,
    Segments,
    Blocks,
    Floor,
    Finish,
    Delete,
    DeleteFinished,
    Build,
    Commit(CommitRun),
    Relog,
    DeleteRelogged(u64),
    Ended,
}

/// How often the view may be found out of date before the epoch is left to the others.
const ATTEMPTS: u32 = 8;

/// The adoption of one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Adoption {
    piece_bytes: u64,
    attempts: u32,
    at: At,
    listing: Listing,
    blocks: BTreeMap<Uuid, BlockState>,
    plan: Plan,
    pieces: VecDeque<Vec<u64>>,
    relog: VecDeque<u64>,
    next_slot: u32,
    summary: Summary,
}

impl Adoption {
    /// An adoption that rebuilds `piece_bytes` of segments at a time, or one segment.
    pub fn new(piece_bytes: u64) -> Self {
        Adoption {
            piece_bytes,
            attempts: 0,
            at: At::Slots,
            listing: Listing::default(),
            blocks: BTreeMap::new(),
            plan: Plan::default(),
            pieces: VecDeque::new(),
            relog: VecDeque::new(),
            next_slot: 0,
            summary: Summary::default(),
        }
    }

    /// What is to be done next.
    pub fn step(&self) -> Step {
        match &self.at {
            At::Slots => Step::ReadSlots,
            At::Segments => Step::ListSegments,
            At::Blocks => Step::LookAtBlocks(
                recover::blocks_to_look_at(&self.listing).into_iter().cloned().collect(),
            ),
            At::Floor => Step::ListFloor,
            At::Finish => Step::WriteMetas(self.plan.finish.clone()),
            At::Delete => Step::Delete(self.plan.deletable.clone()),
            At::DeleteFinished => Step::Delete(self.plan.deletable_after_finish.clone()),
            At::Build => Step::Build {
                k: self.next_slot,
                segments: self.pieces.front().cloned().unwrap_or_default(),
            },
            At::Commit(run) => Step::Commit(run.clone()),
            At::Relog => Step::Relog(self.relog.front().copied().unwrap_or_default()),
            At::DeleteRelogged(n) => Step::Delete(vec![*n]),
            At::Ended => Step::Ended(self.summary.clone()),
        }
    }

    /// The next step has been taken.
    ///
    /// # Errors
    /// When it was another one; nothing has changed then.
    pub fn done(&mut self, what: Done) -> Result<(), OutOfTurn> {
        match (&self.at, what) {
            (At::Slots, Done::Slots(slots)) => {
                self.listing.slots = slots;
                self.at = At::Segments;
            }
            (At::Segments, Done::Segments(segments)) => {
                self.listing.segments = segments;
                self.blocks.clear();
                let none = recover::blocks_to_look_at(&self.listing).is_empty();
                self.at = if none { At::Floor } else { At::Blocks };
            }
            (At::Blocks, Done::Blocks(states)) => {
                self.blocks = states;
                self.at = At::Floor;
            }
            (At::Floor, Done::Floor { covered: false }) => self.decide(),
            (At::Floor, Done::Floor { covered: true }) => {
                self.relog = self.listing.segments.keys().copied().collect();
                self.at = self.relog_or_end();
            }
            (At::Finish, Done::Shown) => {
                self.summary.finished += self.plan.finish.len() as u64;
                self.plan.finish.clear();
                self.at = self.after_decision();
            }
            (At::Delete, Done::Deleted) => {
                self.plan.deletable.clear();
                self.at = self.after_decision();
            }
            (At::DeleteFinished, Done::Deleted) => {
                self.plan.deletable_after_finish.clear();
                self.at = self.after_decision();
            }
            (At::Build, Done::Built { slot, rest }) => {
                self.build_next(rest);
                self.at = match slot {
                    Some(slot) => At::Commit(CommitRun::new(slot)),
                    None => {
                        self.summary.left.extend(self.pieces.pop_front().unwrap_or_default());
                        self.build_or_end()
                    }
                };
            }
            (At::Build | At::Relog, Done::OutOfDate) => self.again(),
            (At::Commit(run), Done::Committed(Ended::Won)) => {
                let slot = run.slot();
                self.summary.committed += slot.covers.len() as u64;
                let piece = self.pieces.pop_front().unwrap_or_default();
                self.summary.left.extend(piece.into_iter().filter(|n| !slot.names(*n)));
                self.next_slot += 1;
                self.at = self.build_or_end();
            }
            (At::Commit(_), Done::Committed(Ended::Lost)) => {
                self.summary.lost += 1;
                self.again();
            }
            (At::Relog, Done::Relogged) => match self.relog.pop_front() {
                Some(n) => {
                    self.summary.relogged += 1;
                    self.at = At::DeleteRelogged(n);
                }
                None => self.at = At::Ended,
            },
            (At::Relog, Done::Left) => {
                self.summary.left.extend(self.relog.pop_front());
                self.at = self.relog_or_end();
            }
            (At::DeleteRelogged(_), Done::Deleted) => self.at = self.relog_or_end(),
            _ => return Err(OutOfTurn("another step was to be taken")),
        }
        Ok(())
    }

    fn decide(&mut self) {
        self.plan = recover::plan(&self.listing, &self.blocks);
        self.next_slot = self.plan.next_slot;
        self.pieces = recover::pieces(&self.plan.uncovered, self.piece_bytes).into();
        self.summary.unproven = std::mem::take(&mut self.plan.unproven);
        // Decided upon; slots hold whole metas and may be large.
        self.listing = Listing::default();
        self.blocks.clear();
        self.plan.uncovered.clear();
        self.at = self.after_decision();
    }

    fn after_decision(&self) -> At {
        if !self.plan.finish.is_empty() {
            At::Finish
        } else if !self.plan.deletable.is_empty() {
            At::Delete
        } else if !self.plan.deletable_after_finish.is_empty() {
            At::DeleteFinished
        } else {
            self.build_or_end()
        }
    }

    /// These are a piece of their own, after the one that they were the end of.
    fn build_next(&mut self, rest: Vec<u64>) {
        if let Some(piece) = self.pieces.front_mut().filter(|_| !rest.is_empty()) {
            piece.retain(|n| !rest.contains(n));
            self.pieces.insert(1, rest);
        }
    }

    fn build_or_end(&self) -> At {
        if self.pieces.is_empty() { At::Ended } else { At::Build }
    }

    fn relog_or_end(&self) -> At {
        if self.relog.is_empty() { At::Ended } else { At::Relog }
    }

    fn again(&mut self) {
        self.attempts += 1;
        // They are met again, or another process could read them.
        self.summary.left.clear();
        self.pieces.clear();
        self.relog.clear();
        self.listing = Listing::default();
        self.summary.gave_up = self.attempts >= ATTEMPTS;
        self.at = if self.summary.gave_up { At::Ended } else { At::Slots };
    }
}
