//! Zipkin v1 in Thrift's binary protocol: a bare list of spans.
//!
//! ```text
//! Span             1 trace_id, 3 name, 4 id, 5 parent_id, 6 list<Annotation>,
//!                  8 list<BinaryAnnotation>, 9 debug, 10 timestamp (µs), 11 duration (µs),
//!                  12 trace_id_high
//! Annotation       1 timestamp (µs), 2 value, 3 host
//! BinaryAnnotation 1 key, 2 value, 3 type (0 bool, 1 bytes, 2 i16, 3 i32, 4 i64, 5 double,
//!                  6 string), 4 host
//! Endpoint         1 ipv4 (i32), 2 port (i16), 3 service_name, 4 ipv6 (16 bytes)
//! ```

use super::proto;
use super::span::Endpoint;
use super::v1::{Address, V1};
use crate::fault::Fault;
use crate::thrift::{Bad, Reader, Walk};
use crate::translate::{Request, Room, Value, nanos, set};
use std::cell::Cell;

/// `POST /api/v1/spans` in Thrift.
pub(crate) fn body(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    spans(&mut Reader::binary(body, &Cell::default()), &mut request)?;
    Ok(request.finish())
}

/// A list of spans.
pub(crate) fn spans(reader: &mut Reader<'_>, request: &mut Request<'_>) -> Result<(), Fault> {
    let mut v1 = V1::default();
    for _ in 0..reader.structs()? {
        v1.clear();
        one(reader, &mut v1)?;
        v1.finish();
        v1.span.draft.odd = reader.odd.take();
        request.span(v1.span.resource(), &v1.span.draft)?;
    }
    Ok(())
}

fn one(reader: &mut Reader<'_>, v1: &mut V1) -> Result<(), Bad> {
    let (mut low, mut high) = (0, 0);
    let positive = |n: i64| u64::try_from(n).ok().map(nanos);
    let mut host = Endpoint::default();
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"i.siil.lbiii")? {
        match field.id {
            1 => low = reader.int(&field)?,
            3 => set(&mut v1.span.draft.name, reader.binary_of(&field)?),
            4 => v1.span.draft.id = reader.int(&field)?.to_be_bytes(),
            5 => v1.span.draft.parent = reader.int(&field)?.to_be_bytes(),
            6 => {
                for _ in 0..reader.structs()? {
                    annotation(reader, v1, &mut host)?;
                }
            }
            8 => {
                for _ in 0..reader.structs()? {
                    binary_annotation(reader, v1, &mut host)?;
                }
            }
            9 => v1.span.debug = reader.bool(&field)?,
            10 => v1.span.timestamp = positive(reader.int(&field)?).filter(|&at| at > 0),
            11 => v1.span.duration = positive(reader.int(&field)?),
            _ => high = reader.int(&field)?,
        }
    }
    v1.span.draft.trace =
        (u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())).to_be_bytes();
    Ok(())
}

fn annotation(reader: &mut Reader<'_>, v1: &mut V1, host: &mut Endpoint) -> Result<(), Bad> {
    let (mut time, mut value): (i64, &[u8]) = (0, &[]);
    host.clear();
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"ist")? {
        match field.id {
            1 => time = reader.int(&field)?,
            2 => value = reader.binary_of(&field)?,
            _ => endpoint(reader, host)?,
        }
    }
    v1.annotation(nanos(u64::try_from(time).unwrap_or(0)), value, host);
    Ok(())
}

fn binary_annotation(reader: &mut Reader<'_>, v1: &mut V1, host: &mut Endpoint) -> Result<(), Bad> {
    let (mut key, mut bytes, mut value_type): (&[u8], &[u8], _) = (&[], &[], STRING);
    host.clear();
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"ssit")? {
        match field.id {
            1 => key = reader.binary_of(&field)?,
            2 => bytes = reader.binary_of(&field)?,
            3 => value_type = reader.int(&field)?,
            _ => endpoint(reader, host)?,
        }
    }
    match (Address::named(key), value(value_type, bytes)) {
        (Some(address), Value::Bool(true)) => v1.address(address, host),
        (_, value) => v1.tag(key, value, host),
    }
    Ok(())
}

const STRING: i64 = 6;

/// A value by its type, big-endian; bytes when it has not the type's length.
fn value(value_type: i64, bytes: &[u8]) -> Value<'_> {
    let value = match value_type {
        0 => <[u8; 1]>::try_from(bytes).ok().map(|[b]| Value::Bool(b != 0)),
        2 => bytes.try_into().ok().map(|b| Value::Int(i16::from_be_bytes(b).into())),
        3 => bytes.try_into().ok().map(|b| Value::Int(i32::from_be_bytes(b).into())),
        4 => bytes.try_into().ok().map(|b| Value::Int(i64::from_be_bytes(b))),
        5 => bytes.try_into().ok().map(|b| Value::Double(f64::from_be_bytes(b))),
        STRING => Some(Value::Str(bytes)),
        _ => None,
    };
    value.unwrap_or(Value::Bytes(bytes))
}

fn endpoint(reader: &mut Reader<'_>, into: &mut Endpoint) -> Result<(), Bad> {
    let mut walk = Walk::default();
    while let Some(field) = walk.next_of(reader, b"iiss")? {
        match field.id {
            1 => {
                #[expect(clippy::cast_possible_truncation, reason = "the four low bytes are it")]
                let address = reader.int(&field)? as i32;
                proto::ipv4(&mut into.ipv4, &address.to_be_bytes());
            }
            2 => {
                // Ports above 32767 are negative in 16 signed bits.
                let port = reader.int(&field)? & 0xffff;
                into.port = u16::try_from(port).unwrap_or(0);
            }
            3 => set(&mut into.service, reader.binary_of(&field)?),
            _ => proto::ipv6(&mut into.ipv6, reader.binary_of(&field)?),
        }
    }
    Ok(())
}
