//! A `Span` into a row, with its events and links.

use super::Reject;
use super::attribute::{attribute, span_attribute, string};
use crate::columns::{Builder, LinkFields, SpanFields, Text};
use crate::protobuf::{Field, Fields, Malformed, take_array, take_counted, take_varint};
use crate::{SpanId, TraceId};

/// Appends the span in `bytes`, of which `span` says trace, resource and scope.
pub(super) fn put_span(
    b: &mut Builder,
    bytes: &[u8],
    mut span: SpanFields,
) -> Result<Result<(), Reject>, Malformed> {
    let (mut rest, mut lost) = (bytes, 0);
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
                match parent_id(take_counted(&mut rest)?) {
                    Ok(parent) => span.parent = parent,
                    Err(reject) => return Ok(Err(reject)),
                }
            }
            0x30 => {
                rest = tail;
                span.kind = take_varint32(&mut rest)?.cast_signed();
            }
            0x50 => {
                rest = tail;
                span.dropped_attrs = take_varint32(&mut rest)?;
            }
            0x60 => {
                rest = tail;
                span.dropped_events = take_varint32(&mut rest)?;
            }
            0x70 => {
                rest = tail;
                span.dropped_links = take_varint32(&mut rest)?;
            }
            0x7a => {
                rest = tail;
                put_status(b, take_counted(&mut rest)?, &mut span)?;
            }
            _ => {
                let mut fields = Fields::new(rest);
                if let Some(field) = fields.next_field()?
                    && let Err(reject) = put_field(b, &field, &mut span, &mut lost)?
                {
                    return Ok(Err(reject));
                }
                rest = fields.rest();
            }
        }
    }
    if span.id.is_zero() {
        return Ok(Err(Reject::SpanId));
    }
    b.left_out += u64::from(lost);
    span.dropped_attrs = span.dropped_attrs.saturating_add(lost);
    b.end_span(span);
    Ok(Ok(()))
}

/// One field of a span, whichever it is. Of another wire type than it has by its definition it is
/// taken for one that is not set, as protobuf's own decoders take it for an unknown one.
fn put_field(
    b: &mut Builder,
    field: &Field<'_>,
    span: &mut SpanFields,
    lost: &mut u32,
) -> Result<Result<(), Reject>, Malformed> {
    match field.number {
        2 => span.id = SpanId::from_wire(field.bytes().unwrap_or_default()).unwrap_or_default(),
        3 => span.trace_state = string(b, field.bytes().unwrap_or_default()),
        4 => match field.bytes().map_err(|_| Reject::ParentId).and_then(parent_id) {
            Ok(parent) => span.parent = parent,
            Err(reject) => return Ok(Err(reject)),
        },
        5 => span.name = string(b, field.bytes().unwrap_or_default()),
        6 => span.kind = field.varint32().unwrap_or_default().cast_signed(),
        7 => span.start = field.fixed64().unwrap_or_default(),
        8 => span.end = field.fixed64().unwrap_or_default(),
        9 => {
            if let Some(attr) = attribute(b, field.bytes().unwrap_or_default(), lost) {
                b.span_attr(attr);
            }
        }
        10 => span.dropped_attrs = field.varint32().unwrap_or_default(),
        11 => put_event(b, field.bytes().unwrap_or_default())?,
        12 => span.dropped_events = field.varint32().unwrap_or_default(),
        13 => put_link(b, field.bytes().unwrap_or_default())?,
        14 => span.dropped_links = field.varint32().unwrap_or_default(),
        15 => put_status(b, field.bytes().unwrap_or_default(), span)?,
        16 => span.flags = field.fixed32().unwrap_or_default(),
        _ => {}
    }
    Ok(Ok(()))
}

fn parent_id(bytes: &[u8]) -> Result<SpanId, Reject> {
    match bytes {
        [] => Ok(SpanId::default()),
        id => id.try_into().map(SpanId).map_err(|_| Reject::ParentId),
    }
}

/// A varint cut to 32 bits, as protobuf's own decoders cut it.
#[inline]
fn take_varint32(rest: &mut &[u8]) -> Result<u32, Malformed> {
    #[expect(clippy::cast_possible_truncation, reason = "protobuf cuts 32-bit fields like this")]
    take_varint(rest).map(|n| n as u32)
}

fn put_status(b: &mut Builder, bytes: &[u8], span: &mut SpanFields) -> Result<(), Malformed> {
    let mut status = Fields::new(bytes);
    while let Some(field) = status.next_field()? {
        match field.number {
            2 => span.status_message = string(b, field.bytes().unwrap_or_default()),
            3 => span.status_code = field.varint32().unwrap_or_default().cast_signed(),
            _ => {}
        }
    }
    Ok(())
}

fn put_event(b: &mut Builder, bytes: &[u8]) -> Result<(), Malformed> {
    let (mut time, mut name, mut dropped, mut lost) = (0, Text::EMPTY, 0u32, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => time = field.fixed64().unwrap_or_default(),
            2 => name = string(b, field.bytes().unwrap_or_default()),
            3 => {
                let attr = attribute(b, field.bytes().unwrap_or_default(), &mut lost);
                attr.into_iter().for_each(|attr| b.event_attr(attr));
            }
            4 => dropped = field.varint32().unwrap_or_default(),
            _ => {}
        }
    }
    b.left_out += u64::from(lost);
    b.end_event(time, name, dropped.saturating_add(lost));
    Ok(())
}

fn put_link(b: &mut Builder, bytes: &[u8]) -> Result<(), Malformed> {
    let (mut link, mut lost) = (LinkFields::default(), 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => {
                link.trace =
                    TraceId::from_wire(field.bytes().unwrap_or_default()).unwrap_or_default()
            }
            2 => {
                link.span = SpanId::from_wire(field.bytes().unwrap_or_default()).unwrap_or_default()
            }
            3 => link.trace_state = string(b, field.bytes().unwrap_or_default()),
            4 => {
                let attr = attribute(b, field.bytes().unwrap_or_default(), &mut lost);
                attr.into_iter().for_each(|attr| b.link_attr(attr));
            }
            5 => link.dropped_attrs = field.varint32().unwrap_or_default(),
            6 => link.flags = field.fixed32().unwrap_or_default(),
            _ => {}
        }
    }
    b.left_out += u64::from(lost);
    link.dropped_attrs = link.dropped_attrs.saturating_add(lost);
    b.end_link(link);
    Ok(())
}
