//! Traces as plain values, generated.

use crate::choices::Choices;

/// An attribute's value as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw {
    Str(&'static str),
    Int(i64),
    Float(f64),
    Bool(bool),
    Array(Vec<Raw>),
    Pairs,
    Bytes,
}

pub(crate) type Attributes = Vec<(&'static str, Raw)>;

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Scope {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) attributes: Attributes,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) time: u64,
    pub(crate) name: &'static str,
    pub(crate) attributes: Attributes,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) attributes: Attributes,
}

/// A span with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace: [u8; 16],
    pub(crate) id: [u8; 8],
    pub(crate) parent: [u8; 8],
    pub(crate) name: &'static str,
    pub(crate) kind: i32,
    pub(crate) status: i32,
    pub(crate) message: &'static str,
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Attributes,
    pub(crate) resource: Attributes,
    pub(crate) scope: Scope,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
}

impl Span {
    /// How long it lasts, ns: not at all when it ends before it starts.
    pub(crate) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// When everything is, ns since 1970.
pub(crate) const TIME: u64 = 1_700_000_000_000_000_000;
pub(crate) const MS: u64 = 1_000_000;

pub(crate) const TEXTS: [&str; 8] = ["x", "y", "xy", "", "é", "5", "true", "x\ny"];
pub(crate) const NAMES: [&str; 4] = ["x", "y", "", "get /x"];
/// Keys of spans; the last has a column of its own in blocks.
pub(crate) const SPAN_KEYS: [&str; 4] = ["a", "b", "service.name", "http.route"];
/// Keys of resources; the same is true of the last two.
pub(crate) const RESOURCE_KEYS: [&str; 4] = ["a", "b", "service.name", "host.name"];
/// Keys of everything else.
pub(crate) const OTHER_KEYS: [&str; 2] = ["a", "b"];

fn scalar(c: &mut Choices<'_>) -> Raw {
    match c.below(8) {
        0 | 1 => Raw::Str(c.pick(&TEXTS[..3])),
        2 => Raw::Str(c.pick(&TEXTS)),
        3 | 4 => Raw::Int(c.pick(&[0, 1, 1, 2, 2, 5, 5, 7, -3, 1_000_000, 1 << 40])),
        5 | 6 => Raw::Float(match c.below(24) {
            23 => f64::NAN,
            22 => f64::INFINITY,
            other => [0.5, 2.0, 5.0, -1.5, 1e6, 0.25][other % 6],
        }),
        _ => Raw::Bool(c.below(2) == 1),
    }
}

fn value(c: &mut Choices<'_>) -> Raw {
    match c.below(16) {
        15 => [Raw::Pairs, Raw::Bytes, Raw::Array(Vec::new())][c.below(3)].clone(),
        14 => Raw::Array(vec![scalar(c)]),
        12 | 13 => {
            // Of one type as a rule.
            let mut all = vec![scalar(c)];
            for _ in 0..=c.below(3) {
                let next = scalar(c);
                let same = std::mem::discriminant(&next) == std::mem::discriminant(&all[0]);
                if same || c.once_in(8) {
                    all.push(next);
                }
            }
            Raw::Array(all)
        }
        _ => scalar(c),
    }
}

fn attributes(c: &mut Choices<'_>, keys: &[&'static str], most: usize) -> Attributes {
    let mut all: Attributes = Vec::new();
    for _ in 0..c.below(most + 1) {
        let key = c.pick(keys);
        // A key stands there twice now and then.
        // Where the key has a column of its own, only the order of texts is kept.
        let own = matches!(key, "http.route" | "host.name");
        if all.iter().all(|(known, _)| *known != key) || (!own && c.once_in(3)) {
            let value = if key == "service.name" && c.below(4) > 0 {
                Raw::Str(c.pick(&TEXTS))
            } else {
                value(c)
            };
            all.push((key, value));
        }
    }
    all
}

pub(crate) fn trace_id(n: usize) -> [u8; 16] {
    let mut id = [0; 16];
    id[15] = n as u8 + 1;
    id[0] = if n == 1 { 0xab } else { 0 };
    id
}

pub(crate) fn span_id(n: usize) -> [u8; 8] {
    let mut id = [0; 8];
    id[7] = n as u8;
    id[1] = if n > 3 { 0xcd } else { 0 };
    id
}

/// The spans of a few traces, each id and kind once in its trace.
pub(crate) fn spans(c: &mut Choices<'_>) -> Vec<Span> {
    let resources: Vec<Attributes> =
        (0..=c.below(3)).map(|_| attributes(c, &RESOURCE_KEYS, 4)).collect();
    let scopes: Vec<Scope> = (0..=c.below(2))
        .map(|_| Scope {
            name: c.pick(&NAMES),
            version: c.pick(&["", "1"]),
            attributes: attributes(c, &OTHER_KEYS, 2),
        })
        .collect();
    let mut all: Vec<Span> = Vec::new();
    for trace in 0..=c.below(4) {
        let count = 7 - c.below(7);
        for n in 1..=count {
            let span = span(c, trace, n, count, &resources, &scopes);
            let twin = |other: &Span| {
                (other.trace, other.id, other.kind) == (span.trace, span.id, span.kind)
            };
            if !all.iter().any(twin) {
                all.push(span);
            }
        }
    }
    all
}

fn span(
    c: &mut Choices<'_>,
    trace: usize,
    n: usize,
    count: usize,
    resources: &[Attributes],
    scopes: &[Scope],
) -> Span {
    let start = TIME + 250 * MS * c.below(12) as u64;
    let lasts = c.pick(&[0, 1, MS, 1_500_000, 250 * MS, 2000 * MS]);
    // Two sides of a call share an id.
    let n_of_id = if n > 1 && c.once_in(7) { n - 1 } else { n };
    Span {
        trace: trace_id(trace),
        id: span_id(n_of_id),
        parent: span_id(match c.below(8) {
            0 | 1 => 0,
            2..=4 => n - 1,
            5 | 6 => 1 + c.below(count),
            _ => 99,
        }),
        name: c.pick(&NAMES),
        kind: c.below(6) as i32,
        status: c.below(3) as i32,
        message: c.pick(&["", "x"]),
        start,
        end: if c.once_in(20) { start - 5 } else { start + lasts },
        attributes: attributes(c, &SPAN_KEYS, 4),
        resource: resources[c.below(resources.len())].clone(),
        scope: scopes[c.below(scopes.len())].clone(),
        events: (0..c.below(4).saturating_sub(1))
            .map(|_| Event {
                time: start + c.below(3) as u64 * MS - 1,
                name: c.pick(&NAMES),
                attributes: attributes(c, &OTHER_KEYS, 3),
            })
            .collect(),
        links: (0..c.below(4).saturating_sub(1)).map(|_| link(c)).collect(),
    }
}

fn link(c: &mut Choices<'_>) -> Link {
    let trace = trace_id(c.below(3));
    let span = span_id(1 + c.below(4));
    let mut attributes = attributes(c, &OTHER_KEYS, 2);
    if c.once_in(8) {
        attributes.push(("opentracing.ref_type", Raw::Str("child_of")));
    }
    Link { trace, span, attributes }
}
