//! Many comparisons of one attribute into one.

use crate::ast::{Attribute, BinaryOp, CompareOp, FieldExpr, Intrinsic, Pattern, Scope, Static};
use crate::check::{Type, type_of_static};
use std::collections::HashMap;

/// A comparison that may be joined with others like it.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    attribute: Attribute,
    /// What it is compared with; none for patterns.
    class: Option<Type>,
}

/// What it is compared with.
enum Constants {
    Values(Vec<Static>),
    Patterns(Vec<Pattern>),
}

/// Joins `a = x || a = y` and `a =~ x || a =~ y`; beside `&&` the same with `!=` and `!~`. Each
/// stands where the first of its parts stood.
pub(super) fn operands(op: BinaryOp, operands: Vec<FieldExpr>) -> Vec<FieldExpr> {
    let negated = op == BinaryOp::And;
    let mut out: Vec<Slot> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    for operand in operands {
        let (key, constants) = match part(operand, negated) {
            Ok(found) => found,
            Err(operand) => {
                out.push(Slot::Other(operand));
                continue;
            }
        };
        match known.get(&key).and_then(|slot| out.get_mut(*slot)) {
            Some(Slot::Joined(_, all)) => add(all, constants),
            _ => {
                let attribute = key.attribute.clone();
                known.insert(key, out.len());
                out.push(Slot::Joined(attribute, constants));
            }
        }
    }
    out.into_iter().map(|slot| slot.into_expr(negated)).collect()
}

enum Slot {
    Other(FieldExpr),
    Joined(Attribute, Constants),
}

impl Slot {
    fn into_expr(self, negated: bool) -> FieldExpr {
        let (attribute, constants) = match self {
            Self::Other(expr) => return expr,
            Self::Joined(attribute, constants) => (attribute, constants),
        };
        match constants {
            Constants::Patterns(patterns) => FieldExpr::Match {
                operand: Box::new(FieldExpr::Attribute(attribute)),
                patterns,
                negated,
            },
            Constants::Values(mut values) => match (values.len(), values.pop()) {
                (1, Some(value)) => FieldExpr::Binary {
                    op: BinaryOp::Compare(equality(negated)),
                    left: Box::new(FieldExpr::Attribute(attribute)),
                    right: Box::new(FieldExpr::Static(value)),
                },
                (_, last) => {
                    values.extend(last);
                    FieldExpr::In { attribute, values, negated }
                }
            },
        }
    }
}

fn equality(negated: bool) -> CompareOp {
    if negated { CompareOp::NotEqual } else { CompareOp::Equal }
}

/// An operand taken apart, if it is one that may be joined.
fn part(operand: FieldExpr, wanted: bool) -> Result<(Key, Constants), FieldExpr> {
    match operand {
        FieldExpr::Binary { op: BinaryOp::Compare(op), left, right } if op == equality(wanted) => {
            match (*left, *right) {
                (FieldExpr::Attribute(attribute), FieldExpr::Static(value))
                | (FieldExpr::Static(value), FieldExpr::Attribute(attribute))
                    if joinable(&attribute, wanted) && comparable(&value) =>
                {
                    let class = Some(type_of_static(&value));
                    Ok((Key { attribute, class }, Constants::Values(vec![value])))
                }
                (left, right) => Err(FieldExpr::Binary {
                    op: BinaryOp::Compare(op),
                    left: Box::new(left),
                    right: Box::new(right),
                }),
            }
        }
        FieldExpr::Match { operand, patterns, negated } if negated == wanted => match *operand {
            FieldExpr::Attribute(attribute) if joinable(&attribute, wanted) => {
                Ok((Key { attribute, class: None }, Constants::Patterns(patterns)))
            }
            other => Err(FieldExpr::Match { operand: Box::new(other), patterns, negated }),
        },
        FieldExpr::In { attribute, values, negated } if negated == wanted => {
            match values.first().map(type_of_static) {
                Some(class) if joinable(&attribute, wanted) => {
                    Ok((Key { attribute, class: Some(class) }, Constants::Values(values)))
                }
                _ => Err(FieldExpr::In { attribute, values, negated }),
            }
        }
        other => Err(other),
    }
}

/// A span has several events and links. `event.a != x && event.a != y` may be said of two of them,
/// while one look would want one that is neither.
fn joinable(attribute: &Attribute, negated: bool) -> bool {
    let several = match attribute {
        Attribute::Named { scope, .. } => matches!(scope, Some(Scope::Event | Scope::Link)),
        Attribute::Intrinsic { intrinsic, .. } => matches!(
            intrinsic,
            Intrinsic::EventName
                | Intrinsic::EventTimeSinceStart
                | Intrinsic::LinkTraceId
                | Intrinsic::LinkSpanId
        ),
    };
    !(negated && several)
}

fn comparable(value: &Static) -> bool {
    match value {
        Static::Nil => false,
        Static::Float(number) => !number.is_nan(),
        _ => true,
    }
}

fn add(all: &mut Constants, more: Constants) {
    match (all, more) {
        // A constant that stands there twice is looked for twice: that is rare, and sorting is not
        // worth it.
        (Constants::Values(all), Constants::Values(more)) => all.extend(more),
        (Constants::Patterns(all), Constants::Patterns(more)) => all.extend(more),
        _ => {}
    }
}
