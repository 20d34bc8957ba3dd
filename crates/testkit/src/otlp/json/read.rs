//! JSON into messages, in either dialect.

use super::Dialect;
use crate::otlp::trace::v1::{span, status};
use crate::otlp::{
    AnyValue, InstrumentationScope, KeyValue, Resource, ResourceSpans, ScopeSpans, Span, Status,
    TracesData, any_value::Value as Any, common::v1,
};
use anyhow::{Context, Result, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

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
