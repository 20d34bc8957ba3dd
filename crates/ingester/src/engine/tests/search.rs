//! Which of the things that may happen next happens: depth first through all orders, each of which
//! is run from the start; an order that leads to a state which was seen is not followed further.

use std::collections::HashSet;
use tributary_testkit::Random;

/// Where the search stands.
#[derive(Debug, Default)]
pub(super) struct Search {
    seen: HashSet<u64>,
    /// What was chosen, and of how many.
    path: Vec<(usize, usize)>,
    at: usize,
    /// Choices by lot: nothing is left out because it was seen.
    dice: Option<Random>,
    /// Orders that were run so far.
    pub(super) schedules: usize,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one; whether the state was not seen before, and so is to be checked.
    Take(usize, bool),
    /// All that follows from here was seen.
    Enough,
}

impl Search {
    /// Chooses by this seed instead.
    pub(super) fn by_lot(&mut self, seed: u64) {
        self.dice = Some(Random::new(seed));
    }

    /// Chooses one of so many things that may happen in a state.
    pub(super) fn choose(&mut self, state: u64, options: usize) -> Choice {
        if let Some(dice) = &mut self.dice {
            return Choice::Take(dice.below(options), self.seen.insert(state));
        }
        let again = self.path.get(self.at).copied();
        self.at += 1;
        if let Some((chosen, of)) = again {
            assert_eq!(of, options, "an order that was run before went another way");
            return Choice::Take(chosen, false);
        }
        if !self.seen.insert(state) {
            return Choice::Enough;
        }
        self.path.push((0, options));
        Choice::Take(0, true)
    }

    /// Goes on to the next order; whether there is one.
    pub(super) fn next(&mut self) -> bool {
        self.schedules += 1;
        self.at = 0;
        if self.dice.is_some() {
            return true;
        }
        while let Some((chosen, of)) = self.path.pop() {
            if chosen + 1 < of {
                self.path.push((chosen + 1, of));
                return true;
            }
        }
        false
    }

    /// States that were seen.
    pub(super) fn states(&self) -> usize {
        self.seen.len()
    }
}
