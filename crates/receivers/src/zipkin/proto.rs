//! Zipkin v2 in protobuf.
//!
//! ```text
//! ListOfSpans 1 Span…
//! Span        1 trace_id, 2 parent_id, 3 id, 4 kind, 5 name, 6 timestamp (fixed64, µs),
//!             7 duration (µs), 8 local_endpoint, 9 remote_endpoint, 10 Annotation…,
//!             11 map<string, string> tags, 12 debug, 13 shared
//! Endpoint    1 service_name, 2 ipv4 (4 bytes), 3 ipv6 (16 bytes), 4 port
//! Annotation  1 timestamp (fixed64, µs), 2 value
//! ```

use super::id;
use super::span::{Endpoint, Span};
use crate::fault::Fault;
use crate::translate::{Request, Room, Value, kind, nanos, set};
use std::net::{Ipv4Addr, Ipv6Addr};
use tributary_span::protobuf::{Fields, Known, Malformed};

/// `POST /api/v2/spans` in protobuf.
pub(crate) fn body(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    let mut span = Span::default();
    let mut fields = Fields::new(body);
    while let Some(field) = fields.next_of(Known(b"b"), &mut 0)? {
        span.clear();
        if one(field.bytes()?, &mut span).is_err() {
            // What is no message is a span without ids, and refused alone.
            span.clear();
        }
        span.finish();
        request.span(span.resource(), &span.draft)?;
    }
    Ok(request.finish())
}

fn one(bytes: &[u8], span: &mut Span) -> Result<(), Malformed> {
    let mut odd = 0;
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_of(Known(b"bbbvb8vbbbbvv"), &mut odd)? {
        match field.number {
            1 => span.draft.trace = id::bytes(field.bytes()?),
            2 => {
                let parent = field.bytes()?;
                span.draft.parent = id::bytes(parent);
                odd += u64::from(parent.len() > span.draft.parent.len());
            }
            3 => span.draft.id = id::bytes(field.bytes()?),
            4 => {
                span.draft.kind = match field.varint()? {
                    1 => kind::CLIENT,
                    2 => kind::SERVER,
                    3 => kind::PRODUCER,
                    4 => kind::CONSUMER,
                    kind => {
                        odd += u64::from(kind != 0);
                        kind::UNSPECIFIED
                    }
                }
            }
            5 => set(&mut span.draft.name, field.bytes()?),
            6 => span.timestamp = Some(field.fixed64()?).filter(|&at| at > 0).map(nanos),
            7 => span.duration = Some(nanos(field.varint()?)),
            8 => endpoint(field.bytes()?, &mut span.local, &mut odd)?,
            9 => endpoint(field.bytes()?, &mut span.remote, &mut odd)?,
            10 => {
                let (mut time, mut value): (u64, &[u8]) = (0, &[]);
                let mut annotation = Fields::new(field.bytes()?);
                while let Some(field) = annotation.next_readable(Known(b"8b"), &mut odd) {
                    match field.number {
                        1 => time = nanos(field.fixed64()?),
                        _ => value = field.bytes()?,
                    }
                }
                span.annotation(time, value);
            }
            11 => {
                let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
                let mut tag = Fields::new(field.bytes()?);
                while let Some(field) = tag.next_readable(Known(b"bb"), &mut odd) {
                    match field.number {
                        1 => key = field.bytes()?,
                        _ => value = field.bytes()?,
                    }
                }
                span.tag(key, Value::Str(value));
            }
            12 => span.debug = field.varint()? != 0,
            _ => span.shared = field.varint()? != 0,
        }
    }
    span.draft.odd = odd;
    Ok(())
}

fn endpoint(bytes: &[u8], into: &mut Endpoint, odd: &mut u64) -> Result<(), Malformed> {
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next_readable(Known(b"bbbv"), odd) {
        match field.number {
            1 => set(&mut into.service, field.bytes()?),
            2 => ipv4(&mut into.ipv4, field.bytes()?),
            3 => ipv6(&mut into.ipv6, field.bytes()?),
            _ => {
                let port = u16::try_from(field.varint()?);
                *odd += u64::from(port.is_err());
                into.port = port.unwrap_or(0);
            }
        }
    }
    Ok(())
}

/// An address as text; none when it has another length or is zero.
pub(super) fn ipv4(into: &mut Vec<u8>, bytes: &[u8]) {
    into.clear();
    if let Ok(octets) = <[u8; 4]>::try_from(bytes)
        && octets != [0; 4]
    {
        set(into, Ipv4Addr::from(octets).to_string().as_bytes());
    }
}

/// An address as text; none when it has another length or is zero.
pub(super) fn ipv6(into: &mut Vec<u8>, bytes: &[u8]) {
    into.clear();
    if let Ok(octets) = <[u8; 16]>::try_from(bytes)
        && octets != [0; 16]
    {
        set(into, Ipv6Addr::from(octets).to_string().as_bytes());
    }
}
