//! Spans made up to hold every field that OTLP has, which recorded traffic does not.

use crate::otlp::trace::v1::span::{Event, Link};
use crate::otlp::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans,
    ScopeSpans, Span, Status, any_value::Value, common::v1,
};

/// A request whose two spans make one trace and hold every field and every kind of value. `seed`
/// gives the trace's id and is at least 1.
pub fn request(seed: u64) -> ExportTraceServiceRequest {
    let resource = Resource {
        attributes: every_value("resource"),
        dropped_attributes_count: 1,
        entity_refs: vec![v1::EntityRef {
            schema_url: "https://example.test/entity".into(),
            r#type: "service".into(),
            id_keys: vec!["service.name".into()],
            description_keys: vec!["service.version".into(), "größe".into()],
        }],
    };
    let scope = InstrumentationScope {
        name: "made-up".into(),
        version: "1.2.3".into(),
        attributes: every_value("scope"),
        dropped_attributes_count: 2,
    };
    let group = ScopeSpans {
        scope: Some(scope),
        spans: vec![span(seed, 1), span(seed, 2)],
        schema_url: "https://example.test/scope".into(),
    };
    let batch = ResourceSpans {
        resource: Some(resource),
        scope_spans: vec![group],
        schema_url: "https://example.test/resource".into(),
    };
    ExportTraceServiceRequest { resource_spans: vec![batch] }
}

/// The trace id of [`request`]'s spans.
pub fn trace_id(seed: u64) -> [u8; 16] {
    (u128::from(seed) << 64 | u128::from(seed)).to_be_bytes()
}

/// A request with one plain span of a trace of its own.
pub fn plain(seed: u64) -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: trace_id(seed).to_vec(),
        span_id: seed.to_be_bytes().to_vec(),
        name: "plain".into(),
        kind: 1,
        start_time_unix_nano: 1_795_344_000_000_000_000 + seed,
        end_time_unix_nano: 1_795_344_000_001_000_000 + seed,
        ..Span::default()
    };
    let resource = Resource {
        attributes: vec![attribute("service.name", Value::StringValue("plain".into()))],
        ..Resource::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let batch = ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![batch] }
}

fn span(seed: u64, number: u64) -> Span {
    let start = 1_795_344_000_000_000_000 + number;
    Span {
        trace_id: trace_id(seed).to_vec(),
        span_id: number.to_be_bytes().to_vec(),
        trace_state: "vendor=t61rcWkgMzE,other=1".into(),
        parent_span_id: if number == 1 { Vec::new() } else { 1u64.to_be_bytes().to_vec() },
        name: format!("span {number} ✓"),
        kind: if number == 1 { 2 } else { 77 },
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        attributes: every_value("span"),
        dropped_attributes_count: 3,
        events: vec![
            Event {
                time_unix_nano: start + 10,
                name: "late".into(),
                attributes: every_value("event"),
                dropped_attributes_count: 4,
            },
            Event { time_unix_nano: start + 5, name: "early".into(), ..Event::default() },
        ],
        dropped_events_count: 5,
        links: vec![
            Link {
                trace_id: vec![0xee; 16],
                span_id: vec![0xdd; 8],
                trace_state: "k=v".into(),
                attributes: every_value("link"),
                dropped_attributes_count: 6,
                flags: 0x301,
            },
            Link { trace_id: vec![0xcc; 16], span_id: vec![0xbb; 8], ..Link::default() },
        ],
        dropped_links_count: 7,
        status: Some(Status { code: 2, message: "it broke: ünïcode".into() }),
        flags: 0x101,
    }
}

/// Attributes of every type, among them empty and extreme ones, nested ones, and the keys that
/// blocks keep in columns of their own.
fn every_value(place: &str) -> Vec<KeyValue> {
    let list = |values: Vec<Value>| {
        let values = values.into_iter().map(|v| AnyValue { value: Some(v) }).collect();
        Value::ArrayValue(v1::ArrayValue { values })
    };
    let text = |s: &str| Value::StringValue(s.to_owned());
    let nested = Value::KvlistValue(v1::KeyValueList {
        values: vec![
            attribute("inner", list(vec![Value::BytesValue(vec![0, 255])])),
            attribute("number", Value::IntValue(-1)),
        ],
    });
    vec![
        attribute("service.name", text(place)),
        attribute("http.status_code", Value::IntValue(500)),
        attribute("http.method", text("GET")),
        attribute("http.url", text("http://example.test/?q=ä")),
        attribute("k8s.pod.name", text("pod-1")),
        attribute("text.empty", text("")),
        attribute("text.long", text(&"long ".repeat(1000))),
        attribute("bool.true", Value::BoolValue(true)),
        attribute("bool.false", Value::BoolValue(false)),
        attribute("int.zero", Value::IntValue(0)),
        attribute("int.least", Value::IntValue(i64::MIN)),
        attribute("int.most", Value::IntValue(i64::MAX)),
        attribute("double.zero", Value::DoubleValue(0.0)),
        attribute("double.small", Value::DoubleValue(-1.5e-300)),
        attribute("double.infinite", Value::DoubleValue(f64::INFINITY)),
        attribute("bytes", Value::BytesValue(vec![0, 1, 254, 255])),
        attribute("bytes.empty", Value::BytesValue(Vec::new())),
        attribute("list.text", list(vec![text("a"), text("ü"), text("")])),
        attribute("list.int", list(vec![Value::IntValue(1), Value::IntValue(i64::MIN)])),
        attribute("list.bool", list(vec![Value::BoolValue(true), Value::BoolValue(false)])),
        attribute("list.double", list(vec![Value::DoubleValue(0.1)])),
        attribute("list.mixed", list(vec![text("a"), Value::IntValue(1), nested.clone()])),
        attribute("list.empty", list(Vec::new())),
        attribute("map", nested),
        KeyValue { key: "nothing".into(), value: Some(AnyValue { value: None }) },
    ]
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
