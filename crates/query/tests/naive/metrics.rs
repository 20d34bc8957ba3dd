//! Numbers over time, span by span.

use crate::pipeline::{Refused, shown};
use crate::value::{Has, Value};
use crate::world::World;
use std::collections::BTreeMap;
use tributary_query::Label;
use tributary_traceql::ast::{
    Attribute, Intrinsic, Kind, MetricsFunction, MetricsQuery, Static, Status,
};

/// Series by their labels: samples by time, in ms.
pub(crate) type AllSeries = BTreeMap<String, Vec<(i64, f64)>>;

type Labels = Vec<(String, Label)>;

/// What spans of one step have: each a number, and the whole number that buckets are made of.
type Measured = Vec<(f64, Option<i64>)>;

/// When spans are counted, ns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) step: u64,
}

impl Times {
    /// The right ends of the steps.
    fn ends(&self) -> Vec<u64> {
        let mut ends = vec![self.start / self.step * self.step];
        while ends[ends.len() - 1] < self.end {
            ends.push(ends[ends.len() - 1] + self.step);
        }
        ends
    }
}

/// A value as a label.
pub(crate) fn label(value: &Value) -> Label {
    match value {
        Value::Str(text) => Label::Str(text.clone()),
        Value::Int(n) => Label::Int(*n),
        Value::Float(n) => Label::Float(*n),
        Value::Bool(is) => Label::Bool(*is),
        Value::Duration(ns) => Label::Str(Static::Duration(*ns).to_string()),
        Value::Status(n) => Label::Str(Status::from_number(*n).unwrap().name().to_owned()),
        Value::Kind(n) => Label::Str(Kind::from_number(*n).unwrap().name().to_owned()),
        // Ids of traces without the zeros at their front.
        Value::Id(id) if id.len() == 32 => Label::Str(id.trim_start_matches('0').to_owned()),
        Value::Id(id) => Label::Str(id.clone()),
    }
}

/// The power of two at or above a number from 2 on.
fn bucket(n: i64) -> Option<u32> {
    (n >= 2).then(|| (0..64).find(|power| 1i128 << power >= i128::from(n))).flatten()
}

fn quantile(q: f64, buckets: &[u32]) -> f64 {
    let mut sorted = buckets.to_vec();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return 0.0;
    }
    // The span in question, counted from 1, and where its bucket begins and ends.
    let wanted = ((q * sorted.len() as f64).ceil() as usize).max(1);
    let bucket = sorted[wanted - 1];
    let before = sorted.iter().filter(|other| **other < bucket).count();
    let within = sorted.iter().filter(|other| **other == bucket).count();
    let low = if before == 0 { bucket - 1 } else { sorted[before - 1] };
    let part = (wanted - before) as f64 / within as f64;
    (f64::from(low) + f64::from(bucket - low) * part).exp2()
}

impl World {
    /// What a query measures of a span: the number, and the whole number that buckets are made of.
    fn measured(&self, function: &MetricsFunction, n: usize) -> Option<(f64, Option<i64>)> {
        use MetricsFunction as F;
        let of = match function {
            F::Min { of, .. } | F::Max { of, .. } | F::Sum { of, .. } | F::Avg { of, .. } => of,
            F::Quantile { of, .. } | F::Histogram { of, .. } => of,
            F::Rate { .. } | F::Count { .. } | F::Compare { .. } => return Some((1.0, None)),
        };
        match self.get(of, n) {
            Has::One(Value::Int(n)) => Some((n as f64, Some(n))),
            Has::One(Value::Float(n)) => Some((n, None)),
            Has::One(Value::Duration(ns)) => Some((ns as f64 / 1e9, Some(ns))),
            _ => None,
        }
    }

    fn labels(&self, by: &[Attribute], n: usize) -> Labels {
        let all: Vec<(String, Option<Label>)> = by
            .iter()
            .map(|attribute| match shown(self.get(attribute, n)) {
                Has::One(value) => (attribute.label(), Some(label(&value))),
                _ => (attribute.label(), None),
            })
            .collect();
        if all.iter().all(|(_, value)| value.is_none()) {
            return vec![(all[0].0.clone(), Label::Str("nil".to_owned()))];
        }
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The series of a query.
    pub(crate) fn metrics(&self, query: &MetricsQuery, times: Times) -> Result<AllSeries, Refused> {
        use MetricsFunction as F;
        let (function, ends) = (&query.function, times.ends());
        let by = function.by();
        let mut groups: BTreeMap<String, (Labels, Vec<Measured>)> = BTreeMap::new();
        for trace in &self.traces {
            for n in self.run(&query.pipeline, &trace.spans)?.into_iter().flat_map(|set| set.spans)
            {
                let at = self.spans[n].start;
                let step = ends.iter().position(|end| *end - times.step < at && at <= *end);
                let (Some(step), Some(measured)) = (step, self.measured(function, n)) else {
                    continue;
                };
                let labels = match by {
                    [] => Vec::new(),
                    by => self.labels(by, n),
                };
                let group = groups.entry(format!("{labels:?}"));
                let empty = || (labels, vec![Vec::new(); ends.len()]);
                group.or_insert_with(empty).1[step].push(measured);
            }
        }
        let counts = matches!(function, F::Rate { .. } | F::Count { .. });
        if groups.is_empty() && counts && by.is_empty() {
            groups.insert(String::new(), (Vec::new(), vec![Vec::new(); ends.len()]));
        }
        let mut all = AllSeries::new();
        for (labels, steps) in groups.into_values() {
            series(function, labels, &steps, &mut |labels, values| {
                let at = ends.iter().map(|end| (end / 1_000_000) as i64);
                let samples = at.zip(values).filter_map(|(at, value)| Some((at, value?)));
                let samples: Vec<(i64, f64)> = samples
                    .map(|(at, value)| match function {
                        F::Rate { .. } => (at, value / (times.step as f64 / 1e9)),
                        _ => (at, value),
                    })
                    .collect();
                if !samples.is_empty() {
                    all.insert(format!("{labels:?}"), samples);
                }
            });
        }
        Ok(all)
    }
}

/// Turns what was measured in each step into series.
fn series(
    function: &MetricsFunction,
    labels: Labels,
    steps: &[Measured],
    give: &mut impl FnMut(Labels, Vec<Option<f64>>),
) {
    use MetricsFunction as F;
    let numbers = |step: &[(f64, Option<i64>)]| step.iter().map(|(n, _)| *n).collect::<Vec<_>>();
    let each = |of: &dyn Fn(Vec<f64>) -> Option<f64>| -> Vec<Option<f64>> {
        steps.iter().map(|step| of(numbers(step))).collect()
    };
    let buckets: Vec<Vec<u32>> = steps
        .iter()
        .map(|step| step.iter().filter_map(|(_, whole)| whole.and_then(bucket)).collect())
        .collect();
    // Durations are shown in seconds, and counted in ns.
    let unit = |of: &Attribute, n: f64| match of {
        Attribute::Intrinsic {
            intrinsic:
                Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart,
            ..
        } => n / 1e9,
        _ => n,
    };
    let with = |name: &str, value: f64| {
        let mut all = vec![(name.to_owned(), Label::Float(value))];
        all.extend(labels.clone());
        all
    };
    let named = || match labels.as_slice() {
        [] => vec![("__name__".to_owned(), Label::Str(function.name().to_owned()))],
        some => some.to_vec(),
    };
    // What is no number is neither the smallest nor the largest.
    let best = |of: fn(f64, f64) -> f64| {
        each(&|all| all.into_iter().reduce(of).filter(|best| !best.is_nan()))
    };
    match function {
        F::Rate { .. } | F::Count { .. } => give(named(), each(&|all| Some(all.len() as f64))),
        F::Min { .. } => give(named(), best(f64::min)),
        F::Max { .. } => give(named(), best(f64::max)),
        F::Sum { .. } => give(named(), each(&|all| (!all.is_empty()).then(|| all.iter().sum()))),
        F::Avg { .. } => give(
            named(),
            each(&|all| (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)),
        ),
        F::Quantile { of, quantiles, .. } => {
            for q in quantiles {
                let values = buckets.iter().map(|all| Some(unit(of, quantile(*q, all))));
                give(with("p", *q), values.collect());
            }
        }
        F::Histogram { of, .. } => {
            let mut ends: Vec<u32> = buckets.concat();
            ends.sort_unstable();
            ends.dedup();
            for end in ends {
                let count = |all: &Vec<u32>| all.iter().filter(|other| **other == end).count();
                let values = buckets.iter().map(|all| Some(count(all) as f64));
                give(with("__bucket", unit(of, f64::from(end).exp2())), values.collect());
            }
        }
        F::Compare { .. } => {}
    }
}
