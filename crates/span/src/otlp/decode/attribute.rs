//! A `KeyValue` into an attribute: the long way, and a quick one for what spans have had before.

use crate::columns::{Attr, Builder, Text, ValueType};
use crate::otlp::any::{self, Any};
use crate::protobuf::{Malformed, mend_utf8, take_varint};

/// An encoded `KeyValue` as an attribute of `b`'s columns. One that cannot be read, to the depths
/// of its value, is left out alone and counted in `lost`.
#[inline]
pub(super) fn attribute(b: &mut Builder, bytes: &[u8], lost: &mut u32) -> Option<Attr> {
    read(b, bytes).inspect_err(|_| *lost = lost.saturating_add(1)).ok()
}

fn read(b: &mut Builder, bytes: &[u8]) -> Result<Attr, Malformed> {
    let (key, encoded) = any::key_value(bytes)?;
    let key = string(b, key);
    let (value_type, value) = any_value(b, encoded)?;
    Ok(Attr { key, value_type, value })
}

/// An encoded `AnyValue` as type and bits of an attribute, with its texts mended.
fn any_value(b: &mut Builder, encoded: &[u8]) -> Result<(ValueType, u64), Malformed> {
    match clean_value(b, encoded) {
        Err(Malformed::NotUtf8) => {
            b.mended += 1;
            let mut clean = encoded.to_vec();
            any::mend(&mut clean);
            clean_value(b, &clean)
        }
        read => read,
    }
}

/// The same, of texts that are UTF-8.
fn clean_value(b: &mut Builder, encoded: &[u8]) -> Result<(ValueType, u64), Malformed> {
    Ok(match any::parse(encoded)? {
        Any::Empty => (ValueType::Empty, 0),
        Any::Str(text) => (ValueType::Str, u64::from(b.text(text.as_bytes()).0)),
        Any::Bool(value) => (ValueType::Bool, u64::from(value)),
        Any::Int(value) => (ValueType::Int, value.cast_unsigned()),
        Any::Double(value) => (ValueType::Double, value.to_bits()),
        Any::Bytes(bytes) => (ValueType::Bytes, u64::from(b.text(bytes).0)),
        Any::Array(_) | Any::KvList(_) => {
            any::check(encoded)?;
            (ValueType::Any, u64::from(b.text(encoded).0))
        }
    })
}

/// A string's text, mended when it is not UTF-8. What is in the table already has been proved to be
/// UTF-8 as a rule.
#[inline]
pub(super) fn string(b: &mut Builder, bytes: &[u8]) -> Text {
    match b.string(bytes) {
        Some(text) => text,
        None => mended(b, bytes),
    }
}

#[cold]
#[inline(never)]
fn mended(b: &mut Builder, bytes: &[u8]) -> Text {
    b.mended += 1;
    let mut clean = bytes.to_vec();
    mend_utf8(&mut clean);
    b.text(&clean)
}

/// [`attribute`], for spans: most of their attributes have been seen before on a span of the same
/// name, and comparing is cheaper than parsing, proving and looking up.
#[inline]
pub(super) fn span_attribute(b: &mut Builder, bytes: &[u8], lost: &mut u32) -> Option<Attr> {
    usual(b, bytes).inspect_err(|_| *lost = lost.saturating_add(1)).ok()
}

#[inline]
fn usual(b: &mut Builder, bytes: &[u8]) -> Result<Attr, Malformed> {
    let Some((key, value)) = usual_key_value(bytes) else { return read(b, bytes) };
    for ahead in 0..2 {
        let Some(likely) = b.likely_attr(ahead) else { break };
        if b.columns().texts.get(likely.key) != key {
            continue;
        }
        b.pass_likely(ahead + 1);
        let key = likely.key;
        if let Some(text) = usual_string(value)
            && likely.value_type == ValueType::Str
            && b.columns().texts.get(likely.text()) == text
        {
            return Ok(likely);
        }
        let (value_type, value) = usual_value(b, value)?;
        return Ok(Attr { key, value_type, value });
    }
    let key = string(b, key);
    let (value_type, value) = usual_value(b, value)?;
    Ok(Attr { key, value_type, value })
}

/// [`any_value`], quicker for strings and integers as encoders write them.
#[inline]
fn usual_value(b: &mut Builder, value: &[u8]) -> Result<(ValueType, u64), Malformed> {
    if let Some(text) = usual_string(value) {
        return Ok((ValueType::Str, u64::from(string(b, text).0)));
    }
    if let Some((0x18, mut rest)) = value.split_first().map(|(&tag, rest)| (tag, rest)) {
        let int = take_varint(&mut rest)?;
        if rest.is_empty() {
            return Ok((ValueType::Int, int));
        }
    }
    any_value(b, value)
}

/// Key and encoded value of a `KeyValue` as encoders write it: both fields once, in order, and no
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
