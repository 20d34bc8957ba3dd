//! Who is at work: each takes the steps that the journal's state machines tell, one at a time.

use super::world::{Block, State, window};
use super::{Mutant, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::collect::{
    Hour, Verdict, floor_to_write, may_go_below_floor, verdict_on_compacted,
};
use tributary_journal::compact::{Candidate, Compaction, Done, Known, Limits, Seen, Step};
use tributary_journal::record::{Expiry, Input};
use tributary_journal::recover::BlockState;
use tributary_journal::window::mint_compacted;
use tributary_journal::{BlockEntry, Record, Uid};
use tributary_store::Created;
use uuid::Uuid;

const LIMITS: Limits = Limits { most: 8, fewest: 2, bytes: 1000, block: 1000, traces: 1000 };

/// What a compactor is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Merge,
    /// The window is over.
    Expire,
}

/// One pass of a compactor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Compactor {
    number: u8,
    pass: Compaction,
    sent: bool,
}

impl Compactor {
    /// Begins with what is visible now.
    pub(super) fn new(number: u8, work: Work, state: &State, protocol: &Protocol) -> Self {
        let candidates =
            state.visible().map(|(id, _)| Candidate { id: *id, bytes: 1, traces: 1 }).collect();
        let has_expired = state.records.values().any(|record| record.expiry.is_some());
        let pass = match work {
            Work::Expire if protocol.mutant == Mutant::ExpireOnce && has_expired => {
                Compaction::new(Vec::new(), LIMITS, true)
            }
            Work::Expire => Compaction::expiring(candidates),
            Work::Merge => Compaction::new(candidates, LIMITS, true),
        };
        Compactor { number, pass, sent: false }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.pass.step(), Step::Ended(_))
    }

    /// Whether there is something to do and it does not wait for an answer.
    pub(super) fn can_step(&self, answers: &BTreeMap<[u8; 16], bool>) -> bool {
        match self.pass.step() {
            Step::Ended(_) => false,
            Step::CreateRecord(record) => !self.sent || answers.contains_key(&record.uid.0),
            _ => true,
        }
    }

    pub(super) fn step(&mut self, state: &mut State, protocol: &Protocol) {
        let done = match self.pass.step() {
            Step::ReadRecords => Done::Records(self.records(state, protocol)),
            Step::ListFloor => Done::Floor { covered: state.floor },
            Step::LookAtBlocks(blocks) => {
                Done::Blocks(blocks.iter().map(|id| (*id, state.block_state(id))).collect())
            }
            Step::WriteMetas(blocks) => {
                blocks.iter().for_each(|block| state.show(block.id));
                Done::Shown
            }
            Step::Hide(blocks) => {
                blocks.iter().for_each(|id| state.hide(id));
                Done::Hidden
            }
            Step::Delete(blocks) => {
                blocks.iter().for_each(|id| state.delete(id));
                Done::Deleted
            }
            Step::Build { k, inputs } => match self.build(state, k, &inputs) {
                Some(record) => {
                    if protocol.mutant == Mutant::HideFirst {
                        inputs.iter().for_each(|id| state.hide(id));
                    }
                    Done::Built(Box::new(record))
                }
                None => Done::OutOfDate,
            },
            Step::Expire { k, blocks } => {
                if protocol.mutant == Mutant::HideFirst {
                    blocks.iter().for_each(|id| state.hide(id));
                }
                let expiry = Expiry { retention: None, bytes: 0 };
                let uid = Uid([1 + self.number; 16]);
                Done::Built(Box::new(Record::expiring(uid, &window(), k, blocks, expiry)))
            }
            Step::CreateRecord(record) if !self.sent => {
                if protocol.mutant == Mutant::BesideTheChain && record.expiry.is_some() {
                    state.beside.insert(record.uid.0, (*record).clone());
                }
                state.send(&record, protocol.landings);
                self.sent = true;
                return;
            }
            Step::CreateRecord(record) => {
                self.sent = false;
                let created = state.take_answer(&record);
                match protocol.mutant {
                    Mutant::ShowLost => Done::Created(Created::Won),
                    Mutant::DeleteUnshown => {
                        record.inputs.iter().for_each(|input| state.delete(&input.id));
                        Done::Created(created)
                    }
                    Mutant::DeleteUnhidden if created == Created::Won => {
                        for input in &record.inputs {
                            state.blocks.entry(input.id).or_default().data = None;
                        }
                        Done::Created(created)
                    }
                    _ => Done::Created(created),
                }
            }
            Step::Ended(_) => return,
        };
        self.pass.done(done).unwrap();
    }

    fn records(&self, state: &State, protocol: &Protocol) -> BTreeMap<u32, Known> {
        let known = state.records.iter().map(|(k, record)| {
            let mut record = record.clone();
            let grown = protocol.mutant == Mutant::GrownAgain && record.expiry.is_some();
            if protocol.mutant == Mutant::Blind || grown {
                record.inputs.clear();
            }
            // As soon as may be, and no pass remembers anything.
            (*k, Known { record, old: true, seen: Seen::Nothing })
        });
        known.collect()
    }

    fn build(&self, state: &mut State, k: u32, inputs: &[Uuid]) -> Option<Record> {
        let (mut read, mut roots) = (Vec::new(), BTreeSet::new());
        for id in inputs {
            let block = state.blocks.get(id)?;
            read.push((*id, block.data.clone()?));
            roots.extend(&block.roots);
        }
        let spans: BTreeSet<u8> = read.iter().flat_map(|(_, spans)| spans).copied().collect();
        let rows = |spans: &BTreeSet<u8>| spans.len() as u64;
        let rows_in: u64 = read.iter().map(|(_, spans)| rows(spans)).sum();
        let output = BlockEntry {
            tenant: window().tenant,
            id: mint_compacted(&window(), k, [self.number; 6]).unwrap(),
            meta: bytes::Bytes::new(),
            rows: rows(&spans),
            size: 1,
            crc: 0,
        };
        let duplicates = rows_in - output.rows;
        let block = Block { data: Some(spans), roots, ..Block::default() };
        state.blocks.insert(output.id, block);
        let inputs = read.iter().map(|(id, spans)| Input { id: *id, rows: rows(spans) });
        Some(Record {
            inputs: inputs.collect(),
            outputs: vec![output],
            duplicates,
            ..Record::empty(Uid([1 + self.number; 16]), &window(), k)
        })
    }
}

/// One pass of the collector, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Collector {
    at: usize,
    metaless: BTreeSet<Uuid>,
    records: BTreeMap<u32, Record>,
    evidence: bool,
    unnamed: usize,
    hour: (bool, usize),
}

impl Collector {
    /// Takes a step; `None` when the pass is over.
    pub(super) fn step(mut self, state: &mut State, protocol: &Protocol) -> Option<Self> {
        match self.at {
            0 => {
                let all = state.blocks.keys().copied();
                let is_metaless = |id: &Uuid| state.block_state(id) == BlockState::Unfinished;
                self.metaless = all.filter(is_metaless).collect();
            }
            1 => self.records = state.records.clone(),
            2 => self.evidence = !state.floor,
            3 => self.judge(state, protocol),
            4 => self.look(state),
            5 => {
                let (finished, superseded) = self.hour;
                let (unnamed, old) = (self.unnamed, true);
                let hour = Hour { segments: 0, owned: false, finished, superseded, unnamed, old };
                let hours = BTreeMap::from([(window().hour_name(), hour)]);
                // An hour of which nothing is there is not seen by a survey.
                if self.records.is_empty() || (floor_to_write(&hours).is_none() && !state.floor) {
                    return None;
                }
                state.floor |= protocol.mutant != Mutant::RetireWithoutFloor;
            }
            _ => {
                let at_once = protocol.mutant == Mutant::RetireExpiries;
                for (k, record) in &self.records {
                    let inputs = record.inputs.iter().map(|input| input.id);
                    let states = inputs.map(|id| (id, state.block_state(&id))).collect();
                    if at_once || may_go_below_floor(record, &states) {
                        state.records.remove(k);
                    }
                }
                return None;
            }
        }
        self.at += 1;
        Some(self)
    }

    fn judge(&mut self, state: &mut State, protocol: &Protocol) {
        for id in self.metaless.iter().filter(|_| self.evidence) {
            let k = tributary_journal::window::compacted_origin(id).map(|origin| origin.record);
            let record = k.and_then(|k| self.records.get(&k));
            match verdict_on_compacted("t", id, record) {
                Verdict::Garbage => {
                    state.delete(id);
                    state.collected += 1;
                }
                Verdict::Pending if protocol.mutant == Mutant::CollectUnreferenced => {
                    state.delete(id);
                }
                Verdict::Pending => {
                    self.unnamed += 1;
                    let free = (0..).find(|k| !self.records.contains_key(k)).unwrap();
                    // Sent once at most: there are no more uids.
                    if !state.records.contains_key(&free) {
                        state.send(&Record::empty(Uid([99; 16]), &window(), free), 1);
                    }
                }
                _ => self.unnamed += 1,
            }
        }
    }

    fn look(&mut self, state: &State) {
        let inputs: BTreeSet<Uuid> =
            self.records.values().flat_map(|r| &r.inputs).map(|input| input.id).collect();
        let outputs = self.records.values().flat_map(|r| &r.outputs).map(|output| output.id);
        let left = inputs.iter().filter(|id| state.block_state(id) != BlockState::Gone).count();
        let standing = outputs.filter(|id| !inputs.contains(id));
        let finished =
            standing.into_iter().all(|id| state.block_state(&id) != BlockState::Unfinished);
        self.hour = (finished, left);
    }
}
