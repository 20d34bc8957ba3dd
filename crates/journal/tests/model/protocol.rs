//! What is checked: how much of everything, what is wrong with it, and what must always hold.

use crate::world::{Action, State};
use stateright::{Model, Property};

/// What is wrong with the protocol as it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
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
pub(crate) struct Protocol {
    pub(crate) segments: u64,
    /// Adopters, each of whom goes through the epoch once.
    pub(crate) adopters: usize,
    /// How often the collector may begin.
    pub(crate) collections: u8,
    /// How often a write may take effect.
    pub(crate) landings: u8,
    pub(crate) mutant: Mutant,
}

impl Protocol {
    pub(crate) const fn small() -> Self {
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
