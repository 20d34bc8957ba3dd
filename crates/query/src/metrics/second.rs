//! What is done with finished series: the highest and lowest, filters, arithmetic.

use super::labels::Key;
use super::steps::Steps;
use crate::answer::Label;
use std::collections::HashMap;
use tributary_traceql::ast::{CompareOp, Comparison, MathOp, SecondStage};

/// Does all of it in order.
pub(super) fn second_stages(mut series: Vec<Steps>, then: &[SecondStage]) -> Vec<Steps> {
    for stage in then {
        match stage {
            SecondStage::TopK(n) => best(&mut series, *n, true),
            SecondStage::BottomK(n) => best(&mut series, *n, false),
            SecondStage::Filter(comparison) => {
                for steps in &mut series {
                    for value in &mut steps.values {
                        *value = value.filter(|value| holds(*comparison, *value));
                    }
                }
            }
        }
        series.retain(|steps| steps.values.iter().any(Option::is_some));
    }
    series
}

fn holds(comparison: Comparison, value: f64) -> bool {
    match comparison.op {
        CompareOp::Equal => value == comparison.value,
        CompareOp::NotEqual => value != comparison.value,
        CompareOp::Less => value < comparison.value,
        CompareOp::LessEqual => value <= comparison.value,
        CompareOp::Greater => value > comparison.value,
        CompareOp::GreaterEqual => value >= comparison.value,
    }
}

/// Keeps the highest or lowest `n` samples of each step. Among equals, those are higher whose labels
/// come first.
fn best(series: &mut [Steps], n: usize, highest: bool) {
    let steps = series.iter().map(|steps| steps.values.len()).max().unwrap_or_default();
    let keys: Vec<Key> = series.iter().map(key).collect();
    for step in 0..steps {
        let value = |i: usize| series.get(i)?.values.get(step).copied().flatten();
        let mut found: Vec<(usize, f64)> =
            (0..series.len()).filter_map(|i| Some((i, value(i)?))).collect();
        found.sort_by(|(i, a), (k, b)| {
            let order = b.total_cmp(a).then_with(|| keys.get(*i).cmp(&keys.get(*k)));
            if highest { order } else { order.reverse() }
        });
        for (i, _) in found.into_iter().skip(n) {
            if let Some(value) = series.get_mut(i).and_then(|steps| steps.values.get_mut(step)) {
                *value = None;
            }
        }
    }
}

/// A series' labels as a key, by name.
fn key(steps: &Steps) -> Key {
    let mut pairs: Vec<&(String, Label)> = steps.labels.iter().collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let both = |(name, value): &(String, Label)| [Label::Str(name.clone()), value.clone()];
    Key(pairs.into_iter().flat_map(both).collect())
}

/// Two numbers.
pub(super) fn scalar_math(op: MathOp, a: f64, b: f64) -> f64 {
    match op {
        MathOp::Add => a + b,
        MathOp::Subtract => a - b,
        MathOp::Multiply => a * b,
        MathOp::Divide if b == 0.0 => f64::NAN,
        MathOp::Divide => a / b,
    }
}

fn is_unlabelled(steps: &Steps) -> bool {
    matches!(steps.labels.as_slice(), [(name, _)] if name == "__name__")
}

/// Series of both sides with equal labels, combined step by step; a side of one series without
/// labels is combined with each of the other.
pub(super) fn math(op: MathOp, left: Vec<Steps>, right: &[Steps], name: &str) -> Vec<Steps> {
    let both = |a: &Steps, b: &Steps, labels: &Steps| {
        let values = a
            .values
            .iter()
            .zip(&b.values)
            .map(|(a, b)| Some(scalar_math(op, (*a)?, (*b)?)).filter(|n| !n.is_nan()));
        let labels = match is_unlabelled(labels) {
            true => vec![("__name__".to_owned(), Label::Str(name.to_owned()))],
            false => labels.labels.clone(),
        };
        Steps { labels, values: values.collect(), exemplars: Vec::new() }
    };
    match (left.as_slice(), right) {
        ([one], many) if is_unlabelled(one) => many.iter().map(|b| both(one, b, b)).collect(),
        (many, [one]) if is_unlabelled(one) => many.iter().map(|a| both(a, one, a)).collect(),
        _ => {
            let by_key: HashMap<Key, &Steps> = right.iter().map(|b| (key(b), b)).collect();
            left.iter().filter_map(|a| by_key.get(&key(a)).map(|b| both(a, b, a))).collect()
        }
    }
}
