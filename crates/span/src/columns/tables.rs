//! The tables of [`Columns`](super::Columns): resources, scopes, spans, events, links.

use super::Text;
use crate::{SpanId, TraceId};

/// Resources, each once however many spans it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// End of the resource's attributes in [`Columns::resource_attrs`](super::Columns::resource_attrs).
    pub attrs_end: Vec<u32>,
    /// `Resource.dropped_attributes_count`.
    pub dropped_attrs: Vec<u32>,
    /// `ResourceSpans.schema_url`.
    pub schema_url: Vec<Text>,
    /// `Resource.entity_refs`: the fields' bytes as they came, tags included, or empty.
    pub entity_refs: Vec<Text>,
}

/// Instrumentation scopes, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scopes {
    /// `InstrumentationScope.name`.
    pub name: Vec<Text>,
    /// `InstrumentationScope.version`.
    pub version: Vec<Text>,
    /// End of the scope's attributes in [`Columns::scope_attrs`](super::Columns::scope_attrs).
    pub attrs_end: Vec<u32>,
    /// `InstrumentationScope.dropped_attributes_count`.
    pub dropped_attrs: Vec<u32>,
    /// `ScopeSpans.schema_url`.
    pub schema_url: Vec<Text>,
}

/// The spans themselves. Field meanings are those of `opentelemetry.proto.trace.v1.Span`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans {
    /// Number of the trace in [`Columns::traces`](super::Columns::traces).
    pub trace: Vec<u32>,
    /// Number of the resource in [`Columns::resources`](super::Columns::resources).
    pub resource: Vec<u32>,
    /// Number of the scope in [`Columns::scopes`](super::Columns::scopes).
    pub scope: Vec<u32>,
    /// Span id.
    pub id: Vec<SpanId>,
    /// Parent's span id; zero for a root.
    pub parent: Vec<SpanId>,
    /// Name.
    pub name: Vec<Text>,
    /// `SpanKind` by number; unknown numbers are kept.
    pub kind: Vec<i32>,
    /// Start, nanoseconds since the epoch.
    pub start: Vec<u64>,
    /// End, nanoseconds since the epoch; may lie before the start when clocks were wrong.
    pub end: Vec<u64>,
    /// W3C trace state.
    pub trace_state: Vec<Text>,
    /// W3C trace flags and OTLP's is-remote bits.
    pub flags: Vec<u32>,
    /// `Status.code` by number.
    pub status_code: Vec<i32>,
    /// `Status.message`.
    pub status_message: Vec<Text>,
    /// Attributes that the sender dropped.
    pub dropped_attrs: Vec<u32>,
    /// Events that the sender dropped.
    pub dropped_events: Vec<u32>,
    /// Links that the sender dropped.
    pub dropped_links: Vec<u32>,
    /// End of the span's attributes in [`Columns::span_attrs`](super::Columns::span_attrs).
    pub attrs_end: Vec<u32>,
    /// End of the span's events in [`Columns::events`](super::Columns::events).
    pub events_end: Vec<u32>,
    /// End of the span's links in [`Columns::links`](super::Columns::links).
    pub links_end: Vec<u32>,
}

/// Events of spans. Field meanings are those of `Span.Event`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Events {
    /// Time, nanoseconds since the epoch.
    pub time: Vec<u64>,
    /// Name.
    pub name: Vec<Text>,
    /// Attributes that the sender dropped.
    pub dropped_attrs: Vec<u32>,
    /// End of the event's attributes in [`Columns::event_attrs`](super::Columns::event_attrs).
    pub attrs_end: Vec<u32>,
}

/// Links of spans. Field meanings are those of `Span.Link`. Unlike a span's own ids a link's may
/// be zero: a link with a bad id is the sender's to explain, not a reason to lose the span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Links {
    /// Trace linked to; zero when the sender gave none.
    pub trace: Vec<TraceId>,
    /// Span linked to; zero when the sender gave none.
    pub span: Vec<SpanId>,
    /// W3C trace state.
    pub trace_state: Vec<Text>,
    /// W3C trace flags and OTLP's is-remote bits.
    pub flags: Vec<u32>,
    /// Attributes that the sender dropped.
    pub dropped_attrs: Vec<u32>,
    /// End of the link's attributes in [`Columns::link_attrs`](super::Columns::link_attrs).
    pub attrs_end: Vec<u32>,
}

/// Truncates every column of a table.
macro_rules! truncate_all {
    ($table:ty: $($column:ident),+) => {
        impl $table {
            pub(super) fn truncate(&mut self, len: usize) {
                $(self.$column.truncate(len);)+
            }
        }
    };
}

truncate_all!(Resources: attrs_end, dropped_attrs, schema_url, entity_refs);
truncate_all!(Scopes: name, version, attrs_end, dropped_attrs, schema_url);
truncate_all!(Spans: trace, resource, scope, id, parent, name, kind, start, end, trace_state, flags,
    status_code, status_message, dropped_attrs, dropped_events, dropped_links, attrs_end, events_end,
    links_end);
truncate_all!(Events: time, name, dropped_attrs, attrs_end);
truncate_all!(Links: trace, span, trace_state, flags, dropped_attrs, attrs_end);
