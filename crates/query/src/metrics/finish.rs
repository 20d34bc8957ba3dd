//! Counters into series.

use super::MetricsPlan;
use super::buckets::Buckets;
use super::compare;
use super::counters::{Counted, Counters, Numbers, Partial};
use super::grid::Grid;
use super::labels::Key;
use super::quantile::{end, quantile};
use super::second::{math, scalar_math, second_stages};
use super::steps::Steps;
use crate::answer::{Exemplar, Label, MetricsAnswer, Sample, Series};
use tributary_traceql::ast::{Attribute, MathOp, MetricsExpr, MetricsFunction, MetricsQuery};

/// What an expression comes to.
pub(super) enum Outcome {
    Series { series: Vec<Steps>, name: String },
    Number(f64),
}

impl MetricsPlan {
    /// Series of everything that was counted.
    pub fn finish(&self, partial: &Partial) -> MetricsAnswer {
        let mut queries = partial.queries().iter();
        let Outcome::Series { series, .. } = self.outcome(&self.expr, &mut queries) else {
            return MetricsAnswer::default();
        };
        let mut answer = MetricsAnswer::default();
        for steps in series {
            let samples = steps.values.iter().enumerate().filter_map(|(step, value)| {
                Some(Sample { at: self.grid.at(step), value: (*value)? })
            });
            let samples: Vec<Sample> = samples.collect();
            if !samples.is_empty() {
                let Steps { labels, exemplars, .. } = steps;
                answer.series.push(Series { labels, samples, exemplars });
            }
        }
        answer.series.sort_by_cached_key(|series| {
            let names: Vec<String> = series.labels.iter().map(|(name, _)| name.clone()).collect();
            let values = series.labels.iter().map(|(_, value)| value.clone()).collect();
            (series.labels.len(), names, Key(values))
        });
        if answer.series.len() > self.max_series {
            answer.partial = Some(format!(
                "there are {} series: only {} are given",
                answer.series.len(),
                self.max_series
            ));
            answer.series.truncate(self.max_series);
        }
        self.thin_out(&mut answer.series);
        answer
    }

    /// Leaves as many exemplars as are wanted, spread over the series.
    fn thin_out(&self, series: &mut [Series]) {
        let all: usize = series.iter().map(|series| series.exemplars.len()).sum();
        if all <= self.exemplars {
            return;
        }
        let every = all.div_ceil(self.exemplars.max(1));
        let mut n = 0;
        for series in series {
            series.exemplars.retain(|_| {
                n += 1;
                self.exemplars > 0 && (n - 1) % every == 0
            });
        }
    }

    fn outcome<'p>(
        &self,
        expr: &MetricsExpr,
        queries: &mut impl Iterator<Item = &'p Counters>,
    ) -> Outcome {
        match expr {
            MetricsExpr::Scalar(number) => Outcome::Number(*number),
            MetricsExpr::Query(query) => {
                let nothing = Counters::default();
                let counters = queries.next().unwrap_or(&nothing);
                let series = series_of(query, counters, self.grid);
                let name = query.function.name().to_owned();
                Outcome::Series { series: second_stages(series, &query.then), name }
            }
            MetricsExpr::Math { op, left, right, then } => {
                let left = self.outcome(left, queries);
                let right = self.outcome(right, queries);
                match combine(*op, left, right) {
                    Outcome::Series { series, name } => {
                        Outcome::Series { series: second_stages(series, then), name }
                    }
                    number => number,
                }
            }
        }
    }
}

fn combine(op: MathOp, left: Outcome, right: Outcome) -> Outcome {
    match (left, right) {
        (Outcome::Number(a), Outcome::Number(b)) => Outcome::Number(scalar_math(op, a, b)),
        (Outcome::Series { series, name }, Outcome::Number(b)) => {
            Outcome::Series { series: each(series, |a| scalar_math(op, a, b)), name }
        }
        (Outcome::Number(a), Outcome::Series { series, name }) => {
            Outcome::Series { series: each(series, |b| scalar_math(op, a, b)), name }
        }
        (
            Outcome::Series { series: left, name: left_name },
            Outcome::Series { series: right, name: right_name },
        ) => {
            let sign = match op {
                MathOp::Add => "+",
                MathOp::Subtract => "-",
                MathOp::Multiply => "*",
                MathOp::Divide => "/",
            };
            let name = format!("({left_name} {sign} {right_name})");
            Outcome::Series { series: math(op, left, &right, &name), name }
        }
    }
}

fn each(mut series: Vec<Steps>, number: impl Fn(f64) -> f64) -> Vec<Steps> {
    for steps in &mut series {
        for value in &mut steps.values {
            *value = value.map(&number).filter(|n| !n.is_nan());
        }
    }
    series
}

/// Labels of a group: of several attributes those are left out that are missing; where all are, the
/// first is `nil`.
fn labels(function: &MetricsFunction, key: &Key) -> Vec<(String, Label)> {
    let by: &[Attribute] = function.by();
    if by.is_empty() {
        let name = Label::Str(function.name().to_owned());
        return vec![("__name__".to_owned(), name)];
    }
    let all_missing = key.0.iter().all(|value| *value == Label::Nil);
    let pairs = by.iter().zip(&key.0).enumerate();
    let kept = pairs.filter(|(i, (_, value))| match all_missing {
        true => *i == 0,
        false => **value != Label::Nil,
    });
    kept.map(|(_, pair)| pair)
        .map(|(attribute, value)| {
            let value = match value {
                Label::Nil => Label::Str("nil".to_owned()),
                other => other.clone(),
            };
            (attribute.label(), value)
        })
        .collect()
}

fn series_of(query: &MetricsQuery, counters: &Counters, grid: Grid) -> Vec<Steps> {
    use MetricsFunction as F;
    if let F::Compare { top, .. } = &query.function {
        return compare::series(counters, *top, grid);
    }
    let mut all = Vec::new();
    for (key, counted) in &counters.series {
        let labels = labels(&query.function, key);
        match (&query.function, &counted.numbers) {
            (F::Quantile { of, quantiles, by }, Numbers::Buckets(buckets)) => {
                for q in quantiles {
                    let at = |buckets: &Buckets| Some(unit(of, quantile(*q, buckets)));
                    let mut labels = if by.is_empty() { Vec::new() } else { labels.clone() };
                    labels.insert(0, ("p".to_owned(), Label::Float(*q)));
                    all.push(steps(labels, buckets.iter().map(at).collect(), counted));
                }
            }
            (F::Histogram { of, by }, Numbers::Buckets(buckets)) => {
                let counted_in = buckets.iter().flat_map(Buckets::iter);
                let mut ends: Vec<u8> = counted_in.map(|(bucket, _)| bucket).collect();
                ends.sort_unstable();
                ends.dedup();
                for bucket in ends {
                    #[expect(clippy::cast_precision_loss, reason = "a number of spans")]
                    let at = |buckets: &Buckets| Some(buckets.get(bucket) as f64);
                    let mut labels = if by.is_empty() { Vec::new() } else { labels.clone() };
                    let end = Label::Float(unit(of, end(bucket)));
                    labels.insert(0, ("__bucket".to_owned(), end));
                    all.push(steps(labels, buckets.iter().map(at).collect(), counted));
                }
            }
            (function, numbers) => {
                let values = values(function, numbers, grid);
                all.push(steps(labels, values, counted));
            }
        }
    }
    let counts = matches!(query.function, F::Rate { .. } | F::Count { .. });
    if all.is_empty() && counts && query.function.by().is_empty() {
        // Nothing was found: there were none, at each step.
        all.push(Steps {
            labels: labels(&query.function, &Key(Vec::new())),
            values: vec![Some(0.0); grid.steps()],
            exemplars: Vec::new(),
        });
    }
    all
}

/// Buckets of durations are of ns, and shown in seconds.
fn unit(of: &Attribute, number: f64) -> f64 {
    use tributary_traceql::ast::Intrinsic;
    let is_duration = matches!(
        of,
        Attribute::Intrinsic {
            intrinsic: Intrinsic::Duration
                | Intrinsic::TraceDuration
                | Intrinsic::EventTimeSinceStart,
            ..
        }
    );
    if is_duration { number / 1e9 } else { number }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of spans")]
fn values(function: &MetricsFunction, numbers: &Numbers, grid: Grid) -> Vec<Option<f64>> {
    let present = |n: &f64| Some(*n).filter(|n| !n.is_nan());
    match numbers {
        Numbers::Counts(counts) => {
            let seconds = match function {
                MetricsFunction::Rate { .. } => grid.seconds(),
                _ => 1.0,
            };
            counts.iter().map(|n| Some(*n as f64 / seconds)).collect()
        }
        Numbers::Smallest(all) | Numbers::Largest(all) => all.iter().map(present).collect(),
        Numbers::Sums(all) => all
            .iter()
            .map(|(sum, count)| match (function, count) {
                (_, 0) => None,
                (MetricsFunction::Avg { .. }, count) => Some(sum.value() / *count as f64),
                _ => Some(sum.value()),
            })
            .collect(),
        Numbers::Buckets(_) => Vec::new(),
    }
}

fn steps(labels: Vec<(String, Label)>, values: Vec<Option<f64>>, counted: &Counted) -> Steps {
    let examples = counted.examples.iter().enumerate();
    let exemplars = examples.filter_map(|(step, example)| {
        let example = (*example)?;
        let value = example.value.or_else(|| values.get(step).copied().flatten())?;
        let trace = example.trace.to_string();
        let mut labels = labels.clone();
        labels.push(("trace:id".to_owned(), Label::Str(trace)));
        let at = i64::try_from(example.at / 1_000_000).unwrap_or(i64::MAX);
        Some(Exemplar { labels, at, value })
    });
    let exemplars = exemplars.collect();
    Steps { labels, values, exemplars }
}
