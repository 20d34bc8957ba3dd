//! OTLP's JSON into OTLP's protobuf, as it is read.
//!
//! The mapping is protobuf's own JSON mapping with OTLP's changes: ids are hex, enums are numbers,
//! names are lowerCamelCase, unknown ones are ignored
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>). Taken as well, because it
//! is sent: names in snake_case, enums by name, `null` for "not set", integers as text or as
//! floats without a fraction, `NaN` and `Infinity` as they are, lone surrogates (a text that JavaScript
//! cut inside a character).
//!
//! One bad value costs itself. An attribute's becomes the nearest type that holds it: a double, or its
//! text. What nothing holds is written so that the decoder of protobuf leaves it out and counts it,
//! by the same rules as there: a field in a wire type that it does not have, an attribute or a span that
//! is no message, an id of one byte. What is not JSON is refused as a whole.
//!
//! What is written is hardly ever longer than what was read ([`longest`]): with its quotes and
//! names each JSON value has more bytes than the same in protobuf. Only a negative enum has one less.

mod schema;

use crate::translate::json::{Bad, Given, Json, double};
use crate::translate::{Value, any_value};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schema::{ANY_VALUE, ENTITY_REF, Field, Is, KEY_VALUE, Message, REQUEST, SPAN};
use tributary_span::otlp::any::MAX_DEPTH;
use tributary_span::protobuf::put;

/// A tag that no message has: what it stands in cannot be read.
const UNREADABLE: u8 = 7;

/// A field that no request has, for members that are not known: the request is then not empty.
const UNKNOWN: u32 = 1000;

/// An `ExportTraceServiceRequest` in JSON as protobuf. No bytes at all are an empty request.
///
/// # Errors
/// When it is not JSON, or no object; the error says where.
pub(crate) fn to_protobuf(json: &[u8]) -> Result<Vec<u8>, Bad> {
    let mut out = Vec::new();
    let mut json = Json::new(json);
    if json.is_done() {
        return Ok(out);
    }
    message(&mut json, &mut out, &REQUEST, 0)?;
    if json.is_done() { Ok(out) } else { Err(json.bad("the end is expected")) }
}

/// Bytes that [`to_protobuf`] makes at most of so many bytes of JSON.
pub(crate) fn longest(json: usize) -> usize {
    json.saturating_add(json / 8)
}

fn is(a: &Message, b: &Message) -> bool {
    std::ptr::eq(a, b)
}

/// Reads an object's members into `out`. `depth`: how many values this is in.
fn message(
    json: &mut Json<'_>,
    out: &mut Vec<u8>,
    of: &'static Message,
    depth: usize,
) -> Result<(), Bad> {
    let depth = depth + usize::from(is(of, &ANY_VALUE));
    if depth > MAX_DEPTH + 1 {
        out.push(UNREADABLE);
        return json.skip();
    }
    let mut name = Vec::new();
    json.object(&mut name, |json, name| match of.field(name) {
        Some(field) => member(json, out, of, field, depth),
        None => {
            if is(of, &REQUEST) {
                put::uint(out, UNKNOWN, 0);
            }
            json.skip()
        }
    })
}

/// Reads a member's value.
fn member(
    json: &mut Json<'_>,
    out: &mut Vec<u8>,
    of: &'static Message,
    field: &'static Field,
    depth: usize,
) -> Result<(), Bad> {
    let number = field.number;
    match (field.is, json.peek()) {
        (_, Some(b'n')) if json.null() => Ok(()),
        (Is::One(inner), Some(b'{')) => nested(json, out, number, inner, depth),
        (Is::Each(inner), Some(b'[')) => json.array(|json| match json.peek() {
            Some(b'{') => nested(json, out, number, inner, depth),
            // One that is not set is an empty one: leaving it out would move those behind it.
            Some(b'n') if json.null() => {
                put::bytes(out, number, &[]);
                Ok(())
            }
            _ => {
                let mut buffer = Vec::new();
                let given = json.given(&mut buffer)?;
                no_object(out, number, inner, given, json.at());
                Ok(())
            }
        }),
        (Is::EachText, Some(b'[')) => json.array(|json| {
            let mut buffer = Vec::new();
            let given = json.given(&mut buffer)?;
            put::bytes(out, number, given.text().unwrap_or_default());
            Ok(())
        }),
        (Is::One(inner) | Is::Each(inner), _) => {
            let mut buffer = Vec::new();
            let given = json.given(&mut buffer)?;
            match is(of, &ANY_VALUE) {
                true => any_value(out, given.nearest()),
                false => no_object(out, number, inner, given, json.at()),
            }
            Ok(())
        }
        _ => {
            let mut buffer = Vec::new();
            let given = json.given(&mut buffer)?;
            if scalar(out, field, given).is_none() {
                match is(of, &ANY_VALUE) {
                    true => any_value(out, nearest(field, given)),
                    // References to entities are kept as they come.
                    false if is(of, &ENTITY_REF) => {}
                    false => not_set(out, number, field.is),
                }
            }
            Ok(())
        }
    }
}

/// What an attribute's value of another type becomes. Integers are written as text, also those that are
/// none.
fn nearest<'t>(field: &Field, given: Given<'t>) -> Value<'t> {
    match (field.is, given.number().and_then(double)) {
        (Is::Int64, Some(double)) => Value::Double(double),
        _ => given.nearest(),
    }
}

/// Reads an object as the message in a field.
fn nested(
    json: &mut Json<'_>,
    out: &mut Vec<u8>,
    number: u32,
    of: &'static Message,
    depth: usize,
) -> Result<(), Bad> {
    let mut result = Ok(());
    put::message(out, number, |out| result = message(json, out, of, depth));
    result
}

/// Writes what stands where an object should: a value as what it is, an attribute and a span as ones
/// that cannot be read, any other message as one that is not set. `read` bytes of JSON must not become
/// more: what is longer in protobuf, as numbers in a row are, is not set either.
fn no_object(out: &mut Vec<u8>, number: u32, of: &'static Message, given: Given<'_>, read: usize) {
    const MOST: usize = 24;
    let text = match given {
        Given::Text(text) | Given::Nested(text) => text.len(),
        _ => 0,
    };
    let fits = |more: usize| out.len() + more <= read;
    if is(of, &ANY_VALUE) && fits(text.saturating_add(MOST)) {
        put::message(out, number, |out| any_value(out, given.nearest()));
    } else if (is(of, &KEY_VALUE) || is(of, &SPAN)) && fits(MOST) {
        put::bytes(out, number, &[UNREADABLE]);
    } else {
        put::uint(out, number, 0);
    }
}

/// Writes a field in a wire type that it does not have.
fn not_set(out: &mut Vec<u8>, number: u32, is: Is) {
    match is {
        Is::Uint32 | Is::Enum(_) => put::fixed32(out, number, 0),
        _ => put::uint(out, number, 0),
    }
}

/// Writes a field that is no message, unless it cannot hold what was given.
fn scalar(out: &mut Vec<u8>, field: &Field, given: Given<'_>) -> Option<()> {
    let number = field.number;
    match (field.is, given) {
        (Is::Id, Given::Text(id)) => put::bytes(out, number, &unhex(id)),
        (Is::Id, _) => put::bytes(out, number, NO_ID),
        (Is::Base64, Given::Text(encoded)) => put::bytes(out, number, &unbase64(encoded)?),
        (Is::Base64, _) => return None,
        (Is::Bool, Given::Number(_)) => return None,
        (Is::Bool, given) => put::uint(out, number, u64::from(given.bool()?)),
        (Is::Double, given) => put::fixed64(out, number, double(given.number()?)?.to_bits()),
        (Is::Fixed64, given) => {
            put::fixed64(out, number, u64::try_from(integer(given.number()?, true)?).ok()?);
        }
        (Is::Fixed32, given) => {
            put::fixed32(out, number, u32::try_from(integer(given.number()?, false)?).ok()?);
        }
        (Is::Uint32, given) => {
            let n = u32::try_from(integer(given.number()?, false)?).ok()?;
            put::uint(out, number, u64::from(n));
        }
        (Is::Int64, given) => {
            let n = i64::try_from(integer(given.number()?, false)?).ok()?;
            put::uint(out, number, n.cast_unsigned());
        }
        (Is::Enum(names), given) => {
            let text = given.number()?;
            let n = names.number(text).or_else(|| integer(text, false))?;
            put::uint(out, number, i64::from(i32::try_from(n).ok()?).cast_unsigned());
        }
        // Only an attribute's value has the text of an object or array.
        (_, given) => put::bytes(out, number, given.text()?),
    }
    Some(())
}

/// An integer in whichever form it is written. `cut`: without its fraction, where that says nothing.
#[expect(clippy::cast_possible_truncation, reason = "saturates, out of every field's range")]
fn integer(text: &str, cut: bool) -> Option<i128> {
    if let Ok(n) = text.parse::<u64>() {
        return Some(i128::from(n));
    }
    if let Ok(n) = text.parse::<i64>() {
        return Some(i128::from(n));
    }
    if text.bytes().all(|c| matches!(c, b'-' | b'0'..=b'9')) {
        return None;
    }
    let n = double(text)?;
    (n.is_finite() && (cut || n.fract() == 0.0)).then_some(n as i128)
}

/// An id that is none.
const NO_ID: &[u8] = &[0];

/// The bytes of a hex id, or no id when it is not hex.
fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, odd) = text.as_chunks::<2>();
    let bytes = pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?));
    match bytes.collect() {
        Some(bytes) if odd.is_empty() => bytes,
        _ => NO_ID.to_vec(),
    }
}

/// Base64 in either alphabet, padded or not, as protobuf's JSON mapping wants it.
fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let url_safe = text.iter().any(|c| matches!(c, b'-' | b'_'));
    let alphabet = if url_safe { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

#[cfg(test)]
mod tests;
