//! One commit, step by step: the same for the owner of an epoch and for its adopter.
//!
//! ```text
//! StoreData ─▶ CreateSlot ─▶ ListFloor ─▶ WriteMetas ─▶ Delete ─▶ Ended(Won)
//!                   │            └─ the floor covers the epoch ─▶ Ended(Lost)
//!                   └─ another process's slot ─▶ Ended(Lost)
//! ```
//!
//! The order is what the invariants rest on: data is complete before a slot names it (I4), a slot
//! counts only if the floor, listed after its creation, is below it (I3), and a segment goes only
//! when every block of its slot has its meta (I2). A step whose outcome is not known is simply
//! taken again, with the same bytes under the same names; a run that lost never aims its blocks at
//! another slot (I5).

use crate::slot::{BlockEntry, Slot};
use tributary_store::Created;

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The blocks are visible, the segments are gone.
    Won,
    /// The slot is another process's, or void. The blocks are garbage; the segments stay live.
    Lost,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'run> {
    /// Store data and filters of these blocks, all of it.
    StoreData(&'run [BlockEntry]),
    /// Create this slot.
    CreateSlot(&'run Slot),
    /// List the floor: does it cover the epoch?
    ListFloor,
    /// Write the metas of these blocks.
    WriteMetas(&'run [BlockEntry]),
    /// Delete the segments that the slot covers. Leaving that to a later adoption is right too.
    Delete(Vec<u64>),
    /// Nothing.
    Ended(Ended),
}

/// What has been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// All data is stored.
    Stored,
    /// How the creation of the slot ended; not to be said before that is known.
    Slot(Created),
    /// Whether the floor, listed after the slot was created, covers the epoch's hour.
    Floor {
        /// At or below the floor.
        covered: bool,
    },
    /// All metas are written.
    Shown,
    /// The segments are deleted.
    Deleted,
}

/// Something was reported that is not the next step: a fault of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} does not follow in this commit")]
pub struct OutOfTurn(pub Done);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Data,
    Slot,
    Floor,
    Metas,
    Delete,
    Ended(Ended),
}

/// A commit under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CommitRun {
    slot: Slot,
    at: At,
}

impl CommitRun {
    /// The commit of a slot whose blocks are built and were minted for it.
    pub fn new(slot: Slot) -> Self {
        CommitRun { slot, at: At::Data }
    }

    /// The slot.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// What is to be done next.
    pub fn step(&self) -> Step<'_> {
        match self.at {
            At::Data => Step::StoreData(&self.slot.blocks),
            At::Slot => Step::CreateSlot(&self.slot),
            At::Floor => Step::ListFloor,
            At::Metas => Step::WriteMetas(&self.slot.blocks),
            At::Delete => Step::Delete(self.slot.covers.iter().map(|segment| segment.n).collect()),
            At::Ended(how) => Step::Ended(how),
        }
    }

    /// The next step has been taken.
    ///
    /// # Errors
    /// When it was another one; nothing has changed then.
    pub fn done(&mut self, what: Done) -> Result<(), OutOfTurn> {
        self.at = match (self.at, what) {
            (At::Data, Done::Stored) => At::Slot,
            (At::Slot, Done::Slot(Created::Won)) => At::Floor,
            (At::Slot, Done::Slot(Created::Lost)) => At::Ended(Ended::Lost),
            (At::Floor, Done::Floor { covered: false }) => At::Metas,
            (At::Floor, Done::Floor { covered: true }) => At::Ended(Ended::Lost),
            (At::Metas, Done::Shown) if self.slot.covers.is_empty() => At::Ended(Ended::Won),
            (At::Metas, Done::Shown) => At::Delete,
            (At::Delete, Done::Deleted) => At::Ended(Ended::Won),
            _ => return Err(OutOfTurn(what)),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{EpochId, Uid};
    use crate::segment::SegmentInfo;

    fn run(covers: &[u64]) -> CommitRun {
        let info = |n: &u64| SegmentInfo { n: *n, len: 1, crc: 0, spans: 0 };
        CommitRun::new(Slot {
            uid: Uid([1; 16]),
            epoch: EpochId::new(0, [2; 12]),
            k: 0,
            blocks: Vec::new(),
            covers: covers.iter().map(info).collect(),
            quarantined: Vec::new(),
            rows_in: 0,
            duplicates: 0,
            rejected: 0,
            relogged: 0,
            conflicts: 0,
            closed: false,
            adopted: false,
        })
    }

    #[test]
    fn steps_have_one_order() {
        let whole = [
            Done::Stored,
            Done::Slot(Created::Won),
            Done::Floor { covered: false },
            Done::Shown,
            Done::Deleted,
        ];
        let table: [(&[u64], &[Done], Ended); 4] = [
            (&[3, 4], &whole, Ended::Won),
            (&[], &whole[..4], Ended::Won),
            (&[3], &[Done::Stored, Done::Slot(Created::Lost)], Ended::Lost),
            (
                &[3],
                &[Done::Stored, Done::Slot(Created::Won), Done::Floor { covered: true }],
                Ended::Lost,
            ),
        ];
        for (covers, done, ended) in table {
            let mut run = run(covers);
            for next in done {
                let others = whole
                    .iter()
                    .filter(|other| std::mem::discriminant(*other) != std::mem::discriminant(next));
                for other in others {
                    let before = run.clone();
                    assert_eq!(run.done(*other), Err(OutOfTurn(*other)), "{before:?}");
                    assert_eq!(run, before);
                }
                if matches!(next, Done::Deleted) {
                    assert_eq!(run.step(), Step::Delete(covers.to_vec()));
                }
                run.done(*next).unwrap();
            }
            assert_eq!(run.step(), Step::Ended(ended));
        }
    }
}
