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

use super::span::{Reference, Span, Tag, event, micros, process_tag, service};
use crate::fault::Fault;
use crate::thrift::{Bad, Reader, Walk};
use crate::translate::{Request, Room, Value, odd, set};
use crate::zipkin;
use std::cell::Cell;

/// A bare batch in the binary protocol, as HTTP carries it.
pub(crate) fn http_batch(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    batch(&mut Reader::binary(body, &Cell::default()), &mut request)?;
    Ok(request.finish())
}

/// A datagram: a call of one of the agent's methods.
pub(crate) fn datagram(bytes: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let odd = Cell::default();
    let (mut reader, method) = Reader::message(bytes, &odd)?;
    let mut request = Request::new(room);
    let mut walk = Walk::default();
    let known = match method {
        b"emitBatch" => b"t",
        b"emitZipkinBatch" => b"l",
        _ => return Err(Fault::Path("emitBatch and emitZipkinBatch are the methods")),
    };
    while walk.next_of(&mut reader, known)?.is_some() {
        if known == b"t" {
            batch(&mut reader, &mut request)?;
        } else {
            zipkin::thrift::spans(&mut reader, &mut request)?;
        }
    }
    Ok(request.finish())
}

fn batch(reader: &mut Reader<'_>, request: &mut Request<'_>) -> Result<(), Fault> {
    let mut resource: Option<Vec<u8>> = None;
    let mut early = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"tl")? {
        match (field.id, &resource) {
            (1, _) => resource = Some(process(reader)?),
            (_, Some(resource)) => spans(reader, resource, request)?,
            // Spans before their process.
            (_, None) => {
                early = Some(*reader);
                reader.skip(&field)?;
            }
        }
    }
    if let Some(mut at) = early {
        spans(&mut at, &resource.unwrap_or_default(), request)?;
    }
    Ok(())
}

/// A process as encoded attributes of a resource.
fn process(reader: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    let mut name: &[u8] = &[];
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"sl")? {
        if field.id == 1 {
            name = reader.binary_of(&field)?;
            service(&mut out, name);
        } else {
            tags(reader, &mut |key, value| process_tag(&mut out, name, key, value))?;
        }
    }
    odd(&mut out, 1, reader.odd.take());
    Ok(out)
}

fn spans(reader: &mut Reader<'_>, resource: &[u8], request: &mut Request<'_>) -> Result<(), Fault> {
    let mut span = Span::default();
    for _ in 0..reader.structs()? {
        span.clear();
        one(reader, &mut span)?;
        span.draft.odd = reader.odd.take();
        request.span(resource, &span.draft)?;
    }
    Ok(())
}

fn one(reader: &mut Reader<'_>, span: &mut Span) -> Result<(), Bad> {
    let (mut low, mut high, mut start, mut duration) = (0, 0, 0, 0);
    let mut references = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"iiiisliiill")? {
        match field.id {
            1 => low = reader.int(&field)?,
            2 => high = reader.int(&field)?,
            3 => span.draft.id = reader.int(&field)?.to_be_bytes(),
            4 => span.draft.parent = reader.int(&field)?.to_be_bytes(),
            5 => set(&mut span.draft.name, reader.binary_of(&field)?),
            6 => {
                references = Some(*reader);
                reader.skip(&field)?;
            }
            7 => span.flags(reader.int(&field)?),
            8 => start = reader.int(&field)?,
            9 => duration = reader.int(&field)?,
            10 => tags(reader, &mut |key, value| span.tag(key, value))?,
            _ => {
                for _ in 0..reader.structs()? {
                    log(reader, span)?;
                }
            }
        }
    }
    span.draft.trace = trace(high, low);
    span.times(micros(start), micros(duration));
    if let Some(mut at) = references {
        for _ in 0..at.structs()? {
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
    while let Some(field) = walk.next_of(reader, b"iiii")? {
        let n = reader.int(&field)?;
        match field.id {
            1 => ref_type = n,
            2 => low = n,
            3 => high = n,
            _ => id = n,
        }
    }
    Ok(Reference { follows_from: ref_type == 1, trace: trace(high, low), span: id.to_be_bytes() })
}

fn log(reader: &mut Reader<'_>, span: &mut Span) -> Result<(), Bad> {
    let mut time = 0;
    let mut fields = None;
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"il")? {
        if field.id == 1 {
            time = reader.int(&field)?;
        } else {
            fields = Some(*reader);
            reader.skip(&field)?;
        }
    }
    let odd = reader.odd.get();
    event(span, micros(time), |each| {
        // They are handed out twice and counted once.
        reader.odd.set(odd);
        match fields {
            Some(mut at) => tags(&mut at, each),
            None => Ok(()),
        }
    })
}

/// Hands out a list of tags.
fn tags<'a>(reader: &mut Reader<'a>, each: &mut dyn FnMut(&'a [u8], Value<'a>)) -> Result<(), Bad> {
    for _ in 0..reader.structs()? {
        let (mut key, mut tag): (&[u8], _) = (&[], Tag::default());
        let mut walk = Walk::default();
        while let Some(field) = walk.next_of(reader, b"sisdbis")? {
            match field.id {
                1 => key = reader.binary_of(&field)?,
                2 => tag.is = usize::try_from(reader.int(&field)?).unwrap_or(0),
                3 => tag.set(3, Value::Str(reader.binary_of(&field)?)),
                4 => tag.set(4, Value::Double(reader.double(&field)?)),
                5 => tag.set(5, Value::Bool(reader.bool(&field)?)),
                6 => tag.set(6, Value::Int(reader.int(&field)?)),
                _ => tag.set(7, Value::Bytes(reader.binary_of(&field)?)),
            }
        }
        const DEFAULTS: [Value<'static>; 5] = [
            Value::Str(b""),
            Value::Double(0.0),
            Value::Bool(false),
            Value::Int(0),
            Value::Bytes(b""),
        ];
        each(key, tag.value(DEFAULTS));
    }
    Ok(())
}
