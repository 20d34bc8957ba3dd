//! Columns into OTLP bytes.
//!
//! Sub-messages that clients take for granted (`resource`, `scope`, `status`) are written even
//! when they are empty: Grafana's backend dereferences them without a look.

use crate::columns::{Attr, Columns, ValueType};
use crate::protobuf::put;

/// Appends the `ResourceSpans` of the given spans as field 1 of a message: a `TracesData`, an
/// `ExportTraceServiceRequest` and Tempo's `Trace` all have that shape. Spans of one resource and
/// one scope stand together, otherwise in the order given.
pub fn resource_spans(out: &mut Vec<u8>, columns: &Columns, rows: &[u32]) {
    let at = |column: &[u32], row: u32| column.get(row as usize).copied().unwrap_or_default();
    let group = |row: u32| (at(&columns.spans.resource, row), at(&columns.spans.scope, row));
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|&row| group(row));
    for same_resource in sorted.chunk_by(|&a, &b| group(a).0 == group(b).0) {
        let Some(&first) = same_resource.first() else { continue };
        let number = group(first).0 as usize;
        put::message(out, 1, |out| {
            put::message(out, 1, |out| resource(out, columns, number));
            for same_scope in same_resource.chunk_by(|&a, &b| group(a).1 == group(b).1) {
                put::message(out, 2, |out| scope_spans(out, columns, same_scope));
            }
            let schema_url = columns.resources.schema_url.get(number).copied().unwrap_or_default();
            text(out, 3, columns.texts.get(schema_url));
        });
    }
}

fn resource(out: &mut Vec<u8>, columns: &Columns, number: usize) {
    attributes(out, 1, columns, columns.attrs_of_resource(number));
    uint(out, 2, columns.resources.dropped_attrs.get(number).copied().unwrap_or_default());
    let refs = columns.resources.entity_refs.get(number).copied().unwrap_or_default();
    out.extend_from_slice(columns.texts.get(refs));
}

fn scope_spans(out: &mut Vec<u8>, columns: &Columns, rows: &[u32]) {
    let Some(&first) = rows.first() else { return };
    let scope = columns.spans.scope.get(first as usize).copied().unwrap_or_default() as usize;
    let scopes = &columns.scopes;
    let name = |texts: &[crate::columns::Text]| texts.get(scope).copied().unwrap_or_default();
    put::message(out, 1, |out| {
        text(out, 1, columns.texts.get(name(&scopes.name)));
        text(out, 2, columns.texts.get(name(&scopes.version)));
        attributes(out, 3, columns, columns.attrs_of_scope(scope));
        uint(out, 4, scopes.dropped_attrs.get(scope).copied().unwrap_or_default());
    });
    for &row in rows {
        put::message(out, 2, |out| span(out, columns, row as usize));
    }
    text(out, 3, columns.texts.get(name(&scopes.schema_url)));
}

/// Appends one span's fields: the body of an OTLP `Span`.
pub fn span(out: &mut Vec<u8>, columns: &Columns, row: usize) {
    fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
        column.get(row).copied().unwrap_or_default()
    }
    let s = &columns.spans;
    let texts = &columns.texts;
    put::bytes(out, 1, &columns.trace_of(row).0);
    put::bytes(out, 2, &pick(&s.id, row).0);
    text(out, 3, texts.get(pick(&s.trace_state, row)));
    let parent = pick(&s.parent, row);
    if !parent.is_zero() {
        put::bytes(out, 4, &parent.0);
    }
    text(out, 5, texts.get(pick(&s.name, row)));
    enumeration(out, 6, pick(&s.kind, row));
    fixed64(out, 7, pick(&s.start, row));
    fixed64(out, 8, pick(&s.end, row));
    attributes(out, 9, columns, columns.attrs_of_span(row));
    uint(out, 10, pick(&s.dropped_attrs, row));
    for i in columns.events_of(row) {
        put::message(out, 11, |out| {
            fixed64(out, 1, pick(&columns.events.time, i));
            text(out, 2, texts.get(pick(&columns.events.name, i)));
            attributes(out, 3, columns, columns.attrs_of_event(i));
            uint(out, 4, pick(&columns.events.dropped_attrs, i));
        });
    }
    uint(out, 12, pick(&s.dropped_events, row));
    for i in columns.links_of(row) {
        put::message(out, 13, |out| {
            let (trace, span) = (pick(&columns.links.trace, i), pick(&columns.links.span, i));
            if !trace.is_zero() {
                put::bytes(out, 1, &trace.0);
            }
            if !span.is_zero() {
                put::bytes(out, 2, &span.0);
            }
            text(out, 3, texts.get(pick(&columns.links.trace_state, i)));
            attributes(out, 4, columns, columns.attrs_of_link(i));
            uint(out, 5, pick(&columns.links.dropped_attrs, i));
            fixed32(out, 6, pick(&columns.links.flags, i));
        });
    }
    uint(out, 14, pick(&s.dropped_links, row));
    put::message(out, 15, |out| {
        text(out, 2, texts.get(pick(&s.status_message, row)));
        enumeration(out, 3, pick(&s.status_code, row));
    });
    fixed32(out, 16, pick(&s.flags, row));
}

fn attributes(
    out: &mut Vec<u8>,
    number: u32,
    columns: &Columns,
    attrs: impl Iterator<Item = Attr>,
) {
    for attr in attrs {
        put::message(out, number, |out| {
            text(out, 1, columns.texts.get(attr.key));
            let value = columns.texts.get(attr.text());
            // A set field at its default still says which type the value has.
            put::message(out, 2, |out| match attr.value_type {
                ValueType::Empty => {}
                ValueType::Str => put::bytes(out, 1, value),
                ValueType::Bool => put::uint(out, 2, attr.value),
                ValueType::Int => put::uint(out, 3, attr.value),
                ValueType::Double => put::fixed64(out, 4, attr.value),
                ValueType::Bytes => put::bytes(out, 7, value),
                ValueType::Any => out.extend_from_slice(value),
            });
        });
    }
}

fn text(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put::bytes(out, number, bytes);
    }
}

fn uint(out: &mut Vec<u8>, number: u32, n: u32) {
    if n != 0 {
        put::uint(out, number, u64::from(n));
    }
}

fn enumeration(out: &mut Vec<u8>, number: u32, n: i32) {
    if n != 0 {
        // Negative enum values are sign-extended to ten bytes, as protobuf writes them.
        put::uint(out, number, i64::from(n).cast_unsigned());
    }
}

fn fixed64(out: &mut Vec<u8>, number: u32, n: u64) {
    if n != 0 {
        put::fixed64(out, number, n);
    }
}

fn fixed32(out: &mut Vec<u8>, number: u32, n: u32) {
    if n != 0 {
        put::fixed32(out, number, n);
    }
}
