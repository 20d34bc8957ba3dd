//! Units that are there and could not be read, and when each is tried again: decisions, no I/O.
//!
//! A unit (a block's meta, a merge's record, a tenant's folder, a block that is to be merged) fails
//! alone: the others are read as ever, and it is tried again with pauses that grow, since what is
//! denied, archived or damaged stays so until a person comes, and what was a hiccup is over soon.

use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long a unit is let alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pauses {
    /// After its first failure.
    pub(crate) first: Duration,
    /// At most, however often it has failed.
    pub(crate) longest: Duration,
}

impl Pauses {
    /// The pause after so many failures in a row: each is twice the one before.
    pub(crate) fn after(self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// The same, of which the upper half hangs on `chance`, so that many do not come back together.
    pub(crate) fn jittered(self, failures: u32, chance: u8) -> Duration {
        let half = self.after(failures) / 2;
        half + half * u32::from(chance) / 255
    }
}

/// The units that could not be read.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable<K> {
    pauses: Pauses,
    failed: BTreeMap<K, Failed>,
}

#[derive(Debug, Clone)]
struct Failed {
    /// In a row.
    times: u32,
    next: Instant,
    why: String,
}

impl<K: Ord> Unreadable<K> {
    /// None yet.
    pub(crate) fn new(pauses: Pauses) -> Self {
        Unreadable { pauses, failed: BTreeMap::new() }
    }

    /// Whether a unit is to be tried now: it never failed, or its pause is over.
    pub(crate) fn is_due(&self, unit: &K, now: Instant) -> bool {
        self.failed.get(unit).is_none_or(|failed| failed.next <= now)
    }

    /// Whether the pause of any of them is over.
    pub(crate) fn has_due(&self, now: Instant) -> bool {
        self.failed.values().any(|failed| failed.next <= now)
    }

    /// A unit could not be read. Whether that is new, so that it is to be told.
    pub(crate) fn failed(&mut self, unit: K, why: String, now: Instant) -> bool {
        let times = self.failed.get(&unit).map_or(0, |failed| failed.times).saturating_add(1);
        let next = now + self.pauses.after(times);
        self.failed.insert(unit, Failed { times, next, why });
        times == 1
    }

    /// It was read, or need not be any more.
    pub(crate) fn forget(&mut self, unit: &K) {
        self.failed.remove(unit);
    }

    /// Forgets those that need not be read any more.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&K) -> bool) {
        self.failed.retain(|unit, _| is_wanted(unit));
    }

    /// Whether it could not be read when it was tried last.
    pub(crate) fn contains(&self, unit: &K) -> bool {
        self.failed.contains_key(unit)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.failed.len()
    }

    /// The first of them, and why it could not be read.
    pub(crate) fn first(&self) -> Option<(&K, &str)> {
        self.failed.first_key_value().map(|(unit, failed)| (unit, failed.why.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses =
        Pauses { first: Duration::from_secs(1), longest: Duration::from_secs(600) };

    #[test]
    fn half_of_a_pause_is_chance() {
        let table = [(1, 0, 500), (1, 255, 1000), (3, 0, 2000), (3, 255, 4000), (99, 0, 300_000)];
        for (failures, chance, ms) in table {
            assert_eq!(PAUSES.jittered(failures, chance), Duration::from_millis(ms));
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let table = [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (9, 256),
            (10, 512),
            (11, 600),
            (99, 600),
            (9999, 600),
        ];
        for (failures, seconds) in table {
            assert_eq!(PAUSES.after(failures).as_secs(), seconds, "{failures}");
        }
    }

    #[test]
    fn a_unit_is_told_once_and_tried_when_its_pause_is_over() {
        let begun = Instant::now();
        let mut units = Unreadable::new(PAUSES);
        let mut tries = Vec::new();
        // Looked at each second of half an hour, it never heals.
        for second in 0..1800 {
            let now = begun + Duration::from_secs(second);
            if units.is_due(&"bad", now) {
                let new = units.failed("bad", format!("at {second}"), now);
                assert_eq!(new, second == 0);
                tries.push(second);
            }
        }
        assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623]);
        assert_eq!((units.len(), units.first()), (1, Some((&"bad", "at 1623"))));
        assert!(!units.has_due(begun + Duration::from_secs(1800)));
        assert!(units.is_due(&"another", begun));
        // It is read, and begins anew when it fails once more.
        units.forget(&"bad");
        assert_eq!((units.len(), units.has_due(begun)), (0, false));
        assert!(units.failed("bad", String::new(), begun));
        assert!(units.has_due(begun + PAUSES.first));
        units.retain(|unit| *unit != "bad");
        assert!(!units.contains(&"bad"));
    }
}
