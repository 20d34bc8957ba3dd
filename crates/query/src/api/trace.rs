//! Trace by id, both versions.

mod content;
mod envelope;
mod portions;
mod shown;

pub use portions::TraceBody;
pub use shown::{Shown, TraceAnswer};

use super::head::Head;
use super::parameters::Parameters;
use super::{Accept, TimeRange, Version};
use crate::trace_filter::TraceFilter;
use tributary_span::{Columns, TraceId};
use tributary_traceql::parse;

/// A request for one trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceCall {
    /// Which route was called.
    pub version: Version,
    /// The trace asked for.
    pub id: TraceId,
    /// Whose spans to look for: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// Only blocks that overlap this time need be read. Spans outside of it are not left out.
    pub time: TimeRange,
    /// Which spans of the trace are wanted; none for all of them.
    pub filter: Option<TraceFilter>,
    /// The encoding of the answer.
    pub accept: Accept,
    /// When it came, nanoseconds since 1970.
    pub now: u64,
}

/// What a look-up brought to light.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What each place holds of the trace, in order of trust: of spans that are in several of
    /// them the first one's counts.
    pub parts: Vec<Columns>,
    /// Bytes read from blocks on the way.
    pub inspected_bytes: u64,
    /// Why the trace may not be whole: one message for each place that could not be asked.
    pub missing: Vec<String>,
}

/// Reads the question.
pub(super) fn call(version: Version, id: &str, head: Head<'_>) -> Result<TraceCall, String> {
    let id = TraceId::from_hex(id).map_err(|why| format!("bad trace id: {why}"))?;
    let time = time_range(&head.parameters)?;
    let filter = match version {
        Version::V1 => None,
        Version::V2 => filter(&head.parameters)?,
    };
    let Head { tenants, accept, now, .. } = head;
    Ok(TraceCall { version, id, tenants, time, filter, accept, now })
}

/// `q`, and how much around its matches is wanted. Parameters that change nothing are not read.
fn filter(parameters: &Parameters<'_>) -> Result<Option<TraceFilter>, String> {
    let query = parameters.text("q")?.unwrap_or_default();
    if query.trim().is_empty() {
        return Ok(None);
    }
    let query = parse(&query).map_err(|why| format!("invalid TraceQL filter: {why}"))?;
    let Some(matching) = query.lone_filter() else {
        let only =
            "a trace is filtered by one filter, such as { status = error }, and nothing else";
        return Err(format!("invalid TraceQL filter: {only}"));
    };
    let above = match parameters.flag("keep_hierarchy")? {
        true => levels(parameters, "ancestor_depth", usize::MAX)?,
        false => 0,
    };
    let below = levels(parameters, "match_depth", 0)?;
    let filter = TraceFilter { matching: matching.clone(), below, above };
    match filter.beyond_spans() {
        Some(name) => Err(format!("invalid TraceQL filter: {name} is not a property of one span")),
        None => Ok(Some(filter)),
    }
}

/// A number of levels of the tree; -1 for all.
fn levels(parameters: &Parameters<'_>, name: &str, otherwise: usize) -> Result<usize, String> {
    match parameters.number::<i64>(name)? {
        None => Ok(otherwise),
        Some(-1) => Ok(usize::MAX),
        Some(levels) => usize::try_from(levels)
            .map_err(|_| format!("invalid value for {name}: must be >= -1, got {levels}")),
    }
}

/// `start` and `end`. A missing, empty or zero one leaves that end open.
fn time_range(parameters: &Parameters<'_>) -> Result<TimeRange, String> {
    let seconds = |name| match parameters.number::<u64>(name) {
        Ok(seconds) => Ok(seconds.filter(|seconds| *seconds != 0)),
        Err(why) => Err(format!("{why}; it is in Unix seconds")),
    };
    let (start, end) = (seconds("start")?, seconds("end")?);
    let time = TimeRange {
        start: start.unwrap_or(TimeRange::ALL.start),
        end: end.unwrap_or(TimeRange::ALL.end),
    };
    if time.start > time.end {
        return Err(format!("parameter start: {} is after end {}", time.start, time.end));
    }
    Ok(time)
}

#[cfg(test)]
mod tests;
