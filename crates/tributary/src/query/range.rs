//! The time that a question is about.

use super::moment::Moment;
use std::time::Duration;

/// A stretch of time in Unix seconds: those of its ends are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Range {
    /// From `start`, or so long before the end, to `end`, or now.
    ///
    /// # Errors
    /// When that is no time at all.
    pub(crate) fn new(
        since: Duration,
        start: Option<Moment>,
        end: Option<Moment>,
        now: Moment,
    ) -> Result<Range, String> {
        let last = end.unwrap_or(now);
        let first = start.unwrap_or_else(|| last.saturating_sub(since));
        // A span of this very second is in it.
        let end = last.as_secs() + u64::from(last.subsec_nanos() > 0);
        match first.as_secs() {
            start if start < end => Ok(Range { start, end }),
            start => Err(format!("the time begins at {start} and ends at {end}, not after that")),
        }
    }

    /// As parameters of a request.
    pub(crate) fn parameters(self) -> [(&'static str, String); 2] {
        [("start", self.start.to_string()), ("end", self.end.to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_made_of_what_is() {
        let s = Duration::from_secs;
        let now = Duration::from_millis(1_000_500);
        let table = [
            (s(100), None, None, Some((900, 1001))),
            (s(100), Some(s(50)), None, Some((50, 1001))),
            (s(100), None, Some(s(500)), Some((400, 500))),
            (s(100), Some(s(10)), Some(s(20)), Some((10, 20))),
            (s(9_999), None, None, Some((0, 1001))),
            (s(100), Some(s(20)), Some(s(20)), None),
            (s(100), Some(s(2000)), None, None),
        ];
        for (since, start, end, expected) in table {
            let range = Range::new(since, start, end, now).ok();
            assert_eq!(range.map(|range| (range.start, range.end)), expected, "{start:?} {end:?}");
        }
    }
}
