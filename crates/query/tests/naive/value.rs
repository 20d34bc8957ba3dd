//! Values, how they compare, and what is computed of them.

use crate::data::{Attributes, Raw};
use std::cmp::Ordering;
use tributary_traceql::ast::{BinaryOp, CompareOp, Static};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Duration(i64),
    Status(i64),
    Kind(i64),
    /// An id in hex.
    Id(String),
}

/// What something has of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Has {
    Nothing,
    /// What no comparison sees.
    Unseen,
    One(Value),
    /// An array, or several values of a key that stands there more than once.
    Many {
        values: Vec<Value>,
        is_array: bool,
    },
}

impl From<Value> for Has {
    fn from(value: Value) -> Has {
        Has::One(value)
    }
}

impl Has {
    pub(crate) fn is_seen(&self) -> bool {
        matches!(self, Has::One(_) | Has::Many { .. })
    }

    pub(crate) fn values(&self) -> &[Value] {
        match self {
            Has::Nothing | Has::Unseen => &[],
            Has::One(value) => std::slice::from_ref(value),
            Has::Many { values, .. } => values,
        }
    }

    /// Whether a test holds for one value, or with `all` for each of them.
    pub(crate) fn test(&self, all: bool, is: impl Fn(&Value) -> bool) -> bool {
        let values = self.values();
        if all { !values.is_empty() && values.iter().all(is) } else { values.iter().any(is) }
    }
}

fn of_raw(raw: &Raw) -> Option<Value> {
    Some(match raw {
        Raw::Str(text) => Value::Str((*text).to_owned()),
        Raw::Int(n) => Value::Int(*n),
        Raw::Float(n) => Value::Float(*n),
        Raw::Bool(is) => Value::Bool(*is),
        Raw::Array(_) | Raw::Pairs | Raw::Bytes => return None,
    })
}

/// What stands there for a key.
pub(crate) fn look_up(attributes: &Attributes, key: &str) -> Has {
    let mut found = Vec::new();
    for (_, raw) in attributes.iter().filter(|(known, _)| *known == key) {
        found.push(match raw {
            Raw::Array(all) => {
                let one_type = all.windows(2).all(|pair| {
                    std::mem::discriminant(&pair[0]) == std::mem::discriminant(&pair[1])
                });
                let values: Vec<Value> = all.iter().filter_map(of_raw).collect();
                match one_type && !values.is_empty() {
                    true => Has::Many { values, is_array: true },
                    false => Has::Unseen,
                }
            }
            other => of_raw(other).map_or(Has::Unseen, Has::One),
        });
    }
    let seen: Vec<&Has> = found.iter().filter(|has| has.is_seen()).collect();
    match seen.as_slice() {
        [] if found.is_empty() => Has::Nothing,
        [] => Has::Unseen,
        [one] => (*one).clone(),
        several => Has::Many {
            values: several.iter().flat_map(|has| has.values().to_vec()).collect(),
            is_array: false,
        },
    }
}

/// A constant; none for `nil`.
pub(crate) fn constant(constant: &Static) -> Option<Value> {
    Some(match constant {
        Static::Nil => return None,
        Static::Int(n) => Value::Int(*n),
        Static::Float(n) => Value::Float(*n),
        Static::Str(text) => Value::Str(text.to_string()),
        Static::Bool(is) => Value::Bool(*is),
        Static::Duration(n) => Value::Duration(*n),
        Static::Status(status) => Value::Status(*status as i64),
        Static::Kind(kind) => Value::Kind(*kind as i64),
    })
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Duration(n) => Some(*n),
        _ => None,
    }
}

/// A number as a double.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(n) => Some(*n),
        other => whole(other).map(|n| n as f64),
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) | Value::Id(text) => Some(text),
        _ => None,
    }
}

/// Whether they are of one type: then `!=` is the opposite of `=`.
fn comparable(a: &Value, b: &Value) -> bool {
    (number(a).is_some() && number(b).is_some())
        || (text(a).is_some() && text(b).is_some())
        || std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => return a.partial_cmp(b),
        (Value::Status(a), Value::Status(b)) | (Value::Kind(a), Value::Kind(b)) => {
            return a.partial_cmp(b);
        }
        _ => {}
    }
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return Some(a.cmp(&b));
    }
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        // Numbers here are small enough for doubles to hold them.
        return a.partial_cmp(&b);
    }
    Some(text(a)?.as_bytes().cmp(text(b)?.as_bytes()))
}

/// Whether `a op b` holds.
pub(crate) fn compare(op: CompareOp, a: &Value, b: &Value) -> bool {
    if !comparable(a, b) {
        return false;
    }
    let is_id = matches!(a, Value::Id(_)) != matches!(b, Value::Id(_));
    let equal = match (text(a), text(b)) {
        // Short and long forms of an id are the same.
        (Some(x), Some(y)) if is_id => {
            let short = |id: &str| id.trim_start_matches('0').to_owned();
            !x.is_empty() && !y.is_empty() && short(x) == short(y)
        }
        _ => order(a, b) == Some(Ordering::Equal),
    };
    match op {
        CompareOp::Equal => equal,
        CompareOp::NotEqual => !equal,
        CompareOp::Less => order(a, b).is_some_and(Ordering::is_lt),
        CompareOp::LessEqual => order(a, b).is_some_and(Ordering::is_le),
        CompareOp::Greater => order(a, b).is_some_and(Ordering::is_gt),
        CompareOp::GreaterEqual => order(a, b).is_some_and(Ordering::is_ge),
    }
}

/// Arithmetic; nothing where there is no result.
pub(crate) fn arithmetic(op: BinaryOp, a: &Value, b: &Value) -> Option<Value> {
    if let (Some(x), Some(y)) = (whole(a), whole(b)) {
        let n = match op {
            BinaryOp::Add => x.wrapping_add(y),
            BinaryOp::Subtract => x.wrapping_sub(y),
            BinaryOp::Multiply => x.wrapping_mul(y),
            BinaryOp::Divide => x.checked_div(y)?,
            BinaryOp::Modulo => x.checked_rem(y)?,
            BinaryOp::Power => (x as f64).powf(y as f64) as i64,
            _ => return None,
        };
        let both_ints = matches!((a, b), (Value::Int(_), Value::Int(_)));
        return Some(if both_ints { Value::Int(n) } else { Value::Duration(n) });
    }
    let (x, y) = (number(a)?, number(b)?);
    Some(Value::Float(match op {
        BinaryOp::Add => x + y,
        BinaryOp::Subtract => x - y,
        BinaryOp::Multiply => x * y,
        BinaryOp::Divide => x / y,
        BinaryOp::Modulo => x % y,
        BinaryOp::Power => x.powf(y),
        _ => return None,
    }))
}
