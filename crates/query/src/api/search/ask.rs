//! What a search may ask for, whichever way it came.

use super::{SearchCall, SearchQuestion, TagSearch};
use crate::api::head::Head;
use crate::api::parameters::Parameters;
use crate::api::time_range::Ends;
use crate::api::{Accept, duration, limits, logfmt};
use tributary_traceql::parse;

/// A search as it was asked, not yet checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::api) struct Asked {
    /// The query; empty for the older search.
    pub(in crate::api) query: String,
    pub(in crate::api) tags: TagSearch,
    pub(in crate::api) limit: Option<usize>,
    pub(in crate::api) spans_per_set: usize,
    pub(in crate::api) ends: Ends,
}

/// Parameters that are no tags where tags stand as parameters of their own.
const NAMES: [&str; 10] = [
    "q",
    "tags",
    "minDuration",
    "maxDuration",
    "limit",
    "spss",
    "start",
    "end",
    "since",
    "skip_ast_transformations",
];

impl Asked {
    /// Reads the parameters of `/api/search`.
    pub(super) fn read(head: &Head<'_>) -> Result<Asked, String> {
        let parameters = &head.parameters;
        let query = parameters.text("q")?.unwrap_or_default().into_owned();
        let logfmt = parameters.text("tags")?;
        let ends = Ends::read(parameters, head.now)?;
        let tags = match &logfmt {
            Some(_) if !query.is_empty() => {
                return Err("invalid request: can't specify tags and q in the same query".into());
            }
            Some(logfmt) => logfmt::parse(logfmt).map_err(|why| format!("invalid tags: {why}"))?,
            None if query.is_empty() && ends == Ends::default() => bare_tags(parameters),
            None => Vec::new(),
        };
        Ok(Asked {
            query,
            tags: TagSearch {
                tags,
                min_duration: trace_duration(parameters, "minDuration")?,
                max_duration: trace_duration(parameters, "maxDuration")?,
            },
            limit: parameters.number("limit")?,
            spans_per_set: parameters.number("spss")?.unwrap_or_default(),
            ends,
        })
    }

    /// Checks what was asked.
    pub(in crate::api) fn call(
        self,
        tenants: Vec<String>,
        accept: Accept,
    ) -> Result<SearchCall, String> {
        let limit = match self.limit.unwrap_or(limits::DEFAULT_TRACES) {
            0 => return Err("invalid limit: must be a positive number".into()),
            limit if limit > limits::MAX_TRACES => {
                return Err(format!("limit {limit} exceeds max limit {}", limits::MAX_TRACES));
            }
            limit => limit,
        };
        let spans_per_set = match self.spans_per_set {
            0 => limits::DEFAULT_SPANS_PER_SET,
            spans if spans > limits::MAX_SPANS_PER_SET => {
                let most = limits::MAX_SPANS_PER_SET;
                return Err(format!("spans per span set exceeds {most}. received {spans}"));
            }
            spans => spans,
        };
        let (min, max) = (self.tags.min_duration, self.tags.max_duration);
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err("invalid maxDuration: must be greater than minDuration".into());
        }
        let time = self.ends.of_search()?;
        let question = if self.query.is_empty() {
            SearchQuestion::Tags(self.tags)
        } else {
            let query = parse(&self.query).map_err(|why| why.to_string())?;
            if query.is_metrics() {
                return Err("not a search: metrics queries are for /api/metrics/query_range".into());
            }
            SearchQuestion::TraceQl(query)
        };
        Ok(SearchCall { tenants, question, time, limit, spans_per_set, accept })
    }
}

/// The oldest form of all: each parameter that has no other meaning is a tag.
fn bare_tags(parameters: &Parameters<'_>) -> Vec<(String, String)> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for (name, value) in parameters.all() {
        let known = NAMES.contains(&&*name) || tags.iter().any(|(other, _)| *other == name);
        if !known {
            tags.push((name.into_owned(), value.into_owned()));
        }
    }
    tags
}

fn trace_duration(parameters: &Parameters<'_>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = parameters.text(name)? else { return Ok(None) };
    match duration::go(&text) {
        Some(duration) => Ok(Some(duration)),
        None => Err(format!("invalid {name}: {text:?} is not a duration such as 300ms or 1.5s")),
    }
}
