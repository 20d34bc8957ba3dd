//! A token bucket that may run into debt: decisions, no waiting.
//!
//! How much a frame counts for is known when it is there. So what comes is taken as long as nothing is
//! owed, and is paid for afterwards: whatever is above the rate is owed, and nothing more is taken until
//! the rate has made up for it. In the long run exactly the rate is let through, however large the
//! frames are; the most at once is what was saved up, and one frame of each sender.

use std::time::Duration;
use tokio::time::Instant;

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Tokens in a second: at least 1.
    pub(super) per_second: u64,
    /// It holds what comes in this time.
    pub(super) burst: Duration,
}

#[expect(clippy::cast_precision_loss, reason = "rates and frames are far below 2^52")]
fn float(tokens: u64) -> f64 {
    tokens as f64
}

impl Rate {
    fn holds(self) -> f64 {
        float(self.per_second) * self.burst.as_secs_f64()
    }
}

/// A bucket. One that was never taken from is full.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket(Option<(f64, Instant)>);

impl Bucket {
    /// Its tokens now: less than none when some are owed.
    fn level(self, rate: Rate, now: Instant) -> f64 {
        match self.0 {
            None => rate.holds(),
            Some((level, then)) => {
                let since = now.saturating_duration_since(then).as_secs_f64();
                (level + since * float(rate.per_second)).min(rate.holds())
            }
        }
    }

    /// Takes tokens, whether there are as many or not.
    pub(super) fn take(&mut self, rate: Rate, tokens: u64, now: Instant) {
        self.0 = Some((self.level(rate, now) - float(tokens), now));
    }

    /// How long until nothing is owed; none when nothing is.
    pub(super) fn owes(self, rate: Rate, now: Instant) -> Option<Duration> {
        let level = self.level(rate, now);
        // At the least what a timer can tell apart.
        let wait = || Duration::from_secs_f64((-level / float(rate.per_second)).clamp(0.001, 1e9));
        (level < 0.0).then(wait)
    }

    /// Whether it is as good as a new one.
    pub(super) fn is_full(self, rate: Rate, now: Instant) -> bool {
        self.level(rate, now) >= rate.holds()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 100, burst: Duration::from_secs(2) };

    #[test]
    fn what_is_above_the_rate_is_owed() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut bucket = Bucket::default();
        // When, how many are taken, how many milliseconds are owed for after that, whether it is full.
        let table = [
            (0, 0, None, true),
            (0, 200, None, false),
            (0, 1, Some(10), false),
            (5, 0, Some(5), false),
            (10, 0, None, false),
            (1010, 100, None, false),
            (1010, 1000, Some(10_000), false),
            (6010, 0, Some(5_000), false),
            // A clock that goes back gives nothing.
            (5000, 0, Some(5_000), false),
            (11_010, 0, None, false),
            (14_000, 0, None, true),
            // No more than it holds is saved up.
            (99_000, 200, None, false),
            (99_000, 1, Some(10), false),
        ];
        for (ms, tokens, owed, full) in table {
            bucket.take(RATE, tokens, at(ms));
            let owes = bucket.owes(RATE, at(ms)).map(|wait| wait.as_secs_f64() * 1000.0);
            let expected = owed.map(f64::from);
            let near = |(a, b): (f64, f64)| (a - b).abs() < 0.01;
            assert!(owes.zip(expected).is_none_or(near), "{ms}: {owes:?}, not {expected:?}");
            assert_eq!(
                (owes.is_some(), bucket.is_full(RATE, at(ms))),
                (owed.is_some(), full),
                "{ms}"
            );
        }
    }

    #[test]
    fn a_new_rate_counts_for_what_is_owed() {
        let now = Instant::now();
        let mut bucket = Bucket::default();
        bucket.take(RATE, 1200, now);
        assert_eq!(bucket.owes(RATE, now), Some(Duration::from_secs(10)));
        let faster = Rate { per_second: 1000, ..RATE };
        assert_eq!(bucket.owes(faster, now), Some(Duration::from_secs(1)));
        let slower = Rate { per_second: 1, ..RATE };
        assert_eq!(bucket.owes(slower, now), Some(Duration::from_secs(1000)));
    }

    #[test]
    fn in_the_long_run_the_rate_is_let_through() {
        let begun = Instant::now();
        for size in [1, 7, 333, 5_000] {
            let (mut bucket, mut now, mut taken) = (Bucket::default(), begun, 0);
            // A sender that comes again as soon as it may.
            while now < begun + Duration::from_secs(1000) {
                match bucket.owes(RATE, now) {
                    Some(wait) => now += wait,
                    None => {
                        bucket.take(RATE, size, now);
                        taken += size;
                        now += Duration::from_micros(100);
                    }
                }
            }
            let most = 1000 * RATE.per_second + 200 + 2 * size;
            assert!((100_000..=most).contains(&taken), "{size}: {taken}");
        }
    }
}
