//! Spans with everything in them that columns can hold, by proptest or by number.

use proptest::collection::vec;
use proptest::prelude::*;
use tributary_span::columns::{Attr, Builder, Columns, LinkFields, SpanFields, Text, ValueType};
use tributary_span::protobuf::put;
use tributary_span::{SpanId, TraceId};

/// A value before it has a place in columns.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(ValueType, Vec<u8>),
    Bits(ValueType, u64),
}

pub(crate) type Attrs = Vec<(String, Value)>;

#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) resource: Attrs,
    pub(crate) scope: Attrs,
    pub(crate) trace: u8,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) times: (u64, u64),
    pub(crate) names: [String; 4],
    pub(crate) numbers: [i32; 2],
    pub(crate) counts: [u32; 6],
    pub(crate) attrs: Attrs,
    pub(crate) events: Vec<(u64, String, u32, Attrs)>,
    pub(crate) links: Vec<(u8, u64, String, [u32; 2], Attrs)>,
}

fn array(elements: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 5, |array| {
        for n in elements {
            put::message(array, 1, |element| put::uint(element, 3, n.cast_unsigned()));
        }
    });
    out
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0u8..6).prop_map(|n| format!("text {n}")),
        2 => (0u16..500).prop_map(|n| format!("/product/{n}?user=ü")),
        1 => Just(String::new()),
        1 => any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(|t| Value::Text(ValueType::Str, t.into_bytes())),
        1 => vec(any::<u8>(), 0..6).prop_map(|b| Value::Text(ValueType::Bytes, b)),
        1 => vec(any::<i64>(), 0..3).prop_map(|n| Value::Text(ValueType::Any, array(&n))),
        1 => any::<bool>().prop_map(|b| Value::Bits(ValueType::Bool, u64::from(b))),
        2 => prop_oneof![Just(200u64), 0u64..70_000, any::<u64>()]
            .prop_map(|n| Value::Bits(ValueType::Int, n)),
        // Any bits: not-a-number with a payload must come out as it went in.
        2 => prop_oneof![Just(1f64.to_bits()), Just(0), any::<u64>()]
            .prop_map(|n| Value::Bits(ValueType::Double, n)),
        1 => Just(Value::Bits(ValueType::Empty, 0)),
    ]
}

fn attrs(up_to: usize) -> impl Strategy<Value = Attrs> {
    // Keys may repeat and may be empty: neither is forbidden.
    let key = prop_oneof![8 => (0u8..8).prop_map(|n| format!("key.{n}")), 1 => text()];
    vec((key, value()), 0..=up_to)
}

fn small<T: Arbitrary + Clone + 'static>(likely: T) -> impl Strategy<Value = T> {
    prop_oneof![4 => Just(likely), 1 => any::<T>()]
}

fn time() -> impl Strategy<Value = u64> {
    const BASE: u64 = 1_700_000_000_000_000_000;
    prop_oneof![
        3 => (0..100_000_000u64).prop_map(|ns| BASE + ns),
        3 => (0..100u64).prop_map(|ms| BASE + ms * 1_000_000),
        1 => any::<u64>(),
    ]
}

pub(crate) fn span() -> impl Strategy<Value = Span> {
    let sources = (attrs(2), attrs(1), small(0u32), small(0u32));
    let parent = prop_oneof![3 => 1u64..40, 1 => Just(0), 1 => any::<u64>()];
    let ids = (0u8..5, prop_oneof![4 => 1u64..40, 1 => 1u64..], parent);
    let times = prop_oneof![
        4 => (time(), 0..50_000_000u64).prop_map(|(start, ns)| (start, start.wrapping_add(ns))),
        1 => (time(), time()),
    ];
    let names = (text(), small(String::new()), small(String::new()), small(String::new()));
    let numbers = [small(2i32).boxed(), small(0i32).boxed()];
    let counts = (small(0u32), small(0u32), small(0u32), small(0x101u32));
    let events = vec((time(), text(), small(0u32), attrs(2)), 0..3);
    let link = (0u8..4, any::<u64>(), small(String::new()), [small(1u32), small(0u32)], attrs(2));
    let lists = (attrs(6), prop_oneof![3 => Just(Vec::new()), 1 => events], small_links(link));
    (sources, ids, times, names, numbers, counts, lists).prop_map(
        |(sources, ids, times, names, numbers, counts, lists)| Span {
            resource: sources.0,
            scope: sources.1,
            trace: ids.0,
            id: ids.1,
            parent: ids.2,
            times,
            names: [names.0, names.1, names.2, names.3],
            numbers,
            counts: [sources.2, sources.3, counts.0, counts.1, counts.2, counts.3],
            attrs: lists.0,
            events: lists.1,
            links: lists.2,
        },
    )
}

fn small_links<T: std::fmt::Debug + Clone + 'static>(
    link: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 1 => vec(link, 0..3)]
}

fn attr(b: &mut Builder, (key, value): &(String, Value)) -> Attr {
    let key = b.text(key.as_bytes());
    let (value_type, value) = match value {
        Value::Text(value_type, bytes) => (*value_type, u64::from(b.text(bytes).0)),
        Value::Bits(value_type, bits) => (*value_type, *bits),
    };
    Attr { key, value_type, value }
}

/// The spans in columns.
pub(crate) fn columns(spans: &[Span]) -> Columns {
    let mut b = Builder::new();
    for span in spans {
        put_span(&mut b, span);
    }
    b.take()
}

fn put_span(b: &mut Builder, span: &Span) {
    let [name, state, message, schema] = span.names.each_ref().map(|text| b.text(text.as_bytes()));
    for a in &span.resource {
        let a = attr(b, a);
        b.resource_attr(a);
    }
    let refs = if span.resource.is_empty() { Text::EMPTY } else { b.text(b"\x1a\x02\x12\x00") };
    let resource = b.end_resource(span.counts[0], schema, refs);
    for a in &span.scope {
        let a = attr(b, a);
        b.scope_attr(a);
    }
    let scope = b.end_scope(name, message, span.counts[1], schema);
    for a in &span.attrs {
        let a = attr(b, a);
        b.span_attr(a);
    }
    for (time, name, dropped, attrs) in &span.events {
        for a in attrs {
            let a = attr(b, a);
            b.event_attr(a);
        }
        let name = b.text(name.as_bytes());
        b.end_event(*time, name, *dropped);
    }
    for (trace, id, state, [flags, dropped_attrs], attrs) in &span.links {
        for a in attrs {
            let a = attr(b, a);
            b.link_attr(a);
        }
        let trace_state = b.text(state.as_bytes());
        // Trace 0 is no valid id, which links may have.
        let (trace, span) = (TraceId([*trace; 16]), SpanId(id.to_be_bytes()));
        let (flags, dropped_attrs) = (*flags, *dropped_attrs);
        b.end_link(LinkFields { trace, span, trace_state, flags, dropped_attrs });
    }
    b.end_span(SpanFields {
        trace: TraceId([span.trace + 1; 16]),
        resource,
        scope,
        id: SpanId(span.id.to_be_bytes()),
        parent: SpanId(span.parent.to_be_bytes()),
        name,
        kind: span.numbers[0],
        start: span.times.0,
        end: span.times.1,
        trace_state: state,
        flags: span.counts[5],
        status_code: span.numbers[1],
        status_message: message,
        dropped_attrs: span.counts[2],
        dropped_events: span.counts[3],
        dropped_links: span.counts[4],
    });
}

/// `count` spans that follow from their numbers alone: like a service's traffic, with a bit of each
/// rarity.
pub(crate) fn by_number(first: u64, count: u64) -> Vec<Span> {
    (first..first + count).map(numbered).collect()
}

fn numbered(n: u64) -> Span {
    let s = |text: &str| Value::Text(ValueType::Str, text.as_bytes().to_vec());
    let key = |key: &str, value: Value| (key.to_owned(), value);
    let start = 1_700_000_000_000_000_000 + n * 1_234_567;
    let mut attrs = vec![
        key("http.request.method", s(["GET", "POST"][n as usize % 2])),
        key("url.path", s(&format!("/item/{}", n * 7919 % 1009))),
        key(
            "http.response.status_code",
            Value::Bits(ValueType::Int, [200, 200, 404][n as usize % 3]),
        ),
        key("load", Value::Bits(ValueType::Double, (n as f64 / 8.0).to_bits())),
        key("cached", Value::Bits(ValueType::Bool, n % 2)),
    ];
    if n.is_multiple_of(5) {
        attrs.push(key("raw", Value::Text(ValueType::Bytes, vec![0xff, n as u8])));
        attrs.push(key("list", Value::Text(ValueType::Any, array(&[n as i64, -1]))));
        attrs.push(key("nothing", Value::Bits(ValueType::Empty, 0)));
        attrs.push(key("nan", Value::Bits(ValueType::Double, 0x7ff8_0000_dead_beef)));
    }
    let rare = n % 11 == 3;
    let some = |text: &str| if rare { text.to_owned() } else { String::new() };
    Span {
        resource: vec![key(
            "service.name",
            s(if n.is_multiple_of(4) { "basket" } else { "checkout" }),
        )],
        scope: vec![key("library", s("handmade"))],
        trace: (n / 6 % 40) as u8,
        id: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        parent: match n % 6 {
            0 => 0,
            1 => n,
            k => (n - k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        },
        times: (start, if n.is_multiple_of(13) { start - 5 } else { start + n % 7 * 40_000 }),
        names: [format!("handle {}", n % 3), some("k=v"), some("it broke"), "urn:schema".into()],
        numbers: [if n.is_multiple_of(17) { -3 } else { 2 }, if rare { 2 } else { 0 }],
        counts: [0, 1, u32::from(rare), 0, u32::from(rare) * 7, 0x101],
        attrs,
        events: if rare {
            let why = vec![key("exception.message", s(&format!("failure {n}")))];
            vec![(start + 10, "exception".into(), 2, why), (start - 1, String::new(), 0, vec![])]
        } else {
            Vec::new()
        },
        links: if rare {
            vec![(0, 0, String::new(), [0, 0], vec![]), (9, n, "a=b".into(), [0x300, 1], vec![])]
        } else {
            Vec::new()
        },
    }
}
