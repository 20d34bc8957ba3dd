//! Values of one attribute.

mod answer;
mod ask;
mod fixed;

use super::head::Head;
use super::{Accept, Call, TimeRange, Version};
pub(super) use ask::Asked;
use tributary_traceql::ast::{Attribute, FieldExpr};

/// A question for the values that an attribute has: `/api/search/tag/{tag}/values` or
/// `/api/v2/search/tag/{tag}/values`. Those of statuses and kinds are always the same, and no user
/// wants a list of durations: such questions are answered at once.
#[derive(Debug, Clone, PartialEq)]
pub struct ValuesCall {
    /// Whose spans to look at: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// Which route was called. A name of the first version stands for attributes of every scope,
    /// also those of instrumentation, which an unscoped name of a query does not reach.
    pub version: Version,
    /// Whose values are wanted. In the first version it has no scope.
    pub attribute: Attribute,
    /// Only values of spans that this holds for; none for all spans.
    pub filter: Option<FieldExpr>,
    /// When the spans were; none means all that is known to be recent.
    pub time: Option<TimeRange>,
    /// How many values are wanted. The answer applies it; who looks for values may stop at it.
    pub limit: Option<usize>,
    /// The encoding of the answer.
    pub accept: Accept,
}

/// Reads the question; `tag` is without the escapes of the path.
pub(super) fn call(version: Version, tag: &str, head: Head<'_>) -> Result<Call, String> {
    Asked::read(version, tag, &head)?.call(version, head.tenants, head.accept)
}

#[cfg(test)]
mod tests;
