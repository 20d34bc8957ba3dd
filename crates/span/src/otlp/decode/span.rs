//! A `Span` into a row, with its events and links.

use super::Reject;
use super::attribute::{attribute, span_attribute, string};
use crate::columns::{Builder, LinkFields, SpanFields, Text};
use crate::protobuf::{Field, Fields, Known, Value, low32, take_array, take_counted, take_varint};
use crate::{SpanId, TraceId};

const SPAN: Known = Known(b"bbbbbv88bvbvbvb4");
const STATUS: Known = Known(b".bv");
const EVENT: Known = Known(b"8bbv");
const LINK: Known = Known(b"bbbbv4");

/// Appends the span in `bytes`, of which `span` says trace, resource and scope.
pub(super) fn put_span(b: &mut Builder, bytes: &[u8], mut span: SpanFields) -> Result<(), Reject> {
    let (mut rest, mut lost, mut odd) = (bytes, 0, 0);
    while let Some((&tag, tail)) = rest.split_first() {
        // The fields that most spans have, by number and wire type in one byte; others, and these
        // with another wire type, go the long way.
        match tag {
            0x0a => {
                rest = tail;
                take_counted(&mut rest)?;
            }
            0x12 => {
                rest = tail;
                span.id = SpanId::from_wire(take_counted(&mut rest)?).unwrap_or_default();
            }
            0x2a => {
                rest = tail;
                span.name = string(b, take_counted(&mut rest)?);
                b.expect_like(span.name);
            }
            0x39 => {
                rest = tail;
                span.start = u64::from_le_bytes(take_array(&mut rest)?);
            }
            0x41 => {
                rest = tail;
                span.end = u64::from_le_bytes(take_array(&mut rest)?);
            }
            0x4a => {
                rest = tail;
                if let Some(attr) = span_attribute(b, take_counted(&mut rest)?, &mut lost) {
                    b.span_attr(attr);
                }
            }
            0x22 => {
                rest = tail;
                span.parent = parent_id(take_counted(&mut rest)?, &mut odd);
            }
            0x30 => {
                rest = tail;
                span.kind = low32(take_varint(&mut rest)?).cast_signed();
            }
            0x50 => {
                rest = tail;
                span.dropped_attrs = low32(take_varint(&mut rest)?);
            }
            0x60 => {
                rest = tail;
                span.dropped_events = low32(take_varint(&mut rest)?);
            }
            0x70 => {
                rest = tail;
                span.dropped_links = low32(take_varint(&mut rest)?);
            }
            0x7a => {
                rest = tail;
                put_status(b, take_counted(&mut rest)?, &mut span);
            }
            _ => {
                let mut fields = Fields::new(rest);
                if let Some(field) = fields.next_field()? {
                    match SPAN.has(&field) {
                        Some(true) => put_field(b, &field, &mut span, &mut lost, &mut odd),
                        Some(false) => odd += 1,
                        None => {}
                    }
                }
                rest = fields.rest();
            }
        }
    }
    if span.id.is_zero() {
        return Err(Reject::SpanId);
    }
    b.left_out += u64::from(lost) + odd;
    span.dropped_attrs = span.dropped_attrs.saturating_add(lost);
    b.end_span(span);
    Ok(())
}

/// One field of a span, whichever it is, of its wire type.
fn put_field(
    b: &mut Builder,
    field: &Field<'_>,
    span: &mut SpanFields,
    lost: &mut u32,
    odd: &mut u64,
) {
    match (field.number, field.value) {
        (2, Value::Bytes(id)) => span.id = SpanId::from_wire(id).unwrap_or_default(),
        (3, Value::Bytes(state)) => span.trace_state = string(b, state),
        (4, Value::Bytes(id)) => span.parent = parent_id(id, odd),
        (5, Value::Bytes(name)) => span.name = string(b, name),
        (6, Value::Varint(kind)) => span.kind = low32(kind).cast_signed(),
        (7, Value::Fixed64(time)) => span.start = time,
        (8, Value::Fixed64(time)) => span.end = time,
        (9, Value::Bytes(bytes)) => {
            let attr = attribute(b, bytes, lost);
            attr.into_iter().for_each(|attr| b.span_attr(attr));
        }
        (10, Value::Varint(n)) => span.dropped_attrs = low32(n),
        (11, Value::Bytes(event)) => put_event(b, event),
        (12, Value::Varint(n)) => span.dropped_events = low32(n),
        (13, Value::Bytes(link)) => put_link(b, link),
        (14, Value::Varint(n)) => span.dropped_links = low32(n),
        (15, Value::Bytes(status)) => put_status(b, status, span),
        (16, Value::Fixed32(flags)) => span.flags = flags,
        _ => {}
    }
}

/// A parent's id. One of another length is one that is not set: the span can be told without it.
fn parent_id(bytes: &[u8], odd: &mut u64) -> SpanId {
    let id = bytes.try_into().map(SpanId);
    *odd += u64::from(id.is_err() && !bytes.is_empty());
    id.unwrap_or_default()
}

fn put_status(b: &mut Builder, bytes: &[u8], span: &mut SpanFields) {
    let (mut fields, mut odd) = (Fields::new(bytes), 0);
    while let Some(field) = fields.next_readable(STATUS, &mut odd) {
        match field.value {
            Value::Bytes(message) => span.status_message = string(b, message),
            Value::Varint(code) => span.status_code = low32(code).cast_signed(),
            _ => {}
        }
    }
    b.left_out += odd;
}

fn put_event(b: &mut Builder, bytes: &[u8]) {
    let (mut time, mut name, mut dropped) = (0, Text::EMPTY, 0);
    let (mut lost, mut odd) = (0, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(EVENT, &mut odd) {
        match (field.number, field.value) {
            (_, Value::Fixed64(at)) => time = at,
            (2, Value::Bytes(bytes)) => name = string(b, bytes),
            (_, Value::Bytes(bytes)) => {
                let attr = attribute(b, bytes, &mut lost);
                attr.into_iter().for_each(|attr| b.event_attr(attr));
            }
            (_, Value::Varint(n)) => dropped = low32(n),
            _ => {}
        }
    }
    b.left_out += u64::from(lost) + odd;
    b.end_event(time, name, lost.saturating_add(dropped));
}

fn put_link(b: &mut Builder, bytes: &[u8]) {
    let (mut link, mut lost, mut odd) = (LinkFields::default(), 0, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(LINK, &mut odd) {
        match (field.number, field.value) {
            (1, Value::Bytes(id)) => {
                let trace = TraceId::from_wire(id);
                odd += u64::from(trace.is_none());
                link.trace = trace.unwrap_or_default();
            }
            (2, Value::Bytes(id)) => {
                let to = SpanId::from_wire(id);
                odd += u64::from(to.is_none());
                link.span = to.unwrap_or_default();
            }
            (3, Value::Bytes(state)) => link.trace_state = string(b, state),
            (_, Value::Bytes(bytes)) => {
                let attr = attribute(b, bytes, &mut lost);
                attr.into_iter().for_each(|attr| b.link_attr(attr));
            }
            (_, Value::Varint(n)) => link.dropped_attrs = low32(n),
            (_, Value::Fixed32(flags)) => link.flags = flags,
            _ => {}
        }
    }
    b.left_out += u64::from(lost) + odd;
    link.dropped_attrs = link.dropped_attrs.saturating_add(lost);
    b.end_link(link);
}
