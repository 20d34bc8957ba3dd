//! Tags: the names of attributes.

mod answer;
mod ask;

use super::head::Head;
use super::{Accept, Call, TimeRange, Version};
pub(super) use ask::Asked;
use tributary_traceql::ast::{FieldExpr, Scope};
use tributary_traceql::parse_filter_leniently;

/// A question for names of attributes: `/api/search/tags` or `/api/v2/search/tags`. Names of the
/// language itself (the scope `intrinsic`) are always the same: the answer adds them, and a
/// question for nothing else is answered at once.
#[derive(Debug, Clone, PartialEq)]
pub struct TagsCall {
    /// Whose spans to look at: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// Which route was called.
    pub version: Version,
    /// The one scope whose names are wanted; none for all of them.
    pub scope: Option<Scope>,
    /// Only names of spans that this holds for, as far as it is easily told; none for all spans.
    pub filter: Option<FieldExpr>,
    /// When the spans were; none means all that is known to be recent.
    pub time: Option<TimeRange>,
    /// How many names of each scope are wanted. The answer applies it; who looks for names may
    /// stop at it.
    pub limit: Option<usize>,
    /// The encoding of the answer.
    pub accept: Accept,
}

/// Reads the question.
pub(super) fn call(version: Version, head: Head<'_>) -> Result<Call, String> {
    Asked::read(version, &head)?.call(version, head.tenants, head.accept)
}

/// The filter that comes with a question for names or values: what is complete of a query that
/// a user is typing.
pub(super) fn filter(query: &str) -> Result<Option<FieldExpr>, String> {
    if query.is_empty() {
        return Ok(None);
    }
    parse_filter_leniently(query).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests;
