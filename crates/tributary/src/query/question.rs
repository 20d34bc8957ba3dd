//! What is asked, made of flags and checked before a socket is opened.

use super::caret::pointed;
use super::moment::Moment;
use super::options::Options;
use crate::common::address::escaped;
use crate::common::trace;
use tributary_span::TraceId;
use tributary_traceql::{Query, parse, parse_attribute};

/// Which answer is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Trace(TraceId),
    Search,
    Range,
    Instant,
    Tags,
    Values,
}

/// A route and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    pub(crate) parameters: Vec<(&'static str, String)>,
}

impl Question {
    /// What the flags ask for, at `now`.
    ///
    /// # Errors
    /// What makes no sense, for the person who typed it.
    pub(crate) fn new(options: &Options, now: Moment) -> Result<Question, String> {
        if let Some(id) = options.trace {
            return Ok(Question {
                kind: Kind::Trace(id),
                path: trace::path(id),
                parameters: Vec::new(),
            });
        }
        let parsed = options.query.as_deref().map(checked).transpose()?;
        let (kind, path) = match (&options.tags, &options.values, &parsed) {
            (Some(_), _, query) => {
                filter(query.as_ref())?;
                (Kind::Tags, "/api/v2/search/tags".to_owned())
            }
            (None, Some(tag), query) => {
                filter(query.as_ref())?;
                parse_attribute(tag).map_err(|error| pointed(tag, &error))?;
                (Kind::Values, format!("/api/v2/search/tag/{}/values", escaped(tag)))
            }
            (None, None, None) => {
                return Err("what is asked? a query such as '{ status = error }', --trace ID, \
                            --tags or --values TAG"
                    .to_owned());
            }
            (None, None, Some(query)) => asked(options, query)?,
        };
        let mut parameters: Vec<_> =
            options.query.iter().map(|query| ("q", query.clone())).collect();
        parameters.extend(options.range(now)?.parameters());
        let scope = options.tags.flatten().map(|scope| ("scope", scope.to_owned()));
        let step = options.step.map(|step| ("step", format!("{}ms", step.as_millis())));
        let limit = options.limit.map(|limit| ("limit", limit.to_string()));
        let spss = options.spss.map(|spss| ("spss", spss.to_string()));
        parameters.extend([scope, step, limit, spss].into_iter().flatten());
        Ok(Question { kind, path, parameters })
    }

    /// Puts a parameter in the place of one that has its name.
    pub(crate) fn set(&mut self, name: &'static str, value: impl ToString) {
        self.parameters.retain(|(other, _)| *other != name);
        self.parameters.push((name, value.to_string()));
    }
}

fn checked(text: &str) -> Result<Query, String> {
    parse(text).map_err(|error| pointed(text, &error))
}

/// Names and values are those of the spans that one filter finds.
fn filter(query: Option<&Query>) -> Result<(), String> {
    match query {
        Some(query) if query.lone_filter().is_none() => {
            Err("--tags and --values take one filter, such as '{ status = error }'".to_owned())
        }
        _ => Ok(()),
    }
}

/// Traces or numbers, by the query.
fn asked(options: &Options, query: &Query) -> Result<(Kind, String), String> {
    let numbers = ["--metrics", "--instant", "--step"];
    let set = [options.metrics, options.instant, options.step.is_some()];
    let wants_numbers = numbers.iter().zip(set).find(|(_, set)| *set).map(|(flag, _)| flag);
    let traces = [("--follow", options.follow), ("--spss", options.spss.is_some())]
        .into_iter()
        .chain([("--limit", options.limit.is_some())])
        .find(|(_, set)| *set)
        .map(|(flag, _)| flag);
    match (query.is_metrics(), wants_numbers, traces) {
        (false, Some(flag), _) => Err(format!(
            "{flag} is for numbers, and this query asks for traces: let it end in `| rate()` or \
             another function over time"
        )),
        (true, _, Some(flag)) => {
            Err(format!("{flag} is for traces, and this query asks for numbers"))
        }
        (false, None, _) => Ok((Kind::Search, "/api/search".to_owned())),
        (true, _, None) if options.instant => Ok((Kind::Instant, "/api/metrics/query".to_owned())),
        (true, _, None) => Ok((Kind::Range, "/api/metrics/query_range".to_owned())),
    }
}

#[cfg(test)]
mod tests;
