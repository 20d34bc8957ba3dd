//! The spans of a slot's trace.

use super::plan::{Kind, Plan};
use super::span::{Attributes, Event, Link, Span, Value};
use crate::common::random::Random;
use std::time::Duration;
use tributary_span::{SpanId, TraceId};

/// The service that all spans are of.
pub(crate) const SERVICE: &str = "tributary-verify";
/// The scope of all that is written by OTLP.
pub(crate) const SCOPE: (&str, &str) = ("tributary.verify", "1");
/// Each span says by this attribute which trace it is of, so that searches find it.
pub(crate) const TRACE_KEY: &str = "verify.trace";
/// Attributes whose keys begin so are notes of one verifier's run ([`super::past`]), and are not compared.
pub(crate) const NOTE: &str = "verify.note.";
/// Spans of a big trace.
pub(crate) const BIG: usize = 2_000;
/// Spans of the others.
const SMALL: usize = 4;
/// How much older than its slot a late trace is.
const LATE: Duration = Duration::from_secs(3600);

/// A trace, and how much of it is written at first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) slot: u64,
    pub(crate) kind: Kind,
    pub(crate) trace: TraceId,
    /// The root first.
    pub(crate) spans: Vec<Span>,
    /// Spans of the first half; all where there is no second.
    pub(crate) first: usize,
}

impl Case {
    /// The trace of a slot.
    pub(crate) fn of(plan: &Plan, slot: u64) -> Case {
        let (kind, trace) = (plan.kind(slot), plan.trace(slot));
        let mut making = Making {
            kind,
            trace,
            begin: match kind {
                Kind::Late => plan.begin(slot).saturating_sub(LATE),
                _ => plan.begin(slot),
            },
            // The first two numbers are the trace's id.
            random: plan.random(slot),
            spans: Vec::new(),
        };
        making.random.next_u64();
        making.random.next_u64();
        let size = if kind == Kind::Big { BIG } else { SMALL };
        (0..size).for_each(|_| making.span());
        let spans = making.spans;
        let first = if kind == Kind::Split { spans.len() / 2 } else { spans.len() };
        Case { slot, kind, trace, spans, first }
    }

    /// The slot in which its last half is written.
    pub(crate) fn last_slot(&self) -> u64 {
        self.slot.saturating_add(self.kind.slots_to_last())
    }

    /// Adds notes to the root, beside what is compared.
    pub(crate) fn note(&mut self, notes: Attributes) {
        if let Some(root) = self.spans.first_mut() {
            root.attributes.extend(notes);
        }
    }

    /// From the start of its first span to the end of its last one, since 1970.
    pub(crate) fn time(&self) -> (Duration, Duration) {
        let start = self.spans.iter().map(|span| span.start).min().unwrap_or_default();
        (start, self.spans.iter().map(|span| span.end).max().unwrap_or_default())
    }
}

/// The kind of a span by its number in OTLP. Zipkin has no word for internal ones.
fn kind(number: usize, of: Kind) -> i32 {
    let (first, all) = if matches!(of, Kind::Foreign(_)) { (2, 4) } else { (1, 5) };
    first + i32::try_from(number % all).unwrap_or(0)
}

/// A trace while it is made.
struct Making {
    kind: Kind,
    trace: TraceId,
    begin: Duration,
    random: Random,
    spans: Vec<Span>,
}

impl Making {
    fn span(&mut self) {
        let number = self.spans.len();
        let parent = match number {
            0 => SpanId::default(),
            _ => {
                let at = self.random.below(number as u64);
                let parent = usize::try_from(at).ok().and_then(|at| self.spans.get(at));
                parent.map_or(SpanId::default(), |parent| parent.id)
            }
        };
        let start = self.begin + Duration::from_micros(number as u64 * 100 + self.random.below(50));
        let end = start + Duration::from_micros(50 + self.random.below(400_000));
        let mut span = Span {
            trace: self.trace,
            id: SpanId((self.random.next_u64() | 1).to_be_bytes()),
            parent,
            name: format!("verify {} {}", self.kind.name(), number % 10),
            kind: kind(number, self.kind),
            start,
            end,
            state: "",
            attributes: vec![
                (TRACE_KEY, Value::Str(self.trace.to_string())),
                (
                    "verify.text",
                    Value::Str(format!("höher & <weiter> {}", self.random.below(1 << 40))),
                ),
                ("http.request.method", "GET".into()),
            ],
            events: Vec::new(),
            links: Vec::new(),
            status: (0, ""),
        };
        if !matches!(self.kind, Kind::Foreign(_)) {
            self.enrich(&mut span, number);
        }
        self.spans.push(span);
    }

    /// What only OTLP carries as it is.
    fn enrich(&mut self, span: &mut Span, number: usize) {
        let long = i64::from_be_bytes(self.random.next_u64().to_be_bytes());
        span.attributes.extend([
            ("http.response.status_code", Value::Int(200 + i64::from(number % 2 == 1) * 300)),
            ("verify.bool", Value::Bool(number.is_multiple_of(2))),
            ("verify.double", Value::Double(number as f64 + 0.125)),
            ("verify.int", Value::Int(long)),
        ]);
        if self.kind == Kind::Big {
            return;
        }
        let inner = Value::Map(vec![("of", "maps".into()), ("n", Value::Int(-1))]);
        let list = vec!["a".into(), "b".into(), Value::Str(String::new())];
        span.attributes.extend([
            ("verify.bytes", Value::Bytes(vec![0, 255, 7])),
            ("verify.empty", "".into()),
            ("verify.list", Value::List(list)),
            ("verify.map", Value::Map(vec![("list", Value::List(vec![inner]))])),
        ]);
        span.state = "tributary=verify";
        span.events = vec![
            Event {
                time: span.start + Duration::from_micros(10),
                name: "exception",
                attributes: vec![
                    ("exception.message", "an event of the verifier's".into()),
                    ("verify.count", Value::Int(3)),
                ],
            },
            Event {
                time: span.start + Duration::from_micros(20),
                name: "",
                attributes: Vec::new(),
            },
        ];
        let mut to = self.trace.0;
        to.reverse();
        span.links = vec![Link {
            trace: TraceId(to),
            span: SpanId([7; 8]),
            state: "linked=1",
            attributes: vec![("verify.link", "true".into())],
        }];
        span.status = match number % 3 {
            0 => (0, ""),
            1 => (1, ""),
            _ => (2, "an error that is none: the verifier wrote it"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Protocol;
    use super::*;
    use std::collections::BTreeSet;

    fn plan() -> Plan {
        Plan::new("v", Duration::from_secs(10), &[Protocol::Jaeger, Protocol::Zipkin])
    }

    #[test]
    fn a_slot_has_the_same_trace_whenever_it_is_asked() {
        for slot in 100..106 {
            let (one, other) = (Case::of(&plan(), slot), Case::of(&plan(), slot));
            assert_eq!(one, other);
            let ids: BTreeSet<_> = one.spans.iter().map(|span| span.id).collect();
            assert_eq!(ids.len(), one.spans.len());
            assert!(one.spans[0].parent.is_zero());
            assert!(one.spans[1..].iter().all(|span| ids.contains(&span.parent)));
            for span in &one.spans {
                assert_eq!(span.trace, one.trace);
                assert!(span.start < span.end);
                assert_eq!(span.start.subsec_nanos() % 1000, 0);
            }
        }
    }

    #[test]
    fn kinds_differ_in_what_they_are_for() {
        for slot in 100..106 {
            let (plan, case) = (plan(), Case::of(&plan(), slot));
            let halves = case.first < case.spans.len();
            assert_eq!(halves, case.kind == Kind::Split);
            assert_eq!(case.last_slot() > slot, halves);
            assert_eq!(case.spans.len() == BIG, case.kind == Kind::Big);
            assert_eq!(case.time().0 < plan.begin(slot), case.kind == Kind::Late);
            let types = case.spans.iter().flat_map(|span| &span.attributes);
            let types: BTreeSet<_> = types
                .map(|(_, value)| std::mem::discriminant(value))
                .map(|d| format!("{d:?}"))
                .collect();
            let expected = match case.kind {
                Kind::Foreign(_) => 1,
                Kind::Big => 4,
                _ => 7,
            };
            assert_eq!(types.len(), expected, "{:?}", case.kind);
        }
    }
}
