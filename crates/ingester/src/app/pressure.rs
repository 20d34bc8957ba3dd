//! How near an ingester is to making senders wait: what autoscaling and an alert go by.

use std::time::Duration;

/// Time in which what was before loses all but a third of its weight.
const MEMORY: Duration = Duration::from_secs(15);

/// What is taken of each thing that senders wait for, and how much of it there is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    /// Bytes of spans that are admitted and not yet durable, of the memory budget.
    pub bytes: (usize, usize),
    /// Streams without credit, of those that are open.
    pub streams: (usize, usize),
    /// Frames that wait for the journal, of those for which there is room.
    pub frames: (usize, usize),
}

impl Load {
    /// The largest of the three, 0 to 1.
    pub(crate) fn pressure(self) -> f64 {
        [self.bytes, self.streams, self.frames].map(part).into_iter().fold(0.0, f64::max)
    }
}

/// Nothing of nothing is no part.
fn part((taken, whole): (usize, usize)) -> f64 {
    if whole == 0 { 0.0 } else { (taken as f64 / whole as f64).min(1.0) }
}

/// The mean of what it is `now` and what it was `before`, which counts the less the longer ago that
/// was looked at.
pub(crate) fn averaged(before: f64, now: f64, ago: Duration) -> f64 {
    now + (before - now) * (-ago.as_secs_f64() / MEMORY.as_secs_f64()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_the_largest_part() {
        let table = [
            ((0, 0), (0, 0), (0, 0), 0.0),
            ((0, 100), (0, 0), (0, 1024), 0.0),
            ((25, 100), (1, 10), (0, 1024), 0.25),
            ((25, 100), (9, 10), (512, 1024), 0.9),
            ((25, 100), (1, 10), (512, 1024), 0.5),
            // Counted one after the other, so that a part can be larger than the whole.
            ((0, 100), (3, 2), (0, 1024), 1.0),
        ];
        for (bytes, streams, frames, expected) in table {
            let load = Load { bytes, streams, frames };
            assert!((load.pressure() - expected).abs() < 1e-9, "{load:?}");
        }
    }

    #[test]
    fn what_was_before_loses_its_weight() {
        let at = |seconds: f64| averaged(1.0, 0.0, Duration::from_secs_f64(seconds));
        assert!((at(0.0) - 1.0).abs() < 1e-9, "asked twice at once");
        assert!((at(15.0) - 0.367_879).abs() < 1e-6);
        assert!(at(60.0) < 0.02);
        assert!((averaged(0.5, 0.5, Duration::from_secs(7)) - 0.5).abs() < 1e-9);
        // In steps or at once.
        assert!((averaged(at(4.0), 0.0, Duration::from_secs(6)) - at(10.0)).abs() < 1e-9);
    }
}
