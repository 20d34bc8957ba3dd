//! Constants, and arithmetic with them while reading.

use super::{Parser, names};
use crate::ast::{BinaryOp, CompareOp, Static};
use crate::error::{QueryError, Result};
use crate::lexer::{Symbol, TokenKind};

/// The least integer's magnitude, which is one more than the largest integer.
const MIN_MAGNITUDE: u64 = i64::MIN.unsigned_abs();

/// The comparison that a symbol stands for.
pub(super) fn comparison(symbol: Symbol) -> Option<CompareOp> {
    Some(match symbol {
        Symbol::Equal => CompareOp::Equal,
        Symbol::NotEqual => CompareOp::NotEqual,
        Symbol::Less => CompareOp::Less,
        Symbol::LessEqual => CompareOp::LessEqual,
        Symbol::Greater => CompareOp::Greater,
        Symbol::GreaterEqual => CompareOp::GreaterEqual,
        _ => return None,
    })
}

impl Parser<'_> {
    /// A quoted text, number or duration, if one is next.
    pub(super) fn literal(&mut self) -> Result<Option<Static>> {
        let range = || QueryError::parse(self.at(), "the number is out of range");
        let int = |magnitude: u64| i64::try_from(magnitude).map_err(|_| range());
        let value = match self.kind() {
            TokenKind::Str(text) => Static::Str(text.clone()),
            TokenKind::Int(magnitude) => Static::Int(int(*magnitude)?),
            TokenKind::Float(number) => Static::Float(*number),
            TokenKind::Duration(magnitude) => Static::Duration(int(*magnitude)?),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(value))
    }

    /// A minus with a number or duration behind it, if that is next. The least integer can be
    /// written in this way only.
    pub(super) fn negative_literal(&mut self) -> Result<Option<Static>> {
        if self.symbol() != Some(Symbol::Minus) {
            return Ok(None);
        }
        let int = |magnitude: u64| match magnitude {
            MIN_MAGNITUDE => i64::MIN,
            smaller => i64::try_from(smaller).map_or(i64::MIN, |n| -n),
        };
        let value = match self.second() {
            TokenKind::Int(magnitude) => Static::Int(int(*magnitude)),
            TokenKind::Float(number) => Static::Float(-number),
            TokenKind::Duration(magnitude) => Static::Duration(int(*magnitude)),
            _ => return Ok(None),
        };
        self.advance();
        self.advance();
        Ok(Some(value))
    }

    /// Any constant, as hints have them.
    pub(super) fn constant(&mut self) -> Result<Static> {
        if let Some(value) = self.negative_literal()? {
            return Ok(value);
        }
        if let Some(value) = self.literal()? {
            return Ok(value);
        }
        if let TokenKind::Word(word) = self.kind()
            && let Some(value) = names::word_constant(word)
        {
            self.advance();
            return Ok(value);
        }
        Err(self.unexpected("a value"))
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self) -> Result<i64> {
        if matches!(self.kind(), TokenKind::Int(_))
            && let Some(Static::Int(number)) = self.literal()?
        {
            return Ok(number);
        }
        Err(self.unexpected("a whole number"))
    }
}

/// A number with the sign turned; none for what is no number, or out of range.
pub(super) fn negative(value: &Static) -> Option<Static> {
    Some(match value {
        Static::Int(n) => Static::Int(n.checked_neg()?),
        Static::Duration(n) => Static::Duration(n.checked_neg()?),
        Static::Float(n) => Static::Float(-n),
        _ => return None,
    })
}

/// A number as a metric has it: durations are in seconds there.
pub(super) fn metric(value: &Static) -> Option<f64> {
    match value {
        Static::Int(n) => Some(*n as f64),
        Static::Float(n) => Some(*n),
        Static::Duration(n) => Some(*n as f64 / 1e9),
        _ => None,
    }
}

/// What arithmetic on two constants gives; none if that is no number.
///
/// What is computed with a duration is one, but for the quotient of two. Integers that grow too
/// large become floats.
pub(super) fn arithmetic(op: BinaryOp, left: &Static, right: &Static) -> Option<Static> {
    use Static::{Duration, Float, Int};
    let (of_left, of_right) = (matches!(left, Duration(_)), matches!(right, Duration(_)));
    let is_duration = (of_left || of_right) && !(op == BinaryOp::Divide && of_right);
    if let (Int(a) | Duration(a), Int(b) | Duration(b)) = (left, right) {
        let exact = match op {
            BinaryOp::Divide | BinaryOp::Modulo if *b == 0 => return None,
            BinaryOp::Add => a.checked_add(*b),
            BinaryOp::Subtract => a.checked_sub(*b),
            BinaryOp::Multiply => a.checked_mul(*b),
            BinaryOp::Divide => a.checked_div(*b),
            BinaryOp::Modulo => a.checked_rem(*b),
            BinaryOp::Power => u32::try_from(*b).ok().and_then(|b| a.checked_pow(b)),
            _ => None,
        };
        if let Some(exact) = exact {
            return Some(if is_duration { Duration(exact) } else { Int(exact) });
        }
    }
    let number = |value: &Static| match value {
        Int(n) | Duration(n) => Some(*n as f64),
        Float(n) => Some(*n),
        _ => None,
    };
    let (a, b) = (number(left)?, number(right)?);
    let outcome = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide => a / b,
        BinaryOp::Modulo => a % b,
        BinaryOp::Power => a.powf(b),
        _ => return None,
    };
    if is_duration && outcome.abs() < MIN_MAGNITUDE as f64 {
        return Some(Duration(outcome.round() as i64));
    }
    outcome.is_finite().then_some(Float(outcome))
}
