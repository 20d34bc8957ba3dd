//! OTLP's JSON from messages that another decoder read: shares nothing with the code under test.
//!
//! Written as OTLP's own examples are: 64-bit numbers as text, defaults left out, ids as hex.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json as j};
use tributary_testkit::otlp::common::v1::EntityRef;
use tributary_testkit::otlp::trace::v1::span::{Event, Link};
use tributary_testkit::otlp::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans,
    ScopeSpans, Span, Status, any_value,
};

/// An object without its fields at their default.
fn object(fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("no object") };
    let default = |v: &Value| match v {
        Value::Null => true,
        Value::Number(n) => n.as_i64() == Some(0),
        Value::String(s) => s.is_empty() || s == "0",
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    Value::Object(fields.into_iter().filter(|(_, v)| !default(v)).collect::<Map<_, _>>())
}

fn each<T>(list: &[T], write: impl Fn(&T) -> Value) -> Value {
    Value::Array(list.iter().map(write).collect())
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn json(request: &ExportTraceServiceRequest) -> Value {
    object(j!({ "resourceSpans": each(&request.resource_spans, resource_spans) }))
}

fn resource_spans(r: &ResourceSpans) -> Value {
    object(j!({
        "resource": r.resource.as_ref().map(resource),
        "scopeSpans": each(&r.scope_spans, scope_spans),
        "schemaUrl": r.schema_url,
    }))
}

fn resource(r: &Resource) -> Value {
    object(j!({
        "attributes": each(&r.attributes, attribute),
        "droppedAttributesCount": r.dropped_attributes_count,
        "entityRefs": each(&r.entity_refs, entity),
    }))
}

fn entity(e: &EntityRef) -> Value {
    object(j!({
        "schemaUrl": e.schema_url,
        "type": e.r#type,
        "idKeys": e.id_keys,
        "descriptionKeys": e.description_keys,
    }))
}

fn scope_spans(s: &ScopeSpans) -> Value {
    object(j!({
        "scope": s.scope.as_ref().map(scope),
        "spans": each(&s.spans, span),
        "schemaUrl": s.schema_url,
    }))
}

fn scope(s: &InstrumentationScope) -> Value {
    object(j!({
        "name": s.name,
        "version": s.version,
        "attributes": each(&s.attributes, attribute),
        "droppedAttributesCount": s.dropped_attributes_count,
    }))
}

fn span(s: &Span) -> Value {
    object(j!({
        "traceId": hex(&s.trace_id),
        "spanId": hex(&s.span_id),
        "traceState": s.trace_state,
        "parentSpanId": hex(&s.parent_span_id),
        "name": s.name,
        "kind": s.kind,
        "startTimeUnixNano": s.start_time_unix_nano.to_string(),
        "endTimeUnixNano": s.end_time_unix_nano.to_string(),
        "attributes": each(&s.attributes, attribute),
        "droppedAttributesCount": s.dropped_attributes_count,
        "events": each(&s.events, event),
        "droppedEventsCount": s.dropped_events_count,
        "links": each(&s.links, link),
        "droppedLinksCount": s.dropped_links_count,
        "status": s.status.as_ref().map(status),
        "flags": s.flags,
    }))
}

fn event(e: &Event) -> Value {
    object(j!({
        "timeUnixNano": e.time_unix_nano.to_string(),
        "name": e.name,
        "attributes": each(&e.attributes, attribute),
        "droppedAttributesCount": e.dropped_attributes_count,
    }))
}

fn link(l: &Link) -> Value {
    object(j!({
        "traceId": hex(&l.trace_id),
        "spanId": hex(&l.span_id),
        "traceState": l.trace_state,
        "attributes": each(&l.attributes, attribute),
        "droppedAttributesCount": l.dropped_attributes_count,
        "flags": l.flags,
    }))
}

fn status(s: &Status) -> Value {
    object(j!({ "message": s.message, "code": s.code }))
}

fn attribute(a: &KeyValue) -> Value {
    let mut out = Map::new();
    out.insert("key".to_owned(), j!(a.key));
    if let Some(value) = &a.value {
        out.insert("value".to_owned(), any(value));
    }
    Value::Object(out)
}

/// A set value is written at its default too: it says which type the value has.
fn any(value: &AnyValue) -> Value {
    use any_value::Value::*;
    match &value.value {
        None => j!({}),
        Some(StringValue(s)) => j!({ "stringValue": s }),
        Some(BoolValue(b)) => j!({ "boolValue": b }),
        Some(IntValue(n)) => j!({ "intValue": n.to_string() }),
        Some(DoubleValue(n)) if n.is_finite() => j!({ "doubleValue": n }),
        Some(DoubleValue(n)) if n.is_nan() => j!({ "doubleValue": "NaN" }),
        Some(DoubleValue(n)) if *n > 0.0 => j!({ "doubleValue": "Infinity" }),
        Some(DoubleValue(_)) => j!({ "doubleValue": "-Infinity" }),
        Some(ArrayValue(list)) => j!({ "arrayValue": { "values": each(&list.values, any) } }),
        Some(KvlistValue(list)) => {
            j!({ "kvlistValue": { "values": each(&list.values, attribute) } })
        }
        Some(BytesValue(bytes)) => j!({ "bytesValue": STANDARD.encode(bytes) }),
    }
}
