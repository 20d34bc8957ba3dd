//! Expressions over one span, with parentheses only where they are needed.

use super::wrapped;
use crate::ast::{BinaryOp, CompareOp, FieldExpr, Pattern, Static};
use std::fmt::{Display, Formatter, Result};

/// How strong an expression's operator binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Logical,
    Comparison,
    Sum,
    Not,
    Product,
    Power,
    Sign,
    Atom,
}

impl Level {
    fn of(expr: &FieldExpr) -> Self {
        match expr {
            FieldExpr::Static(_) | FieldExpr::Attribute(_) => Self::Atom,
            FieldExpr::Negate(_) => Self::Sign,
            FieldExpr::Not(_) => Self::Not,
            FieldExpr::Exists { .. } => Self::Comparison,
            FieldExpr::Match { patterns, .. } if patterns.len() == 1 => Self::Comparison,
            FieldExpr::Match { .. } | FieldExpr::In { .. } => Self::Logical,
            FieldExpr::Binary { op, .. } => Self::of_op(*op),
        }
    }

    fn of_op(op: BinaryOp) -> Self {
        match op {
            BinaryOp::And | BinaryOp::Or => Self::Logical,
            BinaryOp::Compare(_) => Self::Comparison,
            BinaryOp::Add | BinaryOp::Subtract => Self::Sum,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => Self::Product,
            BinaryOp::Power => Self::Power,
        }
    }
}

impl FieldExpr {
    /// The text that answers show for it, as in `by(…)`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{self:#}")
    }
}

impl Display for FieldExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Static(value) => value.fmt(f),
            Self::Attribute(attribute) => attribute.fmt(f),
            Self::Negate(operand) => {
                f.write_str("-")?;
                wrapped(f, Level::of(operand) < Level::Sign, operand)
            }
            Self::Not(operand) => {
                f.write_str("!")?;
                wrapped(f, Level::of(operand) < Level::Product, operand)
            }
            Self::Exists { attribute, negated } => {
                attribute.fmt(f)?;
                f.write_str(if *negated { " = nil" } else { " != nil" })
            }
            Self::Match { operand, patterns, negated } => {
                for (i, pattern) in patterns.iter().enumerate() {
                    between(f, i, *negated)?;
                    wrapped(f, Level::of(operand) <= Level::Comparison, operand)?;
                    f.write_str(if *negated { " !~ " } else { " =~ " })?;
                    pattern.fmt(f)?;
                }
                Ok(())
            }
            Self::In { attribute, values, negated } => {
                let op = if *negated { CompareOp::NotEqual } else { CompareOp::Equal };
                for (i, value) in values.iter().enumerate() {
                    between(f, i, *negated)?;
                    attribute.fmt(f)?;
                    write!(f, " {op} ")?;
                    value.fmt(f)?;
                }
                Ok(())
            }
            Self::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
                chain(f, *op, left, true)?;
                write!(f, " {op} ")?;
                chain(f, *op, right, false)
            }
            Self::Binary { op, left, right } => {
                let level = Level::of_op(*op);
                let (left_too, right_too) = match level {
                    Level::Comparison => (true, true),
                    Level::Power => (true, false),
                    _ => (false, true),
                };
                let needed = |side, too| Level::of(side) < level || too && Level::of(side) == level;
                wrapped(f, needed(left, left_too), left)?;
                write!(f, " {op} ")?;
                wrapped(f, needed(right, right_too), right)
            }
        }
    }
}

/// A side of `&&` or `||`: operands of the same operator go on, however they are grouped. `first`
/// is whether nothing stands before it.
fn chain(f: &mut Formatter<'_>, op: BinaryOp, side: &FieldExpr, first: bool) -> Result {
    match side {
        FieldExpr::Binary { op: inner, left, right } if *inner == op => {
            chain(f, op, left, first)?;
            write!(f, " {op} ")?;
            chain(f, op, right, false)
        }
        _ => wrapped(f, !first && Level::of(side) == Level::Logical, side),
    }
}

/// What stands between the comparisons that were joined.
fn between(f: &mut Formatter<'_>, index: usize, negated: bool) -> Result {
    match (index, negated) {
        (0, _) => Ok(()),
        (_, true) => f.write_str(" && "),
        (_, false) => f.write_str(" || "),
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        Static::Str(self.text.clone()).fmt(f)
    }
}
