//! The tag of a trace's answer (`ETag`, RFC 9110, section 8.8.3): a hash of what it tells.
//!
//! 1. Two answers that tell the same of a trace have the same tag, wherever its spans were found, in
//!    whatever order their attributes stand, and in as many portions as the answer is sent.
//! 2. The version of the program is in it: another one may write the same trace otherwise.
//! 3. Its cost is bounded by what the columns hold: each text is hashed once, however often it is used.
//!
//! It is no secret and no proof: who writes spans can make two traces with one tag, of spans of their own.

use crate::api::{Accept, Version};
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};
use tributary_span::columns::{Attr, Text};
use tributary_span::{Columns, SpanId, TraceId};

/// The tag of an answer that tells these spans, in their order, and `message` of what they lack.
pub(super) fn tag(version: Version, accept: Accept, trace: &Columns, message: &str) -> String {
    let mut all = hasher();
    all.write(env!("CARGO_PKG_VERSION").as_bytes());
    all.write_u8(match version {
        Version::V1 => 1,
        Version::V2 => 2,
    });
    all.write_u8(match accept {
        Accept::Json => 1,
        Accept::Protobuf => 2,
    });
    all.write(message.as_bytes());
    let content = Content::of(trace);
    for row in 0..trace.len() {
        content.span(row, &mut all);
    }
    format!("W/\"{:016x}\"", all.finish())
}

/// Without a seed: every process makes the same tag.
fn hasher() -> impl Hasher {
    FixedState::default().build_hasher()
}

/// What spans refer to, hashed.
struct Content<'c> {
    columns: &'c Columns,
    /// By number.
    texts: Vec<u64>,
    resources: Vec<u64>,
    scopes: Vec<u64>,
}

impl<'c> Content<'c> {
    fn of(columns: &'c Columns) -> Content<'c> {
        let text = |number: u32| {
            let mut hasher = hasher();
            hasher.write(columns.texts.get(Text(number)));
            hasher.finish()
        };
        let texts = (0u32..).take(columns.texts.len() + 1).map(text).collect();
        let (resources, scopes) = Default::default();
        let mut content = Content { columns, texts, resources, scopes };
        content.resources =
            (0..columns.resources.attrs_end.len()).map(|i| content.resource(i)).collect();
        content.scopes = (0..columns.scopes.attrs_end.len()).map(|i| content.scope(i)).collect();
        content
    }

    fn text(&self, text: Text) -> u64 {
        self.texts.get(text.0 as usize).copied().unwrap_or_default()
    }

    /// Attributes are a set: a block gives them in another order than memory.
    fn attrs(&self, attrs: impl Iterator<Item = Attr>) -> u64 {
        let one = |attr: Attr| {
            let mut hasher = hasher();
            hasher.write_u64(self.text(attr.key));
            hasher.write_u64(attr.value_type as u64);
            hasher.write_u64(match attr.value_type.is_text() {
                true => self.text(attr.text()),
                false => attr.value,
            });
            hasher.finish()
        };
        attrs.map(one).fold(0, u64::wrapping_add)
    }

    fn resource(&self, i: usize) -> u64 {
        let of = &self.columns.resources;
        let mut hasher = hasher();
        hasher.write_u64(self.attrs(self.columns.attrs_of_resource(i)));
        hasher.write_u32(pick(&of.dropped_attrs, i));
        hasher.write_u64(self.text(pick(&of.schema_url, i)));
        hasher.write_u64(self.text(pick(&of.entity_refs, i)));
        hasher.finish()
    }

    fn scope(&self, i: usize) -> u64 {
        let of = &self.columns.scopes;
        let mut hasher = hasher();
        hasher.write_u64(self.text(pick(&of.name, i)));
        hasher.write_u64(self.text(pick(&of.version, i)));
        hasher.write_u64(self.attrs(self.columns.attrs_of_scope(i)));
        hasher.write_u32(pick(&of.dropped_attrs, i));
        hasher.write_u64(self.text(pick(&of.schema_url, i)));
        hasher.finish()
    }

    fn span(&self, row: usize, to: &mut impl Hasher) {
        let (c, of) = (self.columns, &self.columns.spans);
        write_trace_id(to, c.trace_of(row));
        to.write_u64(pick(&self.resources, pick(&of.resource, row) as usize));
        to.write_u64(pick(&self.scopes, pick(&of.scope, row) as usize));
        write_span_id(to, pick(&of.id, row));
        write_span_id(to, pick(&of.parent, row));
        to.write_u64(self.text(pick(&of.name, row)));
        to.write_i32(pick(&of.kind, row));
        to.write_u64(pick(&of.start, row));
        to.write_u64(pick(&of.end, row));
        to.write_u64(self.text(pick(&of.trace_state, row)));
        to.write_u32(pick(&of.flags, row));
        to.write_i32(pick(&of.status_code, row));
        to.write_u64(self.text(pick(&of.status_message, row)));
        to.write_u32(pick(&of.dropped_attrs, row));
        to.write_u32(pick(&of.dropped_events, row));
        to.write_u32(pick(&of.dropped_links, row));
        to.write_u64(self.attrs(c.attrs_of_span(row)));
        let (events, links) = (c.events_of(row), c.links_of(row));
        to.write_usize(events.len());
        events.for_each(|i| self.event(i, to));
        to.write_usize(links.len());
        links.for_each(|i| self.link(i, to));
    }

    fn event(&self, i: usize, to: &mut impl Hasher) {
        let of = &self.columns.events;
        to.write_u64(pick(&of.time, i));
        to.write_u64(self.text(pick(&of.name, i)));
        to.write_u32(pick(&of.dropped_attrs, i));
        to.write_u64(self.attrs(self.columns.attrs_of_event(i)));
    }

    fn link(&self, i: usize, to: &mut impl Hasher) {
        let of = &self.columns.links;
        write_trace_id(to, pick(&of.trace, i));
        write_span_id(to, pick(&of.span, i));
        to.write_u64(self.text(pick(&of.trace_state, i)));
        to.write_u32(pick(&of.flags, i));
        to.write_u32(pick(&of.dropped_attrs, i));
        to.write_u64(self.attrs(self.columns.attrs_of_link(i)));
    }
}

fn write_trace_id(to: &mut impl Hasher, id: TraceId) {
    to.write_u128(u128::from_be_bytes(id.0));
}

fn write_span_id(to: &mut impl Hasher, id: SpanId) {
    to.write_u64(u64::from_be_bytes(id.0));
}

fn pick<T: Copy + Default>(column: &[T], i: usize) -> T {
    column.get(i).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
