//! How long to wait before the next try: exponential with full jitter, so that sidecars that lost
//! the same ingester do not come back together.

use crate::random::Rng;
use std::time::Duration;

/// Ceiling of the first wait.
const FIRST: Duration = Duration::from_millis(100);
/// Ceiling of every later wait.
pub(crate) const LONGEST: Duration = Duration::from_secs(5);

/// Waits between tries of one thing.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    rng: Rng,
}

impl Backoff {
    /// Nothing failed yet.
    pub(crate) fn new(rng: Rng) -> Self {
        Backoff { failures: 0, rng }
    }

    /// A try failed: how long to wait before the next one.
    pub(crate) fn wait(&mut self) -> Duration {
        self.wait_up_to(LONGEST)
    }

    /// The same with another ceiling.
    pub(crate) fn wait_up_to(&mut self, longest: Duration) -> Duration {
        let ceiling = ceiling(self.failures, longest);
        self.failures = self.failures.saturating_add(1);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.rng.between(0, millis))
    }

    /// A try worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn ceiling(failures: u32, longest: Duration) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_longest() {
        let table =
            [(0, 100), (1, 200), (2, 400), (5, 3200), (6, 5000), (40, 5000), (u32::MAX, 5000)];
        for (failures, millis) in table {
            assert_eq!(ceiling(failures, LONGEST), Duration::from_millis(millis), "{failures}");
        }
        let minute = Duration::from_secs(60);
        assert_eq!(ceiling(9, minute), Duration::from_millis(51_200));
        assert_eq!(ceiling(10, minute), minute);
    }

    #[test]
    fn waits_fill_the_whole_range_and_start_again_after_success() {
        let mut backoff = Backoff::new(Rng::new(7));
        (0..10).for_each(|_| {
            backoff.wait();
        });
        let late: Vec<_> = (0..200).map(|_| backoff.wait()).collect();
        assert!(late.iter().all(|&w| w <= LONGEST));
        assert!(late.iter().any(|&w| w > LONGEST / 2) && late.iter().any(|&w| w < LONGEST / 2));
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}
