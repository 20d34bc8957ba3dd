//! Search: which traces match.

mod ask;
mod json;

use super::head::Head;
use super::{Accept, Answer, JSON, PROTOBUF, TimeRange, messages};
use crate::answer::SearchAnswer;
pub use crate::search::TagSearch;
pub(super) use ask::Asked;
use tributary_traceql::ast::Query;

/// A search: `/api/search`.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchCall {
    /// Whose traces to search: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// What is searched for.
    pub question: SearchQuestion,
    /// Traces of which some part lies in this time; none means all that is known to be recent.
    pub time: Option<TimeRange>,
    /// How many traces are wanted, at least 1.
    pub limit: usize,
    /// How many spans of each set are wanted, at least 1.
    pub spans_per_set: usize,
    /// The encoding of the answer.
    pub accept: Accept,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq)]
pub enum SearchQuestion {
    /// Traces with spansets that a query finds; its root is
    /// [`Search`](tributary_traceql::ast::Root::Search).
    TraceQl(Query),
    /// The older search: traces by tags and duration. Its answer has no sets of spans. Without tags
    /// and durations it finds every trace.
    Tags(TagSearch),
}

/// Reads the question.
pub(super) fn call(head: Head<'_>) -> Result<SearchCall, String> {
    Asked::read(&head)?.call(head.tenants, head.accept)
}

impl SearchCall {
    /// The answer to the call.
    pub fn answer(&self, found: &SearchAnswer) -> Answer {
        match self.accept {
            Accept::Json => Answer::ok(JSON, json::response(found)),
            Accept::Protobuf => Answer::ok(PROTOBUF, messages::search_response(found)),
        }
    }
}

#[cfg(test)]
pub(in crate::api) mod tests;
