//! Zipkin's JSON, v2 and v1: a list of spans.

use super::id::hex;
use super::span::{Endpoint, Span};
use super::v1::{Address, V1};
use crate::fault::Fault;
use crate::translate::json::{Bad, Json, Scalar};
use crate::translate::{Request, Room, Value, kind, nanos};

/// Buffers for names and texts, one a depth at which both are needed at once.
#[derive(Default)]
struct Buffers {
    key: Vec<u8>,
    inner_key: Vec<u8>,
    text: Vec<u8>,
    endpoint_key: Vec<u8>,
}

/// `POST /api/v2/spans`.
pub(crate) fn v2(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    let (mut span, mut buffers) = (Span::default(), Buffers::default());
    each(body, |json| {
        span.clear();
        span_v2(json, &mut span, &mut buffers)?;
        span.finish();
        let resource = span.resource();
        request.span(resource, &span.draft)
    })?;
    Ok(request.finish())
}

/// `POST /api/v1/spans`.
pub(crate) fn v1(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    let (mut span, mut buffers) = (V1::default(), Buffers::default());
    each(body, |json| {
        span.clear();
        span_v1(json, &mut span, &mut buffers)?;
        span.finish();
        let resource = span.span.resource();
        request.span(resource, &span.span.draft)
    })?;
    Ok(request.finish())
}

fn each(body: &[u8], one: impl FnMut(&mut Json<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut json = Json::new(body);
    json.array(one)?;
    if json.is_done() { Ok(()) } else { Err(json.bad("the end is expected").into()) }
}

fn span_v2(json: &mut Json<'_>, span: &mut Span, b: &mut Buffers) -> Result<(), Bad> {
    let Buffers { key, inner_key, text, endpoint_key } = b;
    json.object(key, |json, key| {
        match key {
            b"kind" => {
                json.string_or_null(text)?;
                // A kind that is none is no reason to lose a span.
                span.draft.kind = kind::named(text).unwrap_or_default();
            }
            b"shared" => span.shared = json.bool()?,
            b"localEndpoint" => endpoint(json, &mut span.local, endpoint_key)?,
            b"remoteEndpoint" => endpoint(json, &mut span.remote, endpoint_key)?,
            b"tags" if !json.null() => json.object(inner_key, |json, key| {
                let value = value(json, text)?;
                span.tag(key, value);
                Ok::<_, Bad>(())
            })?,
            b"annotations" if !json.null() => json.array(|json| {
                let mut time = None;
                text.clear();
                json.object(inner_key, |json, key| {
                    match key {
                        b"timestamp" => time = micros(json)?,
                        b"value" => json.string_or_null(text)?,
                        _ => json.skip()?,
                    }
                    Ok::<_, Bad>(())
                })?;
                span.annotation(time.unwrap_or(0), text);
                Ok::<_, Bad>(())
            })?,
            b"tags" | b"annotations" => {}
            _ => common(json, key, span, text)?,
        }
        Ok(())
    })
}

fn span_v1(json: &mut Json<'_>, v1: &mut V1, b: &mut Buffers) -> Result<(), Bad> {
    let Buffers { key, inner_key, text, endpoint_key } = b;
    let mut host = Endpoint::default();
    json.object(key, |json, key| {
        match key {
            b"annotations" if !json.null() => json.array(|json| {
                let mut time = None;
                text.clear();
                host.clear();
                json.object(inner_key, |json, key| {
                    match key {
                        b"timestamp" => time = micros(json)?,
                        b"value" => json.string_or_null(text)?,
                        b"endpoint" => endpoint(json, &mut host, endpoint_key)?,
                        _ => json.skip()?,
                    }
                    Ok::<_, Bad>(())
                })?;
                v1.annotation(time.unwrap_or(0), text, &host);
                Ok::<_, Bad>(())
            })?,
            b"binaryAnnotations" if !json.null() => json.array(|json| {
                let (mut name, mut scalar) = (Vec::new(), Scalar::Null);
                text.clear();
                host.clear();
                json.object(inner_key, |json, key| {
                    match key {
                        b"key" => json.string_or_null(&mut name)?,
                        b"value" => scalar = json.scalar(text)?,
                        b"endpoint" => endpoint(json, &mut host, endpoint_key)?,
                        _ => json.skip()?,
                    }
                    Ok::<_, Bad>(())
                })?;
                match (Address::named(&name), scalar) {
                    (Some(address), Scalar::Bool(true)) => v1.address(address, &host),
                    _ => v1.tag(&name, of_scalar(scalar, text), &host),
                }
                Ok::<_, Bad>(())
            })?,
            b"annotations" | b"binaryAnnotations" => {}
            _ => common(json, key, &mut v1.span, text)?,
        }
        Ok(())
    })
}

/// Members that both versions have.
fn common(json: &mut Json<'_>, key: &[u8], span: &mut Span, text: &mut Vec<u8>) -> Result<(), Bad> {
    match key {
        b"traceId" => {
            json.string_or_null(text)?;
            span.draft.trace = hex(text);
        }
        b"id" => {
            json.string_or_null(text)?;
            span.draft.id = hex(text);
        }
        b"parentId" => {
            json.string_or_null(text)?;
            span.draft.parent = hex(text);
        }
        b"name" => json.string_or_null(&mut span.draft.name)?,
        b"timestamp" => span.timestamp = micros(json)?.filter(|&at| at > 0),
        b"duration" => span.duration = micros(json)?,
        b"debug" => span.debug = json.bool()?,
        _ => json.skip()?,
    }
    Ok(())
}

fn endpoint(json: &mut Json<'_>, into: &mut Endpoint, key: &mut Vec<u8>) -> Result<(), Bad> {
    into.clear();
    if json.null() {
        return Ok(());
    }
    json.object(key, |json, key| match key {
        b"serviceName" => json.string_or_null(&mut into.service),
        b"ipv4" => json.string_or_null(&mut into.ipv4),
        b"ipv6" => json.string_or_null(&mut into.ipv6),
        b"port" => {
            let port = match json.scalar(&mut Vec::new())? {
                Scalar::Int(port) => port,
                _ => 0,
            };
            into.port = u16::try_from(port).unwrap_or(0);
            Ok(())
        }
        _ => json.skip(),
    })
}

/// A tag's value. Texts are what the format has; others are taken for what they are.
fn value<'t>(json: &mut Json<'_>, text: &'t mut Vec<u8>) -> Result<Value<'t>, Bad> {
    let scalar = json.scalar(text)?;
    Ok(of_scalar(scalar, text))
}

fn of_scalar(scalar: Scalar, text: &[u8]) -> Value<'_> {
    match scalar {
        Scalar::Null | Scalar::Nested => Value::Empty,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::Int(value),
        Scalar::Double(value) => Value::Double(value),
        Scalar::Text => Value::Str(text),
    }
}

/// Microseconds as nanoseconds: a number, a number as text, or nothing. Clients in JavaScript send
/// fractions.
fn micros(json: &mut Json<'_>) -> Result<Option<u64>, Bad> {
    let mut text = Vec::new();
    match json.scalar(&mut text)? {
        Scalar::Null => Ok(None),
        Scalar::Int(n) => Ok(u64::try_from(n).ok().map(nanos)),
        Scalar::Double(n) => Ok(Some(fraction(n))),
        Scalar::Text => {
            let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
            number.map(|n| Some(nanos(n))).ok_or_else(|| json.bad("a number is expected before"))
        }
        _ => Err(json.bad("a number is expected before")),
    }
}

/// Doubles of today's microseconds are a quarter of one apart.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn fraction(micros: f64) -> u64 {
    nanos(micros.trunc() as u64).saturating_add((micros.fract() * 1000.0).round() as u64)
}
