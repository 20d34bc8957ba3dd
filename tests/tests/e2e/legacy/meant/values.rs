//! Values as the recordings note them, and the text that each language makes of one.

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;
use tributary_testkit::normal::{Attributes, Double, Value};

pub(super) fn string(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Str(value.to_owned()))
}

/// `[[key, {type, value}], …]`; some clients' process tags are `[key, "text"]`.
pub(super) fn tags(list: &Json) -> Result<Attributes> {
    let mut tags = Vec::new();
    for pair in list.as_array().context("tags")? {
        let [key, value] = pair.as_array().context("pair")?.as_slice() else { bail!("no pair") };
        let key = key.as_str().context("key")?.to_owned();
        let value = match value.as_str() {
            // Noted as text whatever they were sent as.
            Some(text) => match text.parse() {
                Ok(n) => Value::Int(n),
                Err(_) => Value::Str(text.to_owned()),
            },
            None => typed(&value["value"], value["type"].as_str().context("type")?)?,
        };
        tags.push((key, value));
    }
    Ok(tags)
}

fn typed(value: &Json, kind: &str) -> Result<Value> {
    Ok(match kind {
        "string" => Value::Str(value.as_str().context("string")?.to_owned()),
        "bool" => Value::Bool(value.as_bool().context("bool")?),
        "int" => Value::Int(value.as_i64().context("int")?),
        "double" => Value::Double(Double(value.as_f64().context("double")?)),
        "array" => {
            let items = value.as_array().context("array")?.iter();
            Value::List(
                items
                    .map(|item| {
                        let kind = match item {
                            Json::Bool(_) => "bool",
                            Json::Number(n) if n.is_f64() => "double",
                            Json::Number(_) => "int",
                            _ => "string",
                        };
                        typed(item, kind)
                    })
                    .collect::<Result<_>>()?,
            )
        }
        _ => bail!("a value of type {kind}"),
    })
}

/// Python's `str(value)`.
pub(super) fn python_str(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Double(n) => format!("{:?}", n.0),
        other => script_str(other),
    }
}

/// Python's `str(tuple)`.
pub(super) fn python_tuple(list: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Str(text) => format!("'{text}'"),
        other => python_str(other),
    };
    let items: Vec<_> = list.iter().map(one).collect();
    format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
}

/// Python's `json.dumps` of a list whose elements were made text.
pub(super) fn python_json(list: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Bool(value) => value.to_string(),
        other => python_str(other),
    };
    let ascii = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    let quoted = |value| format!("\"{}\"", one(value).chars().map(ascii).collect::<String>());
    format!("[{}]", list.iter().map(quoted).collect::<Vec<_>>().join(","))
}

/// A text whose characters Node's encoder has cut to a byte each; broken ones are mended.
pub(super) fn cut(text: &str) -> String {
    let bytes: Vec<u8> = text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect();
    let mend = |chunk: std::str::Utf8Chunk<'_>| {
        format!("{}{}", chunk.valid(), "?".repeat(chunk.invalid().len()))
    };
    bytes.utf8_chunks().map(mend).collect()
}

/// JavaScript's `String(value)`.
pub(super) fn script_str(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Double(n) => n.0.to_string(),
        other => format!("{other:?}"),
    }
}

/// JavaScript's `String(array)`.
pub(super) fn joined(list: &[Value]) -> String {
    list.iter().map(script_str).collect::<Vec<_>>().join(",")
}
