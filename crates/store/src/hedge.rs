//! How many second copies may be sent: a decision, no I/O.
//!
//! A second copy cuts the slowest writes short when a few are slow. When all of them are, because
//! the store is overloaded, it would double the load, so their number over time is bounded.

use std::time::Duration;

/// Second copies that may be sent at once after a quiet time.
const BURST: u32 = 2;
/// Time in which one more comes to be allowed: two a second.
const EACH: Duration = Duration::from_millis(500);

/// What is left to be sent. Times are since any one moment, by a clock that never falls.
#[derive(Debug, Default)]
pub(crate) struct HedgeBudget {
    /// Until when, at the allowed rate, all copies sent so far are accounted for.
    spent_until: Duration,
}

impl HedgeBudget {
    /// Whether a copy may be sent now; it then counts as sent.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        let spent_until = self.spent_until.max(now) + EACH;
        let allowed = spent_until - now <= EACH * BURST;
        if allowed {
            self.spent_until = spent_until;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_at_once_and_two_a_second() {
        let table = [
            (0, true),
            (0, true),
            (0, false),
            (499, false),
            (500, true),
            (999, false),
            (1000, true),
            (1000, false),
            // A quiet time does not save up more than a burst.
            (60_000, true),
            (60_000, true),
            (60_000, false),
            (60_500, true),
        ];
        let mut budget = HedgeBudget::default();
        for (at, allowed) in table {
            assert_eq!(budget.take(Duration::from_millis(at)), allowed, "at {at} ms");
        }
        let mut budget = HedgeBudget::default();
        let tries = (0..60_000).filter(|ms| budget.take(Duration::from_millis(*ms))).count();
        assert_eq!(tries, 121, "two, and two a second for a minute");
    }
}
