//! Compaction of a window: the compactor finishes what a crash cut off there, deletes what was
//! superseded long ago, and merges blocks that are worth it, or, when the window has outlived its
//! retention, names all that stands in it in a record by which it is no more. It is safe at any time
//! and for any number of processes at once, because records decide; which of them should do it, and
//! when, is the affair of the [`crate::failure_detector`], and what is due of [`crate::retention`].
//!
//! ```text
//! ReadRecords ─▶ ListFloor ─▶ LookAtBlocks ─▶ WriteMetas ─▶ Hide ─▶ Delete ─▶ Build ─▶ CreateRecord ─┐
//!                                                                                                  won
//!                             Ended ◀─ Hide ◀─ WriteMetas ◀─ (covered ─▶ Ended) ◀─ ListFloor ◀─────────┘
//! and to expire:                                                       … Delete ─▶ Expire ─▶ CreateRecord ─┐
//!                                                                                  Ended ◀─ Hide ◀─ won ──┘
//! ```
//!
//! In a window that the floor covers no merge's record counts and nothing is merged. An expiry counts
//! there as elsewhere ([`Record::counts_below_floor`]), so it is made and carried out: most windows lie
//! below the floor long before their retention is over.
//!
//! The order is what the invariants rest on. Outputs are stored whole before a record names them
//! (I4). A record counts only if the floor, listed after it was read or created, is below its
//! window (I3). Inputs are hidden only when all outputs have had their metas, so that at each
//! instant every span is in a visible block (I8). A hidden input is deleted only when its record is
//! old, for readers that still go by an older view. A loser never aims its outputs at another
//! record (I5).
//!
//! A process that stood still while it finished a commit may write the meta of a block that has
//! been superseded meanwhile. That does no harm that lasts: each pass hides again what a record
//! supersedes, as long as the record stands, and where retention is at work it names again what came
//! back. (Below the floor a mark without data may be left of it, if one process wrote the meta after
//! the record had gone and another one hid it that had stood still as well: no reader sees it.)
//!
//! An expiry names blocks that this process thinks to be visible, and all outputs of records that no
//! record supersedes, so that nothing of a merge that was cut off is left standing. What joins the
//! window later, from an epoch that is adopted late, is named by a further record.

mod choose;

pub use choose::{Candidate, Limits, choose};

use crate::record::Record;
use crate::recover::BlockState;
use crate::slot::BlockEntry;
use std::collections::{BTreeMap, BTreeSet};
use tributary_store::Created;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Known {
    /// What it says.
    pub record: Record,
    /// Whether it is so old, by the store's own time, that no reader goes by a view from before it.
    pub old: bool,
    /// What this process has seen of its blocks before, to spare itself another look.
    pub seen: Seen,
}

/// How far a record is carried out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// Not known.
    #[default]
    Nothing,
    /// Its outputs are visible and what it supersedes is not.
    Hidden,
    /// And what it supersedes is gone.
    Gone,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read all records of the window.
    ReadRecords,
    /// List the floor: does it cover the window's hour?
    ListFloor,
    /// Look what lies in the store of these blocks.
    LookAtBlocks(Vec<Uuid>),
    /// Write the metas of these blocks.
    WriteMetas(Vec<BlockEntry>),
    /// Make these blocks invisible: their `meta.json` becomes `meta.compacted.json`.
    Hide(Vec<Uuid>),
    /// Delete these blocks, what marks them as compacted last.
    Delete(Vec<Uuid>),
    /// Merge these blocks into blocks minted for record `k`, store their data, and answer the record.
    Build {
        /// The record.
        k: u32,
        /// The blocks.
        inputs: Vec<Uuid>,
    },
    /// Answer the record `k` by which these blocks expire ([`Record::expiring`]).
    Expire {
        /// The record.
        k: u32,
        /// The blocks.
        blocks: Vec<Uuid>,
    },
    /// Create this record.
    CreateRecord(Box<Record>),
    /// Nothing.
    Ended(Summary),
}

/// What has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// The records, by number.
    Records(BTreeMap<u32, Known>),
    /// Whether the floor, listed after the records were read or the record was created, covers the
    /// window's hour.
    Floor {
        /// At or below the floor.
        covered: bool,
    },
    /// What lies in the store of the blocks.
    Blocks(BTreeMap<Uuid, BlockState>),
    /// The metas are written.
    Shown,
    /// The blocks are hidden.
    Hidden,
    /// The blocks are deleted.
    Deleted,
    /// The record of what was merged, its outputs' data being stored; or of what expires.
    Built(Box<Record>),
    /// A block to be merged was gone, or cannot be merged: the view was out of date.
    OutOfDate,
    /// How the creation of the record ended; not to be said before that is known.
    Created(Created),
}

/// What a pass has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Summary {
    /// Blocks merged.
    pub merged: u64,
    /// Blocks that came out of that.
    pub made: u64,
    /// Blocks that have expired by a record of this pass.
    pub expired: u64,
    /// Outputs whose record a crash had cut off, made visible.
    pub finished: u64,
    /// Superseded blocks that were still, or again, visible.
    pub hidden: u64,
    /// Superseded blocks deleted.
    pub deleted: u64,
    /// Whether another compactor took the record first, or the view was out of date.
    pub lost: bool,
    /// Outputs of which nothing is in the store, though nothing supersedes them: for a person to
    /// look at. What their records supersede is left alone.
    pub missing: Vec<Uuid>,
    /// How far the records are carried out now, of those that were looked at or created.
    pub seen: BTreeMap<u32, Seen>,
}

/// Something was reported that is not the next step: a fault of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report does not follow in this compaction: {0}")]
pub struct OutOfTurn(&'static str);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At {
    Records,
    Floor,
    Blocks,
    Finish,
    Hide,
    Delete,
    Build,
    Expire,
    Create(Box<Record>),
    CreatedFloor(Box<Record>),
    Show(Box<Record>),
    HideInputs(Box<Record>),
    Ended,
}

/// What a pass is for, beside finishing what others left.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Aim {
    Merge { limits: Limits, quiet: bool },
    Expire,
}

/// One pass over one window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Compaction {
    candidates: Vec<Candidate>,
    aim: Aim,
    at: At,
    records: BTreeMap<u32, Known>,
    /// Whether the floor covers the window, so that of its records only expiries count.
    covered: bool,
    finish: Vec<BlockEntry>,
    hide: Vec<Uuid>,
    delete: Vec<Uuid>,
    inputs: Vec<Uuid>,
    summary: Summary,
}

impl Compaction {
    /// Whether its window is quiet: what it makes is not merged again soon.
    pub fn is_quiet(&self) -> bool {
        matches!(self.aim, Aim::Merge { quiet: true, .. })
    }

    /// A pass over a window in which these blocks are thought to be visible. `quiet` says that no
    /// block has joined it for so long that none is expected.
    pub fn new(candidates: Vec<Candidate>, limits: Limits, quiet: bool) -> Self {
        Self::aiming(candidates, Aim::Merge { limits, quiet })
    }

    /// A pass over a window that has outlived its retention, in which these blocks are thought to be
    /// visible: all that stands there expires.
    pub fn expiring(candidates: Vec<Candidate>) -> Self {
        Self::aiming(candidates, Aim::Expire)
    }

    fn aiming(candidates: Vec<Candidate>, aim: Aim) -> Self {
        Compaction {
            candidates,
            aim,
            at: At::Records,
            records: BTreeMap::new(),
            covered: false,
            finish: Vec::new(),
            hide: Vec::new(),
            delete: Vec::new(),
            inputs: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// What is to be done next.
    pub fn step(&self) -> Step {
        match &self.at {
            At::Records => Step::ReadRecords,
            At::Floor | At::CreatedFloor(_) => Step::ListFloor,
            At::Blocks => Step::LookAtBlocks(self.to_look_at()),
            At::Finish => Step::WriteMetas(self.finish.clone()),
            At::Hide => Step::Hide(self.hide.clone()),
            At::Delete => Step::Delete(self.delete.clone()),
            At::Build => Step::Build { k: self.next(), inputs: self.inputs.clone() },
            At::Expire => Step::Expire { k: self.next(), blocks: self.inputs.clone() },
            At::Create(record) => Step::CreateRecord(record.clone()),
            At::Show(record) => Step::WriteMetas(record.outputs.clone()),
            At::HideInputs(record) => {
                Step::Hide(record.inputs.iter().map(|input| input.id).collect())
            }
            At::Ended => Step::Ended(self.summary.clone()),
        }
    }

    /// The next step has been taken.
    ///
    /// # Errors
    /// When it was another one; nothing has changed then.
    pub fn done(&mut self, what: Done) -> Result<(), OutOfTurn> {
        self.at = match (std::mem::replace(&mut self.at, At::Ended), what) {
            (At::Records, Done::Records(records)) => {
                self.records = records;
                At::Floor
            }
            (At::Floor, Done::Floor { covered }) => {
                self.covered = covered;
                if self.to_look_at().is_empty() { self.chosen() } else { At::Blocks }
            }
            (At::Blocks, Done::Blocks(states)) => {
                self.decide(&states);
                self.after_decision()
            }
            (At::Finish, Done::Shown) => {
                self.summary.finished += std::mem::take(&mut self.finish).len() as u64;
                self.after_decision()
            }
            (At::Hide, Done::Hidden) => {
                self.summary.hidden += std::mem::take(&mut self.hide).len() as u64;
                self.after_decision()
            }
            (At::Delete, Done::Deleted) => {
                self.summary.deleted += std::mem::take(&mut self.delete).len() as u64;
                self.after_decision()
            }
            (At::Build | At::Expire, Done::Built(record)) => At::Create(record),
            (At::Build, Done::OutOfDate) => self.lost(),
            // The floor makes no difference to it.
            (At::Create(record), Done::Created(Created::Won)) if record.counts_below_floor() => {
                At::HideInputs(record)
            }
            (At::Create(record), Done::Created(Created::Won)) => At::CreatedFloor(record),
            (At::Create(_), Done::Created(Created::Lost)) => self.lost(),
            (At::CreatedFloor(_), Done::Floor { covered: true }) => self.lost(),
            (At::CreatedFloor(record), Done::Floor { covered: false }) => At::Show(record),
            (At::Show(record), Done::Shown) => At::HideInputs(record),
            (At::HideInputs(record), Done::Hidden) => {
                let inputs = record.inputs.len() as u64;
                match self.aim {
                    Aim::Merge { .. } => self.summary.merged = inputs,
                    Aim::Expire => self.summary.expired = inputs,
                }
                self.summary.made = record.outputs.len() as u64;
                self.summary.seen.insert(record.k, Seen::Hidden);
                At::Ended
            }
            (at, _) => {
                self.at = at;
                return Err(OutOfTurn("another step was to be taken"));
            }
        };
        Ok(())
    }

    /// The end of the run of records without a gap. Should a listing have missed one, the creation
    /// of this one fails.
    fn next(&self) -> u32 {
        (0..).find(|k| !self.records.contains_key(k)).unwrap_or(u32::MAX)
    }

    /// The records that count.
    fn counting(&self) -> impl Iterator<Item = &Known> {
        self.records.values().filter(|known| !self.covered || known.record.counts_below_floor())
    }

    fn superseded(&self) -> BTreeSet<Uuid> {
        let records = self.counting().flat_map(|known| &known.record.inputs);
        records.map(|input| input.id).collect()
    }

    /// Records of which it is not known that they are carried out: those not seen yet, those whose
    /// inputs may go now, and those with an input that is thought to be visible.
    fn open(&self) -> impl Iterator<Item = &Record> {
        let is_candidate = |id: &Uuid| self.candidates.iter().any(|candidate| candidate.id == *id);
        let open = self.counting().filter(move |known| match known.seen {
            _ if known.record.inputs.iter().any(|input| is_candidate(&input.id)) => true,
            Seen::Nothing => true,
            Seen::Hidden => known.old,
            Seen::Gone => false,
        });
        open.map(|known| &known.record)
    }

    /// What open records supersede, and their outputs that no later record supersedes.
    fn to_look_at(&self) -> Vec<Uuid> {
        let superseded = self.superseded();
        let inputs = self.open().flat_map(|record| &record.inputs).map(|input| input.id);
        let outputs = self.open().flat_map(|record| &record.outputs).map(|output| output.id);
        let all: BTreeSet<Uuid> =
            inputs.chain(outputs.filter(|id| !superseded.contains(id))).collect();
        all.into_iter().collect()
    }

    fn decide(&mut self, states: &BTreeMap<Uuid, BlockState>) {
        let superseded = self.superseded();
        let state = |id: &Uuid| states.get(id).copied();
        let (mut finish, mut hide, mut delete) = (Vec::new(), Vec::new(), Vec::new());
        let (mut missing, mut seen) = (Vec::new(), BTreeMap::new());
        for record in self.open() {
            let standing = record.outputs.iter().filter(|output| !superseded.contains(&output.id));
            let gone = standing.clone().map(|output| output.id);
            let gone: Vec<Uuid> = gone.filter(|id| state(id) == Some(BlockState::Gone)).collect();
            if !gone.is_empty() {
                // Its outputs are nowhere: what they were made of is all there is.
                missing.extend(gone);
                continue;
            }
            let unfinished = |o: &&BlockEntry| state(&o.id) == Some(BlockState::Unfinished);
            finish.extend(standing.filter(unfinished).cloned());
            let inputs = || record.inputs.iter().map(|input| input.id);
            let is = |wanted| move |id: &Uuid| state(id) == Some(wanted);
            hide.extend(inputs().filter(is(BlockState::Visible)));
            if self.records.get(&record.k).is_some_and(|known| known.old) {
                delete.extend(inputs().filter(|id| !is(BlockState::Gone)(id)));
            }
            let all_gone = inputs().all(|id| state(&id) == Some(BlockState::Gone));
            seen.insert(record.k, if all_gone { Seen::Gone } else { Seen::Hidden });
        }
        (self.finish, self.hide, self.delete) = (finish, hide, delete);
        (self.summary.missing, self.summary.seen) = (missing, seen);
    }

    fn after_decision(&mut self) -> At {
        if !self.finish.is_empty() {
            At::Finish
        } else if !self.hide.is_empty() {
            At::Hide
        } else if !self.delete.is_empty() {
            At::Delete
        } else {
            self.chosen()
        }
    }

    fn chosen(&mut self) -> At {
        let superseded = self.superseded();
        self.candidates.retain(|candidate| !superseded.contains(&candidate.id));
        let (inputs, next) = match &self.aim {
            // Nothing is to be added there.
            Aim::Merge { .. } if self.covered => (None, At::Ended),
            Aim::Merge { limits, quiet } => (choose(&self.candidates, limits, *quiet), At::Build),
            Aim::Expire => (Some(self.standing(&superseded)), At::Expire),
        };
        match inputs {
            Some(inputs) if !inputs.is_empty() => {
                self.inputs = inputs;
                next
            }
            _ => At::Ended,
        }
    }

    /// All blocks that count and that no record supersedes, as far as is known.
    fn standing(&self, superseded: &BTreeSet<Uuid>) -> Vec<Uuid> {
        let outputs = self.counting().flat_map(|known| &known.record.outputs);
        let outputs = outputs.map(|output| output.id).filter(|id| !superseded.contains(id));
        let visible = self.candidates.iter().map(|candidate| candidate.id);
        let all: BTreeSet<Uuid> = visible.chain(outputs).collect();
        all.into_iter().collect()
    }

    fn lost(&mut self) -> At {
        self.summary.lost = true;
        At::Ended
    }
}
