//! When something that is asked for was.

/// A stretch of time, in seconds since the epoch, both ends included. An end that was not given
/// is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// First second.
    pub start: u64,
    /// Last second.
    pub end: u64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: TimeRange = TimeRange { start: 0, end: u64::MAX };

    /// Whether any of the time from `start` to `end` (seconds, both included) lies within.
    pub fn overlaps(&self, start: u64, end: u64) -> bool {
        start <= self.end && end >= self.start
    }
}
