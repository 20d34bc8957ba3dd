//! One value and how two of them compare.

use std::cmp::Ordering;
use tributary_traceql::ast::{CompareOp, Static};

/// One value of a column, or a constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Str(&'a [u8]),
    /// An integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// A duration, ns.
    Duration(i64),
    /// A status by number.
    Status(i64),
    /// A kind by number.
    Kind(i64),
    /// An id's bytes, which compare as lower-case hex.
    Id(&'a [u8]),
}

impl<'a> Value<'a> {
    /// A constant of a query; none for `nil`.
    pub fn of(constant: &'a Static) -> Option<Value<'a>> {
        Some(match constant {
            Static::Nil => return None,
            Static::Int(n) => Value::Int(*n),
            Static::Float(n) => Value::Float(*n),
            Static::Str(text) => Value::Str(text.as_bytes()),
            Static::Bool(is) => Value::Bool(*is),
            Static::Duration(ns) => Value::Duration(*ns),
            Static::Status(status) => Value::Status(*status as i64),
            Static::Kind(kind) => Value::Kind(*kind as i64),
        })
    }

    /// The number that it is, durations in ns.
    pub fn number(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "as all arithmetic of mixed numbers")]
        match *self {
            Value::Int(n) | Value::Duration(n) => Some(n as f64),
            Value::Float(n) => Some(n),
            _ => None,
        }
    }
}

/// An id as hex digits: 16 or 32 of them.
pub fn id_text(id: &[u8]) -> ([u8; 32], usize) {
    let mut text = [b'0'; 32];
    for (two, byte) in text.chunks_mut(2).zip(id) {
        for (digit, nibble) in two.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
    }
    (text, (id.len() * 2).min(32))
}

fn without_zeros(text: &[u8]) -> &[u8] {
    let zeros = text.iter().take_while(|c| **c == b'0').count();
    text.get(zeros..).unwrap_or_default()
}

/// Compares a whole number with a double without losing digits of either.
fn int_with_float(int: i64, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range, checked above")]
    let whole = float.trunc() as i64;
    Some(int.cmp(&whole).then_with(|| {
        let rest = float - float.trunc();
        0.0.partial_cmp(&rest).unwrap_or(Ordering::Equal)
    }))
}

/// The order of two values of one type; numbers of all kinds are of one. None when the types differ.
fn order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    use Value::{Bool, Duration, Float, Id, Int, Kind, Status, Str};
    match (*a, *b) {
        (Str(a), Str(b)) => Some(a.cmp(b)),
        (Int(a) | Duration(a), Int(b) | Duration(b)) => Some(a.cmp(&b)),
        (Int(a) | Duration(a), Float(b)) => int_with_float(a, b),
        (Float(a), Int(b) | Duration(b)) => int_with_float(b, a).map(Ordering::reverse),
        (Float(a), Float(b)) => a.partial_cmp(&b),
        (Bool(a), Bool(b)) => Some(a.cmp(&b)),
        (Status(a), Status(b)) | (Kind(a), Kind(b)) => Some(a.cmp(&b)),
        (Id(a), Id(b)) => Some(a.cmp(b)),
        (Id(a), Str(b)) => {
            let (text, len) = id_text(a);
            Some(text.get(..len).unwrap_or_default().cmp(b))
        }
        (Str(_), Id(_)) => order(b, a).map(Ordering::reverse),
        _ => None,
    }
}

fn are_comparable(a: &Value<'_>, b: &Value<'_>) -> bool {
    use Value::{Bool, Duration, Float, Id, Int, Kind, Status, Str};
    matches!(
        (a, b),
        (Str(_) | Id(_), Str(_) | Id(_))
            | (Int(_) | Float(_) | Duration(_), Int(_) | Float(_) | Duration(_))
            | (Bool(_), Bool(_))
            | (Status(_), Status(_))
            | (Kind(_), Kind(_))
    )
}

/// Whether `a op b` holds. Values of different types compare as false, whatever the operator; NaN
/// differs from everything. Ids are equal to a text with or without the zeros at its front.
pub fn compare(op: CompareOp, a: &Value<'_>, b: &Value<'_>) -> bool {
    let found = match (a, b) {
        (Value::Id(id), Value::Str(text)) | (Value::Str(text), Value::Id(id))
            if matches!(op, CompareOp::Equal | CompareOp::NotEqual) =>
        {
            let (digits, len) = id_text(id);
            let digits = digits.get(..len).unwrap_or_default();
            let same = without_zeros(digits) == without_zeros(text) && !text.is_empty();
            Some(if same { Ordering::Equal } else { Ordering::Less })
        }
        _ => order(a, b),
    };
    match (found, op) {
        (None, CompareOp::NotEqual) => are_comparable(a, b),
        (None, _) => false,
        (Some(order), CompareOp::Equal) => order.is_eq(),
        (Some(order), CompareOp::NotEqual) => order.is_ne(),
        (Some(order), CompareOp::Less) => order.is_lt(),
        (Some(order), CompareOp::LessEqual) => order.is_le(),
        (Some(order), CompareOp::Greater) => order.is_gt(),
        (Some(order), CompareOp::GreaterEqual) => order.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CompareOp::*;

    #[test]
    fn values_compare_by_type() {
        let id = Value::Id(&[0, 0, 0, 0, 0, 0, 0xde, 0xad]);
        let table: &[(Value<'_>, CompareOp, Value<'_>, bool)] = &[
            (Value::Int(42), Equal, Value::Float(42.0), true),
            (Value::Int(1 << 62), Less, Value::Float(1e300), true),
            (Value::Int(i64::MAX), Equal, Value::Float(9_223_372_036_854_775_807.0), false),
            (Value::Float(2.5), Greater, Value::Int(2), true),
            (Value::Float(-2.5), Less, Value::Int(-2), true),
            (Value::Int(1_000_000), Equal, Value::Duration(1_000_000), true),
            (Value::Float(f64::NAN), NotEqual, Value::Int(1), true),
            (Value::Float(f64::NAN), Equal, Value::Float(f64::NAN), false),
            (Value::Float(f64::NAN), LessEqual, Value::Float(f64::NAN), false),
            (Value::Str(b"1"), NotEqual, Value::Int(1), false),
            (Value::Str(b"b"), Greater, Value::Str(b"a"), true),
            (Value::Bool(true), NotEqual, Value::Bool(false), true),
            (Value::Status(2), Equal, Value::Status(2), true),
            (Value::Status(2), NotEqual, Value::Kind(3), false),
            (id, Equal, Value::Str(b"dead"), true),
            (id, Equal, Value::Str(b"000000000000dead"), true),
            (id, NotEqual, Value::Str(b"dea"), true),
            (id, Less, Value::Str(b"1"), true),
        ];
        for (a, op, b, expected) in table {
            assert_eq!(compare(*op, a, b), *expected, "{a:?} {op:?} {b:?}");
        }
    }
}
