//! What stands between braces: expressions over one span.

use super::{Attribute, CompareOp, Static};
use std::sync::Arc;

/// An expression over one span.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldExpr {
    /// A constant. `{ }` is [`Static::Bool`] `true`.
    Static(Static),
    /// What the span, or what is around it, has.
    Attribute(Attribute),
    /// `-x`
    Negate(Box<FieldExpr>),
    /// `!x`
    Not(Box<FieldExpr>),
    /// `x != nil`, or `x = nil` when `negated`.
    Exists {
        /// What is looked for.
        attribute: Attribute,
        /// Whether it must be missing.
        negated: bool,
    },
    /// `x =~ "pattern"`, or `!~` when `negated`. Simplification joins several with `||` (with `&&`
    /// when negated) over one attribute.
    Match {
        /// What is matched.
        operand: Box<FieldExpr>,
        /// Any of these must match the whole text; none, when negated.
        patterns: Vec<Pattern>,
        /// Whether none may match.
        negated: bool,
    },
    /// `x = a || x = b …`, or `x != a && x != b …` when `negated`. Simplification makes it; there
    /// are at least two values.
    In {
        /// What is compared.
        attribute: Attribute,
        /// The constants.
        values: Vec<Static>,
        /// Whether none may be equal.
        negated: bool,
    },
    /// Two operands.
    Binary {
        /// What is done.
        op: BinaryOp,
        /// Left of it.
        left: Box<FieldExpr>,
        /// Right of it.
        right: Box<FieldExpr>,
    },
}

/// What is done with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
    /// `&&`
    And,
    /// `||`
    Or,
    /// A comparison.
    Compare(CompareOp),
}

/// A regular expression, checked and compiled, anchored at both ends; `.` matches newlines, too.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub(crate) text: Arc<str>,
    pub(crate) regex: regex::bytes::Regex,
}

impl Pattern {
    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the whole of `text` matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
