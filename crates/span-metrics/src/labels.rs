//! Names and values of labels.

use std::borrow::Cow;
use std::fmt::Write;
use tributary_span::columns::{Attr, Columns, ValueType};
use tributary_span::otlp::any::{self, Any};
use tributary_span::protobuf::Malformed;

/// No value of a label is longer, bytes; as in Tempo.
const LONGEST: usize = 2048;
/// No number of values of a list or an array is told in a label beyond this.
const DEEPEST: usize = any::MAX_DEPTH;

/// The value, cut to [`LONGEST`] at the edge of a character.
pub(crate) fn cut(value: &str) -> &str {
    if value.len() <= LONGEST {
        return value;
    }
    value.get(..value.floor_char_boundary(LONGEST)).unwrap_or_default()
}

/// A label's name made of any text, as Prometheus' own libraries make it: what is no letter, digit or
/// `_` becomes `_`.
pub(crate) fn name_of(text: &str) -> String {
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name: String = text.chars().map(|c| if fine(c) { c } else { '_' }).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// Appends `name="value"`, behind a comma when something stands there; nothing for an empty value.
pub(crate) fn append(out: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape(out, cut(value));
    out.push('"');
}

/// Names and values of labels that [`append`] has written.
pub(crate) fn pairs(labels: &str) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    let mut rest = labels;
    std::iter::from_fn(move || {
        let (name, value) = rest.split_once("=\"")?;
        let mut is_escaped = false;
        let end = value.bytes().position(|b| {
            let ends = b == b'"' && !is_escaped;
            is_escaped = b == b'\\' && !is_escaped;
            ends
        })?;
        let (value, behind) = value.split_at_checked(end)?;
        rest = behind.get(1..)?;
        Some((name.trim_start_matches(','), unescape(value)))
    })
}

/// A value as it was before [`escape`].
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::from(value);
    }
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(c) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    Cow::from(text)
}

/// Appends a value as it stands between quotes.
fn escape(out: &mut String, value: &str) {
    if !value.bytes().any(|b| matches!(b, b'\\' | b'"' | b'\n')) {
        out.push_str(value);
        return;
    }
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

/// Appends an attribute's value as Tempo writes it into a label: texts as they are, numbers and truths
/// as text, what is within arrays and lists in one row; bytes and nothing as nothing.
pub(crate) fn append_value(out: &mut String, columns: &Columns, attr: Attr) {
    match attr.value_type {
        ValueType::Str => out.push_str(columns.texts.str(attr.text())),
        ValueType::Bool => write_bool(out, attr.value != 0),
        ValueType::Int => write(out, attr.value.cast_signed()),
        ValueType::Double => write_double(out, f64::from_bits(attr.value)),
        // What cannot be read is left out.
        ValueType::Any => drop(append_any(out, columns.texts.get(attr.text()), 0)),
        ValueType::Empty | ValueType::Bytes => {}
    }
}

fn append_any(out: &mut String, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    if depth > DEEPEST {
        return Err(Malformed::TooDeep(DEEPEST));
    }
    match any::parse(bytes)? {
        Any::Empty | Any::Bytes(_) => {}
        Any::Str(text) => out.push_str(text),
        Any::Bool(truth) => write_bool(out, truth),
        Any::Int(n) => write(out, n),
        Any::Double(n) => write_double(out, n),
        Any::Array(array) => {
            out.push('[');
            any::elements(array).try_for_each(|one| append_any(out, one?, depth + 1))?;
            out.push(']');
        }
        Any::KvList(list) => {
            out.push('{');
            any::entries(list).try_for_each(|entry| {
                let (key, value) = entry?;
                out.push_str(key);
                out.push(':');
                append_any(out, value, depth + 1)
            })?;
            out.push('}');
        }
    }
    Ok(())
}

fn write_bool(out: &mut String, truth: bool) {
    out.push_str(if truth { "true" } else { "false" });
}

fn write_double(out: &mut String, n: f64) {
    match n {
        n if n == f64::INFINITY => out.push_str("+Inf"),
        n if n == f64::NEG_INFINITY => out.push_str("-Inf"),
        n => write(out, n),
    }
}

/// Appends a number.
pub(crate) fn write(out: &mut String, n: impl std::fmt::Display) {
    // Into a string it does not fail.
    write!(out, "{n}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_span::protobuf::put;

    #[test]
    fn values_are_escaped_cut_and_left_out_when_empty() {
        let table = [
            ("plain", "n=\"plain\""),
            ("a\"b\\c\nd", "n=\"a\\\"b\\\\c\\nd\""),
            ("", ""),
            ("ä\r\t", "n=\"ä\r\t\""),
        ];
        for (value, expected) in table {
            let mut out = String::new();
            append(&mut out, "n", value);
            assert_eq!(out, expected);
            append(&mut out, "m", value);
            append(&mut out, "o", "=\",\\");
            let read: Vec<_> = pairs(&out).collect();
            let told = [("n", value), ("m", value), ("o", "=\",\\")].map(|(n, v)| (n, v.into()));
            let told: Vec<_> =
                told.into_iter().filter(|(_, v): &(_, Cow<'_, str>)| !v.is_empty()).collect();
            assert_eq!(read, told);
        }
        let long = format!("{}ä", "x".repeat(LONGEST - 1));
        assert_eq!(cut(&long).len(), LONGEST - 1, "no character is cut in two");
    }

    #[test]
    fn names_are_what_prometheus_takes() {
        let table =
            [("http.route", "http_route"), ("2xx", "_2xx"), ("ä-b", "__b"), ("", ""), ("a", "a")];
        for (text, expected) in table {
            assert_eq!(name_of(text), expected);
        }
    }

    #[test]
    fn arrays_and_lists_stand_in_one_row_as_in_tempo() {
        let mut value = Vec::new();
        put::message(&mut value, 5, |array| {
            put::message(array, 1, |v| put::bytes(v, 1, b"a"));
            put::message(array, 1, |v| put::uint(v, 3, 7));
            put::message(array, 1, |v| {
                put::message(v, 6, |list| {
                    put::message(list, 1, |kv| {
                        put::bytes(kv, 1, b"k");
                        put::message(kv, 2, |v| put::fixed64(v, 4, 1.5f64.to_bits()));
                    });
                });
            });
        });
        let mut out = String::new();
        append_any(&mut out, &value, 0).unwrap();
        assert_eq!(out, "[a7{k:1.5}]");
        value.pop();
        assert!(append_any(&mut out, &value, 0).is_err());
    }
}
