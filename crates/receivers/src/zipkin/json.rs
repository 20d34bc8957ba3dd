//! Zipkin's JSON, v2 and v1: a list of spans.
//!
//! Spans of one version that come where the other is served are read for what they are, each by itself.
//! One bad value costs itself: a tag's becomes its text, what a member cannot hold is left out and
//! counted, what is no span is refused alone.

use super::id::hex;
use super::span::{Endpoint, Span};
use super::v1::{Address, V1};
use crate::fault::Fault;
use crate::translate::json::{Bad, Given, Json, double};
use crate::translate::{Request, Room, Value, kind, nanos, set};

/// `POST /api/v2/spans`.
pub(crate) fn v2(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    all(body, false, room)
}

/// `POST /api/v1/spans`.
pub(crate) fn v1(body: &[u8], room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    all(body, true, room)
}

/// Which versions the members of a span are of that only one has.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    v1: bool,
    v2: bool,
}

fn all(body: &[u8], said_v1: bool, room: &mut dyn Room) -> Result<Vec<u8>, Fault> {
    let mut request = Request::new(room);
    let mut v1 = V1::default();
    let mut json = Json::new(body);
    // Of the version that the last one was of, until its members say otherwise.
    let mut is_v1 = said_v1;
    json.array(|json| {
        let before = *json;
        for _ in 0..2 {
            let mut seen = Seen::default();
            v1.clear();
            *json = before;
            if json.peek() == Some(b'{') {
                span(json, &mut v1, is_v1, &mut seen)?;
            } else {
                // A span without ids, which is refused alone.
                json.skip()?;
            }
            if seen.v1 == seen.v2 || seen.v1 == is_v1 {
                break;
            }
            is_v1 = seen.v1;
        }
        if is_v1 {
            v1.finish();
        } else {
            v1.span.finish();
        }
        let resource = v1.span.resource();
        request.span(resource, &v1.span.draft)
    })?;
    if !json.is_done() {
        return Err(json.bad("the end is expected").into());
    }
    Ok(request.finish())
}

fn span(json: &mut Json<'_>, v1: &mut V1, is_v1: bool, seen: &mut Seen) -> Result<(), Bad> {
    let mut odd = 0;
    let mut key = Vec::new();
    let mut host = Endpoint::default();
    json.object(&mut key, |json, key| {
        let odd = &mut odd;
        match key {
            // Without these a span is refused.
            b"traceId" => id(json, &mut v1.span.draft.trace, &mut 0),
            b"id" => id(json, &mut v1.span.draft.id, &mut 0),
            b"parentId" => id(json, &mut v1.span.draft.parent, odd),
            b"name" => text(json, &mut v1.span.draft.name, odd),
            b"timestamp" => {
                v1.span.timestamp = micros(json, odd)?.filter(|&at| at > 0);
                Ok(())
            }
            b"duration" => {
                v1.span.duration = micros(json, odd)?;
                Ok(())
            }
            b"debug" => flag(json, &mut v1.span.debug, odd),
            b"annotations" => list(json, odd, &mut |json, odd| {
                let (mut time, mut value) = (None, None);
                host.clear();
                object(json, odd, &mut |json, key, odd| {
                    match key {
                        b"timestamp" => time = micros(json, odd)?,
                        b"value" => value = later(json)?,
                        b"endpoint" => {
                            seen.v1 = true;
                            endpoint(json, &mut host, odd)?;
                        }
                        _ => json.skip()?,
                    }
                    Ok(())
                })?;
                let (time, mut buffer) = (time.unwrap_or(0), Vec::new());
                let value = now(value, &mut buffer)?.text().unwrap_or_else(|| {
                    *odd += 1;
                    &[]
                });
                match is_v1 {
                    true => v1.annotation(time, value, &host),
                    false => v1.span.annotation(time, value),
                }
                Ok(())
            }),
            b"binaryAnnotations" => {
                seen.v1 = true;
                list(json, odd, &mut |json, odd| {
                    let (mut name, mut value) = (None, None);
                    host.clear();
                    object(json, odd, &mut |json, key, odd| {
                        match key {
                            b"key" => name = later(json)?,
                            b"value" => value = later(json)?,
                            b"endpoint" => endpoint(json, &mut host, odd)?,
                            _ => json.skip()?,
                        }
                        Ok(())
                    })?;
                    let (mut buffer, mut value_buffer) = (Vec::new(), Vec::new());
                    let name = now(name, &mut buffer)?.text().unwrap_or_default();
                    let value = now(value, &mut value_buffer)?.nearest();
                    match (Address::named(name), value) {
                        (Some(address), Value::Bool(true)) => v1.address(address, &host),
                        _ => v1.tag(name, value, &host),
                    }
                    Ok(())
                })
            }
            _ => of_v2(json, key, &mut v1.span, seen, odd),
        }
    })?;
    v1.span.draft.odd = odd;
    Ok(())
}

/// Members that only v2 has.
fn of_v2(
    json: &mut Json<'_>,
    key: &[u8],
    span: &mut Span,
    seen: &mut Seen,
    odd: &mut u64,
) -> Result<(), Bad> {
    match key {
        b"kind" => {
            let mut buffer = Vec::new();
            // A kind that is none is no reason to lose a span.
            let given = json.given(&mut buffer)?;
            let named = given.text().and_then(kind::named);
            *odd += u64::from(named.is_none() && given.text() != Some(b""));
            span.draft.kind = named.unwrap_or_default();
        }
        b"shared" => flag(json, &mut span.shared, odd)?,
        b"localEndpoint" => endpoint(json, &mut span.local, odd)?,
        b"remoteEndpoint" => endpoint(json, &mut span.remote, odd)?,
        b"tags" => object(json, odd, &mut |json, key, _| {
            span.tag(key, json.given(&mut Vec::new())?.nearest());
            Ok(())
        })?,
        _ => return json.skip(),
    }
    seen.v2 = true;
    Ok(())
}

/// A place before a value, which is skipped for now.
fn later<'a>(json: &mut Json<'a>) -> Result<Option<Json<'a>>, Bad> {
    let at = *json;
    json.skip()?;
    Ok(Some(at))
}

/// The value at such a place.
fn now<'t, 'a: 't>(at: Option<Json<'a>>, buffer: &'t mut Vec<u8>) -> Result<Given<'t>, Bad> {
    at.map_or(Ok(Given::Null), |mut json| json.given(buffer))
}

type Member<'f, 'a> = &'f mut dyn FnMut(&mut Json<'a>, &[u8], &mut u64) -> Result<(), Bad>;

/// Reads an object; what is none is left out.
fn object<'a>(json: &mut Json<'a>, odd: &mut u64, member: Member<'_, 'a>) -> Result<(), Bad> {
    if json.peek() != Some(b'{') {
        return left_out(json, odd);
    }
    let mut key = Vec::new();
    json.object(&mut key, |json, key| member(json, key, odd))
}

type One<'f, 'a> = &'f mut dyn FnMut(&mut Json<'a>, &mut u64) -> Result<(), Bad>;

/// Reads an array; what is none is left out.
fn list<'a>(json: &mut Json<'a>, odd: &mut u64, one: One<'_, 'a>) -> Result<(), Bad> {
    if json.peek() != Some(b'[') {
        return left_out(json, odd);
    }
    json.array(|json| one(json, odd))
}

/// Skips a value that cannot be what it should be; `null` is one that is not set.
fn left_out(json: &mut Json<'_>, odd: &mut u64) -> Result<(), Bad> {
    if json.null() {
        return Ok(());
    }
    *odd += 1;
    json.skip()
}

fn id<const N: usize>(json: &mut Json<'_>, into: &mut [u8; N], odd: &mut u64) -> Result<(), Bad> {
    let mut buffer = Vec::new();
    let (id, none) = match json.given(&mut buffer)? {
        Given::Null => ([0; N], true),
        Given::Text(digits) => (hex(digits), digits.iter().all(|&c| c == b'0')),
        // A number says neither which digits nor how many.
        _ => ([0; N], false),
    };
    *into = id;
    *odd += u64::from(id == [0; N] && !none);
    Ok(())
}

fn text(json: &mut Json<'_>, into: &mut Vec<u8>, odd: &mut u64) -> Result<(), Bad> {
    let mut buffer = Vec::new();
    match json.given(&mut buffer)?.text() {
        Some(text) => set(into, text),
        None => *odd += 1,
    }
    Ok(())
}

fn flag(json: &mut Json<'_>, into: &mut bool, odd: &mut u64) -> Result<(), Bad> {
    let mut buffer = Vec::new();
    match json.given(&mut buffer)?.bool() {
        Some(flag) => *into = flag,
        None => *odd += 1,
    }
    Ok(())
}

fn endpoint(json: &mut Json<'_>, into: &mut Endpoint, odd: &mut u64) -> Result<(), Bad> {
    into.clear();
    object(json, odd, &mut |json, key, odd| match key {
        b"serviceName" => text(json, &mut into.service, odd),
        b"ipv4" => text(json, &mut into.ipv4, odd),
        b"ipv6" => text(json, &mut into.ipv6, odd),
        b"port" => {
            let mut buffer = Vec::new();
            let given = json.given(&mut buffer)?;
            let port = given.number().and_then(|port| port.parse().ok());
            *odd += u64::from(port.is_none() && given != Given::Null);
            into.port = port.unwrap_or(0);
            Ok(())
        }
        _ => json.skip(),
    })
}

/// Microseconds as nanoseconds: a number, a number as text, or nothing. Clients in JavaScript send
/// fractions.
fn micros(json: &mut Json<'_>, odd: &mut u64) -> Result<Option<u64>, Bad> {
    let mut buffer = Vec::new();
    let given = json.given(&mut buffer)?;
    let time = given.number().and_then(|text| match (text.parse(), double(text)) {
        (Ok(micros), _) => Some(nanos(micros)),
        (_, Some(micros)) if (0.0..1e19).contains(&micros) => Some(fraction(micros)),
        _ => None,
    });
    *odd += u64::from(time.is_none() && given != Given::Null);
    Ok(time)
}

/// Doubles of today's microseconds are a quarter of one apart.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn fraction(micros: f64) -> u64 {
    nanos(micros.trunc() as u64).saturating_add((micros.fract() * 1000.0).round() as u64)
}
