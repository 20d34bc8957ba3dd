//! A span as a plain value with an order, so that what was sent and what came back can be compared
//! field by field, whatever road it took.
//!
//! Attributes are sorted by key, then value: OTLP gives their order no meaning. Events, links and
//! the elements of arrays keep theirs.

mod compare;

pub use compare::{compare, differences};

use crate::otlp::{self, any_value::Value as Otlp};
use anyhow::{Context, Result};
use prost::Message;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Trace or span id, any length, shown in hex.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub Vec<u8>);

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A double that is equal to itself, bit by bit.
#[derive(Debug, Clone, Copy)]
pub struct Double(pub f64);

impl Ord for Double {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Double {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Double {}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing set.
    Empty,
    /// A string.
    Str(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Double(Double),
    /// A byte string.
    Bytes(Vec<u8>),
    /// An array, in its order.
    List(Vec<Value>),
    /// A key-value list, sorted.
    Map(Attributes),
}

/// Attributes, sorted by key, then value.
pub type Attributes = Vec<(String, Value)>;

/// A resource with its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Resource {
    /// Attributes.
    pub attributes: Attributes,
    /// How many the sender dropped.
    pub dropped_attributes: u32,
    /// `ResourceSpans.schema_url`.
    pub schema_url: String,
    /// Entity references: schema URL, type, id keys, description keys.
    pub entities: Vec<(String, String, Vec<String>, Vec<String>)>,
}

/// An instrumentation scope with its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Scope {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Attributes.
    pub attributes: Attributes,
    /// How many the sender dropped.
    pub dropped_attributes: u32,
    /// `ScopeSpans.schema_url`.
    pub schema_url: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Event {
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// Name.
    pub name: String,
    /// Attributes.
    pub attributes: Attributes,
    /// How many the sender dropped.
    pub dropped_attributes: u32,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Link {
    /// Trace linked to.
    pub trace_id: Id,
    /// Span linked to.
    pub span_id: Id,
    /// W3C trace state.
    pub trace_state: String,
    /// Attributes.
    pub attributes: Attributes,
    /// How many the sender dropped.
    pub dropped_attributes: u32,
    /// W3C flags and OTLP's is-remote bits.
    pub flags: u32,
}

/// A span with its resource and scope: everything that OTLP says of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct NormalSpan {
    /// Trace id.
    pub trace_id: Id,
    /// Span id.
    pub span_id: Id,
    /// Parent; empty for a root (eight zero bytes count as empty).
    pub parent_id: Id,
    /// `SpanKind` by number.
    pub kind: i32,
    /// Name.
    pub name: String,
    /// Start, nanoseconds since the epoch.
    pub start: u64,
    /// End, nanoseconds since the epoch.
    pub end: u64,
    /// W3C trace state.
    pub trace_state: String,
    /// W3C flags and OTLP's is-remote bits.
    pub flags: u32,
    /// `Status.code` by number.
    pub status_code: i32,
    /// `Status.message`.
    pub status_message: String,
    /// Attributes.
    pub attributes: Attributes,
    /// How many the sender dropped.
    pub dropped_attributes: u32,
    /// Events, in their order.
    pub events: Vec<Event>,
    /// How many the sender dropped.
    pub dropped_events: u32,
    /// Links, in their order.
    pub links: Vec<Link>,
    /// How many the sender dropped.
    pub dropped_links: u32,
    /// Its resource, shared with the spans beside it.
    pub resource: Arc<Resource>,
    /// Its scope, shared with the spans beside it.
    pub scope: Arc<Scope>,
}

impl NormalSpan {
    /// Reads the spans of an encoded `ExportTraceServiceRequest` or `TracesData`, in their order.
    ///
    /// # Errors
    /// When the bytes are no such message.
    pub fn parse(bytes: &[u8]) -> Result<Vec<NormalSpan>> {
        let data = otlp::TracesData::decode(bytes).context("no OTLP traces")?;
        Ok(NormalSpan::of(data.resource_spans))
    }

    /// The spans of decoded messages, in their order.
    pub fn of(batches: Vec<otlp::ResourceSpans>) -> Vec<NormalSpan> {
        let mut spans = Vec::new();
        for batch in batches {
            let own = resource(batch.resource.unwrap_or_default(), batch.schema_url);
            let own = Arc::new(own);
            for group in batch.scope_spans {
                let scope = Arc::new(scope(group.scope.unwrap_or_default(), group.schema_url));
                let one = |s| span(s, Arc::clone(&own), Arc::clone(&scope));
                spans.extend(group.spans.into_iter().map(one));
            }
        }
        spans
    }

    /// What a span is known by within everything: trace, span and kind (Zipkin's client and
    /// server share an id).
    pub fn key(&self) -> (&Id, &Id, i32) {
        (&self.trace_id, &self.span_id, self.kind)
    }

    /// A string attribute of the resource, e.g. `service.name`.
    pub fn resource_text(&self, key: &str) -> Option<&str> {
        self.resource.attributes.iter().find_map(|(k, v)| match v {
            Value::Str(text) if k == key => Some(text.as_str()),
            _ => None,
        })
    }
}

fn resource(from: otlp::Resource, schema_url: String) -> Resource {
    let entities = from.entity_refs.into_iter();
    Resource {
        attributes: attributes(from.attributes),
        dropped_attributes: from.dropped_attributes_count,
        schema_url,
        entities: entities
            .map(|e| (e.schema_url, e.r#type, e.id_keys, e.description_keys))
            .collect(),
    }
}

fn scope(from: otlp::InstrumentationScope, schema_url: String) -> Scope {
    Scope {
        name: from.name,
        version: from.version,
        attributes: attributes(from.attributes),
        dropped_attributes: from.dropped_attributes_count,
        schema_url,
    }
}

fn span(from: otlp::Span, resource: Arc<Resource>, scope: Arc<Scope>) -> NormalSpan {
    let status = from.status.unwrap_or_default();
    let is_root = from.parent_span_id == [0; 8];
    NormalSpan {
        trace_id: Id(from.trace_id),
        span_id: Id(from.span_id),
        parent_id: if is_root { Id::default() } else { Id(from.parent_span_id) },
        kind: from.kind,
        name: from.name,
        start: from.start_time_unix_nano,
        end: from.end_time_unix_nano,
        trace_state: from.trace_state,
        flags: from.flags,
        status_code: status.code,
        status_message: status.message,
        attributes: attributes(from.attributes),
        dropped_attributes: from.dropped_attributes_count,
        events: from.events.into_iter().map(event).collect(),
        dropped_events: from.dropped_events_count,
        links: from.links.into_iter().map(link).collect(),
        dropped_links: from.dropped_links_count,
        resource,
        scope,
    }
}

fn event(from: otlp::trace::v1::span::Event) -> Event {
    Event {
        time: from.time_unix_nano,
        name: from.name,
        attributes: attributes(from.attributes),
        dropped_attributes: from.dropped_attributes_count,
    }
}

fn link(from: otlp::trace::v1::span::Link) -> Link {
    Link {
        trace_id: Id(from.trace_id),
        span_id: Id(from.span_id),
        trace_state: from.trace_state,
        attributes: attributes(from.attributes),
        dropped_attributes: from.dropped_attributes_count,
        flags: from.flags,
    }
}

fn attributes(from: Vec<otlp::KeyValue>) -> Attributes {
    let mut list: Attributes = from.into_iter().map(|kv| (kv.key, value(kv.value))).collect();
    list.sort();
    list
}

fn value(from: Option<otlp::AnyValue>) -> Value {
    match from.and_then(|any| any.value) {
        None => Value::Empty,
        Some(Otlp::StringValue(text)) => Value::Str(text),
        Some(Otlp::BoolValue(yes)) => Value::Bool(yes),
        Some(Otlp::IntValue(n)) => Value::Int(n),
        Some(Otlp::DoubleValue(x)) => Value::Double(Double(x)),
        Some(Otlp::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(Otlp::ArrayValue(array)) => {
            Value::List(array.values.into_iter().map(|v| value(Some(v))).collect())
        }
        Some(Otlp::KvlistValue(list)) => Value::Map(attributes(list.values)),
    }
}

#[cfg(test)]
mod tests;
