//! Messages into JSON, in OTLP's dialect.

use crate::otlp::trace::v1::span;
use crate::otlp::{AnyValue, KeyValue, ResourceSpans, ScopeSpans, Span, any_value::Value as Any};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// Writes batches as a sender would: OTLP's dialect, fields that hold their default left out but
/// for each value's own.
pub fn write(batches: &[ResourceSpans]) -> Value {
    json!({ "resourceSpans": batches.iter().map(write_batch).collect::<Vec<_>>() })
}

fn write_batch(batch: &ResourceSpans) -> Value {
    let mut out = Map::new();
    if let Some(resource) = &batch.resource {
        let mut inner = Map::new();
        put(&mut inner, "attributes", write_attributes(&resource.attributes));
        put(&mut inner, "droppedAttributesCount", json!(resource.dropped_attributes_count));
        let entities = resource.entity_refs.iter().map(|e| {
            json!({ "schemaUrl": e.schema_url, "type": e.r#type, "idKeys": e.id_keys,
                    "descriptionKeys": e.description_keys })
        });
        put(&mut inner, "entityRefs", entities.collect());
        out.insert("resource".into(), inner.into());
    }
    put(&mut out, "scopeSpans", batch.scope_spans.iter().map(write_scope_spans).collect());
    put(&mut out, "schemaUrl", json!(batch.schema_url));
    out.into()
}

fn write_scope_spans(group: &ScopeSpans) -> Value {
    let mut out = Map::new();
    if let Some(scope) = &group.scope {
        let mut inner = Map::new();
        put(&mut inner, "name", json!(scope.name));
        put(&mut inner, "version", json!(scope.version));
        put(&mut inner, "attributes", write_attributes(&scope.attributes));
        put(&mut inner, "droppedAttributesCount", json!(scope.dropped_attributes_count));
        out.insert("scope".into(), inner.into());
    }
    put(&mut out, "spans", group.spans.iter().map(write_span).collect());
    put(&mut out, "schemaUrl", json!(group.schema_url));
    out.into()
}

fn write_span(span: &Span) -> Value {
    let mut out = Map::new();
    put(&mut out, "traceId", hex(&span.trace_id));
    put(&mut out, "spanId", hex(&span.span_id));
    put(&mut out, "parentSpanId", hex(&span.parent_span_id));
    put(&mut out, "traceState", json!(span.trace_state));
    put(&mut out, "name", json!(span.name));
    put(&mut out, "kind", json!(span.kind));
    put(&mut out, "startTimeUnixNano", json!(span.start_time_unix_nano.to_string()));
    put(&mut out, "endTimeUnixNano", json!(span.end_time_unix_nano.to_string()));
    put(&mut out, "attributes", write_attributes(&span.attributes));
    put(&mut out, "droppedAttributesCount", json!(span.dropped_attributes_count));
    put(&mut out, "events", span.events.iter().map(write_event).collect());
    put(&mut out, "droppedEventsCount", json!(span.dropped_events_count));
    put(&mut out, "links", span.links.iter().map(write_link).collect());
    put(&mut out, "droppedLinksCount", json!(span.dropped_links_count));
    if let Some(status) = &span.status {
        let mut inner = Map::new();
        put(&mut inner, "message", json!(status.message));
        put(&mut inner, "code", json!(status.code));
        out.insert("status".into(), inner.into());
    }
    put(&mut out, "flags", json!(span.flags));
    out.into()
}

fn write_event(event: &span::Event) -> Value {
    let mut out = Map::new();
    put(&mut out, "timeUnixNano", json!(event.time_unix_nano.to_string()));
    put(&mut out, "name", json!(event.name));
    put(&mut out, "attributes", write_attributes(&event.attributes));
    put(&mut out, "droppedAttributesCount", json!(event.dropped_attributes_count));
    out.into()
}

fn write_link(link: &span::Link) -> Value {
    let mut out = Map::new();
    put(&mut out, "traceId", hex(&link.trace_id));
    put(&mut out, "spanId", hex(&link.span_id));
    put(&mut out, "traceState", json!(link.trace_state));
    put(&mut out, "attributes", write_attributes(&link.attributes));
    put(&mut out, "droppedAttributesCount", json!(link.dropped_attributes_count));
    put(&mut out, "flags", json!(link.flags));
    out.into()
}

fn write_attributes(list: &[KeyValue]) -> Value {
    let one = |kv: &KeyValue| json!({ "key": kv.key, "value": write_any(kv.value.as_ref()) });
    list.iter().map(one).collect()
}

fn write_any(value: Option<&AnyValue>) -> Value {
    match value.and_then(|any| any.value.as_ref()) {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({ "stringValue": text }),
        Some(Any::BoolValue(yes)) => json!({ "boolValue": yes }),
        Some(Any::IntValue(n)) => json!({ "intValue": n.to_string() }),
        Some(Any::DoubleValue(x)) if x.is_nan() => json!({ "doubleValue": "NaN" }),
        Some(Any::DoubleValue(x)) if x.is_infinite() => {
            json!({ "doubleValue": if *x > 0.0 { "Infinity" } else { "-Infinity" } })
        }
        Some(Any::DoubleValue(x)) => json!({ "doubleValue": x }),
        Some(Any::BytesValue(bytes)) => json!({ "bytesValue": BASE64_STANDARD.encode(bytes) }),
        Some(Any::ArrayValue(array)) => {
            let values: Value = array.values.iter().map(|v| write_any(Some(v))).collect();
            json!({ "arrayValue": { "values": values } })
        }
        Some(Any::KvlistValue(list)) => {
            json!({ "kvlistValue": { "values": write_attributes(&list.values) } })
        }
    }
}

fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Puts a field unless it holds its default.
fn put(out: &mut Map<String, Value>, key: &str, value: Value) {
    let is_default = match &value {
        Value::Null => true,
        Value::Number(n) => n.as_u64() == Some(0),
        Value::String(text) => text.is_empty() || text == "0",
        Value::Array(list) => list.is_empty(),
        Value::Bool(_) | Value::Object(_) => false,
    };
    if !is_default {
        out.insert(key.to_owned(), value);
    }
}
