//! Values of one attribute.

use super::elements_of;
use crate::answer::ValuesAnswer;
use crate::chunk::{Bits, Chunk, Column, Field, Types, Value, Values, id_text};
use crate::eval::{EvalError, fields};
use std::collections::BTreeSet;
use std::sync::Arc;
use tributary_traceql::ast::{Attribute, Kind, Scope, Static, Status};

/// Most bytes of values that are told, as Tempo's `max_bytes_per_tag_values_query`.
const MOST: usize = 1 << 20;

/// Whose values are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub(super) fields: Vec<Field>,
}

impl Wanted {
    /// Those of an attribute; of one without a scope, those of spans and resources. The older route
    /// looks at instrumentation scopes, too.
    pub fn new(attribute: &Attribute, is_older_route: bool) -> Wanted {
        let (first, second) = fields(attribute);
        let scope = match attribute {
            Attribute::Named { scope: None, key } if is_older_route => {
                Some(Field::Named(Scope::Instrumentation, Arc::clone(key)))
            }
            _ => None,
        };
        let is_service = matches!(
            &first,
            Field::Named(Scope::Resource, key) if &**key == "service.name"
        ) || matches!(&second, Some(Field::Named(_, key)) if &**key == "service.name");
        let others = is_service.then_some(Field::OtherServiceNames);
        Wanted { fields: [Some(first), second, scope, others].into_iter().flatten().collect() }
    }
}

/// Values that were found: type and text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagValues {
    found: BTreeSet<(&'static str, String)>,
    bytes: usize,
}

impl TagValues {
    /// Whether no more are taken.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST
    }

    pub(super) fn insert(&mut self, value: (&'static str, String)) {
        let bytes = value.1.len();
        if !self.is_full() && self.found.insert(value) {
            self.bytes += bytes;
        }
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.insert(("string", String::from_utf8_lossy(text).into_owned()));
    }

    /// Adds those that these spans, or what is around them, have.
    pub(super) fn add(
        &mut self,
        chunk: &dyn Chunk,
        wanted: &Wanted,
        spans: &Bits,
    ) -> Result<(), EvalError> {
        if spans.has_none() {
            return Ok(());
        }
        for field in &wanted.fields {
            let owners = elements_of(chunk, field.level(), spans)?;
            let column = chunk.column(field, Types::ALL)?;
            self.of_column(&column, &owners);
        }
        Ok(())
    }

    fn of_column(&mut self, column: &Column, owners: &Bits) {
        let mut seen: Vec<bool> = Vec::new();
        for owner in owners.ones() {
            if self.is_full() {
                return;
            }
            if let Some(entry) = column.entry(owner) {
                let entry = entry as usize;
                if seen.len() <= entry {
                    seen.resize(entry + 1, false);
                }
                match seen.get_mut(entry) {
                    Some(seen) if !*seen => *seen = true,
                    _ => continue,
                }
            }
            match column.get(owner) {
                Values::Nil | Values::Unseen => {}
                Values::One(value) => self.value(value),
                Values::Many { cells, values, .. } => {
                    values
                        .iter()
                        .filter_map(|cell| cells.single(*cell))
                        .for_each(|v| self.value(v));
                }
            }
        }
    }

    fn value(&mut self, value: Value<'_>) {
        let number = |n: i64| n.to_string();
        self.insert(match value {
            Value::Str(text) => return self.text(text),
            Value::Int(n) => ("int", number(n)),
            Value::Float(n) => ("float", float(n)),
            Value::Bool(is) => ("bool", is.to_string()),
            Value::Duration(ns) => ("duration", Static::Duration(ns).to_string()),
            Value::Status(n) => {
                ("keyword", Status::from_number(n).map_or_else(|| number(n), |s| s.name().into()))
            }
            Value::Kind(n) => {
                ("keyword", Kind::from_number(n).map_or_else(|| number(n), |k| k.name().into()))
            }
            Value::Id(id) => {
                let (text, len) = id_text(id);
                return self.text(text.get(..len).unwrap_or_default());
            }
        });
    }

    /// Types and texts, to be told to another process.
    pub(crate) fn parts(&self) -> Vec<(String, String)> {
        self.found.iter().map(|(kind, text)| ((*kind).to_owned(), text.clone())).collect()
    }

    /// What another process told.
    pub fn of_parts(parts: Vec<(String, String)>) -> TagValues {
        const TYPES: [&str; 6] = ["string", "int", "float", "bool", "duration", "keyword"];
        let mut values = TagValues::default();
        for (kind, text) in parts {
            if let Some(kind) = TYPES.into_iter().find(|known| *known == kind) {
                values.insert((kind, text));
            }
        }
        values
    }

    /// Adds what others found.
    pub fn merge(&mut self, other: TagValues) {
        other.found.into_iter().for_each(|value| self.insert(value));
    }

    /// The values.
    pub fn finish(self) -> ValuesAnswer {
        ValuesAnswer { values: self.found.into_iter().collect(), ..ValuesAnswer::default() }
    }
}

/// A double in its shortest form, as Tempo prints it: whole ones with one digit behind the point.
fn float(n: f64) -> String {
    let magnitude = n.abs();
    if n.is_nan() {
        "NaN".to_owned()
    } else if n.is_infinite() {
        if n > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{n:e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, power) = match power.strip_prefix('-') {
            Some(power) => ('-', power),
            None => ('+', power),
        };
        format!("{digits}e{sign}{power:0>2}")
    } else {
        format!("{n:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_printed_as_go_does() {
        let table = [
            (0.5, "0.5"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (f64::INFINITY, "+Inf"),
            (123456789.0, "123456789.0"),
        ];
        for (n, expected) in table {
            assert_eq!(float(n), expected);
        }
    }
}
