//! When something that is asked for was.

use super::parameters::Parameters;
use super::{duration, limits};

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

    /// Its first and its last nanosecond since the epoch.
    pub fn nanoseconds(&self) -> (u64, u64) {
        const SECOND: u64 = 1_000_000_000;
        let end = self.end.saturating_mul(SECOND).saturating_add(SECOND - 1);
        (self.start.saturating_mul(SECOND), end)
    }
}

/// `start` and `end` as given, Unix seconds; 0 for one that was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Ends {
    /// Reads `start`, `end`, and `since`, which stands for a start so long before the end, or
    /// before now.
    pub(super) fn read(parameters: &Parameters<'_>, now: u64) -> Result<Ends, String> {
        let seconds = |name| match parameters.number(name) {
            Ok(seconds) => Ok(seconds.unwrap_or_default()),
            Err(why) => Err(format!("{why}; it is in Unix seconds")),
        };
        let mut ends = Ends { start: seconds("start")?, end: seconds("end")? };
        if let Some(since) = since(parameters)? {
            if ends.end == 0 {
                ends.end = u32::try_from(now / 1_000_000_000).unwrap_or(u32::MAX);
            }
            if ends.start == 0 {
                let since = u32::try_from(since / 1_000_000_000).unwrap_or(u32::MAX);
                ends.start = ends.end.saturating_sub(since).max(1);
            }
        }
        Ok(ends)
    }

    /// The time of a search: both ends or none, in their order, and not too far apart.
    pub(super) fn of_search(self) -> Result<Option<TimeRange>, String> {
        let Ends { start, end } = self;
        match (start, end) {
            (0, 0) => Ok(None),
            _ if end <= start => Err(format!(
                "http parameter start must be before end. received start={start} end={end}"
            )),
            _ => self.not_too_wide(),
        }
    }

    /// The time of tags and values. They know no other complaint than that about its width.
    pub(super) fn of_tags(self) -> Result<Option<TimeRange>, String> {
        if self == Ends::default() { Ok(None) } else { self.not_too_wide() }
    }

    /// Grafana knows the message by `range specified by start and end.*exceeds` and shows a
    /// friendlier one.
    fn not_too_wide(self) -> Result<Option<TimeRange>, String> {
        let Ends { start, end } = self;
        match end.checked_sub(start).map(u64::from) {
            Some(width) if width <= limits::SEARCH_SECONDS => {
                Ok(Some(TimeRange { start: start.into(), end: end.into() }))
            }
            _ => Err(format!(
                "range specified by start and end exceeds {}. received start={start} end={end}",
                duration::text(limits::SEARCH_SECONDS * 1_000_000_000),
            )),
        }
    }
}

/// `since`, in nanoseconds.
pub(super) fn since(parameters: &Parameters<'_>) -> Result<Option<u64>, String> {
    let Some(text) = parameters.text("since")? else { return Ok(None) };
    let since = duration::prometheus(&text).or_else(|| duration::go(&text));
    since.map(Some).ok_or_else(|| format!("invalid since: {text:?} is not a duration such as 30m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000_000;

    fn ends(query: &str) -> Result<Ends, String> {
        Ends::read(&Parameters::new(query), NOW)
    }

    #[test]
    fn since_stands_for_the_end_that_is_missing() {
        let table = [
            ("", (0, 0)),
            ("start=5&end=9", (5, 9)),
            ("since=1m40s", (900, 1000)),
            ("since=10s&end=500", (490, 500)),
            ("since=10s&start=500", (500, 1000)),
            ("since=10s&start=500&end=600", (500, 600)),
            ("since=1y", (1, 1000)),
        ];
        for (query, (start, end)) in table {
            assert_eq!(ends(query), Ok(Ends { start, end }), "{query}");
        }
        for query in ["start=x", "end=-1", "since=10", "start=4294967296", "start=1.5"] {
            assert!(ends(query).unwrap_err().contains("invalid"), "{query}");
        }
    }

    #[test]
    fn searches_and_tags_differ_in_what_they_take() {
        let week = 7 * 86_400;
        let table = [
            ((0, 0), Ok(None), Ok(None)),
            ((10, 20), Ok(Some(())), Ok(Some(()))),
            ((10, 10), Err("before end"), Ok(Some(()))),
            ((20, 10), Err("before end"), Err("exceeds 168h0m0s")),
            ((10, 0), Err("before end"), Err("exceeds 168h0m0s")),
            ((0, 4_000_000_000), Err("exceeds 168h0m0s"), Err("exceeds 168h0m0s")),
            ((10, 10 + week), Ok(Some(())), Ok(Some(()))),
            ((10, 11 + week), Err("exceeds 168h0m0s"), Err("exceeds 168h0m0s")),
        ];
        for ((start, end), search, tags) in table {
            let time = TimeRange { start: start.into(), end: end.into() };
            for (got, expected) in
                [(Ends { start, end }.of_search(), search), (Ends { start, end }.of_tags(), tags)]
            {
                match (got, expected) {
                    (Ok(got), Ok(expected)) => assert_eq!(got, expected.map(|()| time)),
                    (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}"),
                    (got, expected) => panic!("{start} {end}: {got:?}, expected {expected:?}"),
                }
            }
        }
    }
}
