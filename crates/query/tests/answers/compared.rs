//! Values as the recorded answers have them, and when two are the same.

use serde_json::{Value, json};
use tributary_query::Label;

/// A label in the recorded form: `["s", text]`, `["i", "5"]`, `["d", 0.5]` …
pub(crate) fn typed(label: &Label) -> Value {
    match label {
        Label::Nil => json!(["n"]),
        Label::Str(text) => json!(["s", text]),
        Label::Int(n) => json!(["i", n.to_string()]),
        Label::Float(n) if n.is_finite() => json!(["d", n]),
        Label::Float(n) => {
            let text = if n.is_nan() {
                "nan"
            } else if *n > 0.0 {
                "inf"
            } else {
                "-inf"
            };
            json!(["d", text])
        }
        Label::Bool(is) => json!(["b", is]),
        Label::List(all) => json!(["a", all.iter().map(typed).collect::<Vec<_>>()]),
    }
}

/// Whether two are equal; doubles to nine digits.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.as_f64().unwrap(), y.as_f64().unwrap());
            x == y || (x - y).abs() <= 1e-9 * x.abs().max(y.abs())
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}
