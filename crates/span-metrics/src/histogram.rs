//! Histograms of durations, each bound twice the one before.

use crate::native::Native;
use tributary_span::TraceId;

/// Of span metrics: 2 ms to 16.384 s, as in Tempo.
pub(crate) const SPANS: Bounds<15> = Bounds { first_ns: 2_000_000, names: &SPAN_NAMES };
/// Of edges: 100 ms to 12.8 s, as in Tempo.
pub(crate) const EDGES: Bounds<9> = Bounds { first_ns: 100_000_000, names: &EDGE_NAMES };

const SPAN_NAMES: [&str; 15] = [
    "0.002", "0.004", "0.008", "0.016", "0.032", "0.064", "0.128", "0.256", "0.512", "1.024",
    "2.048", "4.096", "8.192", "16.384", "+Inf",
];
const EDGE_NAMES: [&str; 9] = ["0.1", "0.2", "0.4", "0.8", "1.6", "3.2", "6.4", "12.8", "+Inf"];

/// Upper bounds of buckets; the last is infinite.
#[derive(Debug)]
pub(crate) struct Bounds<const N: usize> {
    first_ns: u64,
    /// In seconds, as `le` has them.
    pub(crate) names: &'static [&'static str; N],
}

impl<const N: usize> Bounds<N> {
    /// The first bucket whose bound is not below a duration.
    fn bucket(&self, ns: u64) -> usize {
        let times = ns.div_ceil(self.first_ns);
        // The smallest k with times <= 2^k.
        let doublings = match times.checked_sub(1) {
            None | Some(0) => 0,
            Some(less) => u64::BITS - less.leading_zeros(),
        };
        (doublings as usize).min(N - 1)
    }
}

/// A trace of which a span lies in a bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Exemplar {
    /// Zero when there is none.
    pub(crate) trace: TraceId,
    pub(crate) ns: u64,
    /// When it was counted, milliseconds since 1970.
    pub(crate) unix_ms: u64,
}

/// What was observed.
#[derive(Debug, Clone)]
pub(crate) struct Histogram<const N: usize> {
    /// When the first one was counted, milliseconds since 1970.
    pub(crate) since: u64,
    pub(crate) counts: [u64; N],
    pub(crate) exemplars: [Exemplar; N],
    pub(crate) sum_ns: u128,
    /// The same in finer buckets.
    pub(crate) native: Native,
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        let (counts, exemplars) = ([0; N], [Exemplar::default(); N]);
        Histogram { since: 0, counts, exemplars, sum_ns: 0, native: Native::default() }
    }
}

impl<const N: usize> Histogram<N> {
    /// Counts a duration; the newest of a bucket is its exemplar. `take` is asked for memory, bytes.
    pub(crate) fn observe(
        &mut self,
        bounds: &Bounds<N>,
        seen: Exemplar,
        take: impl FnMut(usize) -> bool,
    ) {
        if self.since == 0 {
            self.since = seen.unix_ms;
        }
        self.native.observe(seen.ns, take);
        let bucket = bounds.bucket(seen.ns);
        self.sum_ns += u128::from(seen.ns);
        if let (Some(count), Some(exemplar)) =
            (self.counts.get_mut(bucket), self.exemplars.get_mut(bucket))
        {
            *count += 1;
            *exemplar = seen;
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All of them together, seconds.
    pub(crate) fn sum(&self) -> f64 {
        seconds(self.sum_ns)
    }
}

/// Nanoseconds in seconds.
#[expect(clippy::cast_precision_loss, reason = "what is told has 53 bits")]
pub(crate) fn seconds(ns: u128) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bucket by looking for it among the bounds, as Tempo does.
    fn searched(names: &[&str], ns: u64) -> usize {
        let bounds = names.iter().map(|name| match *name {
            "+Inf" => f64::INFINITY,
            name => name.parse().unwrap(),
        });
        let bounds: Vec<f64> = bounds.collect();
        bounds.partition_point(|bound| *bound < seconds(u128::from(ns)))
    }

    #[test]
    fn buckets_are_those_that_a_search_finds() {
        let around = |ns: u64| [ns - 1, ns, ns + 1];
        let mut durations = vec![0, 1, 1_999_999, u64::MAX, 40_000_000_000];
        durations.extend((0..20).flat_map(|k| around(2_000_000 << k)));
        durations.extend((0..12).flat_map(|k| around(100_000_000 << k)));
        for ns in durations {
            assert_eq!(SPANS.bucket(ns), searched(SPANS.names, ns), "{ns}");
            assert_eq!(EDGES.bucket(ns), searched(EDGES.names, ns), "{ns}");
        }
    }

    #[test]
    fn what_is_observed_is_counted_once_and_shown_by_the_newest() {
        let mut histogram = Histogram::<9>::default();
        for (n, ns) in [(1, 5), (2, 7), (3, 150_000_000), (4, u64::MAX)] {
            let trace = TraceId([n; 16]);
            histogram.observe(&EDGES, Exemplar { trace, ns, unix_ms: 9 }, |_| true);
        }
        assert_eq!(histogram.counts, [2, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((histogram.count(), histogram.exemplars[0].trace.0[0]), (4, 2));
        assert_eq!(histogram.sum_ns, 150_000_012 + u128::from(u64::MAX));
    }
}
