//! Numbers over time.

use super::{Attribute, CompareOp, FieldExpr, Pipeline};

/// A metrics query, or arithmetic on several.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricsExpr {
    /// One query.
    Query(MetricsQuery),
    /// A number beside an operator.
    Scalar(f64),
    /// Series of both sides with equal labels, combined.
    Math {
        /// How.
        op: MathOp,
        /// Left of it.
        left: Box<MetricsExpr>,
        /// Right of it.
        right: Box<MetricsExpr>,
        /// What is done with the outcome.
        then: Vec<SecondStage>,
    },
}

/// A pipeline whose spans are counted or measured.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    /// Which spans.
    pub pipeline: Pipeline,
    /// What is made of them.
    pub function: MetricsFunction,
    /// What is done with the outcome.
    pub then: Vec<SecondStage>,
}

/// What is made of spans, by step and by labels. `by` is empty for one series.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the arguments of the functions named")]
pub enum MetricsFunction {
    /// `rate()`: spans a second.
    Rate { by: Vec<Attribute> },
    /// `count_over_time()`
    Count { by: Vec<Attribute> },
    /// `min_over_time(x)`
    Min { of: Attribute, by: Vec<Attribute> },
    /// `max_over_time(x)`
    Max { of: Attribute, by: Vec<Attribute> },
    /// `sum_over_time(x)`
    Sum { of: Attribute, by: Vec<Attribute> },
    /// `avg_over_time(x)`
    Avg { of: Attribute, by: Vec<Attribute> },
    /// `quantile_over_time(x, q, …)`; at least one quantile, each within 0 and 1.
    Quantile { of: Attribute, quantiles: Vec<f64>, by: Vec<Attribute> },
    /// `histogram_over_time(x)`
    Histogram { of: Attribute, by: Vec<Attribute> },
    /// `compare({ selection }, top, start, end)`; times in ns, both or none.
    Compare { selection: FieldExpr, top: usize, range: Option<(i64, i64)> },
}

/// What is done with finished series.
#[derive(Debug, Clone, PartialEq)]
pub enum SecondStage {
    /// The highest so many at each step.
    TopK(usize),
    /// The lowest so many at each step.
    BottomK(usize),
    /// Keeps the samples that compare well.
    Filter(Comparison),
}

/// `op number`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// How a sample is compared.
    pub op: CompareOp,
    /// With what; durations are in seconds.
    pub value: f64,
}

/// Arithmetic on series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MathOp {
    Add,
    Subtract,
    Multiply,
    Divide,
}
