//! `ExportTraceServiceRequest` (and `TracesData`, which has the same bytes) into columns.
//!
//! The bytes are walked once, straight into the columns of the lane that a span's trace belongs
//! to. What cannot be kept is refused where OTLP lets the sender know: a span without valid ids
//! alone (partial success), a request that is no protobuf as a whole.

use super::any::{self, Any};
use crate::columns::{Attr, Builder, Kind, LinkFields, SpanFields, Text};
use crate::protobuf::{Field, Fields, Malformed, take_array, take_counted, take_varint};
use crate::{SpanId, TraceId};

/// What a receiver takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Encoded size of one span, in bytes. A larger one is refused alone.
    pub span_bytes: usize,
}

impl Default for Limits {
    /// 4 MiB a span: far above what any SDK's limits allow, below what a frame may carry.
    fn default() -> Self {
        Limits { span_bytes: 4 << 20 }
    }
}

/// Why a span was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Not 16 bytes, or all zero.
    #[error("trace_id must be 16 bytes and not all zero")]
    TraceId,
    /// Not 8 bytes, or all zero.
    #[error("span_id must be 8 bytes and not all zero")]
    SpanId,
    /// Neither empty nor 8 bytes.
    #[error("parent_span_id must be empty or 8 bytes")]
    ParentId,
    /// Above [`Limits::span_bytes`].
    #[error("the span is larger than {0} bytes")]
    TooLarge(usize),
    /// A string that is not UTF-8.
    #[error("a string in the span is not UTF-8")]
    NotUtf8,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Spans now in the columns.
    pub accepted: u64,
    /// Spans refused.
    pub rejected: u64,
    /// Why the first of them was.
    pub first: Option<Reject>,
}

/// Appends a request's spans to the lane that `route` names for each trace id.
///
/// # Errors
/// When the request is no protobuf. The lanes are then as they were before.
pub fn append(
    lanes: &mut [Builder],
    route: impl Fn(&TraceId) -> usize,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    let marks: Vec<_> = lanes.iter().map(Builder::mark).collect();
    let mut walk = Walk { lanes, route, limits, outcome: Outcome::default() };
    match walk.request(request) {
        Ok(()) => Ok(walk.outcome),
        Err(error) => {
            lanes.iter_mut().zip(marks).for_each(|(lane, mark)| lane.rollback(mark));
            Err(error)
        }
    }
}

/// [`append`] without a type parameter, so that it is compiled with this crate, for speed, also
/// where its caller is compiled for size.
///
/// # Errors
/// As [`append`].
pub fn append_routed(
    lanes: &mut [Builder],
    route: &dyn Fn(&TraceId) -> usize,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    append(lanes, route, request, limits)
}

/// Appends a request's spans to one builder.
///
/// # Errors
/// When the request is no protobuf. The builder is then as it was before.
pub fn append_all(
    builder: &mut Builder,
    request: &[u8],
    limits: &Limits,
) -> Result<Outcome, Malformed> {
    append(std::slice::from_mut(builder), |_| 0, request, limits)
}

/// Spans in a request, by a walk over its outermost messages alone.
///
/// # Errors
/// When those are no protobuf.
pub fn count_spans(request: &[u8]) -> Result<u64, Malformed> {
    let mut spans = 0;
    let mut request = Fields::new(request);
    while let Some(resource_spans) = request.next_field()? {
        if resource_spans.number != 1 {
            continue;
        }
        let mut fields = Fields::new(resource_spans.bytes()?);
        while let Some(scope_spans) = fields.next_field()? {
            if scope_spans.number != 2 {
                continue;
            }
            let mut fields = Fields::new(scope_spans.bytes()?);
            while let Some(field) = fields.next_field()? {
                spans += u64::from(field.number == 2);
            }
        }
    }
    Ok(spans)
}

struct Walk<'l, 'c, R> {
    lanes: &'l mut [Builder],
    route: R,
    limits: &'c Limits,
    outcome: Outcome,
}

/// Where a lane keeps the resource and the scope of the spans at hand; filled on first use.
#[derive(Clone, Copy, Default)]
struct Placed {
    resource: Option<u32>,
    scope: Option<u32>,
}

impl<R: Fn(&TraceId) -> usize> Walk<'_, '_, R> {
    fn request(&mut self, request: &[u8]) -> Result<(), Malformed> {
        let mut placed = vec![Placed::default(); self.lanes.len()];
        let mut fields = Fields::new(request);
        while let Some(field) = fields.next_field()? {
            if field.number == 1 {
                placed.fill(Placed::default());
                self.resource_spans(field.bytes()?, &mut placed)?;
            }
        }
        Ok(())
    }

    /// The resource may stand behind its spans, so it is looked for first.
    fn resource_spans(&mut self, bytes: &[u8], placed: &mut [Placed]) -> Result<(), Malformed> {
        let (mut resource, mut schema_url): (&[u8], &[u8]) = (&[], &[]);
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => resource = field.bytes()?,
                3 => schema_url = field.text()?.as_bytes(),
                _ => {}
            }
        }
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_field()? {
            if field.number == 2 {
                placed.iter_mut().for_each(|p| p.scope = None);
                self.scope_spans(field.bytes()?, (resource, schema_url), placed)?;
            }
        }
        Ok(())
    }

    fn scope_spans(
        &mut self,
        bytes: &[u8],
        resource: (&[u8], &[u8]),
        placed: &mut [Placed],
    ) -> Result<(), Malformed> {
        let (mut scope, mut schema_url): (&[u8], &[u8]) = (&[], &[]);
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_field()? {
            match field.number {
                1 => scope = field.bytes()?,
                3 => schema_url = field.text()?.as_bytes(),
                _ => {}
            }
        }
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next_field()? {
            if field.number != 2 {
                continue;
            }
            let span = field.bytes()?;
            if let Err(reject) = self.span(span, resource, (scope, schema_url), placed)? {
                self.outcome.rejected += 1;
                self.outcome.first.get_or_insert(reject);
            } else {
                self.outcome.accepted += 1;
            }
        }
        Ok(())
    }

    fn span(
        &mut self,
        bytes: &[u8],
        resource: (&[u8], &[u8]),
        scope: (&[u8], &[u8]),
        placed: &mut [Placed],
    ) -> Result<Result<(), Reject>, Malformed> {
        if bytes.len() > self.limits.span_bytes {
            return Ok(Err(Reject::TooLarge(self.limits.span_bytes)));
        }
        let Some(trace) = trace_id(bytes)? else { return Ok(Err(Reject::TraceId)) };
        let lane = (self.route)(&trace);
        let (Some(builder), Some(placed)) = (self.lanes.get_mut(lane), placed.get_mut(lane)) else {
            debug_assert!(false, "a route beyond the lanes");
            return Ok(Err(Reject::TraceId));
        };
        let resource = match placed.resource {
            Some(number) => number,
            None => *placed.resource.insert(put_resource(builder, resource.0, resource.1)?),
        };
        let scope = match placed.scope {
            Some(number) => number,
            None => *placed.scope.insert(put_scope(builder, scope.0, scope.1)?),
        };
        let fields = SpanFields { trace, resource, scope, ..SpanFields::default() };
        let put = match put_span(builder, bytes, fields) {
            Err(Malformed::NotUtf8) => Ok(Err(Reject::NotUtf8)),
            other => other,
        };
        if !matches!(put, Ok(Ok(()))) {
            builder.drop_span();
        }
        put
    }
}

/// The span's trace id if it is a valid one. Encoders may order fields as they like, so the walk
/// goes on until it is found; it is nearly always the first.
fn trace_id(span: &[u8]) -> Result<Option<TraceId>, Malformed> {
    let mut fields = Fields::new(span);
    while let Some(field) = fields.next_field()? {
        if field.number == 1 {
            return Ok(TraceId::from_wire(field.bytes()?));
        }
    }
    Ok(None)
}

fn put_span(
    b: &mut Builder,
    bytes: &[u8],
    mut span: SpanFields,
) -> Result<Result<(), Reject>, Malformed> {
    let mut rest = bytes;
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
                span.name = string(b, take_counted(&mut rest)?)?;
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
                let attr = span_attribute(b, take_counted(&mut rest)?)?;
                b.span_attr(attr);
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
                    && let Err(reject) = put_field(b, &field, &mut span)?
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
    b.end_span(span);
    Ok(Ok(()))
}

/// One field of a span, whichever it is.
fn put_field(
    b: &mut Builder,
    field: &Field<'_>,
    span: &mut SpanFields,
) -> Result<Result<(), Reject>, Malformed> {
    match field.number {
        2 => span.id = SpanId::from_wire(field.bytes()?).unwrap_or_default(),
        3 => span.trace_state = b.text(field.text()?.as_bytes()),
        4 => match parent_id(field.bytes()?) {
            Ok(parent) => span.parent = parent,
            Err(reject) => return Ok(Err(reject)),
        },
        5 => span.name = b.text(field.text()?.as_bytes()),
        6 => span.kind = field.varint32()?.cast_signed(),
        7 => span.start = field.fixed64()?,
        8 => span.end = field.fixed64()?,
        9 => {
            let attr = attribute(b, field.bytes()?)?;
            b.span_attr(attr);
        }
        10 => span.dropped_attrs = field.varint32()?,
        11 => put_event(b, field.bytes()?)?,
        12 => span.dropped_events = field.varint32()?,
        13 => put_link(b, field.bytes()?)?,
        14 => span.dropped_links = field.varint32()?,
        15 => put_status(b, field.bytes()?, span)?,
        16 => span.flags = field.fixed32()?,
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
            2 => span.status_message = b.text(field.text()?.as_bytes()),
            3 => span.status_code = field.varint32()?.cast_signed(),
            _ => {}
        }
    }
    Ok(())
}

/// A string's text. What is in the table already has been proved to be UTF-8 as a rule.
#[inline]
fn string(b: &mut Builder, bytes: &[u8]) -> Result<Text, Malformed> {
    b.string(bytes).ok_or(Malformed::NotUtf8)
}

/// [`attribute`], for spans: most of their attributes have been seen before on a span of the same
/// name, and comparing is cheaper than parsing, proving and looking up.
#[inline]
fn span_attribute(b: &mut Builder, bytes: &[u8]) -> Result<Attr, Malformed> {
    let Some((key, value)) = usual_key_value(bytes) else { return attribute(b, bytes) };
    for ahead in 0..2 {
        let Some(likely) = b.likely_attr(ahead) else { break };
        if b.columns().texts.get(likely.key) != key {
            continue;
        }
        b.pass_likely(ahead + 1);
        let key = likely.key;
        if let Some(text) = usual_string(value)
            && likely.kind == Kind::Str
            && b.columns().texts.get(likely.text()) == text
        {
            return Ok(likely);
        }
        let (kind, value) = usual_value(b, value)?;
        return Ok(Attr { key, kind, value });
    }
    let key = string(b, key)?;
    let (kind, value) = usual_value(b, value)?;
    Ok(Attr { key, kind, value })
}

/// [`any_value`], quicker for strings and integers in their usual form.
#[inline]
fn usual_value(b: &mut Builder, value: &[u8]) -> Result<(Kind, u64), Malformed> {
    if let Some(text) = usual_string(value) {
        return Ok((Kind::Str, u64::from(string(b, text)?.0)));
    }
    if let Some((0x18, mut rest)) = value.split_first().map(|(&tag, rest)| (tag, rest)) {
        let int = take_varint(&mut rest)?;
        if rest.is_empty() {
            return Ok((Kind::Int, int));
        }
    }
    any_value(b, value)
}

/// Key and encoded value of a `KeyValue` in its usual form: both fields once, in order, and no
/// longer than one byte can say. `None` says nothing about the bytes.
#[inline]
fn usual_key_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let &[0x0a, len @ 0..0x80] = head else { return None };
    let (key, rest) = rest.split_at_checked(usize::from(len))?;
    let (head, value) = rest.split_first_chunk::<2>()?;
    match *head {
        [0x12, len @ 0..0x80] if value.len() == usize::from(len) => Some((key, value)),
        _ => None,
    }
}

/// The string in an `AnyValue` that holds nothing else and is as short.
#[inline]
fn usual_string(value: &[u8]) -> Option<&[u8]> {
    let (head, text) = value.split_first_chunk::<2>()?;
    match *head {
        [0x0a, len @ 0..0x80] if text.len() == usize::from(len) => Some(text),
        _ => None,
    }
}

fn put_event(b: &mut Builder, bytes: &[u8]) -> Result<(), Malformed> {
    let (mut time, mut name, mut dropped) = (0, Text::EMPTY, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => time = field.fixed64()?,
            2 => name = b.text(field.text()?.as_bytes()),
            3 => {
                let attr = attribute(b, field.bytes()?)?;
                b.event_attr(attr);
            }
            4 => dropped = field.varint32()?,
            _ => {}
        }
    }
    b.end_event(time, name, dropped);
    Ok(())
}

fn put_link(b: &mut Builder, bytes: &[u8]) -> Result<(), Malformed> {
    let mut link = LinkFields::default();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => link.trace = TraceId::from_wire(field.bytes()?).unwrap_or_default(),
            2 => link.span = SpanId::from_wire(field.bytes()?).unwrap_or_default(),
            3 => link.trace_state = b.text(field.text()?.as_bytes()),
            4 => {
                let attr = attribute(b, field.bytes()?)?;
                b.link_attr(attr);
            }
            5 => link.dropped_attrs = field.varint32()?,
            6 => link.flags = field.fixed32()?,
            _ => {}
        }
    }
    b.end_link(link);
    Ok(())
}

fn put_resource(b: &mut Builder, bytes: &[u8], schema_url: &[u8]) -> Result<u32, Malformed> {
    let mut dropped = 0;
    let mut entity_refs = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => {
                let attr = attribute(b, field.bytes()?)?;
                b.resource_attr(attr);
            }
            2 => dropped = field.varint32()?,
            3 => crate::protobuf::put::bytes(&mut entity_refs, 3, field.bytes()?),
            _ => {}
        }
    }
    let schema_url = b.text(schema_url);
    let entity_refs = b.text(&entity_refs);
    Ok(b.end_resource(dropped, schema_url, entity_refs))
}

fn put_scope(b: &mut Builder, bytes: &[u8], schema_url: &[u8]) -> Result<u32, Malformed> {
    let (mut name, mut version, mut dropped) = (Text::EMPTY, Text::EMPTY, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => name = b.text(field.text()?.as_bytes()),
            2 => version = b.text(field.text()?.as_bytes()),
            3 => {
                let attr = attribute(b, field.bytes()?)?;
                b.scope_attr(attr);
            }
            4 => dropped = field.varint32()?,
            _ => {}
        }
    }
    let schema_url = b.text(schema_url);
    Ok(b.end_scope(name, version, dropped, schema_url))
}

/// An encoded `KeyValue` as an attribute of `b`'s columns.
///
/// # Errors
/// When the bytes are no `KeyValue`, to the depths of its value.
#[inline]
pub fn attribute(b: &mut Builder, bytes: &[u8]) -> Result<Attr, Malformed> {
    let (key, encoded) = any::key_value(bytes)?;
    let key = b.text(key.as_bytes());
    let (kind, value) = any_value(b, encoded)?;
    Ok(Attr { key, kind, value })
}

/// An encoded `AnyValue` as kind and bits of an attribute.
fn any_value(b: &mut Builder, encoded: &[u8]) -> Result<(Kind, u64), Malformed> {
    Ok(match any::parse(encoded)? {
        Any::Empty => (Kind::Empty, 0),
        Any::Str(text) => (Kind::Str, u64::from(b.text(text.as_bytes()).0)),
        Any::Bool(value) => (Kind::Bool, u64::from(value)),
        Any::Int(value) => (Kind::Int, value.cast_unsigned()),
        Any::Double(value) => (Kind::Double, value.to_bits()),
        Any::Bytes(bytes) => (Kind::Bytes, u64::from(b.text(bytes).0)),
        Any::Array(_) | Any::KvList(_) => {
            any::check(encoded)?;
            (Kind::Any, u64::from(b.text(encoded).0))
        }
    })
}

#[cfg(test)]
mod tests;
