//! A model checker over the journal's own state machines: the owner of an epoch, adopters and the
//! collector, in every order, with writes that are lost, repeated or late and crashes at every step.
//!
//! Nothing here describes the protocol a second time: [`WriterEpoch`], [`CommitRun`], [`Adoption`]
//! and the decisions of `collect` say what happens next; the model only carries it out on a store
//! of sets, one step at a time, in all orders there are. Variants that are known to be wrong
//! ([`Mutant`]) must be caught.
//!
//! Bounds are small so that the whole space is seen; `TRIBUTARY_MODEL=large` sees more.
//!
//! [`WriterEpoch`]: tributary_journal::WriterEpoch
//! [`CommitRun`]: tributary_journal::commit::CommitRun
//! [`Adoption`]: tributary_journal::adopt::Adoption

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the answer"
)]

mod actors;
mod world;

use stateright::{Checker, Model, Property};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use world::{Action, State};

/// What is wrong with the protocol as it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Frames are acknowledged when their segment is sent.
    AckBeforeStored,
    /// A slot covers every number up to the highest that was read.
    CoverByInterval,
    /// Data that no slot names is deleted, whether its slot exists or not.
    CollectUnreferenced,
    /// A commit that lost its slot tries the next one with the same blocks.
    AimAgain,
    /// The builder of a slot does not look which segments the slots before it cover.
    BuildBlind,
    /// Segments are deleted before the metas of their blocks are written.
    DeleteBeforeMeta,
    /// Slots of an old hour are deleted without a floor.
    RetireWithoutFloor,
    /// Slots are taken for evidence without a look at the floor.
    TrustBelowFloor,
}

#[derive(Debug, Clone)]
struct Protocol {
    segments: u64,
    /// Adopters, each of whom goes through the epoch once.
    adopters: usize,
    /// How often the collector may begin.
    collections: u8,
    /// How often a write may take effect.
    landings: u8,
    mutant: Mutant,
}

impl Protocol {
    const fn small() -> Self {
        Protocol { segments: 2, adopters: 1, collections: 0, landings: 1, mutant: Mutant::None }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.actions(self, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        next.take(self, action);
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("what is acknowledged is stored", |_, s: &State| s.nothing_is_lost()),
            Property::always("what is acknowledged can be recovered", |p, s: &State| s.recovers(p)),
            Property::always("a segment is covered once", |_, s: &State| s.covered_once()),
            Property::always("what is named is there", |_, s: &State| s.nothing_dangles()),
        ]
    }
}

/// Checks every state; answers how many there are.
fn check(protocol: Protocol) -> usize {
    let checker = protocol.checker().threads(2).spawn_dfs().join();
    checker.assert_properties();
    checker.unique_state_count()
}

/// Whether the checker finds what is wrong.
fn is_caught(protocol: Protocol) -> bool {
    let any = stateright::HasDiscoveries::Any;
    let checker = protocol.checker().threads(2).finish_when(any).spawn_dfs().join();
    !checker.discoveries().is_empty()
}

/// A run over every state reaches those that the protocol is about; a model that never gets there
/// proves nothing.
fn reaches(protocol: Protocol, what: fn(&State) -> bool) -> bool {
    let fingerprint = |state: &State| {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        hasher.finish()
    };
    let mut seen = BTreeSet::new();
    let mut next = protocol.init_states();
    while let Some(state) = next.pop() {
        if what(&state) {
            return true;
        }
        if seen.insert(fingerprint(&state)) {
            next.extend(protocol.next_states(&state));
        }
    }
    false
}

fn is_large() -> bool {
    std::env::var_os("TRIBUTARY_MODEL").is_some_and(|v| v == "large")
}

#[test]
fn an_owner_and_an_adopter_with_late_and_repeated_writes() {
    let segments = if is_large() { 3 } else { 2 };
    let states = check(Protocol { segments, landings: 2, ..Protocol::small() });
    show("one adopter, writes that land twice", states);
}

#[test]
fn an_owner_and_two_adopters() {
    let segments = if is_large() { 2 } else { 1 };
    let states = check(Protocol { segments, adopters: 2, ..Protocol::small() });
    show("two adopters", states);
}

#[test]
fn collection_and_retirement_while_zombies_are_about() {
    let segments = if is_large() { 2 } else { 1 };
    let states = check(Protocol { segments, collections: 2, landings: 2, ..Protocol::small() });
    show("collector, writes that land twice", states);
}

#[test]
fn the_model_gets_to_where_things_go_wrong() {
    let collecting = Protocol { segments: 1, collections: 2, landings: 2, ..Protocol::small() };
    assert!(reaches(Protocol::small(), |s| s.owner_lost()), "the owner never loses a slot");
    assert!(reaches(Protocol::small(), |s| s.slots() > 1), "there is never a second slot");
    assert!(reaches(collecting.clone(), |s| s.collected > 0), "nothing is ever collected");
    assert!(reaches(collecting.clone(), |s| s.floor && s.slots() > 0), "no slot comes too late");
    assert!(reaches(collecting, |s| !s.relogged.is_empty()), "nothing is ever logged again");
}

#[test]
fn what_is_known_to_be_wrong_is_caught() {
    let small = Protocol::small();
    let collecting = Protocol { segments: 1, collections: 2, landings: 2, ..small.clone() };
    let table = [
        (Mutant::AckBeforeStored, small.clone()),
        (Mutant::CoverByInterval, small.clone()),
        (Mutant::CollectUnreferenced, Protocol { collections: 1, ..small.clone() }),
        (Mutant::AimAgain, small.clone()),
        (Mutant::BuildBlind, small.clone()),
        (Mutant::DeleteBeforeMeta, small),
        (Mutant::RetireWithoutFloor, collecting.clone()),
        (Mutant::TrustBelowFloor, collecting),
    ];
    for (mutant, protocol) in table {
        assert!(is_caught(Protocol { mutant, ..protocol }), "{mutant:?} goes unnoticed");
    }
}

#[expect(clippy::print_stderr, reason = "how much was seen is part of the result")]
fn show(what: &str, states: usize) {
    eprintln!("{what}: {states} states");
}
