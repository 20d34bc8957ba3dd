//! Spans as columns: so they travel, are stored and are grouped.
//!
//! A [`Columns`] holds any number of spans of any number of traces. Every variable-sized thing is
//! a [`Text`], a number into one table of byte strings; every attribute is a key, a type and 64
//! bits; every list (attributes of a span, events of a span, attributes of an event …) is a range
//! of a table whose rows stand in the order of their owners.
//!
//! Invariants
//! 1. All vectors of one table have equal length.
//! 2. `*_end` columns never fall; row `i` owns `end[i-1]..end[i]` of the list's table.
//! 3. Each [`Text`], trace, resource and scope number is within its table. Text 0 is empty.
//! 4. Texts used as strings are UTF-8; [`ValueType::Bytes`] may be anything; [`ValueType::Any`] holds a
//!    well-formed `opentelemetry.proto.common.v1.AnyValue` (an array or a key-value list).
//! 5. No trace id and no span id is zero; a parent of zero means a root.
//!
//! [`Builder`] makes columns that hold these; [`Columns::check`] proves them for columns that
//! came from elsewhere.

mod attrs;
mod builder;
mod check;
mod tables;
mod texts;

pub use attrs::{Attr, Attrs, ValueType};
pub use builder::{Builder, LinkFields, SpanFields, Translation};
pub use check::Inconsistent;
pub use tables::{Events, Links, Resources, Scopes, Spans};
pub use texts::{Text, Texts};

use crate::TraceId;
use std::ops::Range;

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
