//! Operators on constants.

use crate::ast::{BinaryOp, CompareOp, Static};
use std::cmp::Ordering;

/// Up to here floats hold every integer, so that it does not matter how numbers are compared.
const EXACT: u64 = 1 << 53;

/// The outcome of an operator on two constants; none where it is not certain to be the one that the
/// span would have seen. `compared` is whether it does not matter that a number is a duration.
pub(super) fn binary(op: BinaryOp, a: &Static, b: &Static, compared: bool) -> Option<Static> {
    match op {
        BinaryOp::And | BinaryOp::Or => None,
        BinaryOp::Compare(op) => comparison(op, a, b).map(Static::Bool),
        _ => arithmetic(op, a, b, compared),
    }
}

fn comparison(op: CompareOp, a: &Static, b: &Static) -> Option<bool> {
    use Static::{Bool, Duration, Float, Int, Kind, Status, Str};
    let order = match (a, b) {
        (Int(a) | Duration(a), Int(b) | Duration(b)) => a.cmp(b),
        (Float(_), Float(_) | Int(_) | Duration(_)) | (Int(_) | Duration(_), Float(_)) => {
            float(a)?.partial_cmp(&float(b)?)?
        }
        (Str(a), Str(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Bool(a), Bool(b)) => a.cmp(b),
        (Status(a), Status(b)) => a.cmp(b),
        (Kind(a), Kind(b)) => a.cmp(b),
        _ => return None,
    };
    Some(match op {
        CompareOp::Equal => order == Ordering::Equal,
        CompareOp::NotEqual => order != Ordering::Equal,
        CompareOp::Less => order == Ordering::Less,
        CompareOp::LessEqual => order != Ordering::Greater,
        CompareOp::Greater => order == Ordering::Greater,
        CompareOp::GreaterEqual => order != Ordering::Less,
    })
}

fn arithmetic(op: BinaryOp, a: &Static, b: &Static, compared: bool) -> Option<Static> {
    match (a, b) {
        (Static::Int(a), Static::Int(b)) => exact(op, *a, *b).map(Static::Int),
        // Among comparisons only: elsewhere it shows whether a number is a duration.
        (Static::Int(a) | Static::Duration(a), Static::Int(b) | Static::Duration(b))
            if compared =>
        {
            let whole = !matches!(op, BinaryOp::Divide | BinaryOp::Modulo | BinaryOp::Power);
            let value = if whole { exact(op, *a, *b) } else { None };
            value.filter(|value| value.unsigned_abs() <= EXACT).map(Static::Duration)
        }
        (Static::Float(a), Static::Float(b)) => {
            let value = match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                BinaryOp::Multiply => a * b,
                BinaryOp::Divide => a / b,
                _ => return None,
            };
            value.is_finite().then_some(Static::Float(value))
        }
        _ => None,
    }
}

/// An integer's outcome without overflow. Powers and zero divisors are left to the evaluator of the
/// query.
fn exact(op: BinaryOp, a: i64, b: i64) -> Option<i64> {
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Subtract => a.checked_sub(b),
        BinaryOp::Multiply => a.checked_mul(b),
        BinaryOp::Divide => a.checked_div(b),
        BinaryOp::Modulo => a.checked_rem(b),
        _ => None,
    }
}

fn float(value: &Static) -> Option<f64> {
    match value {
        Static::Float(n) => Some(*n),
        Static::Int(n) | Static::Duration(n) if n.unsigned_abs() <= EXACT => Some(*n as f64),
        _ => None,
    }
}
