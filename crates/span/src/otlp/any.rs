//! `AnyValue`: the value of an attribute.

use crate::protobuf::{Fields, Malformed, Value, mend_utf8};

/// Arrays and key-value lists nested deeper than this are malformed. The OpenTelemetry SDKs'
/// own limit (`AttributeValueDepthLimit`) is 64.
pub const MAX_DEPTH: usize = 64;

/// An `AnyValue`, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Any<'a> {
    /// Nothing set.
    Empty,
    /// `string_value`.
    Str(&'a str),
    /// `bool_value`.
    Bool(bool),
    /// `int_value`.
    Int(i64),
    /// `double_value`.
    Double(f64),
    /// `array_value`: the encoded `ArrayValue`, for [`elements`].
    Array(&'a [u8]),
    /// `kvlist_value`: the encoded `KeyValueList`, for [`entries`].
    KvList(&'a [u8]),
    /// `bytes_value`.
    Bytes(&'a [u8]),
}

/// Reads an `AnyValue`. The last of several set fields counts, as in every protobuf decoder.
///
/// # Errors
/// When the bytes are no `AnyValue`. What is inside arrays and lists is not looked at;
/// [`check`] does that.
#[inline]
pub fn parse(bytes: &[u8]) -> Result<Any<'_>, Malformed> {
    let mut fields = Fields::new(bytes);
    let mut any = Any::Empty;
    while let Some(field) = fields.next_field()? {
        any = match field.number {
            1 => Any::Str(field.text()?),
            2 => Any::Bool(field.varint()? != 0),
            3 => Any::Int(field.varint()?.cast_signed()),
            4 => Any::Double(f64::from_bits(field.fixed64()?)),
            5 => Any::Array(field.bytes()?),
            6 => Any::KvList(field.bytes()?),
            7 => Any::Bytes(field.bytes()?),
            _ => any,
        };
    }
    Ok(any)
}

/// Proves that an `AnyValue` is well-formed to its depths.
///
/// # Errors
/// What is wrong with it, also when it is nested deeper than [`MAX_DEPTH`].
pub fn check(bytes: &[u8]) -> Result<(), Malformed> {
    check_at(bytes, 0)
}

fn check_at(bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::TooDeep(MAX_DEPTH));
    }
    match parse(bytes)? {
        Any::Array(array) => elements(array).try_for_each(|e| check_at(e?, depth + 1)),
        Any::KvList(list) => entries(list).try_for_each(|e| check_at(e?.1, depth + 1)),
        _ => Ok(()),
    }
}

/// Messages with texts in them.
#[derive(Clone, Copy)]
enum Within {
    Value,
    Array,
    List,
    Entry,
}

/// Mends all texts of an `AnyValue` that are not UTF-8, where they stand.
#[cold]
#[inline(never)]
pub(crate) fn mend(value: &mut [u8]) {
    mend_at(value, Within::Value, 3 * MAX_DEPTH);
}

/// Goes as far as the bytes can be read, and `deep` messages down.
fn mend_at(message: &mut [u8], within: Within, deep: usize) {
    let Some(deep) = deep.checked_sub(1) else { return };
    let mut at = 0;
    loop {
        let mut fields = Fields::new(message.get(at..).unwrap_or_default());
        let Ok(Some(field)) = fields.next_field() else { return };
        at = message.len() - fields.rest().len();
        let (number, Value::Bytes(bytes)) = (field.number, field.value) else { continue };
        let inner = message.get_mut(at - bytes.len()..at).unwrap_or_default();
        match (within, number) {
            (Within::Value | Within::Entry, 1) => mend_utf8(inner),
            (Within::Value, 5) => mend_at(inner, Within::Array, deep),
            (Within::Value, 6) => mend_at(inner, Within::List, deep),
            (Within::Array, 1) | (Within::Entry, 2) => mend_at(inner, Within::Value, deep),
            (Within::List, 1) => mend_at(inner, Within::Entry, deep),
            _ => {}
        }
    }
}

/// The encoded `AnyValue`s of an encoded `ArrayValue`.
pub fn elements(array: &[u8]) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    messages(array)
}

/// Keys and encoded `AnyValue`s of an encoded `KeyValueList`.
pub fn entries(list: &[u8]) -> impl Iterator<Item = Result<(&str, &[u8]), Malformed>> {
    messages(list).map(|entry| {
        let (key, value) = key_value(entry?)?;
        Ok((std::str::from_utf8(key).map_err(|_| Malformed::NotUtf8)?, value))
    })
}

/// Key, not proved to be UTF-8, and encoded `AnyValue` of an encoded `KeyValue`.
///
/// # Errors
/// When the bytes are no `KeyValue`.
#[inline]
pub(crate) fn key_value(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut fields = Fields::new(bytes);
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    while let Some(field) = fields.next_field()? {
        match field.number {
            1 => key = field.bytes()?,
            2 => value = field.bytes()?,
            _ => {}
        }
    }
    Ok((key, value))
}

/// The messages in field 1 of `bytes`.
fn messages(bytes: &[u8]) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    let mut fields = Fields::new(bytes);
    let mut failed = false;
    std::iter::from_fn(move || {
        while !failed {
            match fields.next_field() {
                Ok(None) => return None,
                Ok(Some(field)) if field.number == 1 => return Some(field.bytes()),
                Ok(Some(_)) => {}
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::put;

    #[test]
    fn depth_is_bounded() {
        let mut value = Vec::new();
        put::bytes(&mut value, 1, b"leaf");
        for depth in 0..200 {
            let fine = check(&value);
            assert_eq!(fine.is_ok(), depth <= MAX_DEPTH, "depth {depth}");
            let mut array = Vec::new();
            put::bytes(&mut array, 1, &value);
            value.clear();
            put::bytes(&mut value, 5, &array);
        }
    }

    #[test]
    fn lists_are_walked() {
        let mut list = Vec::new();
        for (key, number) in [("a", 1), ("b", 2)] {
            put::message(&mut list, 1, |kv| {
                put::bytes(kv, 1, key.as_bytes());
                put::message(kv, 2, |v| put::uint(v, 3, number));
            });
        }
        let found: Vec<_> = entries(&list)
            .map(|e| e.and_then(|(k, v)| Ok((k, parse(v)?))))
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(found, [("a", Any::Int(1)), ("b", Any::Int(2))]);
        list.pop();
        assert!(entries(&list).any(|e| e.is_err()));
    }
}
