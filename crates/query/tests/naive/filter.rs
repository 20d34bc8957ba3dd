//! Expressions over one span.

use crate::look::{List, list_of};
use crate::value::{Has, Value, arithmetic, compare, constant};
use crate::world::World;
use tributary_traceql::ast::{Attribute, BinaryOp, CompareOp, FieldExpr, Static};

/// What is asked of one attribute alone.
fn condition(expr: &FieldExpr) -> Option<&Attribute> {
    match expr {
        FieldExpr::Attribute(attribute)
        | FieldExpr::Exists { attribute, .. }
        | FieldExpr::In { attribute, .. } => Some(attribute),
        FieldExpr::Match { operand, .. } => match &**operand {
            FieldExpr::Attribute(attribute) => Some(attribute),
            _ => None,
        },
        FieldExpr::Binary { op: BinaryOp::Compare(_), left, right } => match (&**left, &**right) {
            (FieldExpr::Attribute(attribute), FieldExpr::Static(_))
            | (FieldExpr::Static(_), FieldExpr::Attribute(attribute)) => Some(attribute),
            _ => None,
        },
        _ => None,
    }
}

/// Whether what an attribute has meets the condition on it.
fn meets(expr: &FieldExpr, has: &Has) -> bool {
    let is_true = |value: &Value| *value == Value::Bool(true);
    match expr {
        FieldExpr::Attribute(_) => has.test(false, is_true),
        FieldExpr::Exists { negated, .. } => match has {
            Has::Nothing => *negated,
            Has::Unseen => false,
            _ => !*negated,
        },
        FieldExpr::In { values, negated, .. } => {
            let equal = |value: &Value, with: &Static| {
                let op = if *negated { CompareOp::NotEqual } else { CompareOp::Equal };
                compare(op, value, &constant(with).unwrap())
            };
            has.test(*negated, |value| match negated {
                true => values.iter().all(|with| equal(value, with)),
                false => values.iter().any(|with| equal(value, with)),
            })
        }
        FieldExpr::Match { patterns, negated, .. } => has.test(*negated, |value| match value {
            Value::Str(text) | Value::Id(text) => {
                patterns.iter().any(|p| p.matches(text.as_bytes())) != *negated
            }
            _ => false,
        }),
        FieldExpr::Binary { op: BinaryOp::Compare(op), left, right } => {
            let all = *op == CompareOp::NotEqual;
            match (&**left, &**right) {
                (FieldExpr::Static(with), _) => {
                    constant(with).is_some_and(|with| has.test(all, |v| compare(*op, &with, v)))
                }
                (_, FieldExpr::Static(with)) => {
                    constant(with).is_some_and(|with| has.test(all, |v| compare(*op, v, &with)))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// The list, one element of which an expression is about: conditions that an element must have
/// something for, and what `&&` and `||` make of them.
fn about_one(expr: &FieldExpr) -> Option<List> {
    match expr {
        FieldExpr::Exists { negated: true, .. } => None,
        FieldExpr::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            about_one(left).filter(|list| about_one(right) == Some(*list))
        }
        other => condition(other).and_then(list_of),
    }
}

fn conjuncts<'q>(expr: &'q FieldExpr, all: &mut Vec<&'q FieldExpr>) {
    match expr {
        FieldExpr::Binary { op: BinaryOp::And, left, right } => {
            conjuncts(left, all);
            conjuncts(right, all);
        }
        other => all.push(other),
    }
}

/// Whether an expression is true or false and never anything else.
fn is_truth(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Exists { .. } | FieldExpr::Match { .. } | FieldExpr::In { .. } => true,
        FieldExpr::Static(constant) => matches!(constant, Static::Bool(_)),
        FieldExpr::Not(inner) => is_truth(inner),
        FieldExpr::Binary { op, .. } => {
            matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Compare(_))
        }
        FieldExpr::Attribute(_) | FieldExpr::Negate(_) => false,
    }
}

impl World {
    fn element_meets(&self, expr: &FieldExpr, n: usize, element: usize) -> bool {
        match expr {
            FieldExpr::Binary { op: BinaryOp::And, left, right } => {
                self.element_meets(left, n, element) && self.element_meets(right, n, element)
            }
            FieldExpr::Binary { op: BinaryOp::Or, left, right } => {
                self.element_meets(left, n, element) || self.element_meets(right, n, element)
            }
            other => {
                let has = |attribute| self.of_element(attribute, n, element);
                condition(other).is_some_and(|attribute| meets(other, &has(attribute)))
            }
        }
    }

    /// Whether an expression is true for a span.
    pub(crate) fn holds(&self, expr: &FieldExpr, n: usize) -> bool {
        if let Some(list) = about_one(expr) {
            return (0..self.elements(list, n)).any(|element| self.element_meets(expr, n, element));
        }
        match expr {
            FieldExpr::Binary { op: BinaryOp::And, .. } => {
                let mut all = Vec::new();
                conjuncts(expr, &mut all);
                let of = |list| all.iter().copied().filter(move |e| about_one(e) == list);
                let one_fits = |list: List| {
                    of(Some(list)).next().is_none()
                        || (0..self.elements(list, n))
                            .any(|e| of(Some(list)).all(|expr| self.element_meets(expr, n, e)))
                };
                of(None).all(|expr| self.holds(expr, n))
                    && one_fits(List::Events)
                    && one_fits(List::Links)
            }
            FieldExpr::Binary { op: BinaryOp::Or, left, right } => {
                self.holds(left, n) || self.holds(right, n)
            }
            FieldExpr::Not(inner) if is_truth(inner) => !self.holds(inner, n),
            other => match condition(other) {
                Some(attribute) => meets(other, &self.get(attribute, n)),
                None => self.compute(other, n).test(false, |v| *v == Value::Bool(true)),
            },
        }
    }

    /// What an expression comes to for a span.
    pub(crate) fn value(&self, expr: &FieldExpr, n: usize) -> Has {
        match expr {
            FieldExpr::Attribute(attribute) => self.get(attribute, n),
            other if is_truth(other) => Value::Bool(self.holds(other, n)).into(),
            other => self.compute(other, n),
        }
    }

    fn compute(&self, expr: &FieldExpr, n: usize) -> Has {
        match expr {
            FieldExpr::Static(with) => constant(with).map_or(Has::Nothing, Has::One),
            FieldExpr::Negate(inner) => match self.value(inner, n) {
                Has::One(Value::Int(n)) => Value::Int(n.wrapping_neg()).into(),
                Has::One(Value::Duration(n)) => Value::Duration(n.wrapping_neg()).into(),
                Has::One(Value::Float(n)) => Value::Float(-n).into(),
                _ => Has::Nothing,
            },
            FieldExpr::Not(inner) => match self.value(inner, n) {
                Has::One(Value::Bool(is)) => Value::Bool(!is).into(),
                _ => Has::Nothing,
            },
            FieldExpr::Binary { op: BinaryOp::Compare(op), left, right } => {
                let all = *op == CompareOp::NotEqual;
                let holds = match (self.value(left, n), self.value(right, n)) {
                    (Has::One(a), many) => many.test(all, |b| compare(*op, &a, b)),
                    (many, Has::One(b)) => many.test(all, |a| compare(*op, a, &b)),
                    _ => false,
                };
                Value::Bool(holds).into()
            }
            FieldExpr::Binary { op, left, right } => {
                match (self.value(left, n), self.value(right, n)) {
                    (Has::One(a), Has::One(b)) => {
                        arithmetic(*op, &a, &b).map_or(Has::Nothing, Has::One)
                    }
                    _ => Has::Nothing,
                }
            }
            FieldExpr::Match { operand, .. } => {
                Value::Bool(meets(expr, &self.value(operand, n))).into()
            }
            _ => Has::Nothing,
        }
    }
}
