//! Spans as columns: so they travel, are stored and are grouped.
//!
//! A [`Columns`] holds any number of spans of any number of traces. Every variable-sized thing is
//! a [`Text`], a number into one table of byte strings; every attribute is a key, a kind and 64
//! bits; every list (attributes of a span, events of a span, attributes of an event …) is a range
//! of a table whose rows stand in the order of their owners.
//!
//! Invariants
//! 1. All vectors of one table have equal length.
//! 2. `*_end` columns never fall; row `i` owns `end[i-1]..end[i]` of the list's table.
//! 3. Each [`Text`], trace, resource and scope number is within its table. Text 0 is empty.
//! 4. Texts used as strings are UTF-8; [`Kind::Bytes`] may be anything; [`Kind::Any`] holds a
//!    well-formed `opentelemetry.proto.common.v1.AnyValue` (an array or a key-value list).
//! 5. No trace id and no span id is zero; a parent of zero means a root.
//!
//! [`Builder`] makes columns that hold these; [`Columns::check`] proves them for columns that
//! came from elsewhere.

mod builder;
mod check;
mod texts;

pub use builder::{Builder, LinkFields, SpanFields, Translation};
pub use check::Inconsistent;
pub use texts::{Text, Texts};

use crate::{SpanId, TraceId};
use std::ops::Range;

/// What the 64 bits of an attribute's value mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// No value (an `AnyValue` with nothing set). The bits are 0.
    Empty = 0,
    /// A string: the number of a [`Text`].
    Str = 1,
    /// A boolean: 0 or 1.
    Bool = 2,
    /// A signed integer: its two's complement.
    Int = 3,
    /// A double: its IEEE 754 bits.
    Double = 4,
    /// A byte string: the number of a [`Text`].
    Bytes = 5,
    /// An array or a key-value list: the number of a [`Text`] that holds the encoded `AnyValue`.
    Any = 6,
}

impl Kind {
    /// The kind with this number.
    pub fn from_u8(n: u8) -> Option<Kind> {
        Some(match n {
            0 => Kind::Empty,
            1 => Kind::Str,
            2 => Kind::Bool,
            3 => Kind::Int,
            4 => Kind::Double,
            5 => Kind::Bytes,
            6 => Kind::Any,
            _ => return None,
        })
    }

    /// Whether the value is the number of a [`Text`].
    pub fn is_text(self) -> bool {
        matches!(self, Kind::Str | Kind::Bytes | Kind::Any)
    }
}

/// Attributes of resources, scopes, spans, events or links, one table for each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attrs {
    /// The key.
    pub key: Vec<Text>,
    /// What `value` means.
    pub kind: Vec<Kind>,
    /// The value's 64 bits.
    pub value: Vec<u64>,
}

/// One attribute as it stands in the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// The key.
    pub key: Text,
    /// What `value` means.
    pub kind: Kind,
    /// The value's 64 bits.
    pub value: u64,
}

impl Attr {
    /// The value as a text's number; the empty text when it is none.
    pub fn text(&self) -> Text {
        if self.kind.is_text() { Text(u32::try_from(self.value).unwrap_or(0)) } else { Text::EMPTY }
    }
}

impl Attrs {
    /// Number of attributes in the table.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether the table has none.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// Appends an attribute.
    pub fn push(&mut self, attr: Attr) {
        self.key.push(attr.key);
        self.kind.push(attr.kind);
        self.value.push(attr.value);
    }

    /// The attributes in `range`; fewer when the range passes the table's end.
    pub fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let keys = self.key.get(start..end).unwrap_or_default();
        let kinds = self.kind.get(start..end).unwrap_or_default();
        let values = self.value.get(start..end).unwrap_or_default();
        keys.iter().zip(kinds).zip(values).map(|((&key, &kind), &value)| Attr { key, kind, value })
    }

    fn truncate(&mut self, len: usize) {
        self.key.truncate(len);
        self.kind.truncate(len);
        self.value.truncate(len);
    }

    fn clear(&mut self) {
        self.truncate(0);
    }
}

/// Resources, each once however many spans it has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resources {
    /// End of the resource's attributes in [`Columns::resource_attrs`].
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
    /// End of the scope's attributes in [`Columns::scope_attrs`].
    pub attrs_end: Vec<u32>,
    /// `InstrumentationScope.dropped_attributes_count`.
    pub dropped_attrs: Vec<u32>,
    /// `ScopeSpans.schema_url`.
    pub schema_url: Vec<Text>,
}

/// The spans themselves. Field meanings are those of `opentelemetry.proto.trace.v1.Span`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spans {
    /// Number of the trace in [`Columns::traces`].
    pub trace: Vec<u32>,
    /// Number of the resource in [`Columns::resources`].
    pub resource: Vec<u32>,
    /// Number of the scope in [`Columns::scopes`].
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
    /// End of the span's attributes in [`Columns::span_attrs`].
    pub attrs_end: Vec<u32>,
    /// End of the span's events in [`Columns::events`].
    pub events_end: Vec<u32>,
    /// End of the span's links in [`Columns::links`].
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
    /// End of the event's attributes in [`Columns::event_attrs`].
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
    /// End of the link's attributes in [`Columns::link_attrs`].
    pub attrs_end: Vec<u32>,
}

/// Any number of spans, as columns. See the module's page for the shape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// All byte strings.
    pub texts: Texts,
    /// Distinct trace ids, in order of first appearance.
    pub traces: Vec<TraceId>,
    /// Distinct resources.
    pub resources: Resources,
    /// Distinct scopes.
    pub scopes: Scopes,
    /// The spans.
    pub spans: Spans,
    /// Their events.
    pub events: Events,
    /// Their links.
    pub links: Links,
    /// Attributes of resources.
    pub resource_attrs: Attrs,
    /// Attributes of scopes.
    pub scope_attrs: Attrs,
    /// Attributes of spans.
    pub span_attrs: Attrs,
    /// Attributes of events.
    pub event_attrs: Attrs,
    /// Attributes of links.
    pub link_attrs: Attrs,
}

/// The range that row `i` owns by a column of ends. Empty when `i` is out of bounds.
#[inline]
pub fn owned(ends: &[u32], i: usize) -> Range<usize> {
    let end = ends.get(i).map_or(0, |&e| e as usize);
    let start = match i.checked_sub(1) {
        Some(before) => ends.get(before).map_or(end, |&e| e as usize),
        None => 0,
    };
    start.min(end)..end
}

impl Columns {
    /// Number of spans.
    pub fn len(&self) -> usize {
        self.spans.id.len()
    }

    /// Whether there are no spans.
    pub fn is_empty(&self) -> bool {
        self.spans.id.is_empty()
    }

    /// The trace id of span `row`; zero when there is no such span.
    pub fn trace_of(&self, row: usize) -> TraceId {
        let number = self.spans.trace.get(row).copied().unwrap_or(u32::MAX);
        self.traces.get(number as usize).copied().unwrap_or_default()
    }

    /// Attributes of resource `i`.
    pub fn attrs_of_resource(&self, i: usize) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        self.resource_attrs.range(owned(&self.resources.attrs_end, i))
    }

    /// Attributes of scope `i`.
    pub fn attrs_of_scope(&self, i: usize) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        self.scope_attrs.range(owned(&self.scopes.attrs_end, i))
    }

    /// Attributes of span `row`.
    pub fn attrs_of_span(&self, row: usize) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        self.span_attrs.range(owned(&self.spans.attrs_end, row))
    }

    /// Rows of [`Columns::events`] that belong to span `row`.
    pub fn events_of(&self, row: usize) -> Range<usize> {
        owned(&self.spans.events_end, row)
    }

    /// Rows of [`Columns::links`] that belong to span `row`.
    pub fn links_of(&self, row: usize) -> Range<usize> {
        owned(&self.spans.links_end, row)
    }

    /// Attributes of event `i`.
    pub fn attrs_of_event(&self, i: usize) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        self.event_attrs.range(owned(&self.events.attrs_end, i))
    }

    /// Attributes of link `i`.
    pub fn attrs_of_link(&self, i: usize) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        self.link_attrs.range(owned(&self.links.attrs_end, i))
    }

    /// Memory that the columns hold, in bytes, by what is in use (not by capacity).
    pub fn bytes(&self) -> usize {
        const SPAN: usize = 8 * 4 + 12 * 4 + 4 * 4 - 4;
        let attrs = self.resource_attrs.len()
            + self.scope_attrs.len()
            + self.span_attrs.len()
            + self.event_attrs.len()
            + self.link_attrs.len();
        self.texts.bytes()
            + self.traces.len() * 16
            + self.resources.attrs_end.len() * 16
            + self.scopes.attrs_end.len() * 20
            + self.len() * SPAN
            + self.events.time.len() * 20
            + self.links.span.len() * 40
            + attrs * 13
    }

    /// Empties all tables and keeps their memory.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.traces.clear();
        self.resources.truncate(0);
        self.scopes.truncate(0);
        self.spans.truncate(0);
        self.events.truncate(0);
        self.links.truncate(0);
        self.resource_attrs.clear();
        self.scope_attrs.clear();
        self.span_attrs.clear();
        self.event_attrs.clear();
        self.link_attrs.clear();
    }
}

/// Truncates every column of a table.
macro_rules! truncate_all {
    ($table:ty: $($column:ident),+) => {
        impl $table {
            fn truncate(&mut self, len: usize) {
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
