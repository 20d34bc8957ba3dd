//! One state of the model: the window's blocks and records, what is on its way, who is at work.

use super::Protocol;
use super::actors::{Collector, Compactor, Work};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::id::mint_block;
use tributary_journal::recover::BlockState;
use tributary_journal::{CompactionWindow, EpochId, Record};
use tributary_store::Created;
use uuid::Uuid;

/// What lies in a block's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Block {
    /// The spans in its data; none when it is deleted.
    pub(super) data: Option<BTreeSet<u8>>,
    pub(super) meta: bool,
    pub(super) marked: bool,
    /// The blocks of the beginning that it was made of, also when it is deleted.
    pub(super) roots: BTreeSet<Uuid>,
    /// Whether its meta was written when its data was gone: by a process that had stood still.
    pub(super) rewritten: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(super) blocks: BTreeMap<Uuid, Block>,
    pub(super) records: BTreeMap<u32, Record>,
    pub(super) floor: bool,
    /// Blocks that a record has named as expired, for ever; also when that record is gone.
    pub(super) expired: BTreeSet<Uuid>,
    /// Expiries that a mutant keeps beside the chain.
    pub(super) beside: BTreeMap<[u8; 16], Record>,
    /// How often each record's creation may still take effect.
    flying: BTreeMap<[u8; 16], u8>,
    sent: BTreeMap<[u8; 16], Record>,
    answers: BTreeMap<[u8; 16], bool>,
    /// The block whose meta a process that stands still is going to write.
    stalled: Option<Uuid>,
    /// The block that joins the window later, if it does.
    joining: Option<Uuid>,
    /// Spans that have been visible.
    shown: BTreeSet<u8>,
    compactors: Vec<Option<Compactor>>,
    collector: (u8, Option<Collector>),
    pub(super) lost: u8,
    pub(super) collected: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A record's creation takes effect.
    Land([u8; 16]),
    /// Who stood still goes on.
    Stalled,
    /// A block becomes visible.
    Join,
    CompactorBegins(usize),
    CompactorStep(usize),
    CollectorBegins,
    CollectorStep,
}

pub(super) fn window() -> CompactionWindow {
    CompactionWindow { hour: 498_734, tenant: "t".into() }
}

fn fresh(n: u8) -> Uuid {
    mint_block(&EpochId::new(window().hour * 3600, [n; 12]), 0, [n; 6]).unwrap()
}

/// The spans of a block of the beginning.
fn spans(n: u8) -> BTreeSet<u8> {
    BTreeSet::from([n, u8::from(n == 0)])
}

impl State {
    pub(super) fn new(protocol: &Protocol) -> State {
        // One span came twice; of three blocks the last one joins later.
        let last = protocol.blocks - 1;
        let is_late = |n| n == last && n > 1;
        let block = |n| Block {
            data: Some(spans(n)),
            meta: !is_late(n),
            marked: false,
            roots: [fresh(n)].into(),
            rewritten: false,
        };
        State {
            blocks: (0..protocol.blocks).map(|n| (fresh(n), block(n))).collect(),
            joining: Some(fresh(last)).filter(|_| is_late(last)),
            shown: (0..protocol.blocks).filter(|n| !is_late(*n)).flat_map(spans).collect(),
            records: BTreeMap::new(),
            floor: false,
            expired: BTreeSet::new(),
            beside: BTreeMap::new(),
            flying: BTreeMap::new(),
            sent: BTreeMap::new(),
            answers: BTreeMap::new(),
            stalled: Some(fresh(0)),
            compactors: vec![None; protocol.compactors + protocol.expirers],
            collector: (protocol.collections, None),
            lost: 0,
            collected: 0,
        }
    }

    pub(super) fn actions(&self, protocol: &Protocol, actions: &mut Vec<Action>) {
        actions.extend(self.flying.keys().map(|uid| Action::Land(*uid)));
        actions.extend(self.stalled.map(|_| Action::Stalled));
        actions.extend(self.joining.map(|_| Action::Join));
        for (i, compactor) in self.compactors.iter().enumerate() {
            match compactor {
                // Of two of a kind who have not begun, one does.
                None if (protocol.first_of_its_kind(i)..i)
                    .all(|j| self.compactors[j].is_some()) =>
                {
                    actions.push(Action::CompactorBegins(i));
                }
                Some(compactor) if compactor.can_step(&self.answers) => {
                    actions.push(Action::CompactorStep(i));
                }
                _ => {}
            }
        }
        match &self.collector {
            (0, None) => {}
            (_, None) => actions.push(Action::CollectorBegins),
            (_, Some(_)) => actions.push(Action::CollectorStep),
        }
    }

    pub(super) fn take(&mut self, protocol: &Protocol, action: Action) {
        match action {
            Action::Land(uid) => self.land(uid),
            Action::Stalled => {
                if let Some(id) = self.stalled.take() {
                    self.show(id);
                }
            }
            Action::Join => {
                if let Some(block) = self.joining.take().and_then(|id| self.blocks.get_mut(&id)) {
                    block.meta = true;
                    self.shown.extend(block.data.iter().flatten());
                }
            }
            Action::CompactorBegins(i) => {
                let work = if i < protocol.compactors { Work::Merge } else { Work::Expire };
                let begun = Compactor::new(u8::try_from(i).unwrap(), work, self, protocol);
                self.compactors[i] = Some(begun);
            }
            Action::CompactorStep(i) => {
                let mut compactor = self.compactors[i].take().unwrap();
                compactor.step(self, protocol);
                self.compactors[i] = Some(compactor);
            }
            Action::CollectorBegins => {
                self.collector = (self.collector.0 - 1, Some(Collector::default()));
            }
            Action::CollectorStep => {
                let collector = self.collector.1.take().unwrap();
                self.collector.1 = collector.step(self, protocol);
            }
        }
    }

    fn land(&mut self, uid: [u8; 16]) {
        match self.flying.get_mut(&uid) {
            Some(left) if *left > 1 => *left -= 1,
            _ => drop(self.flying.remove(&uid)),
        }
        let record = self.sent[&uid].clone();
        if self.beside.contains_key(&uid) {
            self.expired.extend(record.inputs.iter().map(|input| input.id));
            self.answers.insert(uid, true);
            return;
        }
        // A repeated creation finds itself: that is its answer, too.
        let there = self.records.entry(record.k).or_insert(record);
        let won = there.uid.0 == uid;
        if won && there.expiry.is_some() {
            self.expired.extend(there.inputs.iter().map(|input| input.id));
        }
        self.answers.entry(uid).or_insert(won);
        if !self.flying.contains_key(&uid) {
            self.sent.remove(&uid);
        }
    }

    pub(super) fn send(&mut self, record: &Record, landings: u8) {
        self.sent.insert(record.uid.0, record.clone());
        self.flying.insert(record.uid.0, landings);
    }

    pub(super) fn take_answer(&mut self, record: &Record) -> Created {
        match self.answers.remove(&record.uid.0).unwrap() {
            true => Created::Won,
            false => {
                self.lost += 1;
                Created::Lost
            }
        }
    }

    pub(super) fn block_state(&self, id: &Uuid) -> BlockState {
        match self.blocks.get(id) {
            Some(Block { meta: true, .. }) => BlockState::Visible,
            Some(Block { marked: true, .. }) => BlockState::Compacted,
            Some(Block { data: Some(_), .. }) => BlockState::Unfinished,
            _ => BlockState::Gone,
        }
    }

    pub(super) fn visible(&self) -> impl Iterator<Item = (&Uuid, &Block)> {
        self.blocks.iter().filter(|(_, block)| block.meta)
    }

    pub(super) fn show(&mut self, id: Uuid) {
        let block = self.blocks.entry(id).or_default();
        block.meta = true;
        block.rewritten |= block.data.is_none();
    }

    pub(super) fn delete(&mut self, id: &Uuid) {
        let block = self.blocks.entry(*id).or_default();
        (block.data, block.meta, block.marked) = (None, false, false);
    }

    pub(super) fn hide(&mut self, id: &Uuid) {
        if let Some(block) = self.blocks.get_mut(id).filter(|block| block.meta) {
            (block.meta, block.marked) = (false, true);
        }
    }

    // What is looked for in the space of states.

    pub(super) fn is_resurrected(&self) -> bool {
        self.visible().any(|(_, block)| block.data.is_none())
    }

    pub(super) fn is_stale(&self) -> bool {
        !self.expired.is_empty() && self.lost > 0
    }

    /// The blocks of the beginning that have expired, by themselves or in others.
    fn expired_roots(&self) -> BTreeSet<Uuid> {
        let named = self.expired.iter().filter_map(|id| self.blocks.get(id));
        named.flat_map(|block| &block.roots).copied().collect()
    }

    /// What a reader who knows all records answers from.
    fn standing(&self) -> impl Iterator<Item = (&Uuid, &Block)> {
        let counts = |record: &&Record| !self.floor || record.counts_below_floor();
        let records = self.records.values().filter(counts).chain(self.beside.values());
        let inputs = records.flat_map(|record| &record.inputs).map(|input| input.id);
        let gone: BTreeSet<Uuid> = inputs.collect();
        self.visible().filter(move |(id, _)| !gone.contains(id))
    }

    // Properties.

    /// At each instant, every span that has not expired is in the data of a visible block.
    pub(super) fn all_is_readable(&self) -> bool {
        let data = self.visible().filter_map(|(_, block)| block.data.as_ref());
        let mut read: BTreeSet<u8> = data.flatten().copied().collect();
        // A span that came twice has expired with each of its blocks.
        let roots = self.expired_roots();
        read.extend((0..3).filter(|n| roots.contains(&fresh(*n))).flat_map(spans));
        self.shown.is_subset(&read)
    }

    /// No answer has what has expired. (Below the floor a merge that stood still may show what it made
    /// after that: the next look finds it.)
    pub(super) fn expired_stays_away(&self) -> bool {
        let expired = self.expired_roots();
        self.floor || self.standing().all(|(_, block)| block.roots.is_disjoint(&expired))
    }

    /// A visible block has its data, unless its meta was written when it was gone already.
    pub(super) fn nothing_dangles(&self) -> bool {
        self.visible().all(|(_, block)| block.data.is_some() || block.rewritten)
    }

    pub(super) fn superseded_once(&self) -> bool {
        let mut superseded = BTreeSet::new();
        let counts = |record: &&Record| !self.floor || record.counts_below_floor();
        let records = self.records.values().filter(counts);
        records.flat_map(|record| &record.inputs).all(|input| superseded.insert(input.id))
    }

    /// All are dead and nothing is on its way any more: some passes, undisturbed, leave each
    /// span that has not expired in one visible block, and no visible block without data. (Below the
    /// floor all stays as it is, but for what has expired.)
    pub(super) fn heals(&self, protocol: &Protocol) -> bool {
        let mut state = self.dead();
        if state.floor && state.records.is_empty() {
            return state.all_is_readable();
        }
        state.passes(Work::Merge, protocol);
        let mut seen = BTreeSet::new();
        let whole = state.visible().all(|(_, block)| {
            block.data.as_ref().is_some_and(|spans| spans.iter().all(|span| seen.insert(*span)))
        });
        (whole || state.floor) && state.all_is_readable() && state.expired_stays_away()
    }

    /// The same where retention goes on: no data is left of what has expired, and nothing is visible
    /// in a window that is over. (A mark without data may be left below the floor, where a process
    /// that stood still wrote a meta after all was gone, and another one that stood still hid it.)
    pub(super) fn expires(&self, protocol: &Protocol) -> bool {
        if protocol.expirers == 0 {
            return true;
        }
        let mut state = self.dead();
        state.passes(Work::Expire, protocol);
        let left = |id| state.blocks.get(id).is_some_and(|block| block.data.is_some());
        state.visible().next().is_none() && !state.expired.iter().any(left)
    }

    fn dead(&self) -> State {
        State { flying: BTreeMap::new(), stalled: None, ..self.clone() }
    }

    fn passes(&mut self, work: Work, protocol: &Protocol) {
        for number in 0..3 {
            let mut compactor = Compactor::new(100 + number, work, self, protocol);
            while !compactor.is_done() {
                compactor.step(self, protocol);
                let flying: Vec<[u8; 16]> = self.flying.keys().copied().collect();
                flying.into_iter().for_each(|uid| self.land(uid));
            }
        }
    }
}
