//! What goes wrong again and again, told once in a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two lines about the same thing.
pub const TELL_EVERY: Duration = Duration::from_secs(60);

/// When a line of log is due about something that happens again and again: the first time at once,
/// then once a minute, with how often it happened since.
///
/// ```
/// use std::time::{Duration, Instant};
/// use tributary_telemetry::Repeated;
///
/// let (refused, begun) = (Repeated::default(), Instant::now());
/// assert_eq!(refused.due(begun), Some(1));
/// assert_eq!(refused.due(begun + Duration::from_secs(1)), None);
/// assert_eq!(refused.due(begun + Duration::from_secs(61)), Some(2));
/// ```
#[derive(Debug, Default)]
pub struct Repeated(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    last: Option<Instant>,
    /// How often it happened since then.
    since: u64,
}

impl Repeated {
    /// It happens at `now`: how often it has since the last line, this time included, if a line is
    /// due.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.since += 1;
        let is_due = told.last.is_none_or(|last| now.saturating_duration_since(last) >= TELL_EVERY);
        is_due.then(|| {
            told.last = Some(now);
            std::mem::take(&mut told.since)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_one_line_a_minute_is_due() {
        let (repeated, begun) = (Repeated::default(), Instant::now());
        // Five times a second for ten minutes, then again an hour later.
        let seconds = |tenths: u64| begun + Duration::from_millis(tenths * 100);
        let times = (0..6000).step_by(2).chain([36_000]);
        let told: Vec<u64> = times.filter_map(|tenths| repeated.due(seconds(tenths))).collect();
        assert_eq!(told, [1, 300, 300, 300, 300, 300, 300, 300, 300, 300, 300]);
        // A clock that goes back is no reason to talk.
        assert_eq!(repeated.due(begun), None);
    }
}
