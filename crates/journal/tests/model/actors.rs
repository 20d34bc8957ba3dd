//! Who is at work: each takes the steps that the journal's state machines tell, one at a time.

use crate::protocol::{Mutant, Protocol};
use crate::world::{State, epoch, info};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::adopt::{self, Adoption};
use tributary_journal::collect::{Hour, Verdict, floor_to_write, verdict};
use tributary_journal::commit::{self, CommitRun, Ended};
use tributary_journal::id::{block_origin, mint_block};
use tributary_journal::recover::BlockState;
use tributary_journal::{BlockEntry, EpochId, Slot, Uid, WriterEpoch};
use uuid::Uuid;

/// A commit under way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Committing {
    pub(crate) run: CommitRun,
    /// Whether the slot was sent.
    pub(crate) sent: bool,
    /// What is in its blocks.
    contents: BTreeSet<u64>,
}

impl Committing {
    fn new(slot: Slot) -> Self {
        let contents = slot.covers.iter().map(|segment| segment.n).collect();
        Committing { run: CommitRun::new(slot), sent: false, contents }
    }

    /// Takes a step; answers how the commit ended, if it did.
    fn step(&mut self, state: &mut State, protocol: &Protocol) -> Option<Ended> {
        let done = match self.run.step() {
            commit::Step::StoreData(blocks) => {
                for block in blocks {
                    state.data.insert(block.id, self.contents.clone());
                }
                commit::Done::Stored
            }
            commit::Step::CreateSlot(slot) if !self.sent => {
                state.send_slot(slot, protocol.landings);
                self.sent = true;
                return None;
            }
            commit::Step::CreateSlot(slot) => {
                self.sent = false;
                commit::Done::Slot(state.take_answer(slot))
            }
            commit::Step::ListFloor => {
                if protocol.mutant == Mutant::DeleteBeforeMeta {
                    let covers = &self.run.slot().covers;
                    covers.iter().for_each(|segment| state.send_delete(segment.n));
                }
                let trusts = protocol.mutant == Mutant::TrustBelowFloor;
                commit::Done::Floor { covered: state.floor && !trusts }
            }
            commit::Step::WriteMetas(blocks) => {
                state.metas.extend(blocks.iter().map(|block| block.id));
                commit::Done::Shown
            }
            commit::Step::Delete(numbers) => {
                numbers.iter().for_each(|n| state.send_delete(*n));
                commit::Done::Deleted
            }
            commit::Step::Ended(ended) => return Some(ended),
        };
        self.run.done(done).unwrap();
        match self.run.step() {
            commit::Step::Ended(Ended::Lost) if protocol.mutant == Mutant::AimAgain => {
                let slot = self.run.slot();
                let next = slot.k + 1;
                let uid = Uid([16 + slot.uid.0[0]; 16]);
                self.run = CommitRun::new(Slot { k: next, uid, ..slot.clone() });
                (next > 3).then_some(Ended::Lost)
            }
            commit::Step::Ended(ended) => Some(ended),
            _ => None,
        }
    }
}

/// The owner of the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) core: WriterEpoch,
    /// Segments sealed so far.
    pub(crate) sent: u64,
    /// Segments whose answer is outstanding.
    pub(crate) waiting: BTreeSet<u64>,
    pub(crate) commit: Option<Committing>,
}

impl Owner {
    pub(crate) fn new(epoch: EpochId) -> Self {
        Owner { core: WriterEpoch::new(epoch), sent: 0, waiting: BTreeSet::new(), commit: None }
    }

    pub(crate) fn cut(&mut self) {
        self.core.freeze();
        if let Some(commit) = self.core.begin_commit() {
            let segments = commit.generation.segments.keys().copied().collect();
            let slot = build(1 + u8::try_from(commit.slot).unwrap(), commit.slot, &segments);
            self.commit = Some(Committing::new(slot));
        }
    }

    pub(crate) fn step(&mut self, state: &mut State, protocol: &Protocol) {
        let Some(commit) = &mut self.commit else { return };
        let Some(ended) = commit.step(state, protocol) else { return };
        let k = commit.run.slot().k;
        self.commit = None;
        match ended {
            Ended::Won => {
                // With a mutant, it may not be the slot that the core wanted.
                if self.core.slot_won(k).is_ok() {
                    let deletable = self.core.metas_written(k).unwrap();
                    self.core.deleted(&deletable).unwrap();
                }
            }
            Ended::Lost => drop(self.core.slot_lost(k)),
        }
    }
}

/// A slot for these segments with one block, whose data is not stored yet. `number` is another one
/// for each that is ever built.
fn build(number: u8, k: u32, segments: &BTreeSet<u64>) -> Slot {
    let id = mint_block(&epoch(), k, [number; 6]).unwrap();
    let rows = segments.len() as u64;
    let block =
        BlockEntry { tenant: "t".into(), id, meta: bytes::Bytes::new(), rows, size: 0, crc: 0 };
    Slot {
        uid: Uid([number; 16]),
        epoch: epoch(),
        k,
        blocks: vec![block],
        covers: segments.iter().map(|n| info(*n)).collect(),
        quarantined: Vec::new(),
        rows_in: rows,
        duplicates: 0,
        rejected: 0,
        relogged: 0,
        conflicts: 0,
        closed: false,
        adopted: false,
    }
}

/// An adopter of the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Adopter {
    adoption: Adoption,
    pub(crate) commit: Option<Committing>,
    /// Numbers its slots.
    minted: u8,
}

impl Adopter {
    pub(crate) fn new(number: usize) -> Self {
        // A piece is one segment, so that there are as many commits as can be.
        let minted = 32 * (1 + u8::try_from(number).unwrap() % 7);
        Adopter { adoption: Adoption::new(1), commit: None, minted }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.adoption.step(), adopt::Step::Ended(_))
    }

    /// Takes a step.
    pub(crate) fn step(&mut self, state: &mut State, protocol: &Protocol) {
        use adopt::{Done, Step};
        let done = match self.adoption.step() {
            Step::ReadSlots => {
                let mut slots = state.slots.clone();
                if protocol.mutant == Mutant::BuildBlind {
                    slots.values_mut().for_each(|slot| slot.covers.clear());
                }
                Done::Slots(slots)
            }
            Step::ListSegments => {
                Done::Segments(state.segments.iter().map(|n| (*n, info(*n).len)).collect())
            }
            Step::LookAtBlocks(blocks) => {
                let states = blocks.iter().map(|block| (block.id, state.block_state(&block.id)));
                Done::Blocks(states.collect())
            }
            Step::ListFloor => {
                let trusts = protocol.mutant == Mutant::TrustBelowFloor;
                Done::Floor { covered: state.floor && !trusts }
            }
            Step::WriteMetas(blocks) => {
                state.metas.extend(blocks.iter().map(|block| block.id));
                Done::Shown
            }
            Step::Delete(numbers) => {
                numbers.iter().for_each(|n| state.send_delete(*n));
                Done::Deleted
            }
            Step::Build { k, segments } => {
                let segments: BTreeSet<u64> = segments.into_iter().collect();
                if segments.is_subset(&state.segments) {
                    self.minted += 1;
                    let mut slot = build(self.minted, k, &segments);
                    if protocol.mutant == Mutant::CoverByInterval {
                        let last = segments.last().copied().unwrap_or_default();
                        slot.covers = (0..=last).map(info).collect();
                    }
                    let commit = Committing { contents: segments, ..Committing::new(slot.clone()) };
                    self.commit = Some(commit);
                    Done::Built { slot: Some(slot), rest: Vec::new() }
                } else {
                    Done::OutOfDate
                }
            }
            Step::Commit(_) => {
                let commit = self.commit.as_mut().unwrap();
                let Some(ended) = commit.step(state, protocol) else { return };
                self.commit = None;
                Done::Committed(ended)
            }
            Step::Relog(n) if state.segments.contains(&n) => {
                state.relogged.insert(n);
                Done::Relogged
            }
            Step::Relog(_) => Done::OutOfDate,
            Step::Ended(_) => return,
        };
        self.adoption.done(done).unwrap();
    }
}

/// One pass of the collector, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Collector {
    at: usize,
    metaless: BTreeSet<Uuid>,
    slots: BTreeMap<u32, Slot>,
    segments: usize,
    evidence: bool,
    unnamed: usize,
    finished: bool,
}

impl Collector {
    /// Takes a step; `None` when the pass is over.
    pub(crate) fn step(mut self, state: &mut State, protocol: &Protocol) -> Option<Self> {
        match self.at {
            0 => {
                let metaless = state.data.keys().filter(|id| !state.metas.contains(id));
                self.metaless = metaless.copied().collect();
            }
            1 => self.slots = state.slots.clone(),
            2 => self.segments = state.segments.len(),
            3 => self.evidence = !state.floor || protocol.mutant == Mutant::TrustBelowFloor,
            4 => self.judge(state, protocol),
            5 => {
                let mut blocks = self.slots.values().flat_map(|slot| &slot.blocks);
                let unfinished = |id| state.block_state(id) == BlockState::Unfinished;
                self.finished = !blocks.any(|block| unfinished(&block.id));
            }
            6 => {
                let hour = Hour {
                    segments: self.segments,
                    owned: false,
                    finished: self.finished,
                    superseded: 0,
                    unnamed: self.unnamed,
                    old: true,
                };
                // An hour of which nothing is there is not seen by a survey.
                let seen = !self.slots.is_empty() || self.segments > 0;
                let hours = BTreeMap::from([(epoch().hour(), hour)]);
                if !seen || (floor_to_write(&hours).is_none() && !state.floor) {
                    return None;
                }
                state.floor |= protocol.mutant != Mutant::RetireWithoutFloor;
            }
            _ => {
                state.slots.retain(|k, _| !self.slots.contains_key(k));
                return None;
            }
        }
        self.at += 1;
        Some(self)
    }

    fn judge(&mut self, state: &mut State, protocol: &Protocol) {
        for id in &self.metaless {
            let origin = block_origin(id).unwrap();
            let slot = self.slots.get(&origin.slot).filter(|_| self.evidence);
            let unnamed = slot.is_none();
            let garbage = match verdict(id, slot) {
                Verdict::Garbage => true,
                _ => protocol.mutant == Mutant::CollectUnreferenced && unnamed,
            };
            if garbage {
                state.data.remove(id);
                state.collected += 1;
            } else {
                self.unnamed += 1;
            }
        }
    }
}
