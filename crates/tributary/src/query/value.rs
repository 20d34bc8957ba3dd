//! Values as answers carry them, and as they are shown.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An attribute of a span, or a label of a series.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    #[serde(default)]
    value: Value,
}

impl KeyValue {
    /// The value alone.
    pub(crate) fn value(&self) -> String {
        clean(&text(&self.value))
    }

    /// `key=value`
    pub(crate) fn shown(&self) -> String {
        format!("{}={}", clean(&self.key), self.value())
    }
}

/// An `AnyValue` of OTLP's JSON.
fn text(value: &Value) -> String {
    let member = value.as_object().and_then(|object| object.iter().next());
    match member {
        None => "nil".to_owned(),
        Some((_, Value::String(text))) => text.clone(),
        Some((_, inner)) => match inner.get("values").and_then(Value::as_array) {
            Some(values) => {
                let texts: Vec<_> = values.iter().map(text).collect();
                format!("[{}]", texts.join(", "))
            }
            None => inner.to_string(),
        },
    }
}

/// A whole number, which JSON carries as a text when it has 64 bits.
pub(crate) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = Value::deserialize(from)?;
    let number = match &value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    number.ok_or_else(|| serde::de::Error::custom(format!("{value} is no whole number")))
}

/// A number, which JSON carries as a text when it is none that JSON knows.
pub(crate) fn real<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let value = Value::deserialize(from)?;
    let number = match &value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    number.ok_or_else(|| serde::de::Error::custom(format!("{value} is no number")))
}

/// A number in about four digits.
pub(crate) fn number(number: f64) -> String {
    let size = number.abs();
    let digits = match size {
        _ if size == 0.0 => return "0".to_owned(),
        _ if !size.is_finite() => return number.to_string(),
        ..1e-4 | 1e9.. => return format!("{number:.3e}"),
        ..1.0 => return format!("{number:.4}").trim_end_matches('0').to_owned(),
        ..10.0 => 3,
        ..100.0 => 2,
        ..1000.0 => 1,
        _ => 0,
    };
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What comes from outside, with nothing in it that moves the cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `text` in at most `width` characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_types() {
        let table = [
            (r#"{"key":"k","value":{"stringValue":"a\u001bb"}}"#, "k=a b"),
            (r#"{"key":"k","value":{"intValue":"-5"}}"#, "k=-5"),
            (r#"{"key":"k","value":{"intValue":5}}"#, "k=5"),
            (r#"{"key":"k","value":{"doubleValue":1.5}}"#, "k=1.5"),
            (r#"{"key":"k","value":{"doubleValue":"NaN"}}"#, "k=NaN"),
            (r#"{"key":"k","value":{"boolValue":true}}"#, "k=true"),
            (
                r#"{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x"}]}}}"#,
                "k=[1, x]",
            ),
            (r#"{"key":"k","value":{}}"#, "k=nil"),
            (r#"{"key":"k"}"#, "k=nil"),
        ];
        for (json, expected) in table {
            let pair: KeyValue = serde_json::from_str(json).unwrap();
            assert_eq!(pair.shown(), expected, "{json}");
        }
    }

    #[test]
    fn numbers_have_about_four_digits() {
        let table = [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (0.25, "0.25"),
            (0.012_345, "0.0123"),
            (1.234_56, "1.235"),
            (12.0, "12"),
            (-12.345, "-12.35"),
            (123.45, "123.5"),
            (1000.0, "1000"),
            (123_456.7, "123457"),
            (0.000_01, "1.000e-5"),
            (2.5e12, "2.500e12"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ];
        for (value, expected) in table {
            assert_eq!(number(value), expected, "{value}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        for (width, expected) in [(0, "…"), (1, "…"), (3, "nä…"), (5, "näive"), (9, "näive")]
        {
            assert_eq!(cut("näive", width), expected, "{width}");
        }
    }
}
