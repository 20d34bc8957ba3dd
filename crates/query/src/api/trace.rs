//! Trace by id, both versions.

mod portions;

pub use portions::TraceBody;

use super::head::Head;
use super::parameters::Parameters;
use super::{Accept, Answer, JSON, PROTOBUF, TimeRange, Version};
use crate::combine::combine;
use crate::json::Json;
use crate::shared_ids;
use crate::trace_filter::{TraceFilter, only};
use crate::trace_json::{OuterKey, trace_json, write_trace};
use http::StatusCode;
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;
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
    Ok(TraceCall { version, id, tenants: head.tenants, time, filter, accept: head.accept })
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

/// The answer to a call.
#[derive(Debug)]
pub enum TraceAnswer {
    /// All of it.
    Whole(Answer),
    /// A large trace, with status 200.
    InPortions {
        /// Of the body.
        content_type: &'static str,
        /// The body.
        body: Box<TraceBody>,
    },
}

impl TraceCall {
    /// The answer to the call, the whole of it.
    pub fn answer(&self, found: &Found) -> Answer {
        match self.shown(found) {
            Ok((trace, is_part)) => self.whole(&trace, found, is_part),
            Err(answer) => answer,
        }
    }

    /// The answer to the call, which may be a large trace.
    pub fn answer_in_portions(&self, mut found: Found) -> TraceAnswer {
        let (trace, is_part) = match self.shown(&found) {
            Ok(shown) => shown,
            Err(answer) => return TraceAnswer::Whole(answer),
        };
        if trace.len() <= portions::PORTION {
            return TraceAnswer::Whole(self.whole(&trace, &found, is_part));
        }
        // Their spans are in the trace.
        found.parts.clear();
        let message = message(&found, is_part);
        let content_type = match self.accept {
            Accept::Json => JSON,
            Accept::Protobuf => PROTOBUF,
        };
        let body = Box::new(TraceBody::new(self, trace, found.inspected_bytes, &message));
        TraceAnswer::InPortions { content_type, body }
    }

    /// The spans that are told, and whether the filter left some out; or why none are.
    fn shown(&self, found: &Found) -> Result<(Columns, bool), Answer> {
        let mut trace = combine(self.id, &found.parts).trace;
        let all = trace.len();
        // The filter sees the ids that are stored, as searches do.
        let wanted = self.filter.as_ref().map(|filter| filter.rows(&trace)).transpose();
        shared_ids::part(&mut trace);
        match wanted {
            Ok(Some(wanted)) if wanted.count() < all => trace = only(&trace, &wanted),
            Ok(_) => {}
            Err(why) => return Err(Answer::error(StatusCode::BAD_REQUEST, why)),
        }
        let is_part = trace.len() < all;
        Ok((trace, is_part))
    }

    fn whole(&self, trace: &Columns, found: &Found, is_part: bool) -> Answer {
        match self.version {
            Version::V1 => self.bare(trace, found),
            Version::V2 => self.enveloped(trace, found, is_part),
        }
    }

    /// Nothing found says "there is no such trace" only when every place was asked: the first
    /// version has no other way to tell the two apart.
    fn bare(&self, trace: &Columns, found: &Found) -> Answer {
        match (trace.is_empty(), found.missing.is_empty(), self.accept) {
            (true, true, _) => Answer {
                status: StatusCode::NOT_FOUND,
                content_type: super::TEXT,
                body: Default::default(),
            },
            (true, false, _) => Answer::unavailable(&found.missing),
            (false, _, Accept::Json) => Answer::ok(JSON, trace_json(trace, OuterKey::Batches)),
            (false, _, Accept::Protobuf) => {
                let mut body = Vec::new();
                put_trace(&mut body, trace);
                Answer::ok(PROTOBUF, body)
            }
        }
    }

    fn enveloped(&self, trace: &Columns, found: &Found, is_part: bool) -> Answer {
        let message = message(found, is_part);
        match self.accept {
            Accept::Json => Answer::ok(JSON, envelope_json(trace, found.inspected_bytes, &message)),
            Accept::Protobuf => {
                Answer::ok(PROTOBUF, envelope_protobuf(trace, found.inspected_bytes, &message))
            }
        }
    }
}

/// What the trace lacks. `is_part` says that the filter left something out: a reader is told, as of
/// everything else.
fn message(found: &Found, is_part: bool) -> String {
    let filtered = is_part.then_some("the trace is filtered: only what q asks for is given");
    let reasons = found.missing.iter().map(String::as_str).chain(filtered);
    reasons.collect::<Vec<_>>().join("; ")
}

/// `TraceByIDResponse`: trace = 1, metrics = 2 { inspectedBytes = 1 }, status = 3
/// { COMPLETE = 0, PARTIAL = 1 }, message = 4.
fn envelope_protobuf(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |out| put_trace(out, trace));
    put::message(&mut out, 2, |out| {
        if inspected_bytes != 0 {
            put::uint(out, 1, inspected_bytes);
        }
    });
    if !message.is_empty() {
        put::uint(&mut out, 3, 1);
        put::bytes(&mut out, 4, message.as_bytes());
    }
    out
}

fn envelope_json(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        write_trace(json.member("trace"), trace, OuterKey::ResourceSpans);
        json.member("metrics").object(|json| {
            if inspected_bytes != 0 {
                json.member("inspectedBytes").int64(inspected_bytes);
            }
        });
        if !message.is_empty() {
            json.member("status").string("PARTIAL");
            json.member("message").string(message);
        }
    });
    json.finish()
}

/// A `Trace`: `ResourceSpans` in field 1, as in OTLP's `TracesData`.
fn put_trace(out: &mut Vec<u8>, trace: &Columns) {
    let rows: Vec<u32> = (0u32..).take(trace.len()).collect();
    encode::resource_spans(out, trace, &rows);
}

#[cfg(test)]
mod tests;
