//! Metrics: numbers over time, made of spans.

mod ask;
mod json;
mod step;

use super::head::Head;
use super::{Answer, JSON};
use crate::answer::MetricsAnswer;
pub(super) use ask::Asked;
use tributary_traceql::ast::Query;

/// A metrics query: `/api/metrics/query_range` or `/api/metrics/query`. Its answer is JSON
/// whatever the request accepts.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsCall {
    /// The form of the answer: which route was called.
    pub form: MetricsForm,
    /// Whose spans to count: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// What is counted; its root is [`tributary_traceql::ast::Root::Metrics`].
    pub query: Query,
    /// Beginning of the range, nanoseconds since 1970.
    pub start: u64,
    /// End of the range, nanoseconds since 1970; after `start`.
    pub end: u64,
    /// Time between two samples, nanoseconds, at least 1. For an instant query the whole range.
    pub step: u64,
    /// Whether there is to be one number for the whole range in place of one for each step.
    pub instant: bool,
    /// How many exemplars are wanted, at most; the query's hint is already heeded.
    pub exemplars: usize,
    /// How many series are wanted, at most.
    pub max_series: usize,
}

/// The two forms of the answer to a metrics query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsForm {
    /// `/api/metrics/query_range`: a row of samples, and exemplars, for each series.
    Range,
    /// `/api/metrics/query`: one value for each series.
    Instant,
}

/// Reads the question.
pub(super) fn call(form: MetricsForm, head: Head<'_>) -> Result<MetricsCall, String> {
    Asked::read(&head)?.call(form, head.tenants, head.now)
}

impl MetricsCall {
    /// The answer to the call.
    pub fn answer(&self, found: &MetricsAnswer) -> Answer {
        Answer::ok(JSON, json::response(self.form, found))
    }
}

#[cfg(test)]
pub(in crate::api) mod tests;
