//! Traces as a table: one line each.
//!
//! Pure: traces in, lines out.

use super::moment::utc;
use super::search::Trace;
use super::value::{clean, cut};
use crate::common::waterfall::duration;
use std::time::Duration;

/// Characters of an id, and of a time.
const ID: usize = 32;
const TIME: usize = 19;
const DURATION: usize = 8;
const SPANS: usize = 5;
/// Between two columns.
const GAP: usize = 2;
/// All that does not depend on what is shown.
const FIXED: usize = TIME + GAP + ID + GAP + GAP + GAP + DURATION + GAP + SPANS;
/// Fewer characters than this say nothing of attributes.
const LEAST_REST: usize = 16;

/// How wide the columns are that may be narrower or wider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    service: usize,
    name: usize,
    /// For attributes.
    rest: usize,
}

impl Layout {
    /// For these traces, on lines of `room` characters; as wide as they like without.
    pub(crate) fn of(traces: &[Trace], room: Option<usize>) -> Layout {
        let longest = |text: fn(&Trace) -> &str, heading: &str| {
            let lengths = traces.iter().map(|trace| text(trace).chars().count());
            lengths.max().unwrap_or(0).max(heading.len())
        };
        let service = longest(|trace| &trace.root_service_name, "service");
        let name = longest(|trace| &trace.root_trace_name, "name");
        Layout::fitting(service, name, room)
    }

    /// For traces that are not known yet.
    pub(crate) fn usual(room: Option<usize>) -> Layout {
        Layout::fitting(20, 32, room)
    }

    /// Ids and times stand whole; lines that are too narrow for them wrap.
    fn fitting(service: usize, name: usize, room: Option<usize>) -> Layout {
        let Some(room) = room else { return Layout { service, name, rest: usize::MAX } };
        let room = room.saturating_sub(FIXED).max(20);
        let service = service.min(room * 2 / 5);
        let name = name.min(room - service);
        let rest = room.saturating_sub(service + name + GAP);
        Layout { service, name, rest: if rest < LEAST_REST { 0 } else { rest } }
    }

    /// What stands above the table.
    pub(crate) fn heading(self) -> String {
        self.line(["start, UTC", "trace", "service", "name", "duration", "spans"], "")
    }

    /// A trace's line.
    pub(crate) fn row(self, trace: &Trace) -> String {
        let start = utc(Duration::from_nanos(trace.start));
        let id = format!("{:0>ID$}", clean(&trace.id));
        let (service, name) = (clean(&trace.root_service_name), clean(&trace.root_trace_name));
        let duration = match trace.duration_ms {
            0 => "<1 ms".to_owned(),
            ms => duration(Duration::from_millis(ms)),
        };
        let spans = match trace.matched() {
            0 => "-".to_owned(),
            matched => matched.to_string(),
        };
        let rest = if self.rest > 0 { trace.attributes().join(" ") } else { String::new() };
        self.line([&start, &id, &service, &name, &duration, &spans], &cut(&rest, self.rest))
    }

    fn line(self, [start, id, service, name, duration, spans]: [&str; 6], rest: &str) -> String {
        let (service, name) = (cut(service, self.service), cut(name, self.name));
        let (wide, wider) = (self.service, self.name);
        let line = format!(
            "{start:<TIME$}  {id:<ID$}  {service:<wide$}  {name:<wider$}  {duration:>DURATION$}  \
             {spans:>SPANS$}  {rest}"
        );
        line.trim_end().to_owned()
    }
}

/// The whole table.
pub(crate) fn table(traces: &[Trace], room: Option<usize>) -> Vec<String> {
    let layout = Layout::of(traces, room);
    std::iter::once(layout.heading()).chain(traces.iter().map(|trace| layout.row(trace))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(json: &str) -> Trace {
        serde_json::from_str(json).unwrap()
    }

    fn traces() -> [Trace; 2] {
        [
            trace(
                r#"{"traceID":"2a","rootServiceName":"web","rootTraceName":"GET /a/long/name/that/goes/on",
                "startTimeUnixNano":"1796040000999999999","durationMs":1500,
                "spanSets":[{"matched":12,"spans":[{"attributes":[
                    {"key":"status","value":{"stringValue":"error"}}]}]}]}"#,
            ),
            trace(r#"{"traceID":"abababababababababababababababab","rootServiceName":"a\u001bb"}"#),
        ]
    }

    #[test]
    fn without_a_terminal_all_is_shown() {
        let expected = [
            "start, UTC           trace                             service  name                           duration  spans",
            "2026-11-30 12:00:00  0000000000000000000000000000002a  web      GET /a/long/name/that/goes/on    1.50 s     12  status=error",
            "1970-01-01 00:00:00  abababababababababababababababab  a b                                        <1 ms      -",
        ];
        assert_eq!(table(&traces(), None), expected);
    }

    #[test]
    fn lines_fit_in_the_room() {
        for room in [FIXED + 20, 100, 120, 160] {
            for line in table(&traces(), Some(room)) {
                assert!(line.chars().count() <= room, "{room}: {line}");
            }
        }
        let cut = table(&traces(), Some(100))[1].clone();
        assert!(cut.contains("2a  web      GET /a/long/name/t…    1.50 s     12"), "{cut}");
        assert!(table(&traces(), Some(160))[1].ends_with("status=error"));
        for room in 0..FIXED {
            assert_eq!(table(&traces(), Some(room)).len(), 3);
        }
    }
}
