//! Numbers over a set of spans.

use super::EvalError;
use super::expression::{Outcome, OwnedValue, Ready, prepare};
use crate::chunk::{Chunk, Value, compare};
use tributary_traceql::ast::{Aggregate, CompareOp, ScalarFilter, Static};

/// A filter by an aggregate, its columns at hand.
pub(super) struct Aggregator<'q> {
    /// What the number is called in answers: `avg(duration)`.
    pub(super) name: String,
    kind: Kind<'q>,
    op: CompareOp,
    constant: &'q Static,
}

enum Kind<'q> {
    Count,
    Over(Over, Ready<'q>),
}

#[derive(Clone, Copy)]
enum Over {
    Max,
    Min,
    Avg,
    Sum,
}

/// A sum that stays exact as long as it is of whole numbers alone, else loses as little as it can.
#[derive(Default)]
struct Numbers {
    count: u64,
    whole: i64,
    float: crate::sum::Sum,
    has_float: bool,
    has_int: bool,
    has_duration: bool,
    best: Option<f64>,
    best_whole: Option<i64>,
}

impl<'q> Aggregator<'q> {
    pub(super) fn new(
        chunk: &dyn Chunk,
        filter: &'q ScalarFilter,
    ) -> Result<Aggregator<'q>, EvalError> {
        let over = |over, expr| Ok::<_, EvalError>(Kind::Over(over, prepare(chunk, expr)?));
        let kind = match &filter.aggregate {
            Aggregate::Count => Kind::Count,
            Aggregate::Max(expr) => over(Over::Max, expr)?,
            Aggregate::Min(expr) => over(Over::Min, expr)?,
            Aggregate::Avg(expr) => over(Over::Avg, expr)?,
            Aggregate::Sum(expr) => over(Over::Sum, expr)?,
        };
        let name = filter.aggregate.label();
        Ok(Aggregator { name, kind, op: filter.op, constant: &filter.value })
    }

    /// The number over these spans, `count` of them, if it compares well.
    pub(super) fn judge<I: Iterator<Item = usize>>(
        &self,
        chunk: &dyn Chunk,
        count: usize,
        spans: impl Fn() -> I,
    ) -> Option<OwnedValue> {
        let value = match &self.kind {
            Kind::Count => OwnedValue::Int(i64::try_from(count).unwrap_or(i64::MAX)),
            Kind::Over(over, ready) => over_spans(*over, ready, chunk, spans())?,
        };
        let number = match value {
            OwnedValue::Int(n) => Value::Int(n),
            OwnedValue::Duration(n) => Value::Duration(n),
            OwnedValue::Float(n) => Value::Float(n),
            _ => return None,
        };
        compare(self.op, &number, &Value::of(self.constant)?).then_some(value)
    }
}

/// The number over the spans that have one; none when none has.
fn over_spans(
    over: Over,
    ready: &Ready<'_>,
    chunk: &dyn Chunk,
    spans: impl Iterator<Item = usize>,
) -> Option<OwnedValue> {
    let better = |a: f64, b: f64| match over {
        Over::Max => a > b,
        _ => a < b,
    };
    let mut numbers = Numbers::default();
    for span in spans {
        let Outcome::One(value) = ready.value(chunk, span) else { continue };
        let Some(number) = value.number() else { continue };
        numbers.count += 1;
        numbers.float.add(number);
        match value {
            Value::Int(n) | Value::Duration(n) => {
                numbers.whole = numbers.whole.wrapping_add(n);
                if matches!(value, Value::Int(_)) {
                    numbers.has_int = true;
                } else {
                    numbers.has_duration = true;
                }
                let is_better = numbers.best_whole.is_none_or(|best| match over {
                    Over::Max => n > best,
                    _ => n < best,
                });
                if is_better {
                    numbers.best_whole = Some(n);
                }
            }
            _ => numbers.has_float = true,
        }
        // What is no number is neither the largest nor the smallest, unless there is nothing else.
        if numbers.best.is_none_or(|best| best.is_nan() || better(number, best)) {
            numbers.best = Some(number);
        }
    }
    numbers.finish(over)
}

impl Numbers {
    fn finish(self, over: Over) -> Option<OwnedValue> {
        if self.count == 0 {
            return None;
        }
        let whole = |n: i64| {
            if self.has_duration { OwnedValue::Duration(n) } else { OwnedValue::Int(n) }
        };
        #[expect(clippy::cast_precision_loss, reason = "a number of spans")]
        let mean = self.float.value() / self.count as f64;
        Some(match over {
            Over::Sum if !self.has_float => whole(self.whole),
            Over::Sum => OwnedValue::Float(self.float.value()),
            Over::Max | Over::Min if !self.has_float => whole(self.best_whole?),
            Over::Max | Over::Min => OwnedValue::Float(self.best?),
            #[expect(clippy::cast_possible_truncation, reason = "a mean of durations is one")]
            Over::Avg if self.has_duration && !self.has_int && !self.has_float => {
                OwnedValue::Duration(mean as i64)
            }
            Over::Avg => OwnedValue::Float(mean),
        })
    }
}
