//! Who is at work: each takes the steps that the journal's state machines tell, one at a time.

use super::world::{Block, State, window};
use super::{Mutant, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::collect::{Hour, Verdict, floor_to_write, verdict_on_compacted};
use tributary_journal::compact::{Candidate, Compaction, Done, Known, Limits, Seen, Step};
use tributary_journal::record::Input;
use tributary_journal::recover::BlockState;
use tributary_journal::window::mint_compacted;
use tributary_journal::{BlockEntry, Record, Uid};
use tributary_store::Created;
use uuid::Uuid;

const LIMITS: Limits = Limits { most: 8, fewest: 2, bytes: 1000, block: 1000 };

/// One pass of a compactor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Compactor {
    number: u8,
    pass: Compaction,
    sent: bool,
}

impl Compactor {
    /// Begins with what is visible now.
    pub(super) fn new(number: u8, state: &State) -> Self {
        let candidates = state.visible().map(|(id, _)| Candidate { id: *id, bytes: 1 }).collect();
        Compactor { number, pass: Compaction::new(candidates, LIMITS, true), sent: false }
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
                for block in blocks {
                    state.blocks.entry(block.id).or_default().meta = true;
                }
                Done::Shown
            }
            Step::Hide(blocks) => {
                blocks.iter().for_each(|id| state.hide(id));
                Done::Hidden
            }
            Step::Delete(blocks) => {
                blocks.iter().for_each(|id| drop(state.blocks.insert(*id, Block::default())));
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
            Step::CreateRecord(record) if !self.sent => {
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
                        let inputs = record.inputs.iter();
                        inputs.for_each(|i| drop(state.blocks.insert(i.id, Block::default())));
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
            if protocol.mutant == Mutant::Blind {
                record.inputs.clear();
            }
            // As soon as may be, and no pass remembers anything.
            (*k, Known { record, old: true, seen: Seen::Nothing })
        });
        known.collect()
    }

    fn build(&self, state: &mut State, k: u32, inputs: &[Uuid]) -> Option<Record> {
        let mut read = Vec::new();
        for id in inputs {
            read.push((*id, state.blocks.get(id)?.data.clone()?));
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
        state.blocks.insert(output.id, Block { data: Some(spans), meta: false, marked: false });
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
                state.records.retain(|k, _| !self.records.contains_key(k));
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
                    state.blocks.insert(*id, Block::default());
                    state.collected += 1;
                }
                Verdict::Pending if protocol.mutant == Mutant::CollectUnreferenced => {
                    state.blocks.insert(*id, Block::default());
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
