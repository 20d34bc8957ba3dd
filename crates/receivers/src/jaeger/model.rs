//! `jaeger.api_v2`: a batch in protobuf, walked.
//!
//! ```text
//! PostSpansRequest 1 batch                   Batch    1 Span…, 2 Process
//! Span     1 trace_id (16 bytes, or 8), 2 span_id (8), 3 operation_name, 4 SpanRef…, 5 flags,
//!          6 start_time, 7 duration, 8 KeyValue…, 9 Log…, 10 Process, 12 warning…
//! SpanRef  1 trace_id, 2 span_id, 3 ref_type (0 CHILD_OF, 1 FOLLOWS_FROM)
//! Log      1 timestamp, 2 KeyValue…          Process  1 service_name, 2 KeyValue…
//! KeyValue 1 key, 2 v_type (0 string, 1 bool, 2 int64, 3 float64, 4 binary),
//!          3 v_str, 4 v_bool, 5 v_int64, 6 v_float64, 7 v_binary
//! Timestamp, Duration: 1 seconds, 2 nanos
//! ```

use super::span::{Reference, Span, Tag, event, process_tag, service};
use crate::fault::Fault;
use crate::translate::{Request, Room, Value, odd, set};
use tributary_span::protobuf::{Fields, Known, Malformed};

/// `PostSpansRequest` as an OTLP request.
pub(crate) fn post_spans(message: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    let mut span = Span::default();
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_of(Known(b"b"), &mut 0)? {
        batch(field.bytes()?, &mut span, &mut request)?;
    }
    Ok(request.finish())
}

fn batch(bytes: &[u8], span: &mut Span, request: &mut Request<'_>) -> Result<(), Fault> {
    let mut shared = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_of(Known(b".b"), &mut 0)? {
        shared = process(field.bytes()?)?;
    }
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_of(Known(b"b"), &mut 0)? {
        span.clear();
        let own = one(field.bytes()?, span).unwrap_or_else(|_| {
            // What is no message is a span without ids, and refused alone.
            span.clear();
            None
        });
        // A span may have a process of its own; without one it has its batch's.
        request.span(own.as_ref().unwrap_or(&shared), &span.draft)?;
    }
    Ok(())
}

fn process(bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (mut name, mut lost): (&[u8], _) = (&[], 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(Known(b"b"), &mut 0) {
        name = field.bytes()?;
    }
    let mut out = Vec::new();
    service(&mut out, name);
    tags(
        bytes,
        Known(b".b"),
        &mut |key, value| process_tag(&mut out, name, key, value),
        &mut lost,
    )?;
    odd(&mut out, 1, lost);
    Ok(out)
}

/// Fills `span`; gives its own process if it has one.
fn one(bytes: &[u8], span: &mut Span) -> Result<Option<Vec<u8>>, Malformed> {
    let (mut start, mut duration, mut own, mut lost) = (0, 0, None, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_of(Known(b"bbb.vbb..b.b"), &mut lost)? {
        match field.number {
            1 => span.draft.trace = trace(field.bytes()?),
            2 => span.draft.id = field.bytes()?.try_into().unwrap_or_default(),
            3 => set(&mut span.draft.name, field.bytes()?),
            5 => span.flags(i64::from(field.varint32()?)),
            6 => start = time(field.bytes()?, &mut lost)?,
            7 => duration = time(field.bytes()?, &mut lost)?,
            10 => own = Some(process(field.bytes()?)?),
            _ => span.draft.attribute(b"jaeger.warning", Value::Str(field.bytes()?)),
        }
    }
    span.times(start, duration);
    tags(bytes, Known(b".......b"), &mut |key, value| span.tag(key, value), &mut lost)?;
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_of(Known(b"...b....b"), &mut lost)? {
        if field.number == 4 {
            let to = reference(field.bytes()?, &mut lost)?;
            span.reference(to);
        } else {
            log(field.bytes()?, span, &mut lost)?;
        }
    }
    span.finish();
    span.draft.odd = lost;
    Ok(own)
}

/// An id of 16 bytes; of 8, padded on the left; of another length none.
fn trace(bytes: &[u8]) -> [u8; 16] {
    let mut id = [0; 16];
    match bytes.len() {
        16 => bytes.try_into().unwrap_or_default(),
        8 => {
            id.iter_mut().skip(8).zip(bytes).for_each(|(to, from)| *to = *from);
            id
        }
        _ => id,
    }
}

/// Seconds and nanoseconds as nanoseconds; negative ones are none.
fn time(bytes: &[u8], lost: &mut u64) -> Result<u64, Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(Known(b"vv"), lost) {
        match field.number {
            1 => seconds = field.varint()?,
            _ => nanos = field.varint()?,
        }
    }
    let positive = |n: u64| u64::try_from(n.cast_signed()).unwrap_or(0);
    Ok(positive(seconds).saturating_mul(1_000_000_000).saturating_add(positive(nanos)))
}

fn reference(bytes: &[u8], lost: &mut u64) -> Result<Reference, Malformed> {
    let mut to = Reference { follows_from: false, trace: [0; 16], span: [0; 8] };
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(Known(b"bbv"), lost) {
        match field.number {
            1 => to.trace = trace(field.bytes()?),
            2 => to.span = field.bytes()?.try_into().unwrap_or_default(),
            _ => to.follows_from = field.varint()? == 1,
        }
    }
    Ok(to)
}

fn log(bytes: &[u8], span: &mut Span, lost: &mut u64) -> Result<(), Malformed> {
    let mut at = 0;
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(Known(b"b"), lost) {
        at = time(field.bytes()?, lost)?;
    }
    let before = *lost;
    event(span, at, |each| {
        // They are handed out twice and counted once.
        *lost = before;
        tags(bytes, Known(b".b"), each, lost)
    })
}

/// Hands out the tags in the field that is known.
fn tags<'a>(
    message: &'a [u8],
    known: Known,
    each: &mut dyn FnMut(&'a [u8], Value<'a>),
    lost: &mut u64,
) -> Result<(), Malformed> {
    let mut fields = Fields::new(message);
    while let Some(field) = fields.next_readable(known, lost) {
        let (mut key, mut tag): (&[u8], _) = (&[], Tag::default());
        let mut fields = Fields::new(field.bytes()?);
        while let Some(field) = fields.next_readable(Known(b"bvbvv8b"), lost) {
            match field.number {
                1 => key = field.bytes()?,
                2 => tag.is = usize::try_from(field.varint()?).unwrap_or(usize::MAX),
                3 => tag.set(3, Value::Str(field.bytes()?)),
                4 => tag.set(4, Value::Bool(field.varint()? != 0)),
                5 => tag.set(5, Value::Int(field.varint()?.cast_signed())),
                6 => tag.set(6, Value::Double(f64::from_bits(field.fixed64()?))),
                _ => tag.set(7, Value::Bytes(field.bytes()?)),
            }
        }
        const DEFAULTS: [Value<'static>; 5] = [
            Value::Str(b""),
            Value::Bool(false),
            Value::Int(0),
            Value::Double(0.0),
            Value::Bytes(b""),
        ];
        each(key, tag.value(DEFAULTS));
    }
    Ok(())
}
