//! The same for windows: compactors and the collector, in every order, with records that are lost,
//! repeated or late, crashes at every step, and a process that stood still and writes the meta of a
//! block that was superseded meanwhile.
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
}

#[derive(Debug, Clone)]
struct Protocol {
    /// Blocks that are visible at the beginning.
    blocks: u8,
    /// Compactors, each of whom makes one pass.
    compactors: usize,
    /// How often the collector may begin.
    collections: u8,
    /// How often a record's creation may take effect.
    landings: u8,
    mutant: Mutant,
}

impl Protocol {
    const fn small() -> Self {
        Protocol { blocks: 2, compactors: 2, collections: 0, landings: 2, mutant: Mutant::None }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.actions(actions);
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
        ]
    }
}

fn three() -> Protocol {
    Protocol { blocks: 3, ..Protocol::small() }
}

fn collecting() -> Protocol {
    Protocol { compactors: 2, collections: 2, landings: 1, ..Protocol::small() }
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
    ];
    for (mutant, protocol) in table {
        assert!(is_caught(Protocol { mutant, ..protocol }), "{mutant:?} goes unnoticed");
    }
}
