//! Tags: the names of attributes.

mod answer;

use super::head::Head;
use super::parameters::Parameters;
use super::time_range::Ends;
use super::{Accept, Call, TimeRange, Version};
use crate::answer::TagsAnswer;
pub(super) use answer::without_scopes;
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

/// Reads the question. A limit that is no number is none, as in Tempo.
pub(super) fn call(version: Version, head: Head<'_>) -> Result<Call, String> {
    let parameters = &head.parameters;
    let wanted = match parameters.text("scope")? {
        Some(scope) => Wanted::parse(&scope).ok_or_else(|| format!("invalid scope: {scope}"))?,
        None => Wanted::All,
    };
    let filter = match version {
        Version::V1 => None,
        Version::V2 => filter(parameters)?,
    };
    let time = Ends::read(parameters, head.now)?.of_tags()?;
    let limit = parameters.number("limit").unwrap_or_default().filter(|limit| *limit > 0);
    let Head { tenants, accept, .. } = head;
    let call = |scope| TagsCall { tenants, version, scope, filter, time, limit, accept };
    Ok(match wanted {
        Wanted::All => Call::Tags(call(None)),
        Wanted::Scope(scope) => Call::Tags(call(Some(scope))),
        Wanted::Intrinsic => Call::Ready(call(None).give(&answer::intrinsics(limit))),
        Wanted::Nothing => Call::Ready(call(None).give(&TagsAnswer::default())),
    })
}

/// The filter that comes with a question for names or values: what is complete of a query that
/// somebody is typing.
pub(super) fn filter(parameters: &Parameters<'_>) -> Result<Option<FieldExpr>, String> {
    match parameters.text("q")? {
        Some(query) => parse_filter_leniently(&query).map_err(|why| why.to_string()),
        None => Ok(None),
    }
}

/// What the parameter `scope` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Scope(Scope),
    Intrinsic,
    /// Names of a trace: there are none, yet the scope is one of the language.
    Nothing,
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Wanted::All,
            "resource" => Wanted::Scope(Scope::Resource),
            "span" => Wanted::Scope(Scope::Span),
            "event" => Wanted::Scope(Scope::Event),
            "link" => Wanted::Scope(Scope::Link),
            "instrumentation" => Wanted::Scope(Scope::Instrumentation),
            "intrinsic" => Wanted::Intrinsic,
            "trace" => Wanted::Nothing,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
