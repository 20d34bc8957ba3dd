//! What happens when: an endless row of events that a seed decides.

use std::time::Duration;
use tributary_testkit::Random;

/// Something that happens to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// `kill -9` of the ingester on a seat, and another one in its place some time later.
    Kill {
        /// The seat.
        seat: usize,
        /// Whether the new one has another name, as a pod of a Deployment has.
        as_another: bool,
        /// Time between the two.
        down: Duration,
    },
    /// SIGSTOP.
    Freeze {
        /// The seat.
        seat: usize,
    },
    /// SIGCONT for all that are frozen.
    Thaw,
    /// `kill -9` of all, and the same ones again some time later.
    Blackout {
        /// Time between the two.
        down: Duration,
    },
    /// The store does not answer for some time.
    Outage {
        /// For how long.
        down: Duration,
    },
    /// The disk under the store is full for some time, and half way an ingester is killed; another
    /// takes its place when there is room again.
    FullDisk {
        /// For how long.
        down: Duration,
        /// Whose ingester.
        seat: usize,
    },
    /// Some of the objects cannot be read for some time, and half way an ingester is killed and started
    /// again.
    Denied {
        /// For how long.
        down: Duration,
        /// How many of a hundred.
        share: u8,
        /// Whose ingester.
        seat: usize,
    },
    /// Another ingester under the name of one that lives takes spans for some time, and is killed.
    Namesake {
        /// Whose name.
        seat: usize,
        /// For how long.
        down: Duration,
    },
}

/// The row of events, each with the time before it.
#[derive(Debug)]
pub(super) struct Chaos {
    random: Random,
    seats: usize,
    frozen: bool,
    /// Milliseconds of the longest outage.
    longest: u64,
}

impl Chaos {
    /// What this seed decides, for a run of `time`: in a long one the store may be away for a minute.
    pub(super) fn new(seed: u64, seats: usize, time: Duration) -> Self {
        let longest = if time < Duration::from_secs(300) { 6_000 } else { 60_000 };
        Chaos { random: Random::new(seed), seats, longest, frozen: false }
    }

    fn seat(&mut self) -> usize {
        self.random.below(self.seats)
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.random.draw(to - from))
    }
}

impl Iterator for Chaos {
    type Item = (Duration, Event);

    fn next(&mut self) -> Option<(Duration, Event)> {
        if self.frozen {
            self.frozen = false;
            // Longer than suspicion takes, so that the ingester that wakes up is a zombie.
            return Some((self.millis(3000, 5000), Event::Thaw));
        }
        let event = match self.random.draw(16) {
            0..=3 => {
                let (seat, as_another) = (self.seat(), self.random.draw(2) == 0);
                Event::Kill { seat, as_another, down: self.millis(0, 1500) }
            }
            4..=6 => {
                self.frozen = true;
                Event::Freeze { seat: self.seat() }
            }
            7 => Event::Blackout { down: self.millis(0, 3000) },
            8..=9 => Event::Outage { down: self.millis(500, self.longest) },
            10..=11 => Event::FullDisk { down: self.millis(1000, 8000), seat: self.seat() },
            12..=13 => {
                let share = self.random.pick(&[5, 50, 100]).copied().unwrap_or_default();
                Event::Denied { down: self.millis(1000, self.longest), share, seat: self.seat() }
            }
            _ => Event::Namesake { seat: self.seat(), down: self.millis(1000, 8000) },
        };
        Some((self.millis(200, 2000), event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything_and_everything_happens() {
        let of = |seed, time| Chaos::new(seed, 3, time).take(200).collect::<Vec<_>>();
        let row = |seed| of(seed, Duration::from_secs(25));
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
        let longest = |row: Vec<(Duration, Event)>| {
            let outage = |event| if let Event::Outage { down } = event { Some(down) } else { None };
            row.into_iter().filter_map(|(_, event)| outage(event)).max().unwrap()
        };
        assert!(longest(row(1)) < Duration::from_secs(6));
        assert!(longest(of(1, Duration::from_secs(600))) > Duration::from_secs(30));
        let names: std::collections::BTreeSet<String> = row(1)
            .iter()
            .map(|(_, event)| format!("{event:?}").split(' ').next().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), 8, "{names:?}");
    }
}
