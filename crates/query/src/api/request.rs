//! From a request's head to a [`Call`].

use super::head::Head;
use super::parameters::path as without_escapes;
use super::{
    Answer, Call, MetricsForm, Settings, Version, metrics, search, status, tags, trace, values,
};
use http::{Method, StatusCode, request};
use std::time::SystemTime;

/// Reads a request's head, as of now.
///
/// # Errors
/// The answer that refuses the request: an unknown route, a bad id, query, parameter or tenant.
pub fn read(request: &request::Parts, settings: &Settings) -> Result<Call, Answer> {
    read_at(request, settings, SystemTime::now())
}

/// Reads the head of a request that came at a given time: `since` counts from then.
///
/// # Errors
/// As [`read`].
pub fn read_at(
    request: &request::Parts,
    settings: &Settings,
    now: SystemTime,
) -> Result<Call, Answer> {
    let path = request.uri.path();
    let question = match path {
        "/api/echo" => return Ok(Call::Ready(status::echo())),
        "/api/status/buildinfo" if !matches!(request.method, Method::GET | Method::HEAD) => {
            return Err(Answer::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "buildinfo answers GET only",
            ));
        }
        "/api/status/buildinfo" => return Ok(Call::Ready(status::build_info(&settings.version))),
        _ => Question::of_path(path).ok_or_else(|| {
            Answer::error(StatusCode::NOT_FOUND, format_args!("no such route: {path}"))
        })?,
    };
    question.call(Head::read(request, settings, now)?).map_err(bad_request)
}

/// The answer to what cannot be understood.
pub(super) fn bad_request(message: String) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, message)
}

/// A route that asks about traces, with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question<'p> {
    Trace(Version, &'p str),
    Search,
    Metrics(MetricsForm),
    Tags(Version),
    Values(Version, &'p str),
}

impl<'p> Question<'p> {
    fn of_path(path: &'p str) -> Option<Self> {
        // A tag may have slashes, escaped or not.
        let tag = |prefix| path.strip_prefix(prefix)?.strip_suffix("/values");
        let v2_trace = path.strip_prefix("/api/v2/traces/").filter(|&id| id != "diff");
        Some(match path {
            "/api/search" => Question::Search,
            "/api/metrics/query_range" => Question::Metrics(MetricsForm::Range),
            "/api/metrics/query" => Question::Metrics(MetricsForm::Instant),
            "/api/search/tags" => Question::Tags(Version::V1),
            "/api/v2/search/tags" => Question::Tags(Version::V2),
            _ => {
                if let Some(id) = path.strip_prefix("/api/traces/") {
                    Question::Trace(Version::V1, id)
                } else if let Some(id) = v2_trace {
                    Question::Trace(Version::V2, id)
                } else if let Some(tag) = tag("/api/search/tag/") {
                    Question::Values(Version::V1, tag)
                } else {
                    Question::Values(Version::V2, tag("/api/v2/search/tag/")?)
                }
            }
        })
    }

    fn call(self, head: Head<'_>) -> Result<Call, String> {
        match self {
            Question::Trace(version, id) => trace::call(version, id, head).map(Call::Trace),
            Question::Search => search::call(head).map(Call::Search),
            Question::Metrics(form) => metrics::call(form, head).map(Call::Metrics),
            Question::Tags(version) => tags::call(version, head),
            Question::Values(version, tag) => {
                let tag = without_escapes(tag).ok_or_else(|| format!("bad escapes in {tag:?}"))?;
                values::call(version, &tag, head)
            }
        }
    }
}

#[cfg(test)]
mod tests;
