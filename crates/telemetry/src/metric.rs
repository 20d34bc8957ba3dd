//! Numbers that many tasks change and one reads.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A number that only rises, from 0 at the program's start.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Raises it by 1.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Raises it by `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Raises it to `total`, which was counted elsewhere; a smaller one changes nothing.
    pub fn raise_to(&self, total: u64) {
        self.0.fetch_max(total, Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Raises it by 1.
    pub fn inc(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Lowers it by 1.
    pub fn dec(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// Gives it a value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// How many values lie at or below each of some bounds, how many there are, and their sum.
#[derive(Debug)]
pub struct Histogram {
    /// Rising.
    bounds: &'static [f64],
    observed: Mutex<Observed>,
}

#[derive(Debug, Default)]
struct Observed {
    /// One for each bound, and one for what lies above the last.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Nothing observed yet. `bounds` must rise; what lies above the last is counted too.
    pub fn new(bounds: &'static [f64]) -> Self {
        debug_assert!(bounds.is_sorted(), "{bounds:?}");
        let counts = vec![0; bounds.len() + 1];
        Histogram { bounds, observed: Mutex::new(Observed { counts, sum: 0.0 }) }
    }

    /// Counts a value, in the unit of the bounds.
    pub fn observe(&self, value: f64) {
        let bucket = self.bounds.partition_point(|&bound| bound < value);
        let mut observed = self.lock();
        observed.sum += value;
        if let Some(count) = observed.counts.get_mut(bucket) {
            *count += 1;
        }
    }

    /// The sum of all values, and for each bound, the last of which is infinite, how many values
    /// are at or below it.
    pub(crate) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let observed = self.lock();
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let mut below = 0;
        let buckets = bounds.zip(&observed.counts).map(|(bound, count)| {
            below += count;
            (bound, below)
        });
        (observed.sum, buckets.collect())
    }

    fn lock(&self) -> MutexGuard<'_, Observed> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_takes_over_a_total_and_never_falls() {
        let counter = Counter::default();
        counter.inc();
        counter.add(4);
        for (total, expected) in [(3, 5), (9, 9), (9, 9), (0, 9)] {
            counter.raise_to(total);
            assert_eq!(counter.get(), expected, "{total}");
        }
    }

    #[test]
    fn a_gauge_rises_and_falls() {
        let gauge = Gauge::default();
        gauge.set(2);
        gauge.inc();
        (0..4).for_each(|_| gauge.dec());
        assert_eq!(gauge.get(), -1);
    }

    #[test]
    fn a_bound_belongs_to_its_own_bucket() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for value in [0.5, 1.0, 1.5, 2.0, 2.5, 100.0] {
            histogram.observe(value);
        }
        assert_eq!(histogram.read(), (107.5, vec![(1.0, 2), (2.0, 4), (f64::INFINITY, 6)]));
    }
}
