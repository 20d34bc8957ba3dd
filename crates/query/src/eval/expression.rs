//! Expressions span by span: for what no column can say alone.

use super::filter::{filter, is_truth};
use super::{EvalError, element_of, fields, list_ends};
use crate::chunk::{Bits, Cell, Cells, Chunk, Column, Field, Level, Types, Value, Values, compare};
use std::rc::Rc;
use tributary_span::columns::owned;
use tributary_traceql::ast::{Attribute, BinaryOp, CompareOp, FieldExpr, Static};

/// An expression whose columns are at hand.
pub(super) enum Ready<'q> {
    Constant(Option<Value<'q>>),
    Attribute(Operand),
    Negate(Box<Ready<'q>>),
    Not(Box<Ready<'q>>),
    Exists {
        operand: Operand,
        negated: bool,
    },
    Test {
        operand: Box<Ready<'q>>,
        test: Test<'q>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Ready<'q>>,
        right: Box<Ready<'q>>,
    },
    /// A condition on events or links: only a filter knows whether one of them meets all of it.
    Spans(Bits),
}

/// What a value is tested for.
pub(super) enum Test<'q> {
    Match { patterns: &'q [tributary_traceql::ast::Pattern], negated: bool },
    In { values: &'q [Static], negated: bool },
}

impl Test<'_> {
    /// Whether a value passes. One of another type never does.
    pub(super) fn passes(&self, value: &Value<'_>) -> bool {
        match self {
            Test::Match { patterns, negated } => {
                let matches = |text: &[u8]| patterns.iter().any(|p| p.matches(text)) != *negated;
                match value {
                    Value::Str(text) => matches(text),
                    Value::Id(id) => {
                        let (text, len) = crate::chunk::id_text(id);
                        matches(text.get(..len).unwrap_or_default())
                    }
                    _ => false,
                }
            }
            Test::In { values, negated } => {
                let op = if *negated { CompareOp::NotEqual } else { CompareOp::Equal };
                let mut tests = values.iter().filter_map(Value::of).map(|v| compare(op, value, &v));
                if *negated { tests.all(|is| is) } else { tests.any(|is| is) }
            }
        }
    }

    /// Whether all elements of an array must pass, and not just one.
    pub(super) fn wants_all(&self) -> bool {
        match self {
            Test::Match { negated, .. } | Test::In { negated, .. } => *negated,
        }
    }
}

/// An attribute's columns.
#[derive(Clone)]
pub(crate) struct Operand {
    first: (Field, Rc<Column>),
    second: Option<(Field, Rc<Column>)>,
    /// Ends of the spans' lists, when the field is of their elements.
    ends: Option<Rc<Vec<u32>>>,
}

impl Operand {
    pub(crate) fn new(
        chunk: &dyn Chunk,
        attribute: &Attribute,
        types: Types,
    ) -> Result<Operand, EvalError> {
        let (first, second) = fields(attribute);
        let ends = list_ends(chunk, &first)?;
        let column = chunk.column(&first, types)?;
        let second = match second {
            Some(field) => {
                let column = chunk.column(&field, types)?;
                Some((field, column))
            }
            None => None,
        };
        Ok(Operand { first: (first, column), second, ends })
    }

    /// The values of a span: its own, else its resource's; of lists those of the first element that
    /// has any.
    pub(crate) fn get<'a>(&'a self, chunk: &dyn Chunk, span: usize) -> Values<'a> {
        let (field, column) = &self.first;
        let first = match &self.ends {
            Some(ends) => {
                let mut elements = owned(ends, span).map(|element| column.get(element));
                let unseen = elements.clone().any(|values| matches!(values, Values::Unseen));
                let missing = if unseen { Values::Unseen } else { Values::Nil };
                elements.find(Values::is_some).unwrap_or(missing)
            }
            None => element_of(chunk, field, span).map_or(Values::Nil, |i| column.get(i)),
        };
        match &self.second {
            Some((field, column)) if !first.is_some() => {
                let second = element_of(chunk, field, span).map_or(Values::Nil, |i| column.get(i));
                // What is not seen at the span is no more missing for that.
                if matches!(second, Values::Nil) { first } else { second }
            }
            _ => first,
        }
    }
}

/// A value that stands for itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OwnedValue {
    Nil,
    Str(Vec<u8>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Duration(i64),
    Status(i64),
    Kind(i64),
    Id(Vec<u8>),
    List(Vec<OwnedValue>),
}

impl OwnedValue {
    fn single(value: Value<'_>) -> OwnedValue {
        match value {
            Value::Str(text) => OwnedValue::Str(text.to_vec()),
            Value::Int(n) => OwnedValue::Int(n),
            Value::Float(n) => OwnedValue::Float(n),
            Value::Bool(is) => OwnedValue::Bool(is),
            Value::Duration(ns) => OwnedValue::Duration(ns),
            Value::Status(n) => OwnedValue::Status(n),
            Value::Kind(n) => OwnedValue::Kind(n),
            Value::Id(id) => OwnedValue::Id(id.to_vec()),
        }
    }

    /// Of a key that stands there more than once the first value. An array of one is its element.
    pub(crate) fn of(values: Values<'_>) -> OwnedValue {
        match values {
            Values::Nil | Values::Unseen => OwnedValue::Nil,
            Values::One(value) => OwnedValue::single(value),
            Values::Many { cells, values, is_array: true } if values.len() > 1 => {
                OwnedValue::list(cells, values)
            }
            Values::Many { .. } => values.first().map_or(OwnedValue::Nil, OwnedValue::single),
        }
    }

    /// Whether two are one group: NaN is equal to itself here.
    pub(super) fn is_same(&self, other: &OwnedValue) -> bool {
        match (self, other) {
            (OwnedValue::Float(a), OwnedValue::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (OwnedValue::List(a), OwnedValue::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_same(b))
            }
            _ => self == other,
        }
    }

    fn list(cells: &Cells, values: &[Cell]) -> OwnedValue {
        let all = values.iter().filter_map(|cell| cells.single(*cell));
        OwnedValue::List(all.map(OwnedValue::single).collect())
    }
}

/// What an expression comes to.
#[derive(Clone, Copy)]
pub(super) enum Outcome<'a> {
    Nil,
    One(Value<'a>),
    Many(Values<'a>),
}

impl<'a> Outcome<'a> {
    fn of(values: Values<'a>) -> Outcome<'a> {
        match values {
            Values::Nil | Values::Unseen => Outcome::Nil,
            Values::One(value) => Outcome::One(value),
            many @ Values::Many { .. } => Outcome::Many(many),
        }
    }

    fn is_true(self) -> bool {
        match self {
            Outcome::One(Value::Bool(is)) => is,
            Outcome::Many(values) => values.test(false, |v| v == Value::Bool(true)),
            _ => false,
        }
    }

    fn single(self) -> Option<Value<'a>> {
        match self {
            Outcome::One(value) => Some(value),
            _ => None,
        }
    }

    /// As a value that stands for itself.
    pub(super) fn owned(self) -> OwnedValue {
        match self {
            Outcome::Nil => OwnedValue::Nil,
            Outcome::One(value) => OwnedValue::single(value),
            Outcome::Many(values) => OwnedValue::of(values),
        }
    }
}

/// Gets the columns of an expression.
pub(super) fn prepare<'q>(chunk: &dyn Chunk, expr: &'q FieldExpr) -> Result<Ready<'q>, EvalError> {
    let is_of_list =
        |attribute: &Attribute| matches!(fields(attribute).0.level(), Level::Event | Level::Link);
    if is_truth(expr) && expr.attributes().any(is_of_list) {
        return Ok(Ready::Spans(filter(chunk, expr, &Bits::all(chunk.shape().spans()))?));
    }
    prepare_parts(chunk, expr)
}

/// The same, where the expression itself is no condition that a filter takes apart.
pub(super) fn prepare_parts<'q>(
    chunk: &dyn Chunk,
    expr: &'q FieldExpr,
) -> Result<Ready<'q>, EvalError> {
    let sub = |expr: &'q FieldExpr| Ok::<_, EvalError>(Box::new(prepare(chunk, expr)?));
    Ok(match expr {
        FieldExpr::Static(constant) => Ready::Constant(Value::of(constant)),
        FieldExpr::Attribute(a) => Ready::Attribute(Operand::new(chunk, a, Types::ALL)?),
        FieldExpr::Negate(inner) => Ready::Negate(sub(inner)?),
        FieldExpr::Not(inner) => Ready::Not(sub(inner)?),
        FieldExpr::Exists { attribute, negated } => Ready::Exists {
            operand: Operand::new(chunk, attribute, Types::ALL)?,
            negated: *negated,
        },
        FieldExpr::Match { operand, patterns, negated } => Ready::Test {
            operand: sub(operand)?,
            test: Test::Match { patterns, negated: *negated },
        },
        FieldExpr::In { attribute, values, negated } => Ready::Test {
            operand: Box::new(Ready::Attribute(Operand::new(chunk, attribute, Types::ALL)?)),
            test: Test::In { values, negated: *negated },
        },
        FieldExpr::Binary { op, left, right } => {
            Ready::Binary { op: *op, left: sub(left)?, right: sub(right)? }
        }
    })
}

impl Ready<'_> {
    /// What the expression comes to for a span.
    pub(super) fn value<'a>(&'a self, chunk: &dyn Chunk, span: usize) -> Outcome<'a> {
        let truth = |is: bool| Outcome::One(Value::Bool(is));
        match self {
            Ready::Constant(Some(value)) => Outcome::One(*value),
            Ready::Constant(None) => Outcome::Nil,
            Ready::Spans(found) => truth(found.has(span)),
            Ready::Attribute(operand) => Outcome::of(operand.get(chunk, span)),
            Ready::Negate(inner) => match inner.value(chunk, span).single() {
                Some(Value::Int(n)) => Outcome::One(Value::Int(n.wrapping_neg())),
                Some(Value::Duration(n)) => Outcome::One(Value::Duration(n.wrapping_neg())),
                Some(Value::Float(n)) => Outcome::One(Value::Float(-n)),
                _ => Outcome::Nil,
            },
            Ready::Not(inner) => match inner.value(chunk, span) {
                Outcome::One(Value::Bool(is)) => truth(!is),
                _ => Outcome::Nil,
            },
            Ready::Exists { operand, negated } => truth(match operand.get(chunk, span) {
                Values::Nil => *negated,
                Values::Unseen => false,
                _ => !*negated,
            }),
            Ready::Test { operand, test } => truth(match operand.value(chunk, span) {
                Outcome::Nil => false,
                Outcome::One(value) => test.passes(&value),
                Outcome::Many(values) => values.test(test.wants_all(), |v| test.passes(&v)),
            }),
            Ready::Binary { op, left, right } => match op {
                BinaryOp::And => {
                    truth(self.truth(left, chunk, span) && self.truth(right, chunk, span))
                }
                BinaryOp::Or => {
                    truth(self.truth(left, chunk, span) || self.truth(right, chunk, span))
                }
                BinaryOp::Compare(op) => {
                    let (left, right) = (left.value(chunk, span), right.value(chunk, span));
                    truth(compare_outcomes(*op, left, right))
                }
                _ => {
                    let (left, right) = (left.value(chunk, span), right.value(chunk, span));
                    match (left.single(), right.single()) {
                        (Some(a), Some(b)) => arithmetic(*op, &a, &b),
                        _ => Outcome::Nil,
                    }
                }
            },
        }
    }

    fn truth(&self, part: &Ready<'_>, chunk: &dyn Chunk, span: usize) -> bool {
        part.value(chunk, span).is_true()
    }

    /// Whether the expression is true for a span.
    pub(super) fn holds(&self, chunk: &dyn Chunk, span: usize) -> bool {
        self.value(chunk, span).is_true()
    }
}

fn compare_outcomes(op: CompareOp, left: Outcome<'_>, right: Outcome<'_>) -> bool {
    let all = op == CompareOp::NotEqual;
    match (left, right) {
        (Outcome::One(a), Outcome::One(b)) => compare(op, &a, &b),
        (Outcome::Many(many), Outcome::One(b)) => many.test(all, |a| compare(op, &a, &b)),
        (Outcome::One(a), Outcome::Many(many)) => many.test(all, |b| compare(op, &a, &b)),
        _ => false,
    }
}

/// Whole numbers stay whole, durations durations; anything with a double becomes one. What has no
/// result (a division by zero) is nil.
fn arithmetic<'a>(op: BinaryOp, a: &Value<'_>, b: &Value<'_>) -> Outcome<'a> {
    use Value::{Duration, Float, Int};
    let whole = |a: i64, b: i64| match op {
        BinaryOp::Add => Some(a.wrapping_add(b)),
        BinaryOp::Subtract => Some(a.wrapping_sub(b)),
        BinaryOp::Multiply => Some(a.wrapping_mul(b)),
        BinaryOp::Divide => a.checked_div(b),
        BinaryOp::Modulo => a.checked_rem(b),
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a power that is no whole number of 64 bits is cut to one"
        )]
        BinaryOp::Power => Some((a as f64).powf(b as f64) as i64),
        _ => None,
    };
    match (*a, *b) {
        (Int(a), Int(b)) => whole(a, b).map_or(Outcome::Nil, |n| Outcome::One(Int(n))),
        (Int(a) | Duration(a), Int(b) | Duration(b)) => {
            whole(a, b).map_or(Outcome::Nil, |n| Outcome::One(Duration(n)))
        }
        _ => {
            let (Some(a), Some(b)) = (a.number(), b.number()) else { return Outcome::Nil };
            Outcome::One(Float(match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                BinaryOp::Multiply => a * b,
                BinaryOp::Divide => a / b,
                BinaryOp::Modulo => a % b,
                BinaryOp::Power => a.powf(b),
                _ => return Outcome::Nil,
            }))
        }
    }
}
