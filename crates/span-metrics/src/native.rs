//! Prometheus' native histograms: a bucket exists where something was counted, and each bound is the
//! 2^schema-th root of two times the one before.
//!
//! Bucket `n` holds what is above 2^((n-1) / 2^schema) seconds, up to 2^(n / 2^schema). What has taken no
//! time stands beside them. A histogram begins with eight buckets a doubling (schema 3), as Tempo's do; one
//! that has too many buckets, or for which there is no more room, has half as many from then on, twice as
//! wide.

/// Its buckets are a ninth wider than the one before; as in Tempo, where a tenth is asked for.
const FINEST: i8 = 3;
/// Buckets that always have room; of schema -4, six hold every duration there is.
const LEAST: usize = 16;
/// Never more buckets than these, empty ones among them: twenty doublings of the finest, such as 1 µs to 1 s.
const MOST: usize = 160;
/// Room is taken for so many at a time.
const STEP: usize = 8;

/// Powers of two from 1/2 to less than 1, as Go's client library has them.
const BOUNDS: [f64; 8] = [
    0.5,
    0.545_253_866_332_628_8,
    0.594_603_557_501_360_5,
    0.648_419_777_325_504_8,
    0.707_106_781_186_547_5,
    0.771_105_412_703_970_4,
    0.840_896_415_253_714_4,
    0.917_004_043_204_671_1,
];

/// What was observed.
#[derive(Debug, Clone)]
pub(crate) struct Native {
    schema: i8,
    /// Durations of 0.
    zeros: u64,
    /// The number of the first bucket.
    first: i32,
    /// What is in it and in those behind it, without a gap.
    counts: Vec<u64>,
}

impl Default for Native {
    fn default() -> Self {
        Native { schema: FINEST, zeros: 0, first: 0, counts: Vec::new() }
    }
}

impl Native {
    /// Bytes that it takes from the beginning.
    pub(crate) const LEAST_BYTES: usize = LEAST * size_of::<u64>();

    /// Bytes that it has taken beyond those.
    pub(crate) fn bytes(&self) -> usize {
        (self.counts.capacity() * size_of::<u64>()).saturating_sub(Self::LEAST_BYTES)
    }

    /// Counts a duration. `take` is asked for bytes, and says whether there are so many.
    pub(crate) fn observe(&mut self, ns: u64, mut take: impl FnMut(usize) -> bool) {
        if ns == 0 {
            self.zeros += 1;
            return;
        }
        let finest = finest_bucket(ns);
        loop {
            let number = wider(finest, FINEST - self.schema);
            let place = usize::try_from(number - self.first).ok();
            if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
                *count += 1;
                return;
            }
            if !self.reach(number, &mut take) {
                self.coarsen();
            }
        }
    }

    /// Has a bucket of this number, when there may be one.
    #[cold]
    fn reach(&mut self, number: i32, mut take: impl FnMut(usize) -> bool) -> bool {
        if self.counts.is_empty() {
            self.first = number;
        }
        let before = usize::try_from(self.first - number).unwrap_or(0);
        let reached = usize::try_from(number - self.first).map_or(0, |place| place + 1);
        let (len, has) = (self.counts.len(), self.counts.capacity());
        let wanted = before + len.max(reached);
        if wanted > MOST {
            return false;
        }
        if wanted > has {
            let room = wanted.next_multiple_of(STEP).max(LEAST);
            // The first ones are reckoned with when a series begins.
            let more = (room - has.max(LEAST)) * size_of::<u64>();
            if more > 0 && !take(more) {
                return false;
            }
            self.counts.reserve_exact(room - len);
        }
        self.counts.resize(wanted, 0);
        self.counts.rotate_right(before);
        self.first = self.first.min(number);
        true
    }

    /// Makes one bucket of two.
    #[cold]
    fn coarsen(&mut self) {
        let first = wider(self.first, 1);
        for (number, place) in (self.first..).zip(0..self.counts.len()) {
            let count = self.counts.get_mut(place).map(std::mem::take).unwrap_or(0);
            let to = usize::try_from(wider(number, 1) - first).unwrap_or(0);
            if let Some(sum) = self.counts.get_mut(to) {
                *sum += count;
            }
        }
        self.counts.truncate(self.counts.len() / 2 + 1);
        self.schema -= 1;
        self.first = first;
    }

    /// Which bounds its buckets have.
    pub(crate) fn schema(&self) -> i8 {
        self.schema
    }

    /// How many durations were 0.
    pub(crate) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// Buckets in which there is something, ascending by number: their numbers and counts.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (i32, u64)> {
        let all = (self.first..).zip(self.counts.iter().copied());
        all.filter(|(_, count)| *count > 0)
    }
}

/// The number that a bucket has where buckets are 2^`doublings` times as wide.
fn wider(number: i32, doublings: i8) -> i32 {
    (number + (1 << doublings) - 1) >> doublings
}

/// The bucket of the finest schema that a duration is in, which is not 0.
#[expect(clippy::cast_precision_loss, reason = "what is told has 53 bits")]
fn finest_bucket(ns: u64) -> i32 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const HALF: u64 = 1022;
    let bits = (ns as f64 / 1e9).to_bits();
    // A fraction from 1/2 to 1, and how often it is doubled.
    let fraction = f64::from_bits(bits & MANTISSA | HALF << 52);
    let doublings = (bits >> 52).cast_signed() - HALF.cast_signed();
    let below: i64 = BOUNDS.iter().map(|bound| i64::from(*bound < fraction)).sum();
    i32::try_from((doublings - 1) * BOUNDS.len().cast_signed() as i64 + below).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn bound(number: i32, schema: i8) -> f64 {
        2f64.powf(f64::from(number) / 2f64.powi(schema.into()))
    }

    #[test]
    fn bounds_are_roots_of_two() {
        for (n, bound) in (0..).zip(BOUNDS) {
            let root = 2f64.powf(f64::from(n) / 8.0 - 1.0);
            assert!((bound - root).abs() < 1e-15, "{n}");
        }
    }

    #[test]
    fn a_duration_is_in_the_bucket_whose_bounds_are_around_it() {
        let mut ns = 1u64;
        while ns < u64::MAX / 7 {
            for ns in [ns, ns + 1, ns * 3 - 1] {
                let (number, seconds) = (finest_bucket(ns), ns as f64 / 1e9);
                for doublings in 0..=7 {
                    let (number, schema) = (wider(number, doublings), FINEST - doublings);
                    let (low, high) = (bound(number - 1, schema), bound(number, schema));
                    let nearly = 1.0 + 1e-12;
                    assert!(low < seconds * nearly && seconds <= high * nearly, "{ns} {schema}");
                }
            }
            ns = ns * 7 / 4 + 1;
        }
        // A bound belongs to the bucket below it.
        assert_eq!([finest_bucket(1_000_000_000), finest_bucket(1_000_000_001)], [0, 1]);
        assert_eq!([finest_bucket(500_000_000), finest_bucket(2_000_000_000)], [-8, 8]);
    }

    #[test]
    fn what_has_no_room_is_counted_in_wider_buckets() {
        let durations: Vec<u64> = (0..400u64).map(|n| n * n * n * n).collect();
        let of = |room: usize| {
            let (mut native, left) = (Native::default(), std::cell::Cell::new(room));
            let take = |bytes: usize| match left.get().checked_sub(bytes) {
                Some(rest) => {
                    left.set(rest);
                    true
                }
                None => false,
            };
            durations.iter().for_each(|&ns| native.observe(ns, take));
            assert_eq!(native.bytes(), room - left.get());
            native
        };
        for (room, fit) in [(1 << 20, MOST), (24 * 8, 40), (7 * 8, LEAST)] {
            let native = of(room);
            assert_eq!(native.zeros + native.buckets().map(|(_, n)| n).sum::<u64>(), 400);
            // As if it had been so wide from the beginning, and no wider than need be.
            let wide = |schema: i8| {
                let mut all: BTreeMap<i32, u64> = BTreeMap::new();
                for ns in durations.iter().skip(1) {
                    *all.entry(wider(finest_bucket(*ns), FINEST - schema)).or_default() += 1;
                }
                all
            };
            let length = |of: BTreeMap<i32, u64>| {
                let (first, last) = of.first_key_value().zip(of.last_key_value()).unwrap();
                usize::try_from(last.0 - first.0).unwrap() + 1
            };
            let schema = (-4..=FINEST).rev().find(|schema| length(wide(*schema)) <= fit).unwrap();
            assert_eq!(native.schema, schema, "{room}");
            assert!(native.buckets().eq(wide(schema)), "{room}");
        }
    }

    #[test]
    fn every_duration_has_a_bucket() {
        for falling in [false, true] {
            let mut native = Native::default();
            let mut durations: Vec<u64> = (0..64).map(|n| 1 << n).chain([u64::MAX]).collect();
            if falling {
                durations.reverse();
            }
            durations.iter().for_each(|ns| native.observe(*ns, |_| false));
            assert_eq!(native.buckets().map(|(_, n)| n).sum::<u64>(), 65);
            assert!(native.bytes() == 0 && native.schema >= -4, "{native:?}");
        }
    }
}
