//! OTLP's JSON, in its two dialects.
//!
//! Senders write ids in hex and enums as numbers ([`Dialect::Otlp`]); Tempo answers in classic
//! proto3 JSON, ids in base64 and enums by name ([`Dialect::Tempo`]). Keys are in lowerCamelCase
//! and 64-bit integers are strings in both.

use super::trace::v1::{span, status};
use super::{
    AnyValue, InstrumentationScope, KeyValue, Resource, ResourceSpans, ScopeSpans, Span, Status,
    TracesData, any_value::Value as Any, common::v1,
};
use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

/// How ids and enums are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Hex and numbers.
    Otlp,
    /// Base64 and names.
    Tempo,
}

/// Reads `{"resourceSpans": […]}` or `{"batches": […]}`. A key that OTLP does not have is an error:
/// an answer that says more than it should is as wrong as one that says less.
///
/// # Errors
/// What does not fit, and where.
pub fn read(value: &Value, dialect: Dialect) -> Result<TracesData> {
    let mut data = TracesData::default();
    each(value, |key, value| {
        match key {
            "resourceSpans" | "batches" => {
                data.resource_spans = list(value, |v| resource_spans(v, dialect))?;
            }
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(data)
}

/// Calls `take` for each key of an object; an error names the key.
fn each(value: &Value, mut take: impl FnMut(&str, &Value) -> Result<()>) -> Result<()> {
    let object = value.as_object().with_context(|| format!("no object: {value}"))?;
    for (key, value) in object {
        take(key, value).with_context(|| key.clone())?;
    }
    Ok(())
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> Result<T>) -> Result<Vec<T>> {
    value.as_array().with_context(|| format!("no array: {value}"))?.iter().map(item).collect()
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("no string: {value}"))?.to_owned())
}

/// A number, as such or as text.
fn number<T: std::str::FromStr>(value: &Value) -> Result<T> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().ok().with_context(|| format!("no such number: {value}"))
}

fn double(value: &Value) -> Result<f64> {
    match value.as_str() {
        Some("NaN") => Ok(f64::NAN),
        Some("Infinity") => Ok(f64::INFINITY),
        Some("-Infinity") => Ok(f64::NEG_INFINITY),
        _ => number(value),
    }
}

fn id(value: &Value, dialect: Dialect) -> Result<Vec<u8>> {
    let text = text(value)?;
    match dialect {
        Dialect::Tempo => Ok(BASE64_STANDARD.decode(text)?),
        Dialect::Otlp => {
            let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair));
            digits.map(|pair| Ok(u8::from_str_radix(pair?, 16)?)).collect()
        }
    }
}

fn resource_spans(value: &Value, dialect: Dialect) -> Result<ResourceSpans> {
    let mut out = ResourceSpans::default();
    each(value, |key, v| {
        match key {
            "resource" => out.resource = Some(resource(v)?),
            "scopeSpans" => out.scope_spans = list(v, |v| scope_spans(v, dialect))?,
            "schemaUrl" => out.schema_url = text(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn resource(value: &Value) -> Result<Resource> {
    let mut out = Resource::default();
    each(value, |key, v| {
        match key {
            "attributes" => out.attributes = list(v, key_value)?,
            "droppedAttributesCount" => out.dropped_attributes_count = number(v)?,
            "entityRefs" => out.entity_refs = list(v, entity)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn entity(value: &Value) -> Result<v1::EntityRef> {
    let mut out = v1::EntityRef::default();
    each(value, |key, v| {
        match key {
            "schemaUrl" => out.schema_url = text(v)?,
            "type" => out.r#type = text(v)?,
            "idKeys" => out.id_keys = list(v, text)?,
            "descriptionKeys" => out.description_keys = list(v, text)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn scope_spans(value: &Value, dialect: Dialect) -> Result<ScopeSpans> {
    let mut out = ScopeSpans::default();
    each(value, |key, v| {
        match key {
            "scope" => out.scope = Some(scope(v)?),
            "spans" => out.spans = list(v, |v| span(v, dialect))?,
            "schemaUrl" => out.schema_url = text(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn scope(value: &Value) -> Result<InstrumentationScope> {
    let mut out = InstrumentationScope::default();
    each(value, |key, v| {
        match key {
            "name" => out.name = text(v)?,
            "version" => out.version = text(v)?,
            "attributes" => out.attributes = list(v, key_value)?,
            "droppedAttributesCount" => out.dropped_attributes_count = number(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn span(value: &Value, dialect: Dialect) -> Result<Span> {
    let mut out = Span::default();
    each(value, |key, v| {
        match key {
            "traceId" => out.trace_id = id(v, dialect)?,
            "spanId" => out.span_id = id(v, dialect)?,
            "parentSpanId" => out.parent_span_id = id(v, dialect)?,
            "traceState" => out.trace_state = text(v)?,
            "name" => out.name = text(v)?,
            "kind" => out.kind = kind(v, dialect)?,
            "startTimeUnixNano" => out.start_time_unix_nano = number(v)?,
            "endTimeUnixNano" => out.end_time_unix_nano = number(v)?,
            "attributes" => out.attributes = list(v, key_value)?,
            "droppedAttributesCount" => out.dropped_attributes_count = number(v)?,
            "events" => out.events = list(v, event)?,
            "droppedEventsCount" => out.dropped_events_count = number(v)?,
            "links" => out.links = list(v, |v| link(v, dialect))?,
            "droppedLinksCount" => out.dropped_links_count = number(v)?,
            "status" => out.status = Some(status(v, dialect)?),
            "flags" => out.flags = number(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

/// An enum's number; classic JSON writes one without a name as a number.
fn kind(value: &Value, dialect: Dialect) -> Result<i32> {
    match (dialect, value.as_str()) {
        (Dialect::Tempo, Some(name)) => {
            Ok(span::SpanKind::from_str_name(name).with_context(|| name.to_owned())?.into())
        }
        _ => number(value),
    }
}

fn status(value: &Value, dialect: Dialect) -> Result<Status> {
    let mut out = Status::default();
    each(value, |key, v| {
        match (key, dialect, v.as_str()) {
            ("message", ..) => out.message = text(v)?,
            ("code", Dialect::Tempo, Some(name)) => {
                let code = status::StatusCode::from_str_name(name);
                out.code = code.with_context(|| name.to_owned())?.into();
            }
            ("code", ..) => out.code = number(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn event(value: &Value) -> Result<span::Event> {
    let mut out = span::Event::default();
    each(value, |key, v| {
        match key {
            "timeUnixNano" => out.time_unix_nano = number(v)?,
            "name" => out.name = text(v)?,
            "attributes" => out.attributes = list(v, key_value)?,
            "droppedAttributesCount" => out.dropped_attributes_count = number(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn link(value: &Value, dialect: Dialect) -> Result<span::Link> {
    let mut out = span::Link::default();
    each(value, |key, v| {
        match key {
            "traceId" => out.trace_id = id(v, dialect)?,
            "spanId" => out.span_id = id(v, dialect)?,
            "traceState" => out.trace_state = text(v)?,
            "attributes" => out.attributes = list(v, key_value)?,
            "droppedAttributesCount" => out.dropped_attributes_count = number(v)?,
            "flags" => out.flags = number(v)?,
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn key_value(value: &Value) -> Result<KeyValue> {
    let mut out = KeyValue::default();
    each(value, |key, v| {
        match key {
            "key" => out.key = text(v)?,
            "value" => out.value = Some(any(v)?),
            _ => bail!("unknown key"),
        }
        Ok(())
    })?;
    Ok(out)
}

fn any(value: &Value) -> Result<AnyValue> {
    let mut out = AnyValue::default();
    each(value, |key, v| {
        let values = || v.get("values").unwrap_or(const { &Value::Array(Vec::new()) });
        out.value = Some(match key {
            "stringValue" => Any::StringValue(text(v)?),
            "boolValue" => Any::BoolValue(v.as_bool().context("no boolean")?),
            "intValue" => Any::IntValue(number(v)?),
            "doubleValue" => Any::DoubleValue(double(v)?),
            "bytesValue" => Any::BytesValue(BASE64_STANDARD.decode(text(v)?)?),
            "arrayValue" => Any::ArrayValue(v1::ArrayValue { values: list(values(), any)? }),
            "kvlistValue" => {
                Any::KvlistValue(v1::KeyValueList { values: list(values(), key_value)? })
            }
            _ => bail!("unknown key"),
        });
        Ok(())
    })?;
    Ok(out)
}

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
    crate::normal::Id(bytes.to_vec()).to_string().into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NormalSpan;

    #[test]
    fn what_is_written_is_read_back() {
        let request = crate::sample::request(1);
        let read = read(&write(&request.resource_spans), Dialect::Otlp).unwrap();
        assert_eq!(NormalSpan::of(read.resource_spans), NormalSpan::of(request.resource_spans));
    }

    #[test]
    fn tempos_dialect() {
        let text = r#"{"batches":[{"scopeSpans":[{"spans":[{
            "traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","spanId":"AgICAgICAgI=",
            "kind":"SPAN_KIND_SERVER","status":{"code":"STATUS_CODE_ERROR"},
            "startTimeUnixNano":"7"}]}]}]}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let spans = NormalSpan::of(read(&value, Dialect::Tempo).unwrap().resource_spans);
        assert_eq!(spans[0].trace_id.0, [1; 16]);
        assert_eq!(spans[0].span_id.0, [2; 8]);
        assert_eq!((spans[0].kind, spans[0].status_code, spans[0].start), (2, 2, 7));
        let strange = serde_json::json!({"batches": [{"resource": {"colour": 1}}]});
        let error = read(&strange, Dialect::Tempo).unwrap_err();
        assert_eq!(format!("{error:#}"), "batches: resource: colour: unknown key");
    }
}
