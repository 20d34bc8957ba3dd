//! Which operands fit which operator, and the bounds of functions.
//!
//! The parser asks for each operator as it reads it: so a mistake is known by its place, and no
//! walk over the whole tree is needed.

use crate::ast::{
    Attribute, BinaryOp, CompareOp, FieldExpr, Intrinsic, MetricsFunction, Scope, Static,
};

/// What does not fit, in words.
pub(crate) type Check = Result<(), String>;

/// What is known of an expression's value before there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    /// An attribute may be anything.
    Any,
    /// Integers, floats and durations mix freely.
    Number,
    Text,
    Bool,
    Status,
    Kind,
    Nil,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Any => "an attribute",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Bool => "a boolean",
            Self::Status => "a status",
            Self::Kind => "a kind",
            Self::Nil => "nil",
        }
    }

    fn is(self, other: Self) -> bool {
        self == other || self == Self::Any
    }
}

/// The type of an expression.
pub(crate) fn type_of(expr: &FieldExpr) -> Type {
    match expr {
        FieldExpr::Static(value) => type_of_static(value),
        FieldExpr::Attribute(Attribute::Named { .. }) => Type::Any,
        FieldExpr::Attribute(Attribute::Intrinsic { intrinsic, .. }) => {
            type_of_intrinsic(*intrinsic)
        }
        FieldExpr::Negate(_) => Type::Number,
        FieldExpr::Not(_)
        | FieldExpr::Exists { .. }
        | FieldExpr::Match { .. }
        | FieldExpr::In { .. } => Type::Bool,
        FieldExpr::Binary { op, .. } => match op {
            BinaryOp::And | BinaryOp::Or | BinaryOp::Compare(_) => Type::Bool,
            _ => Type::Number,
        },
    }
}

pub(crate) fn type_of_static(value: &Static) -> Type {
    match value {
        Static::Nil => Type::Nil,
        Static::Int(_) | Static::Float(_) | Static::Duration(_) => Type::Number,
        Static::Str(_) => Type::Text,
        Static::Bool(_) => Type::Bool,
        Static::Status(_) => Type::Status,
        Static::Kind(_) => Type::Kind,
    }
}

fn type_of_intrinsic(intrinsic: Intrinsic) -> Type {
    match intrinsic {
        Intrinsic::Status => Type::Status,
        Intrinsic::Kind => Type::Kind,
        Intrinsic::Duration
        | Intrinsic::TraceDuration
        | Intrinsic::EventTimeSinceStart
        | Intrinsic::ChildCount
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent => Type::Number,
        Intrinsic::Name
        | Intrinsic::StatusMessage
        | Intrinsic::SpanId
        | Intrinsic::ParentId
        | Intrinsic::RootName
        | Intrinsic::RootService
        | Intrinsic::TraceId
        | Intrinsic::EventName
        | Intrinsic::LinkTraceId
        | Intrinsic::LinkSpanId
        | Intrinsic::ScopeName
        | Intrinsic::ScopeVersion => Type::Text,
    }
}

/// Whether an expression looks at the span at all.
pub(crate) fn asks_span(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(_) => false,
        FieldExpr::Attribute(_) | FieldExpr::Exists { .. } | FieldExpr::In { .. } => true,
        FieldExpr::Negate(inner) | FieldExpr::Not(inner) => asks_span(inner),
        FieldExpr::Match { operand, .. } => asks_span(operand),
        FieldExpr::Binary { left, right, .. } => asks_span(left) || asks_span(right),
    }
}

/// One side of `&&` or `||`, the operand of `!`, or a whole filter.
pub(crate) fn condition(expr: &FieldExpr, place: &str) -> Check {
    let found = type_of(expr);
    if found.is(Type::Bool) {
        return Ok(());
    }
    Err(format!("{place} must be true or false, but {expr} is {}", found.name()))
}

/// The operand of `-`, or one side of arithmetic.
pub(crate) fn number(expr: &FieldExpr, place: &str) -> Check {
    let found = type_of(expr);
    if found.is(Type::Number) {
        return Ok(());
    }
    Err(format!("{place} must be a number or duration, but {expr} is {}", found.name()))
}

/// Both sides of a comparison.
pub(crate) fn comparison(op: CompareOp, left: &FieldExpr, right: &FieldExpr) -> Check {
    let (a, b) = (type_of(left), type_of(right));
    if !(a.is(b) || b.is(a)) {
        return Err(format!(
            "both sides of {op} must be of one type, but {left} is {} and {right} is {}",
            a.name(),
            b.name()
        ));
    }
    if matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
        return Ok(());
    }
    for (side, expr) in [(a, left), (b, right)] {
        if !side.is(Type::Number) && side != Type::Text {
            let name = side.name();
            return Err(format!("{op} cannot compare {expr}: {name} has no order, only = and !="));
        }
    }
    Ok(())
}

/// The left side of `=~` or `!~`.
pub(crate) fn matched(expr: &FieldExpr) -> Check {
    let found = type_of(expr);
    if found.is(Type::Text) {
        return Ok(());
    }
    Err(format!("only texts match regular expressions, but {expr} is {}", found.name()))
}

/// `attribute = nil`: some are never missing.
pub(crate) fn missing(attribute: &Attribute) -> Check {
    match attribute {
        Attribute::Intrinsic { .. } => {
            Err(format!("{attribute} = nil is never true: intrinsics always have a value"))
        }
        Attribute::Named { scope: Some(Scope::Resource), key } if &**key == "service.name" => {
            Err(format!("{attribute} = nil is never true: without a name it is the empty text"))
        }
        Attribute::Named { .. } => Ok(()),
    }
}

/// What `by()` groups by, or an aggregate computes over.
pub(crate) fn of_span(expr: &FieldExpr, function: &str) -> Check {
    if asks_span(expr) {
        return Ok(());
    }
    Err(format!("{function}({expr}) must ask for something of the span, not for a constant"))
}

/// Bounds on a metrics function's arguments.
pub(crate) fn function(function: &MetricsFunction) -> Check {
    use MetricsFunction as F;
    let (by, allowed) = match function {
        F::Rate { by } | F::Count { by } => (by, 5),
        F::Min { by, .. } | F::Max { by, .. } | F::Sum { by, .. } => (by, 5),
        F::Avg { by, .. } | F::Histogram { by, .. } => (by, 4),
        F::Quantile { by, quantiles, .. } => {
            if let Some(wrong) = quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
                return Err(format!("a quantile must be within 0 and 1, but is {wrong}"));
            }
            (by, 4)
        }
        F::Compare { top, range, .. } => {
            if !(1..=1000).contains(top) {
                return Err(format!("compare() shows 1 to 1000 values, not {top}"));
            }
            return match range {
                Some((start, end)) if *start <= 0 || end <= start => Err(format!(
                    "compare()'s times must be positive and its end after its start, \
                     but they are {start} and {end}"
                )),
                _ => Ok(()),
            };
        }
    };
    if by.len() > allowed {
        let name = function.name();
        return Err(format!("{name} groups by at most {allowed} attributes, not {}", by.len()));
    }
    Ok(())
}
