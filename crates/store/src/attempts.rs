//! How long one attempt at a create-only write may take, and when the next one begins: decisions, no
//! I/O.

use std::time::Duration;

/// How long and how often to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempts {
    pub(crate) deadline: Duration,
    pub(crate) timeout: Duration,
    pub(crate) hedge_after: Option<Duration>,
    /// The random part of pauses, when it is not to be random.
    pub(crate) jitter: Option<u8>,
}

const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);
/// A write that is still not done after this long is told of in the log, once.
pub(crate) const TELL_AFTER: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

impl Attempts {
    /// Time for attempt number `tried` (from 0), of `timed_out` earlier ones that ran out of it.
    pub(crate) fn timeout(&self, bytes: usize, timed_out: u32) -> Duration {
        let size = Duration::from_secs((bytes >> 22) as u64);
        (self.timeout + size).saturating_mul(1 << timed_out.min(5)).min(LONGEST_ATTEMPT)
    }
}

/// Pause before attempt number `tried` (from 1): doubling, of which the upper half is random so
/// that many writers do not come back together.
pub(crate) fn pause(tried: u32, random: u8) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(1 << (tried - 1).min(10)).min(LONGEST_PAUSE);
    whole / 2 + whole / 2 * u32::from(random) / 255
}
