//! The same for windows: compactors, those that let the window expire, and the collector, in every
//! order, with records that are lost, repeated or late, crashes at every step, a process that stood
//! still and writes the meta of a block that was superseded meanwhile, and an adopter whose block joins
//! late.
//!
//! [`Compaction`](tributary_journal::compact::Compaction) and the decisions of `collect` say what
//! happens next; the model only carries it out.

mod actors;
mod world;

use crate::explore::{check, is_caught, reaches};
use stateright::{Model, Property};
use world::{Action, State};

/// What is wrong with the protocol as it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mutant {
    /// Nothing.
    None,
    /// Inputs are hidden before the record exists.
    HideFirst,
    /// What a loser made is hidden and shown all the same.
    ShowLost,
    /// A compactor does not look what earlier records supersede.
    Blind,
    /// Inputs are deleted as soon as a record names them, whether its outputs are visible or not.
    DeleteUnshown,
    /// Data that no record names is deleted, whether its record exists or not.
    CollectUnreferenced,
    /// Records of an old hour are deleted without a floor.
    RetireWithoutFloor,
    /// What expires is named beside the chain that merges are in.
    BesideTheChain,
    /// A window of which something has expired is never looked at again.
    ExpireOnce,
    /// A process whose retention has grown again takes expiries for void.
    GrownAgain,
    /// What has expired is deleted before it is hidden.
    DeleteUnhidden,
    /// Expiries below the floor are deleted as merges' records are, carried out or not.
    RetireExpiries,
}

#[derive(Debug, Clone)]
struct Protocol {
    /// Blocks that are visible at the beginning.
    blocks: u8,
    /// Compactors, each of whom makes one pass.
    compactors: usize,
    /// Those who let the window expire, each of whom makes one pass.
    expirers: usize,
    /// How often the collector may begin.
    collections: u8,
    /// How often a record's creation may take effect.
    landings: u8,
    mutant: Mutant,
}

impl Protocol {
    const fn small() -> Self {
        Protocol {
            blocks: 2,
            compactors: 2,
            expirers: 0,
            collections: 0,
            landings: 2,
            mutant: Mutant::None,
        }
    }

    /// The first process that does the same as this one.
    fn first_of_its_kind(&self, i: usize) -> usize {
        if i < self.compactors { 0 } else { self.compactors }
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
            Property::always("every span is readable", |_, s: &State| s.all_is_readable()),
            Property::always("a block is superseded once", |_, s: &State| s.superseded_once()),
            Property::always("it heals, and each span stands once", |p, s: &State| s.heals(p)),
            Property::always("what expired stays away", |_, s: &State| s.expired_stays_away()),
            Property::always("no visible block lacks its data", |_, s: &State| s.nothing_dangles()),
            Property::always("in the end all has expired", |p, s: &State| s.expires(p)),
        ]
    }
}

fn three() -> Protocol {
    Protocol { blocks: 3, ..Protocol::small() }
}

fn collecting() -> Protocol {
    Protocol { compactors: 2, collections: 2, landings: 1, ..Protocol::small() }
}

/// A merge and retention, and an adopter whose block joins late.
const fn racing() -> Protocol {
    Protocol { blocks: 3, compactors: 1, expirers: 1, landings: 1, ..Protocol::small() }
}

#[test]
fn compactors_who_disagree_and_one_who_stood_still() {
    let large = crate::is_large();
    let states = check(Protocol { compactors: if large { 4 } else { 3 }, ..three() });
    crate::show("compactors", states);
}

#[test]
fn compaction_while_hours_are_retired() {
    let collections = if crate::is_large() { 3 } else { 2 };
    let states = check(Protocol { collections, ..collecting() });
    crate::show("compactors and a collector", states);
}

#[test]
fn retention_beside_merges_and_late_blocks() {
    let large = crate::is_large();
    let (compactors, landings) = if large { (2, 2) } else { (1, 1) };
    let states = check(Protocol { compactors, landings, expirers: 2, ..racing() });
    crate::show("compactors and retention", states);
}

#[test]
fn retention_while_hours_are_retired() {
    let compactors = if crate::is_large() { 2 } else { 1 };
    let states = check(Protocol { compactors, blocks: 2, collections: 2, ..racing() });
    crate::show("compactors, retention and a collector", states);
}

#[test]
fn the_model_of_windows_gets_to_where_things_go_wrong() {
    assert!(reaches(&three(), |s| s.lost > 0), "no record is ever lost");
    assert!(reaches(&three(), |s| s.records.len() > 1), "there is never a second record");
    assert!(reaches(&three(), State::is_resurrected), "no process ever writes an old meta");
    assert!(reaches(&collecting(), |s| s.collected > 0), "nothing is ever collected");
    assert!(reaches(&collecting(), |s| s.floor && !s.records.is_empty()), "no record is too late");
    assert!(
        reaches(&collecting(), |s| s.records.values().any(|record| record.inputs.is_empty())),
        "no number is ever taken"
    );
    assert!(reaches(&racing(), State::is_stale), "no merge ever loses against an expiry");
    let retiring = Protocol { blocks: 2, collections: 2, ..racing() };
    assert!(
        reaches(&retiring, |s| s.floor && s.records.values().any(|r| r.expiry.is_some())),
        "nothing ever expires below the floor"
    );
}

#[test]
fn what_is_known_to_be_wrong_with_windows_is_caught() {
    let table = [
        (Mutant::HideFirst, Protocol::small()),
        (Mutant::ShowLost, Protocol { blocks: 3, ..collecting() }),
        (Mutant::Blind, three()),
        (Mutant::DeleteUnshown, Protocol::small()),
        (Mutant::CollectUnreferenced, collecting()),
        (Mutant::RetireWithoutFloor, collecting()),
        (Mutant::HideFirst, Protocol { compactors: 0, expirers: 2, ..racing() }),
        (Mutant::ShowLost, racing()),
        (Mutant::BesideTheChain, racing()),
        (Mutant::ExpireOnce, Protocol { compactors: 0, ..racing() }),
        (Mutant::GrownAgain, racing()),
        (Mutant::DeleteUnhidden, racing()),
        (Mutant::RetireExpiries, Protocol { blocks: 2, collections: 2, ..racing() }),
    ];
    for (mutant, protocol) in table {
        assert!(is_caught(Protocol { mutant, ..protocol }), "{mutant:?} goes unnoticed");
    }
}
