//! Pieces of CEL, the language of admission policies.

use serde_json::{Value, json};

/// A named expression. Later ones and the mutation use it as `variables.<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: &'static str,
    pub(super) expression: String,
}

impl Variable {
    pub(super) fn new(name: &'static str, expression: impl Into<String>) -> Self {
        Variable { name, expression: expression.into() }
    }

    pub(super) fn value(&self) -> Value {
        json!({"name": self.name, "expression": self.expression})
    }
}

/// A text; JSON's escapes are CEL's.
pub(super) fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A list of texts.
pub(super) fn texts<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", all.into_iter().map(text).collect::<Vec<_>>().join(", "))
}

/// The pod's annotation, or what stands for it where there is none: CEL in both cases.
pub(super) fn annotation_or(key: &str, otherwise: &str) -> String {
    let key = text(key);
    format!("({key} in variables.annotations ? variables.annotations[{key}] : {otherwise})")
}

/// Fields that are maps of any keys, and no types of their own.
const MAPS: [&str; 2] = [".requests", ".limits"];

/// A value of the type at `path`, such as `Object.spec.initContainers`.
pub(super) fn typed(path: &str, value: &Value) -> String {
    match value {
        Value::Object(map) if MAPS.iter().any(|end| path.ends_with(end)) => {
            let entries = map.iter().map(|(key, value)| format!("{}: {value}", text(key)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", typed(&format!("{path}.{key}"), value)));
            format!("{path}{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| typed(path, item));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Expressions joined by an operator, a line each.
pub(super) fn lines(operator: &str, all: &[String]) -> String {
    all.join(&format!("\n{operator} "))
}
