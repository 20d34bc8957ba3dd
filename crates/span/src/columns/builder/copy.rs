//! Copying spans from other columns: each text, resource and scope is looked up once a source.

use super::super::{Attr, Attrs, Columns, Text, ValueType, owned};
use super::{Builder, LinkFields, SpanFields, pick};
use std::ops::Range;

/// Which numbers of a source's tables stand for which of the builder's, so that
/// [`Builder::copy_span`] looks each thing up once a source, not once a span.
#[derive(Debug, Clone, Default)]
pub struct Translation {
    texts: Vec<Option<Text>>,
    resources: Vec<Option<u32>>,
    scopes: Vec<Option<u32>>,
}

impl Columns {
    /// The same spans in pieces of about `most` bytes each, in their order; one piece if they are no
    /// more than that.
    pub fn into_pieces(self, most: usize) -> Vec<Columns> {
        let count = self.bytes().div_ceil(most.max(1)).max(1);
        if count == 1 {
            return vec![self];
        }
        let rows: Vec<usize> = (0..self.len()).collect();
        let chunks = rows.chunks(rows.len().div_ceil(count).max(1));
        let piece = |rows: &[usize]| {
            let (mut builder, mut known) = (Builder::new(), Translation::default());
            rows.iter().for_each(|&row| builder.copy_span(&self, row, &mut known));
            builder.take()
        };
        chunks.map(piece).collect()
    }
}

impl Builder {
    /// Copies span `row` of `from`, whole. `known` must have been used with `from` alone.
    pub fn copy_span(&mut self, from: &Columns, row: usize, known: &mut Translation) {
        let at = |column: &[u32]| column.get(row).copied().unwrap_or_default();
        let resource = self.copy_resource(from, at(&from.spans.resource), known);
        let scope = self.copy_scope(from, at(&from.spans.scope), known);
        self.copy_attrs(from, &from.span_attrs, owned(&from.spans.attrs_end, row), known, |c| {
            &mut c.span_attrs
        });
        for i in from.events_of(row) {
            let range = owned(&from.events.attrs_end, i);
            self.copy_attrs(from, &from.event_attrs, range, known, |c| &mut c.event_attrs);
            let name = self.copy_text(from, pick(&from.events.name, i), known);
            self.end_event(pick(&from.events.time, i), name, pick(&from.events.dropped_attrs, i));
        }
        for i in from.links_of(row) {
            let range = owned(&from.links.attrs_end, i);
            self.copy_attrs(from, &from.link_attrs, range, known, |c| &mut c.link_attrs);
            let trace_state = self.copy_text(from, pick(&from.links.trace_state, i), known);
            self.end_link(LinkFields {
                trace: pick(&from.links.trace, i),
                span: pick(&from.links.span, i),
                trace_state,
                flags: pick(&from.links.flags, i),
                dropped_attrs: pick(&from.links.dropped_attrs, i),
            });
        }
        let s = &from.spans;
        let name = self.copy_text(from, pick(&s.name, row), known);
        let trace_state = self.copy_text(from, pick(&s.trace_state, row), known);
        let status_message = self.copy_text(from, pick(&s.status_message, row), known);
        self.end_span(SpanFields {
            trace: from.trace_of(row),
            resource,
            scope,
            id: pick(&s.id, row),
            parent: pick(&s.parent, row),
            name,
            kind: pick(&s.kind, row),
            start: pick(&s.start, row),
            end: pick(&s.end, row),
            trace_state,
            flags: pick(&s.flags, row),
            status_code: pick(&s.status_code, row),
            status_message,
            dropped_attrs: pick(&s.dropped_attrs, row),
            dropped_events: pick(&s.dropped_events, row),
            dropped_links: pick(&s.dropped_links, row),
        });
    }

    fn copy_text(&mut self, from: &Columns, text: Text, known: &mut Translation) -> Text {
        if text.is_empty() {
            return text;
        }
        let at = text.0 as usize;
        if let Some(&Some(found)) = known.texts.get(at) {
            return found;
        }
        let copy = self.text(from.texts.get(text));
        remember(&mut known.texts, at, copy);
        copy
    }

    fn copy_attrs(
        &mut self,
        from: &Columns,
        attrs: &Attrs,
        range: Range<usize>,
        known: &mut Translation,
        table: impl Fn(&mut Columns) -> &mut Attrs,
    ) {
        for attr in attrs.range(range) {
            let key = self.copy_text(from, attr.key, known);
            let value = match attr.value_type {
                ValueType::Str | ValueType::Bytes | ValueType::Any => {
                    u64::from(self.copy_text(from, attr.text(), known).0)
                }
                _ => attr.value,
            };
            table(&mut self.columns).push(Attr { key, value_type: attr.value_type, value });
        }
    }

    fn copy_resource(&mut self, from: &Columns, number: u32, known: &mut Translation) -> u32 {
        let i = number as usize;
        if let Some(&Some(found)) = known.resources.get(i) {
            return found;
        }
        let range = owned(&from.resources.attrs_end, i);
        self.copy_attrs(from, &from.resource_attrs, range, known, |c| &mut c.resource_attrs);
        let schema_url = self.copy_text(from, pick(&from.resources.schema_url, i), known);
        let entity_refs = self.copy_text(from, pick(&from.resources.entity_refs, i), known);
        let copy =
            self.end_resource(pick(&from.resources.dropped_attrs, i), schema_url, entity_refs);
        remember(&mut known.resources, i, copy);
        copy
    }

    fn copy_scope(&mut self, from: &Columns, number: u32, known: &mut Translation) -> u32 {
        let i = number as usize;
        if let Some(&Some(found)) = known.scopes.get(i) {
            return found;
        }
        let range = owned(&from.scopes.attrs_end, i);
        self.copy_attrs(from, &from.scope_attrs, range, known, |c| &mut c.scope_attrs);
        let name = self.copy_text(from, pick(&from.scopes.name, i), known);
        let version = self.copy_text(from, pick(&from.scopes.version, i), known);
        let schema_url = self.copy_text(from, pick(&from.scopes.schema_url, i), known);
        let copy = self.end_scope(name, version, pick(&from.scopes.dropped_attrs, i), schema_url);
        remember(&mut known.scopes, i, copy);
        copy
    }
}

fn remember<T: Copy>(table: &mut Vec<Option<T>>, at: usize, what: T) {
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    if let Some(slot) = table.get_mut(at) {
        *slot = Some(what);
    }
}
