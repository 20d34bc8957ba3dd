//! One writer's epoch as its owner sees it: which segment comes next, which are durable, which
//! generation they are in, which slot commits them, what may be deleted.
//!
//! Pure bookkeeping without I/O, clock or randomness. The owner reports what happened and is told
//! what is allowed; out of turn, a call is an error and changes nothing.
//!
//! ```text
//! reserve ─▶ in flight ─▶ durable: in the open generation ─▶ frozen ─▶ committing ─▶ committed ─▶ deletable
//!                                                                          └─▶ slot lost: epoch lost
//! ```

use crate::id::{EpochId, MAX_SLOTS};
use crate::recover;
use crate::segment::SegmentInfo;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

#[cfg(test)]
mod tests;

/// Segments of one epoch. A slot covers at least one segment, except the last one, so an epoch can
/// never need more than [`MAX_SLOTS`] slots.
const MAX_SEGMENTS: u64 = MAX_SLOTS as u64 - 1;

/// Why a step is not allowed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EpochError {
    /// The epoch takes no more segments: open a new one.
    #[error("the epoch takes no more segments")]
    Finished,
    /// The step does not follow from those before it: a fault of the caller.
    #[error("out of turn: {0}")]
    OutOfTurn(&'static str),
}

/// An exact set of durable segments whose spans are in memory together (never an interval: a late
/// write of a lower number must not count as covered).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Its number within the epoch, rising.
    pub number: u64,
    /// Its segments by number.
    pub segments: BTreeMap<u64, SegmentInfo>,
}

/// A commit under way: mint blocks for `slot`, write them, create the slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Commit {
    /// The slot.
    pub slot: u32,
    /// What it covers. Without segments when the slot only closes the epoch.
    pub generation: Generation,
    /// Whether the slot says that the epoch is closed.
    pub closes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum State {
    Open,
    Closing,
    Closed,
    Lost,
}

/// The owner's view of its epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WriterEpoch {
    id: EpochId,
    state: State,
    next_segment: u64,
    next_slot: u32,
    in_flight: BTreeSet<u64>,
    open: Generation,
    frozen: VecDeque<Generation>,
    committing: Option<Commit>,
    /// By slot: segments that it covers. Their blocks' metas may not all be written yet.
    committed: BTreeMap<u32, BTreeSet<u64>>,
    /// Slots whose metas are all written: their segments may go (I2).
    finished: BTreeSet<u32>,
}

impl WriterEpoch {
    /// A new epoch, of which nothing is in the store.
    pub fn new(id: EpochId) -> Self {
        WriterEpoch {
            id,
            state: State::Open,
            next_segment: 0,
            next_slot: 0,
            in_flight: BTreeSet::new(),
            open: Generation::default(),
            frozen: VecDeque::new(),
            committing: None,
            committed: BTreeMap::new(),
            finished: BTreeSet::new(),
        }
    }

    /// Its id.
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// Gives out the number of the next segment. It is used for one string of bytes, or never: one
    /// whose outcome is not known may be in the store, or come to be in it when its writer is gone;
    /// recovery then treats it as live.
    ///
    /// # Errors
    /// When the epoch is full, closed or lost.
    pub fn reserve(&mut self) -> Result<u64, EpochError> {
        if self.state != State::Open || self.next_segment >= MAX_SEGMENTS {
            return Err(EpochError::Finished);
        }
        let n = self.next_segment;
        self.next_segment += 1;
        self.in_flight.insert(n);
        Ok(n)
    }

    /// The segment is in the store: acknowledge its frames now (I1), whatever else is the case.
    /// Answers the generation that its spans belong to, or `None` when the epoch is lost and
    /// recovery will find the segment.
    ///
    /// # Errors
    /// When that number was not in flight.
    pub fn durable(&mut self, segment: SegmentInfo) -> Result<Option<u64>, EpochError> {
        if !self.in_flight.remove(&segment.n) {
            return Err(EpochError::OutOfTurn("the segment is not in flight"));
        }
        if self.state == State::Lost {
            return Ok(None);
        }
        self.open.segments.insert(segment.n, segment);
        Ok(Some(self.open.number))
    }

    /// Ends the open generation. Answers its number, or `None` when it has no segment.
    pub fn freeze(&mut self) -> Option<u64> {
        if self.open.segments.is_empty() {
            return None;
        }
        let number = self.open.number;
        let next = Generation { number: number + 1, segments: BTreeMap::new() };
        self.frozen.push_back(std::mem::replace(&mut self.open, next));
        Some(number)
    }

    /// Cuts the generation of exactly these segments, which waits for its commit, into runs of at
    /// most `most_spans`, or one segment. Each is a generation of its own from then on,
    /// under the same number, and is committed in its turn. Answers them, the oldest first; none,
    /// and nothing changes, when no such generation waits. It is named by its segments and not by
    /// its place, so that a caller whose order differs can never cut another one.
    pub fn split(&mut self, of: &BTreeMap<u64, SegmentInfo>, most_spans: u64) -> Vec<Generation> {
        let index = self.frozen.iter().position(|frozen| frozen.segments == *of);
        let Some((index, whole)) = index.and_then(|at| Some((at, self.frozen.remove(at)?))) else {
            return Vec::new();
        };
        let Generation { number, mut segments } = whole;
        let spans = segments.iter().map(|(n, segment)| (*n, segment.spans)).collect();
        let runs = recover::pieces(&spans, most_spans).into_iter().map(|run| Generation {
            number,
            segments: run.iter().filter_map(|n| segments.remove_entry(n)).collect(),
        });
        let parts: Vec<Generation> = runs.collect();
        for part in parts.iter().rev() {
            self.frozen.insert(index, part.clone());
        }
        parts
    }

    /// Whether a commit is under way.
    pub fn is_committing(&self) -> bool {
        self.committing.is_some()
    }

    /// No more segments. The last commit then says so.
    pub fn close(&mut self) {
        if self.state == State::Open {
            self.state = State::Closing;
        }
    }

    /// Begins the next commit: the oldest frozen generation, or the closing slot when nothing else
    /// is left. `None` when there is nothing to commit. One commit at a time, because the builder
    /// of a slot must have seen all slots before it (I6).
    pub fn begin_commit(&mut self) -> Option<Commit> {
        if self.committing.is_some() || matches!(self.state, State::Closed | State::Lost) {
            return None;
        }
        let generation = self.frozen.pop_front();
        let rest_is_empty =
            self.frozen.is_empty() && self.open.segments.is_empty() && self.in_flight.is_empty();
        let closes = self.state == State::Closing && rest_is_empty;
        let generation = match generation {
            Some(generation) => generation,
            // An epoch that never had a segment needs no slot to say that it has ended.
            None if closes && self.next_segment > 0 => {
                Generation { number: self.open.number, segments: BTreeMap::new() }
            }
            None => return None,
        };
        let commit = Commit { slot: self.next_slot, generation, closes };
        self.committing = Some(commit.clone());
        Some(commit)
    }

    /// The slot of the commit under way is ours: its blocks count, its segments are covered. What
    /// is left is to write the metas.
    ///
    /// # Errors
    /// When that slot is not being committed.
    pub fn slot_won(&mut self, slot: u32) -> Result<(), EpochError> {
        let commit = self.take_commit(slot)?;
        self.next_slot = slot + 1;
        self.committed.insert(slot, commit.generation.segments.into_keys().collect());
        if commit.closes {
            self.state = State::Closed;
        }
        Ok(())
    }

    /// The slot of the commit under way is another process's: the epoch has been adopted. Its blocks
    /// are never aimed at another slot. No more segments, no more commits: open a new epoch, and
    /// have this one recovered as any other. Answers the durable segments whose spans were in
    /// memory; their acknowledgements stay true, since the segments are live until a slot covers
    /// them.
    ///
    /// # Errors
    /// When that slot is not being committed.
    pub fn slot_lost(&mut self, slot: u32) -> Result<BTreeSet<u64>, EpochError> {
        let commit = self.take_commit(slot)?;
        self.state = State::Lost;
        let mut left: BTreeSet<u64> = commit.generation.segments.into_keys().collect();
        for generation in self.frozen.drain(..) {
            left.extend(generation.segments.into_keys());
        }
        left.extend(std::mem::take(&mut self.open.segments).into_keys());
        Ok(left)
    }

    fn take_commit(&mut self, slot: u32) -> Result<Commit, EpochError> {
        match self.committing.take() {
            Some(commit) if commit.slot == slot => Ok(commit),
            other => {
                self.committing = other;
                Err(EpochError::OutOfTurn("the slot is not being committed"))
            }
        }
    }

    /// Every block that `slot` names has its meta. Answers the segments that may be deleted (I2),
    /// at once or after a time of grace for readers that saw an older view.
    ///
    /// # Errors
    /// When the slot was not won by us.
    pub fn metas_written(&mut self, slot: u32) -> Result<Vec<u64>, EpochError> {
        let Some(segments) = self.committed.get(&slot) else {
            return Err(EpochError::OutOfTurn("the slot was not won"));
        };
        self.finished.insert(slot);
        Ok(segments.iter().copied().collect())
    }

    /// These segments were deleted. Only what [`WriterEpoch::metas_written`] answered may be.
    ///
    /// # Errors
    /// When one of them was not deletable.
    pub fn deleted(&mut self, segments: &[u64]) -> Result<(), EpochError> {
        let deletable = |n: &u64| {
            let mut slots = self.finished.iter().filter_map(|slot| self.committed.get(slot));
            slots.any(|segments| segments.contains(n))
        };
        if !segments.iter().all(deletable) {
            return Err(EpochError::OutOfTurn("the segment is not deletable"));
        }
        for covered in self.committed.values_mut() {
            covered.retain(|n| !segments.contains(n));
        }
        let finished = &self.finished;
        self.committed.retain(|slot, segments| !(segments.is_empty() && finished.contains(slot)));
        self.finished.retain(|slot| self.committed.contains_key(slot));
        Ok(())
    }

    /// Whether the epoch was adopted by another process.
    pub fn is_lost(&self) -> bool {
        self.state == State::Lost
    }

    /// Whether nothing is left to do but deletions: every durable segment is covered, and after
    /// [`WriterEpoch::close`] the store knows that the epoch has ended.
    pub fn is_drained(&self) -> bool {
        let idle = self.in_flight.is_empty() && self.committing.is_none();
        let committed = self.open.segments.is_empty() && self.frozen.is_empty();
        let metas = self.committed.keys().all(|slot| self.finished.contains(slot));
        let closed = self.state != State::Closing || self.next_segment == 0;
        idle && committed && metas && closed
    }

    /// Durable segments that no slot covers.
    pub fn uncovered(&self) -> usize {
        let committing = self.committing.as_ref().map(|commit| &commit.generation);
        let frozen = self.frozen.iter().chain(committing);
        self.open.segments.len() + frozen.map(|generation| generation.segments.len()).sum::<usize>()
    }
}
