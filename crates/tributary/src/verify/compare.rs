//! What was written beside what came back.

use super::case::Case;
use super::facts::{Facts, found, written};
use super::plan::Protocol;
use std::collections::BTreeMap;
use std::fmt;
use tributary_span::{Columns, SpanId};

/// Differences that are told.
const TOLD: usize = 5;

/// How what came back differs from what was written, in spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Not there.
    pub(crate) missing: usize,
    /// There more than once.
    pub(crate) double: usize,
    /// There, and not as they were written.
    pub(crate) different: usize,
    /// Of this trace, and never written.
    pub(crate) foreign: usize,
    /// The first of them, in words.
    pub(crate) told: Vec<String>,
}

impl Differences {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing + self.double + self.different + self.foreign == 0
    }

    /// Whether nothing is wrong but that spans are missing.
    pub(crate) fn is_missing_only(&self) -> bool {
        self.double + self.different + self.foreign == 0
    }

    fn tell(&mut self, text: impl FnOnce() -> String) {
        if self.told.len() < TOLD {
            self.told.push(text());
        }
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.missing, "missing"),
            (self.double, "double"),
            (self.different, "different"),
            (self.foreign, "never written"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} spans {what}"))
            .collect();
        f.write_str(&counts.join(", "))?;
        self.told.iter().try_for_each(|told| write!(f, "; {told}"))
    }
}

/// How the spans that came back differ from the trace that was written.
pub(crate) fn compare(case: &Case, columns: &Columns) -> Differences {
    let by = case.kind.protocol();
    let mut differences = Differences::default();
    let mut rows: BTreeMap<SpanId, Vec<usize>> = BTreeMap::new();
    for row in 0..columns.len() {
        let id = columns.spans.id.get(row).copied().unwrap_or_default();
        rows.entry(id).or_default().push(row);
    }
    for span in &case.spans {
        let rows = rows.remove(&span.id).unwrap_or_default();
        let Some(row) = rows.first() else {
            differences.missing += 1;
            differences.tell(|| format!("span {} is missing", span.id));
            continue;
        };
        if rows.len() > 1 {
            differences.double += 1;
            differences.tell(|| format!("span {} came {} times", span.id, rows.len()));
        }
        let mut facts = found(columns, *row);
        if columns.trace_of(*row) != case.trace {
            facts.insert("trace".to_owned(), columns.trace_of(*row).to_string());
        }
        if let Some(told) = differ(&written(span, by), &facts, by) {
            differences.different += 1;
            differences.tell(|| format!("span {}: {told}", span.id));
        }
    }
    differences.foreign = rows.len();
    if let Some(id) = rows.keys().next() {
        differences.tell(|| format!("span {id} was never written"));
    }
    differences
}

/// What is wrong with a span's facts. A sidecar may add attributes to the resource, and protocols that
/// know less than OTLP are filled up.
fn differ(written: &Facts, found: &Facts, by: Protocol) -> Option<String> {
    let wrong = written.iter().find(|(about, text)| found.get(*about) != Some(text));
    if let Some((about, text)) = wrong {
        let there = found.get(about).map_or("nothing", |text| text);
        return Some(format!("{about} is {there}, {text} was written"));
    }
    let added = |about: &str| by == Protocol::Otlp && !about.starts_with("resource.");
    let more = found.iter().find(|(about, _)| added(about) && !written.contains_key(*about));
    more.map(|(about, text)| format!("{about} is {text}, nothing was written"))
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::super::send::otlp;
    use super::super::span::{Span, Value};
    use super::*;
    use std::time::Duration;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::{Limits, decode};

    fn columns(spans: &[Span]) -> Columns {
        let mut columns = Builder::new();
        decode::append_all(&mut columns, &otlp::request(spans), &Limits::default()).unwrap();
        columns.take()
    }

    #[test]
    fn each_fault_is_told_by_its_kind() {
        let case = Case::of(&Plan::new("v", Duration::from_secs(10), &[]), 0);
        type Change = fn(&mut Vec<Span>);
        let table: [(Change, [usize; 4], &str); 12] = [
            (|_| {}, [0, 0, 0, 0], ""),
            (|s| s.reverse(), [0, 0, 0, 0], ""),
            (|s| s[2].attributes.reverse(), [0, 0, 0, 0], ""),
            (|s| s.clear(), [4, 0, 0, 0], "4 spans missing"),
            (|s| s.truncate(3), [1, 0, 0, 0], "1 spans missing; span"),
            (|s| s.push(s[0].clone()), [0, 1, 0, 0], "came 2 times"),
            (|s| s[1].name.push('x'), [0, 0, 1, 0], "name is verify rich 1x, verify rich 1 was"),
            (|s| s[1].events.truncate(1), [0, 0, 1, 0], "event 1 is nothing"),
            (|s| s[1].attributes.truncate(4), [0, 0, 1, 0], "is nothing"),
            (|s| s[1].attributes.push(("more", Value::Int(1))), [0, 0, 1, 0], "span.more is int 1"),
            (|s| s[3].id = SpanId([1; 8]), [1, 0, 0, 1], "never written"),
            (|s| s[3].end += Duration::from_micros(1), [0, 0, 1, 0], "end is"),
        ];
        for (number, (change, expected, told)) in table.into_iter().enumerate() {
            let mut spans = case.spans.clone();
            change(&mut spans);
            let d = compare(&case, &columns(&spans));
            assert_eq!([d.missing, d.double, d.different, d.foreign], expected, "{number}: {d}");
            assert!(d.to_string().contains(told), "{number}: {d}");
            assert_eq!(d.is_empty(), told.is_empty());
        }
    }

    #[test]
    fn a_trace_of_another_tenant_is_another_trace() {
        let plan = Plan::new("v", Duration::from_secs(10), &[]);
        let (case, other) = (Case::of(&plan, 0), Case::of(&plan, 4));
        let d = compare(&case, &columns(&other.spans));
        assert_eq!((d.missing, d.foreign), (4, 4), "{d}");
    }
}
