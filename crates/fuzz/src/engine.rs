//! The loop that mutates.

use crate::mutate::mutate;
use crate::target::Target;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use tributary_testkit::Random;

/// Inputs that are kept to build upon.
const MOST_KEPT: usize = 4096;

/// A target and what was learnt about it.
#[derive(Debug)]
pub struct Engine {
    target: Target,
    random: Random,
    kept: Vec<Vec<u8>>,
    ended: BTreeSet<u64>,
    executions: u64,
}

impl Engine {
    /// Begins with the target's corpus, and with the empty input.
    ///
    /// # Panics
    /// When the target breaks on its own corpus.
    pub fn new(target: Target, seed: u64) -> Self {
        let mut engine = Engine {
            target,
            random: Random::new(seed),
            kept: Vec::new(),
            ended: BTreeSet::new(),
            executions: 0,
        };
        engine.build_upon((target.corpus)());
        engine.build_upon(vec![Vec::new()]);
        engine
    }

    /// Executes these inputs and keeps them all to build upon.
    ///
    /// # Panics
    /// When the target breaks on one of them.
    pub fn build_upon(&mut self, inputs: Vec<Vec<u8>>) {
        for input in inputs {
            self.execute(&input);
            self.kept.push(input);
        }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.random.pick(&self.kept).cloned().unwrap_or_default();
        let other = self.random.pick(&self.kept).cloned().unwrap_or_default();
        mutate(&mut input, &other, &mut self.random);
        // Some are left with wrong checksums: that is a road of its own.
        if self.random.below(8) != 0 {
            (self.target.repair)(&mut input);
        }
        input
    }

    /// Gives the target an input, and keeps that when it ended in a way not seen before.
    ///
    /// # Panics
    /// When the target breaks.
    pub fn execute(&mut self, input: &[u8]) {
        let ended = self.target.attack(input);
        self.executions += 1;
        let mut hasher = DefaultHasher::new();
        ended.hash(&mut hasher);
        if self.ended.insert(hasher.finish()) && self.kept.len() < MOST_KEPT {
            self.kept.push(input.to_vec());
        }
    }

    /// Inputs executed, the corpus included.
    pub fn executions(&self) -> u64 {
        self.executions
    }

    /// Different ways in which they ended.
    pub fn ways(&self) -> usize {
        self.ended.len()
    }
}
