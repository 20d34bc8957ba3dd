//! `jaeger.thrift`: a batch walked, in either protocol of Thrift.
//!
//! ```text
//! Batch   1 process, 2 list<Span>                       Process 1 serviceName, 2 list<Tag>
//! Span    1 traceIdLow, 2 traceIdHigh, 3 spanId, 4 parentSpanId, 5 operationName,
//!         6 list<SpanRef>, 7 flags, 8 startTime (µs), 9 duration (µs), 10 list<Tag>, 11 list<Log>
//! SpanRef 1 refType (0 CHILD_OF, 1 FOLLOWS_FROM), 2 traceIdLow, 3 traceIdHigh, 4 spanId
//! Log     1 timestamp (µs), 2 list<Tag>
//! Tag     1 key, 2 vType (0 string, 1 double, 2 bool, 3 long, 4 binary), 3-7 the value by type:
//!         3 vStr, 4 vDouble, 5 vBool, 6 vLong, 7 vBinary
//! Agent   emitBatch(1 batch), emitZipkinBatch(1 list<zipkincore.Span>), both one way
//! ```

use super::span::{Reference, Span, event, micros, process_tag, service};
use crate::fault::Fault;
use crate::thrift::{Bad, Field, Reader, Walk};
use crate::translate::{Request, Room, Value, set};
use crate::zipkin;

/// A bare batch in the binary protocol, as HTTP carries it.
pub(crate) fn http_batch(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    batch(&mut Reader::binary(body), &mut request)?;
    Ok(request.finish())
}

/// A datagram: a call of one of the agent's methods.
pub(crate) fn datagram(bytes: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let (mut reader, method) = Reader::message(bytes)?;
    let mut request = Request::new(room);
    let mut walk = Walk::default();
    while let Some(field) = walk.next(&mut reader)? {
        match (method, field.id) {
            (b"emitBatch", 1) => {
                reader.struct_of(&field)?;
                batch(&mut reader, &mut request)?;
            }
            (b"emitZipkinBatch", 1) => {
                let spans = reader.structs_of(&field)?;
                zipkin::thrift::spans(&mut reader, spans, &mut request)?;
            }
            (b"emitBatch" | b"emitZipkinBatch", _) => reader.skip(&field)?,
            _ => return Err(Fault::Path("emitBatch and emitZipkinBatch are the methods")),
        }
    }
    Ok(request.finish())
}

fn batch(reader: &mut Reader<'_>, request: &mut Request<'_>) -> Result<(), Fault> {
    let mut resource: Option<Vec<u8>> = None;
    let mut early = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next(reader)? {
        match (field.id, &resource) {
            (1, _) => {
                reader.struct_of(&field)?;
                resource = Some(process(reader)?);
            }
            (2, Some(resource)) => spans(reader, &field, resource, request)?,
            // Spans before their process.
            (2, None) => {
                early = Some((*reader, field));
                reader.skip(&field)?;
            }
            _ => reader.skip(&field)?,
        }
    }
    if let Some((mut at, field)) = early {
        spans(&mut at, &field, &resource.unwrap_or_default(), request)?;
    }
    Ok(())
}

/// A process as encoded attributes of a resource.
fn process(reader: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut name: &[u8] = &[];
    let mut walk = Walk::default();
    while let Some(field) = walk.next(reader)? {
        match field.id {
            1 => {
                name = reader.binary_of(&field)?;
                service(&mut out, name);
            }
            2 => tags(reader, &field, &mut |key, value| process_tag(&mut out, name, key, value))?,
            _ => reader.skip(&field)?,
        }
    }
    Ok(out)
}

fn spans(
    reader: &mut Reader<'_>,
    field: &Field,
    resource: &[u8],
    request: &mut Request<'_>,
) -> Result<(), Fault> {
    let mut span = Span::default();
    for _ in 0..reader.structs_of(field)? {
        span.clear();
        one(reader, &mut span)?;
        request.span(resource, &span.draft)?;
    }
    Ok(())
}

fn one(reader: &mut Reader<'_>, span: &mut Span) -> Result<(), Bad> {
    let (mut low, mut high, mut start, mut duration) = (0, 0, 0, 0);
    let mut references = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next(reader)? {
        match field.id {
            1 => low = reader.int(&field)?,
            2 => high = reader.int(&field)?,
            3 => span.draft.id = reader.int(&field)?.to_be_bytes(),
            4 => span.draft.parent = reader.int(&field)?.to_be_bytes(),
            5 => set(&mut span.draft.name, reader.binary_of(&field)?),
            6 => {
                references = Some((*reader, field));
                reader.skip(&field)?;
            }
            7 => span.flags(reader.int(&field)?),
            8 => start = reader.int(&field)?,
            9 => duration = reader.int(&field)?,
            10 => tags(reader, &field, &mut |key, value| span.tag(key, value))?,
            11 => {
                for _ in 0..reader.structs_of(&field)? {
                    log(reader, span)?;
                }
            }
            _ => reader.skip(&field)?,
        }
    }
    span.draft.trace = trace(high, low);
    span.times(micros(start), micros(duration));
    if let Some((mut at, field)) = references {
        for _ in 0..at.structs_of(&field)? {
            let to = reference(&mut at)?;
            span.reference(to);
        }
    }
    span.finish();
    Ok(())
}

fn trace(high: i64, low: i64) -> [u8; 16] {
    (u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())).to_be_bytes()
}

fn reference(reader: &mut Reader<'_>) -> Result<Reference, Bad> {
    let (mut ref_type, mut low, mut high, mut id) = (0, 0, 0, 0);
    let mut walk = Walk::default();
    while let Some(field) = walk.next(reader)? {
        match field.id {
            1 => ref_type = reader.int(&field)?,
            2 => low = reader.int(&field)?,
            3 => high = reader.int(&field)?,
            4 => id = reader.int(&field)?,
            _ => reader.skip(&field)?,
        }
    }
    Ok(Reference { follows_from: ref_type == 1, trace: trace(high, low), span: id.to_be_bytes() })
}

fn log(reader: &mut Reader<'_>, span: &mut Span) -> Result<(), Bad> {
    let mut time = 0;
    let mut fields = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next(reader)? {
        match field.id {
            1 => time = reader.int(&field)?,
            2 => {
                fields = Some((*reader, field));
                reader.skip(&field)?;
            }
            _ => reader.skip(&field)?,
        }
    }
    event(span, micros(time), |each| match fields {
        Some((mut at, field)) => tags(&mut at, &field, each),
        None => Ok(()),
    })
}

/// Hands out a list of tags.
fn tags<'a>(
    reader: &mut Reader<'a>,
    field: &Field,
    each: &mut dyn FnMut(&'a [u8], Value<'a>),
) -> Result<(), Bad> {
    for _ in 0..reader.structs_of(field)? {
        let (mut key, mut value_type): (&[u8], i64) = (&[], 0);
        let (mut text, mut bytes, mut double, mut flag, mut long): (&[u8], &[u8], _, _, _) =
            (&[], &[], 0.0, false, 0);
        let mut walk = Walk::default();
        while let Some(field) = walk.next(reader)? {
            match field.id {
                1 => key = reader.binary_of(&field)?,
                2 => value_type = reader.int(&field)?,
                3 => text = reader.binary_of(&field)?,
                4 => double = reader.double(&field)?,
                5 => flag = reader.bool(&field)?,
                6 => long = reader.int(&field)?,
                7 => bytes = reader.binary_of(&field)?,
                _ => reader.skip(&field)?,
            }
        }
        each(
            key,
            match value_type {
                1 => Value::Double(double),
                2 => Value::Bool(flag),
                3 => Value::Int(long),
                4 => Value::Bytes(bytes),
                _ => Value::Str(text),
            },
        );
    }
    Ok(())
}
