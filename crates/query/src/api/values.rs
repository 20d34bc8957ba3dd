//! Values of one attribute.

mod answer;
mod fixed;

use super::head::Head;
use super::time_range::Ends;
use super::{Accept, Call, TimeRange, Version, tags::filter};
use tributary_traceql::ast::{Attribute, FieldExpr, Intrinsic};

/// A question for the values that an attribute has: `/api/search/tag/{tag}/values` or
/// `/api/v2/search/tag/{tag}/values`. Those of statuses and kinds are always the same, and nobody
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
    let parameters = &head.parameters;
    if tag.is_empty() {
        return Err("please provide a tag name".into());
    }
    let attribute = match version {
        Version::V1 => without_scope(tag),
        Version::V2 => tributary_traceql::parse_attribute(tag)
            .map_err(|why| format!("please provide a valid tag name: {tag:?}: {why}"))?,
    };
    let filter = match version {
        Version::V1 => None,
        Version::V2 => filter(parameters)?,
    };
    let fixed = match version {
        Version::V1 => fixed::of_tag(tag),
        Version::V2 => fixed::of_attribute(&attribute),
    };
    let time = Ends::read(parameters, head.now)?.of_tags()?;
    let limit = parameters.number("limit").unwrap_or_default().filter(|limit| *limit > 0);
    let Head { tenants, accept, .. } = head;
    let call = ValuesCall { tenants, version, attribute, filter, time, limit, accept };
    Ok(match fixed {
        Some(fixed) => Call::Ready(call.answer(&fixed)),
        None => Call::Values(call),
    })
}

/// A name of the first version. Three of them are not keys of attributes.
fn without_scope(tag: &str) -> Attribute {
    let intrinsic = |intrinsic, written| Attribute::Intrinsic { intrinsic, written };
    match tag {
        "name" => intrinsic(Intrinsic::Name, "name"),
        "root.name" => intrinsic(Intrinsic::RootName, "rootName"),
        "root.service.name" => intrinsic(Intrinsic::RootService, "rootServiceName"),
        key => Attribute::Named { scope: None, key: key.into() },
    }
}

#[cfg(test)]
mod tests;
