//! One budget of bytes for everything that is held: bodies being received, open columns, frames
//! that wait for their acknowledgement. Above it senders are refused, and told when to come again.

use crate::random::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes in use and how many there may be.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// Nothing in use.
    pub(crate) fn new(limit: usize) -> Self {
        Budget { limit, used: AtomicUsize::new(0) }
    }

    /// Most bytes in use.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Takes bytes whether or not there are any left: for what is already in memory and only
    /// changes its shape. Admission makes up for it.
    pub(crate) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
    }

    /// Gives bytes back.
    pub(crate) fn give(&self, bytes: usize) {
        let before = self.used.fetch_sub(bytes, Relaxed);
        debug_assert!(before >= bytes, "{bytes} bytes given back, {before} were taken");
    }

    /// Takes bytes if there are enough left.
    pub(crate) fn admit(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let fits = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, fits).ok()?;
        Some(Permit { budget: Arc::clone(self), bytes })
    }
}

/// Bytes of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.give(self.bytes);
    }
}

/// How fast the buffer has been emptying lately: an average that fades in some seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DrainRate {
    /// Bytes a second at `at`.
    rate: f64,
    at: Instant,
}

/// The time in which what was measured loses two thirds of its weight, in seconds.
const FADE: f64 = 5.0;

impl DrainRate {
    /// Nothing has left yet.
    pub(crate) fn new(now: Instant) -> Self {
        DrainRate { rate: 0.0, at: now }
    }

    /// Bytes left the buffer.
    pub(crate) fn note(&mut self, bytes: usize, now: Instant) {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bytes = bytes as f64;
        *self = DrainRate { rate: self.at(now) + bytes / FADE, at: now };
    }

    /// Whether anything has left in the last second.
    pub(crate) fn flows(&self, now: Instant) -> bool {
        self.rate > 0.0 && now.saturating_duration_since(self.at) < Duration::from_secs(1)
    }

    /// Bytes a second now.
    pub(crate) fn at(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.at).as_secs_f64();
        self.rate * (-age / FADE).exp()
    }
}

/// When a sender that was refused should come again: when as much as it lacks, and a little more,
/// will have left at `rate` bytes a second; 1 to 30 s, up to a quarter later so that senders
/// spread. When nothing leaves there is nothing to reckon with, and asking again costs next to
/// nothing on a loopback interface: 5 s.
pub(crate) fn retry_after(
    used: usize,
    wanted: usize,
    limit: usize,
    rate: f64,
    rng: &mut Rng,
) -> Duration {
    let lacking = used.saturating_add(wanted).saturating_sub(limit).saturating_add(limit / 16);
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let seconds = if rate < 1.0 { 5.0 } else { (lacking as f64 / rate).clamp(1.0, 24.0) };
    let wait = Duration::from_secs_f64(seconds);
    let quarter = u64::try_from(wait.as_millis() / 4).unwrap_or(0);
    wait + Duration::from_millis(rng.between(0, quarter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_stop_at_the_limit_and_come_back() {
        let budget = Arc::new(Budget::new(100));
        let first = budget.admit(60).unwrap();
        assert!(budget.admit(41).is_none());
        let second = budget.admit(40).unwrap();
        assert_eq!(budget.used(), 100);
        assert!(budget.admit(usize::MAX).is_none());
        drop(first);
        assert_eq!(budget.used(), 40);
        budget.take(100);
        assert!(budget.admit(0).is_none(), "beyond the limit even nothing is refused");
        budget.give(100);
        drop(second);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_rate_follows_what_leaves_and_fades() {
        let start = Instant::now();
        let mut rate = DrainRate::new(start);
        let mut now = start;
        for _ in 0..600 {
            now += Duration::from_millis(100);
            rate.note(1000, now);
        }
        let steady = rate.at(now);
        assert!((9_000.0..11_500.0).contains(&steady), "{steady} for 10000 bytes a second");
        assert!(rate.at(now + Duration::from_secs(60)) < 1.0);
        let after = |millis| now + Duration::from_millis(millis);
        assert!(rate.flows(after(900)) && !rate.flows(after(1000)));
        assert!(!DrainRate::new(start).flows(start), "nothing has left yet");
    }

    #[test]
    fn hints() {
        let mib = 1 << 20;
        // In use, wanted, rate, and between which seconds the answer lies.
        let table = [
            (16 * mib, mib, 0.0, 5.0, 6.25),
            (16 * mib, mib, 1e9, 1.0, 1.25),
            (16 * mib, mib, 1_048_576.0, 2.0, 2.5),
            (16 * mib, mib, 2.0, 24.0, 30.0),
            (usize::MAX, usize::MAX, 1e6, 24.0, 30.0),
        ];
        let mut rng = Rng::new(3);
        for (used, wanted, rate, from, to) in table {
            for _ in 0..50 {
                let wait = retry_after(used, wanted, 16 * mib, rate, &mut rng).as_secs_f64();
                assert!((from..=to).contains(&wait), "{wait} for {used} {wanted} {rate}");
            }
        }
    }
}
