//! `AnyValue` as protobuf JSON, for values that have no column: key-value lists, bytes, arrays of
//! mixed types, nothing.
//!
//! The mapping is protobuf's own (<https://protobuf.dev/programming-guides/json/>): 64-bit integers
//! are strings, bytes are base64, doubles that are no number are `"NaN"`, `"Infinity"` and
//! `"-Infinity"`. Reading also takes numbers for integers, snake_case names and URL-safe base64.

use crate::error::BlockError;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt::Write;
use tributary_span::otlp::any::{self, Any};
use tributary_span::protobuf::{Malformed, put};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Appends an encoded `AnyValue` as JSON.
#[cfg(test)]
fn write(out: &mut String, encoded: &[u8]) -> Result<(), Malformed> {
    write_any(out, any::parse(encoded)?, 0)
}

/// Appends one value as JSON.
pub(crate) fn write_any(out: &mut String, value: Any<'_>, depth: usize) -> Result<(), Malformed> {
    if depth > any::MAX_DEPTH {
        return Err(Malformed::TooDeep(any::MAX_DEPTH));
    }
    match value {
        Any::Empty => out.push_str("{}"),
        Any::Str(text) => {
            out.push_str(r#"{"stringValue":"#);
            string(out, text);
            out.push('}');
        }
        Any::Bool(value) => put_text(out, format_args!(r#"{{"boolValue":{value}}}"#)),
        Any::Int(value) => put_text(out, format_args!(r#"{{"intValue":"{value}"}}"#)),
        Any::Double(value) => match value {
            v if v.is_nan() => out.push_str(r#"{"doubleValue":"NaN"}"#),
            f64::INFINITY => out.push_str(r#"{"doubleValue":"Infinity"}"#),
            f64::NEG_INFINITY => out.push_str(r#"{"doubleValue":"-Infinity"}"#),
            // `{:?}` writes the shortest digits that read back as the same number.
            v => put_text(out, format_args!(r#"{{"doubleValue":{v:?}}}"#)),
        },
        Any::Bytes(bytes) => {
            out.push_str(r#"{"bytesValue":""#);
            STANDARD.encode_string(bytes, out);
            out.push_str(r#""}"#);
        }
        Any::Array(array) => {
            out.push_str(r#"{"arrayValue":{"values":["#);
            for (i, element) in any::elements(array).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_any(out, any::parse(element?)?, depth + 1)?;
            }
            out.push_str("]}}");
        }
        Any::KvList(list) => {
            out.push_str(r#"{"kvlistValue":{"values":["#);
            for (i, entry) in any::entries(list).enumerate() {
                let (key, value) = entry?;
                if i > 0 {
                    out.push(',');
                }
                out.push_str(r#"{"key":"#);
                string(out, key);
                out.push_str(r#","value":"#);
                write_any(out, any::parse(value)?, depth + 1)?;
                out.push('}');
            }
            out.push_str("]}}");
        }
    }
    Ok(())
}

fn string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

fn put_text(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).unwrap_or_else(|_| unreachable!("writing to a String does not fail"));
}

/// Reads the JSON of an `AnyValue`: its encoded bytes.
///
/// # Errors
/// When it is none, or is nested too deep.
pub(crate) fn read(json: &str) -> Result<Vec<u8>, BlockError> {
    if nesting(json) > MAX_NESTING {
        return Err(bad("nested too deep"));
    }
    let mut from = serde_json::Deserializer::from_str(json);
    // The library's own limit is below what OTLP allows; the text's depth is known by now.
    from.disable_recursion_limit();
    let value = Value::deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    let value = value.map_err(|e| bad(&e.to_string()))?;
    let mut out = Vec::new();
    read_any(&mut out, &value, 0)?;
    Ok(out)
}

/// Deepest nesting of brackets: three for each level of arrays or lists, four where keys come in.
const MAX_NESTING: usize = 4 * (any::MAX_DEPTH + 2);

/// How deep brackets are nested, those in strings left out.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn bad(what: &str) -> BlockError {
    BlockError::corrupt(format!("an attribute's JSON: {what}"))
}

fn read_any(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), BlockError> {
    if depth > any::MAX_DEPTH {
        return Err(bad("nested too deep"));
    }
    let fields = match value {
        Value::Null => return Ok(()),
        Value::Object(fields) => fields,
        _ => return Err(bad("a value is no object")),
    };
    let Some((name, value)) = fields.iter().find(|(_, value)| !value.is_null()) else {
        return Ok(());
    };
    match name.as_str() {
        "stringValue" | "string_value" => {
            put::bytes(out, 1, value.as_str().ok_or_else(|| bad("no string"))?.as_bytes());
        }
        "boolValue" | "bool_value" => {
            put::uint(out, 2, u64::from(value.as_bool().ok_or_else(|| bad("no boolean"))?));
        }
        "intValue" | "int_value" => put::uint(out, 3, integer(value)?.cast_unsigned()),
        "doubleValue" | "double_value" => put::fixed64(out, 4, double(value)?.to_bits()),
        "bytesValue" | "bytes_value" => {
            let text = value.as_str().ok_or_else(|| bad("no base64"))?;
            let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
            put::bytes(out, 7, &decoded.map_err(|_| bad("no base64"))?);
        }
        "arrayValue" | "array_value" => {
            let mut array = Vec::new();
            for element in values(value)? {
                message(&mut array, 1, |out| read_any(out, element, depth + 1))?;
            }
            put::bytes(out, 5, &array);
        }
        "kvlistValue" | "kvlist_value" => {
            let mut list = Vec::new();
            for entry in values(value)? {
                let entry = entry.as_object().ok_or_else(|| bad("an entry is no object"))?;
                message(&mut list, 1, |out| key_value(out, entry, depth))?;
            }
            put::bytes(out, 6, &list);
        }
        _ => return Err(bad("a value of unknown type")),
    }
    Ok(())
}

fn key_value(
    out: &mut Vec<u8>,
    entry: &Map<String, Value>,
    depth: usize,
) -> Result<(), BlockError> {
    let key = entry.get("key").and_then(Value::as_str).unwrap_or_default();
    if !key.is_empty() {
        put::bytes(out, 1, key.as_bytes());
    }
    let value = entry.get("value").unwrap_or(&Value::Null);
    message(out, 2, |out| read_any(out, value, depth + 1))
}

fn message(
    out: &mut Vec<u8>,
    number: u32,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let mut body = Vec::new();
    fill(&mut body)?;
    put::bytes(out, number, &body);
    Ok(())
}

fn values(list: &Value) -> Result<&[Value], BlockError> {
    match list.get("values") {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(bad("values are no array")),
    }
}

fn integer(value: &Value) -> Result<i64, BlockError> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    number.ok_or_else(|| bad("no 64-bit integer"))
}

fn double(value: &Value) -> Result<f64, BlockError> {
    let number = match value.as_str() {
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        Some("NaN") => Some(f64::NAN),
        Some(text) => text.parse().ok(),
        None => value.as_f64(),
    };
    number.ok_or_else(|| bad("no double"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(encoded: &[u8]) -> String {
        let mut out = String::new();
        write(&mut out, encoded).unwrap();
        out
    }

    fn value() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            Just(Vec::new()),
            ".*".prop_map(|s| {
                let mut v = Vec::new();
                put::bytes(&mut v, 1, s.as_bytes());
                v
            }),
            any::<bool>().prop_map(|b| {
                let mut v = Vec::new();
                put::uint(&mut v, 2, u64::from(b));
                v
            }),
            any::<i64>().prop_map(|n| {
                let mut v = Vec::new();
                put::uint(&mut v, 3, n.cast_unsigned());
                v
            }),
            prop::num::f64::ANY.prop_map(|d| {
                let d = if d.is_nan() { f64::NAN } else { d };
                let mut v = Vec::new();
                put::fixed64(&mut v, 4, d.to_bits());
                v
            }),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| {
                let mut v = Vec::new();
                put::bytes(&mut v, 7, &b);
                v
            }),
        ];
        leaf.prop_recursive(5, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| {
                    let mut array = Vec::new();
                    elements.iter().for_each(|e| put::bytes(&mut array, 1, e));
                    let mut v = Vec::new();
                    put::bytes(&mut v, 5, &array);
                    v
                }),
                prop::collection::vec(("[a-z\"é]{1,4}", inner), 0..4).prop_map(|entries| {
                    let mut list = Vec::new();
                    for (key, value) in entries {
                        put::message(&mut list, 1, |kv| {
                            put::bytes(kv, 1, key.as_bytes());
                            put::bytes(kv, 2, &value);
                        });
                    }
                    let mut v = Vec::new();
                    put::bytes(&mut v, 6, &list);
                    v
                }),
            ]
        })
    }

    #[test]
    fn json_is_protobufs() {
        let mut kv = Vec::new();
        put::message(&mut kv, 6, |list| {
            put::message(list, 1, |e| {
                put::bytes(e, 1, b"k\"");
                put::message(e, 2, |v| put::uint(v, 3, (-5i64).cast_unsigned()));
            });
            put::message(list, 1, |e| put::message(e, 2, |v| put::bytes(v, 7, &[255, 254])));
        });
        assert_eq!(
            json(&kv),
            r#"{"kvlistValue":{"values":[{"key":"k\"","value":{"intValue":"-5"}},{"key":"","value":{"bytesValue":"//4="}}]}}"#
        );
    }

    #[test]
    fn other_spellings_are_read() {
        let table = [
            (r#"{"intValue":5}"#, r#"{"intValue":"5"}"#),
            (r#"{"bytes_value":"__4"}"#, r#"{"bytesValue":"//4="}"#),
            (r#"{"arrayValue":{}}"#, r#"{"arrayValue":{"values":[]}}"#),
            (r#"{"stringValue":null}"#, "{}"),
            ("null", "{}"),
        ];
        for (given, expected) in table {
            assert_eq!(json(&read(given).unwrap()), expected);
        }
        for bad in
            ["", "5", r#"{"intValue":"x"}"#, r#"{"what":1}"#, r#"{"arrayValue":{"values":1}}"#]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_deepest_values_come_back_and_deeper_text_is_refused() {
        let mut encoded = Vec::new();
        for _ in 0..any::MAX_DEPTH {
            let mut list = Vec::new();
            put::message(&mut list, 1, |entry| {
                put::bytes(entry, 1, b"[");
                put::bytes(entry, 2, &encoded);
            });
            encoded.clear();
            put::bytes(&mut encoded, 6, &list);
        }
        any::check(&encoded).unwrap();
        assert_eq!(read(&json(&encoded)).unwrap(), encoded);
        assert!(read(&"[".repeat(1 << 20)).is_err());
    }

    proptest! {
        #[test]
        fn any_value_comes_back(encoded in value()) {
            prop_assert_eq!(read(&json(&encoded)).unwrap(), encoded);
        }

        #[test]
        fn no_text_panics(text in r#"[\{\}\[\]"a-zV:,0-9]{0,60}"#) {
            drop(read(&text));
        }
    }
}
