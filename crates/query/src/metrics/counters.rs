//! Counters that add up.

use super::buckets::Buckets;
use super::compared::Compared;
use super::labels::Key;
use crate::sum::Sum;
use std::collections::HashMap;
use tributary_span::TraceId;

/// What some chunks have, for each query of a plan.
#[derive(Debug, Clone, Default)]
pub struct Partial {
    queries: Vec<Counters>,
}

impl Partial {
    pub(super) fn new(queries: usize) -> Partial {
        Partial { queries: vec![Counters::default(); queries] }
    }

    pub(super) fn queries_mut(&mut self) -> impl Iterator<Item = &mut Counters> {
        self.queries.iter_mut()
    }

    pub(super) fn queries(&self) -> &[Counters] {
        &self.queries
    }

    /// Adds what other chunks have.
    pub fn merge(&mut self, other: Partial) {
        for (own, other) in self.queries.iter_mut().zip(other.queries) {
            own.merge(other);
        }
    }
}

/// Series of one query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    pub(super) series: HashMap<Key, Counted>,
    /// What `compare()` counts.
    pub(super) compared: Compared,
}

/// Numbers of one series by step, and what stands for them.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) numbers: Numbers,
    /// For each step the span with the smallest hash, if exemplars are wanted.
    pub(super) examples: Vec<Option<Example>>,
}

/// A span that stands for others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Example {
    /// Decides which is kept: the smallest, so that parts merge in any order.
    pub(super) hash: u64,
    pub(super) trace: TraceId,
    /// ns since 1970.
    pub(super) at: u64,
    /// What was measured; none where spans are counted.
    pub(super) value: Option<f64>,
}

/// Numbers by step.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    /// How many spans.
    Counts(Vec<u64>),
    /// The smallest; NaN for none.
    Smallest(Vec<f64>),
    /// The largest; NaN for none.
    Largest(Vec<f64>),
    /// Sums, and of how many.
    Sums(Vec<(Sum, u64)>),
    /// How many spans by power of two.
    Buckets(Vec<Buckets>),
}

impl Counters {
    pub(super) fn add(&mut self, key: Key, counted: Counted) {
        match self.series.entry(key) {
            std::collections::hash_map::Entry::Occupied(mut known) => {
                known.get_mut().merge(counted)
            }
            std::collections::hash_map::Entry::Vacant(new) => {
                new.insert(counted);
            }
        }
    }

    fn merge(&mut self, other: Counters) {
        for (key, counted) in other.series {
            self.add(key, counted);
        }
        self.compared.merge(other.compared);
    }
}

impl Counted {
    fn merge(&mut self, other: Counted) {
        self.numbers.merge(other.numbers);
        for (own, other) in self.examples.iter_mut().zip(other.examples) {
            *own = smaller(*own, other);
        }
    }
}

pub(super) fn smaller(a: Option<Example>, b: Option<Example>) -> Option<Example> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.hash < a.hash { b } else { a }),
        (a, b) => a.or(b),
    }
}

impl Numbers {
    fn merge(&mut self, other: Numbers) {
        let least = |a: &mut f64, b: f64| *a = a.min(b);
        let most = |a: &mut f64, b: f64| *a = a.max(b);
        match (self, other) {
            (Numbers::Counts(a), Numbers::Counts(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            }
            (Numbers::Smallest(a), Numbers::Smallest(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| least(a, b));
            }
            (Numbers::Largest(a), Numbers::Largest(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| most(a, b));
            }
            (Numbers::Sums(a), Numbers::Sums(b)) => {
                a.iter_mut().zip(b).for_each(|(a, b)| {
                    a.0.merge(&b.0);
                    a.1 += b.1;
                });
            }
            (Numbers::Buckets(a), Numbers::Buckets(b)) => {
                a.iter_mut().zip(&b).for_each(|(a, b)| a.merge(b));
            }
            // Partials of one plan have the same kinds.
            _ => {}
        }
    }
}
