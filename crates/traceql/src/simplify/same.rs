//! That simplification changes no answer, by a small evaluator of the rules.

use super::simplify;
use crate::ast::{BinaryOp, CompareOp, FieldExpr, Pattern, Static};
use crate::parse;
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What a span has: nothing, one value, or an array.
type Span = BTreeMap<String, Vec<Static>>;

/// A division by zero.
#[derive(Debug, PartialEq)]
struct Failed;

fn eval(expr: &FieldExpr, span: &Span) -> Result<Vec<Static>, Failed> {
    let of = |attribute: &crate::ast::Attribute| {
        span.get(&attribute.to_string()).cloned().unwrap_or_default()
    };
    let bool = |value| Ok(vec![Static::Bool(value)]);
    match expr {
        FieldExpr::Static(value) => Ok(vec![value.clone()]),
        FieldExpr::Attribute(attribute) => Ok(of(attribute)),
        FieldExpr::Exists { attribute, negated } => bool(of(attribute).is_empty() == *negated),
        FieldExpr::Not(operand) => Ok(match eval(operand, span)?.as_slice() {
            [Static::Bool(value)] => vec![Static::Bool(!value)],
            _ => Vec::new(),
        }),
        FieldExpr::Negate(operand) => Ok(match eval(operand, span)?.as_slice() {
            [Static::Int(n)] => vec![Static::Int(-n)],
            [Static::Duration(n)] => vec![Static::Duration(-n)],
            [Static::Float(n)] => vec![Static::Float(-n)],
            _ => Vec::new(),
        }),
        FieldExpr::Match { operand, patterns, negated } => {
            let values = eval(operand, span)?;
            let fits = |value: &Static, pattern: &Pattern| match value {
                Static::Str(text) => Some(pattern.matches(text.as_bytes())),
                _ => None,
            };
            bool(each_or_any(*negated, &values, patterns, fits))
        }
        FieldExpr::In { attribute, values, negated } => {
            let equal = |a: &Static, b: &Static| Some(order(a, b)? == Ordering::Equal);
            bool(each_or_any(*negated, &of(attribute), values, equal))
        }
        FieldExpr::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } => {
            let decides = *op == BinaryOp::Or;
            if truth(&eval(left, span)?) == decides {
                return bool(decides);
            }
            bool(truth(&eval(right, span)?))
        }
        FieldExpr::Binary { op: BinaryOp::Compare(op), left, right } => {
            let (left, right) = (eval(left, span)?, eval(right, span)?);
            bool(compare(*op, &left, &right))
        }
        FieldExpr::Binary { op, left, right } => {
            match (eval(left, span)?.as_slice(), eval(right, span)?.as_slice()) {
                ([a], [b]) => arithmetic(*op, a, b),
                _ => Ok(Vec::new()),
            }
        }
    }
}

fn truth(value: &[Static]) -> bool {
    matches!(value, [Static::Bool(true)])
}

/// Whether some value fits some constant; when negated, all must be comparable and none may fit.
fn each_or_any<T>(
    negated: bool,
    values: &[Static],
    constants: &[T],
    fits: impl Fn(&Static, &T) -> Option<bool>,
) -> bool {
    let all =
        |wanted: bool| values.iter().all(|v| constants.iter().all(|c| fits(v, c) == Some(wanted)));
    if negated {
        return !values.is_empty() && all(false);
    }
    values.iter().any(|v| constants.iter().any(|c| fits(v, c) == Some(true)))
}

fn compare(op: CompareOp, left: &[Static], right: &[Static]) -> bool {
    let holds = |a: &Static, b: &Static| {
        let order = order(a, b)?;
        Some(match op {
            CompareOp::Equal => order == Ordering::Equal,
            CompareOp::NotEqual => order != Ordering::Equal,
            CompareOp::Less => order == Ordering::Less,
            CompareOp::LessEqual => order != Ordering::Greater,
            CompareOp::Greater => order == Ordering::Greater,
            CompareOp::GreaterEqual => order != Ordering::Less,
        })
    };
    let pairs = || left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
    if op == CompareOp::NotEqual {
        return pairs().next().is_some() && pairs().all(|(a, b)| holds(a, b) == Some(true));
    }
    pairs().any(|(a, b)| holds(a, b) == Some(true))
}

fn number(value: &Static) -> Option<f64> {
    match value {
        Static::Int(n) | Static::Duration(n) => Some(*n as f64),
        Static::Float(n) => Some(*n),
        _ => None,
    }
}

fn order(a: &Static, b: &Static) -> Option<Ordering> {
    match (a, b) {
        (Static::Str(a), Static::Str(b)) => Some(a.cmp(b)),
        (Static::Bool(a), Static::Bool(b)) => Some(a.cmp(b)),
        (Static::Status(a), Static::Status(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn arithmetic(op: BinaryOp, a: &Static, b: &Static) -> Result<Vec<Static>, Failed> {
    if let (Static::Int(a), Static::Int(b)) = (a, b) {
        return match op {
            BinaryOp::Add => Ok(vec![Static::Int(a + b)]),
            BinaryOp::Multiply => Ok(vec![Static::Int(a * b)]),
            _ => a.checked_div(*b).map(|n| vec![Static::Int(n)]).ok_or(Failed),
        };
    }
    let (Some(a), Some(b)) = (number(a), number(b)) else { return Ok(Vec::new()) };
    Ok(vec![Static::Float(match op {
        BinaryOp::Add => a + b,
        BinaryOp::Multiply => a * b,
        _ => a / b,
    })])
}

fn attribute() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![".a", ".b", "span.c"])
}

fn constant() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["0", "1", "2", "1.0", "2ns", "`x`", "`y`", "true", "false", "ok"])
}

fn matching() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["=~", "!~"])
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["x", "y|z", ".*"])
}

fn condition() -> impl Strategy<Value = String> {
    let equality = || prop::sample::select(vec!["=", "!=", "="]);
    let leaf = prop_oneof![
        6 => (attribute(), equality(), constant()).prop_map(|(a, op, c)| format!("{a} {op} {c}")),
        2 => (constant(), equality(), attribute()).prop_map(|(c, op, a)| format!("{c} {op} {a}")),
        3 => (attribute(), matching(), pattern())
            .prop_map(|(a, op, p)| format!("{a} {op} `{p}`")),
        1 => (attribute(), equality()).prop_map(|(a, op)| format!("{a} {op} nil")),
        1 => attribute().prop_map(ToOwned::to_owned),
        1 => prop::sample::select(vec!["true", "false", "1 + 1 = 2", "1ns + 1 > 2", "`x` =~ `x`"])
            .prop_map(ToOwned::to_owned),
        1 => (attribute(), prop::sample::select(vec!["+", "*", "/"]), 0..3, 0..3)
            .prop_map(|(a, op, n, m)| format!("{a} {op} ({n} + 1ns) > {m} {op} {n}")),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let list = || prop::collection::vec(inner.clone(), 2..6);
        prop_oneof![
            list().prop_map(|all| format!("({})", all.join(" || "))),
            list().prop_map(|all| format!("({})", all.join(" && "))),
            inner.prop_map(|one| format!("!({one})")),
        ]
    })
}

fn value() -> impl Strategy<Value = Vec<Static>> {
    let one = prop::sample::select(vec![
        Static::Int(0),
        Static::Int(1),
        Static::Int(2),
        Static::Float(1.0),
        Static::Float(1.5),
        Static::Float(f64::NAN),
        Static::Str("x".into()),
        Static::Str("y".into()),
        Static::Str("w".into()),
        Static::Bool(true),
        Static::Bool(false),
    ]);
    let texts = prop::sample::subsequence(vec!["x", "y", "z"], 1..3)
        .prop_map(|all| all.into_iter().map(|text| Static::Str(text.into())).collect());
    prop_oneof![1 => Just(Vec::new()), 4 => one.prop_map(|one| vec![one]), 1 => texts]
}

fn span() -> impl Strategy<Value = Span> {
    [value(), value(), value()].prop_map(|[a, b, c]| {
        [(".a".to_owned(), a), (".b".to_owned(), b), ("span.c".to_owned(), c)].into()
    })
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_answer_is_the_same(text in condition(), spans in prop::collection::vec(span(), 1..8)) {
        let plain = parse(&format!("{{ {text} }}")).unwrap();
        let mut simple = plain.clone();
        simplify(&mut simple);
        let (plain, simple) = (plain.lone_filter().unwrap(), simple.lone_filter().unwrap());
        for span in spans {
            let [before, after] = [plain, simple].map(|e| eval(e, &span).map(|v| truth(&v)));
            prop_assert_eq!(before, after, "{} became {} for {:?}", text, simple, span);
        }
    }
}
