//! Segments that were looked at and left as they are: each look at their epoch, and there is one at
//! every sweep, would read them and tell of them anew.
//!
//! What is here rests. After an hour it is looked at once more, since a person may have put another
//! object in its place meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_journal::EpochId;

/// How long a segment rests.
const REST: Duration = Duration::from_secs(3600);
/// Segments that are remembered at most, a few hundred KiB of them. Those beyond do not rest.
const MOST: usize = 4096;

/// Which segments rest.
#[derive(Debug, Default)]
pub(crate) struct LeftSegments(Mutex<Table>);

/// When each was left.
#[derive(Debug, Default)]
struct Table(BTreeMap<(EpochId, u64), Instant>);

impl Table {
    fn rests(&self, key: (EpochId, u64), now: Instant) -> bool {
        self.0.get(&key).is_some_and(|left| now.saturating_duration_since(*left) < REST)
    }

    fn leave(&mut self, key: (EpochId, u64), now: Instant, most: usize) {
        if self.0.len() >= most {
            self.0.retain(|_, left| now.saturating_duration_since(*left) < REST);
        }
        if self.0.len() < most {
            self.0.insert(key, now);
        }
    }
}

impl LeftSegments {
    /// Whether the segment is not to be looked at now.
    pub(super) fn rests(&self, epoch: &EpochId, n: u64, now: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rests((*epoch, n), now)
    }

    /// The segment was looked at, and another look soon would find the same.
    pub(super) fn leave(&self, epoch: &EpochId, n: u64, now: Instant) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).leave((*epoch, n), now, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_rests_for_an_hour_and_there_is_an_end_to_how_much() {
        let (begun, epoch) = (Instant::now(), EpochId::new(7, [7; 12]));
        let at = |minutes: u64| begun + Duration::from_secs(60 * minutes);
        let mut table = Table::default();
        assert!(!table.rests((epoch, 1), at(0)));
        table.leave((epoch, 1), at(0), 2);
        table.leave((epoch, 2), at(30), 2);
        table.leave((epoch, 3), at(31), 2);
        for (n, minutes, rests) in [
            (1, 0, true),
            (1, 59, true),
            (1, 60, false),
            (2, 60, true),
            (2, 90, false),
            // There was no place.
            (3, 31, false),
        ] {
            assert_eq!(table.rests((epoch, n), at(minutes)), rests, "{n} after {minutes} minutes");
        }
        // There is one when others have rested for long enough.
        table.leave((epoch, 3), at(61), 2);
        assert!(table.rests((epoch, 3), at(61)) && table.rests((epoch, 2), at(61)));
        assert_eq!(table.0.len(), 2);
    }
}
