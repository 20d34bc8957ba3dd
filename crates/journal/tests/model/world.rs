//! The store, what is on its way to it, and who is at work: one state of the model.
//!
//! No actor has to take a step, and no write has to land: that is what crashes and lost writes are.

use crate::actors::{Adopter, Collector, Committing, Owner};
use crate::protocol::{Mutant, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::recover::BlockState;
use tributary_journal::{EpochId, SegmentInfo, Slot};
use tributary_store::Created;
use uuid::Uuid;

/// A write on its way: it may take effect at any time, also when its sender is dead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Write {
    /// Create segment `n`.
    Segment(u64),
    /// Create a slot: the one with this uid, of [`State::sent`].
    Slot([u8; 16]),
    /// Delete segment `n`.
    Delete(u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    /// Segments in the store.
    pub(crate) segments: BTreeSet<u64>,
    /// Slots in the store.
    pub(crate) slots: BTreeMap<u32, Slot>,
    /// Data of blocks in the store, and the segments whose spans are in it.
    pub(crate) data: BTreeMap<Uuid, BTreeSet<u64>>,
    /// Blocks that have had their meta.
    pub(crate) metas: BTreeSet<Uuid>,
    /// Whether the floor covers the epoch.
    pub(crate) floor: bool,
    /// Segments whose content is durable in another epoch.
    pub(crate) relogged: BTreeSet<u64>,
    /// Segments whose creation took effect at some time.
    landed: BTreeSet<u64>,
    pub(crate) acked: BTreeSet<u64>,
    /// How often each write on its way may still take effect.
    flying: BTreeMap<Write, u8>,
    /// Slots that were sent.
    sent: BTreeMap<[u8; 16], Slot>,
    /// What their senders were answered.
    answers: BTreeMap<[u8; 16], Answer>,
    owner: Owner,
    adopters: Vec<Option<Adopter>>,
    collector: (u8, Option<Collector>),
    pub(crate) collected: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Won,
    Lost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// A write takes effect.
    Land(Write),
    /// The owner seals a segment and sends it.
    Send,
    /// The owner hears that a segment is stored, and acknowledges.
    Ack(u64),
    /// The owner freezes what it has and builds a block.
    Cut,
    /// The owner takes a step of its commit.
    OwnerStep,
    AdopterBegins(usize),
    AdopterStep(usize),
    CollectorBegins,
    CollectorStep,
}

pub(crate) fn epoch() -> EpochId {
    EpochId::new(1_795_442_400, [7; 12])
}

impl State {
    pub(crate) fn new(protocol: &Protocol) -> State {
        State {
            segments: BTreeSet::new(),
            slots: BTreeMap::new(),
            data: BTreeMap::new(),
            metas: BTreeSet::new(),
            floor: false,
            relogged: BTreeSet::new(),
            landed: BTreeSet::new(),
            acked: BTreeSet::new(),
            flying: BTreeMap::new(),
            sent: BTreeMap::new(),
            answers: BTreeMap::new(),
            owner: Owner::new(epoch()),
            adopters: vec![None; protocol.adopters],
            collector: (protocol.collections, None),
            collected: 0,
        }
    }

    pub(crate) fn actions(&self, protocol: &Protocol, actions: &mut Vec<Action>) {
        actions.extend(self.flying.keys().cloned().map(Action::Land));
        let owner = &self.owner;
        if owner.sent < protocol.segments && !owner.core.is_lost() {
            actions.push(Action::Send);
        }
        let stored = owner.waiting.iter().filter(|n| self.landed.contains(n));
        actions.extend(stored.map(|n| Action::Ack(*n)));
        match &owner.commit {
            Some(commit) if self.can_step(commit) => actions.push(Action::OwnerStep),
            Some(_) => {}
            None if owner.core.uncovered() > 0 && !owner.core.is_lost() => {
                actions.push(Action::Cut);
            }
            None => {}
        }
        for (i, adopter) in self.adopters.iter().enumerate() {
            match adopter {
                // Who finds nothing need not be looked at; of two who have not begun, one does.
                None if !self.segments.is_empty()
                    && self.adopters.iter().take(i).all(Option::is_some) =>
                {
                    actions.push(Action::AdopterBegins(i));
                }
                Some(adopter)
                    if !adopter.is_done()
                        && adopter.commit.as_ref().is_none_or(|commit| self.can_step(commit)) =>
                {
                    actions.push(Action::AdopterStep(i));
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

    /// Whether a commit does not wait for an answer.
    fn can_step(&self, commit: &Committing) -> bool {
        !commit.sent || self.answers.contains_key(&commit.run.slot().uid.0)
    }

    pub(crate) fn take(&mut self, protocol: &Protocol, action: Action) {
        match action {
            Action::Land(write) => self.land(&write),
            Action::Send => {
                if let Ok(n) = self.owner.core.reserve() {
                    self.owner.sent += 1;
                    self.owner.waiting.insert(n);
                    self.flying.insert(Write::Segment(n), protocol.landings);
                    if protocol.mutant == Mutant::AckBeforeStored {
                        self.acked.insert(n);
                    }
                }
            }
            Action::Ack(n) => {
                self.owner.waiting.remove(&n);
                self.owner.core.durable(info(n)).unwrap();
                self.acked.insert(n);
            }
            Action::Cut => self.owner.cut(),
            Action::OwnerStep => {
                let mut owner = self.owner.clone();
                owner.step(self, protocol);
                self.owner = owner;
            }
            Action::AdopterBegins(i) => self.adopters[i] = Some(Adopter::new(i)),
            Action::AdopterStep(i) => {
                let mut adopter = self.adopters[i].take().unwrap();
                adopter.step(self, protocol);
                self.adopters[i] = Some(adopter);
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

    fn land(&mut self, write: &Write) {
        match self.flying.get_mut(write) {
            Some(left) if *left > 1 => *left -= 1,
            _ => drop(self.flying.remove(write)),
        }
        match write {
            Write::Segment(n) => {
                self.segments.insert(*n);
                self.landed.insert(*n);
            }
            Write::Delete(n) => {
                self.segments.remove(n);
            }
            Write::Slot(uid) => {
                let slot = self.sent[uid].clone();
                // A repeated write finds itself: that is its answer, too.
                let there = self.slots.entry(slot.k).or_insert(slot);
                let answer = if there.uid.0 == *uid { Answer::Won } else { Answer::Lost };
                self.answers.entry(*uid).or_insert(answer);
                if !self.flying.contains_key(write) {
                    self.sent.remove(uid);
                }
            }
        }
    }

    pub(crate) fn send_slot(&mut self, slot: &Slot, landings: u8) {
        self.sent.insert(slot.uid.0, slot.clone());
        self.flying.insert(Write::Slot(slot.uid.0), landings);
    }

    pub(crate) fn take_answer(&mut self, slot: &Slot) -> Created {
        match self.answers.remove(&slot.uid.0).unwrap() {
            Answer::Won => Created::Won,
            Answer::Lost => Created::Lost,
        }
    }

    pub(crate) fn send_delete(&mut self, n: u64) {
        self.flying.insert(Write::Delete(n), 1);
    }

    pub(crate) fn block_state(&self, id: &Uuid) -> BlockState {
        match (self.metas.contains(id), self.data.contains_key(id)) {
            (true, _) => BlockState::Visible,
            (false, true) => BlockState::Unfinished,
            (false, false) => BlockState::Gone,
        }
    }

    // What is looked for in the space of states.

    pub(crate) fn owner_lost(&self) -> bool {
        self.owner.core.is_lost()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    // Properties.

    fn visible(&self) -> BTreeSet<u64> {
        self.metas.iter().filter_map(|id| self.data.get(id)).flatten().copied().collect()
    }

    /// Each acknowledged segment is in the store, or in a visible block, or in one that a slot
    /// which counts names, or logged again.
    pub(crate) fn nothing_is_lost(&self) -> bool {
        let visible = self.visible();
        let named: BTreeSet<u64> = self
            .valid_slots()
            .flat_map(|slot| &slot.blocks)
            .filter_map(|block| self.data.get(&block.id))
            .flatten()
            .copied()
            .collect();
        self.acked.iter().all(|n| {
            [&self.segments, &self.relogged, &visible, &named].iter().any(|set| set.contains(n))
        })
    }

    fn valid_slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.values().filter(|_| !self.floor)
    }

    pub(crate) fn covered_once(&self) -> bool {
        let mut covered = BTreeSet::new();
        self.valid_slots().flat_map(|slot| &slot.covers).all(|segment| covered.insert(segment.n))
    }

    pub(crate) fn nothing_dangles(&self) -> bool {
        let named = self.valid_slots().flat_map(|slot| &slot.blocks).map(|block| &block.id);
        named.chain(&self.metas).all(|id| self.data.contains_key(id))
    }

    /// All are dead and nothing is on its way any more: one adoption, undisturbed, makes
    /// everything that was acknowledged visible.
    pub(crate) fn recovers(&self, protocol: &Protocol) -> bool {
        let mut state = self.clone();
        state.flying.clear();
        let mut adopter = Adopter::new(usize::from(u8::MAX / 32));
        while !adopter.is_done() {
            adopter.step(&mut state, protocol);
            let writes: Vec<Write> = state.flying.keys().cloned().collect();
            writes.iter().for_each(|write| state.land(write));
        }
        let visible = state.visible();
        self.acked.iter().all(|n| visible.contains(n) || state.relogged.contains(n))
    }
}

pub(crate) fn info(n: u64) -> SegmentInfo {
    SegmentInfo { n, len: 1, crc: 0, spans: 1 }
}
