//! Trace by id, both versions.

use super::head::Head;
use super::parameters::Parameters;
use super::{Accept, Answer, JSON, PROTOBUF, TimeRange, Version};
use crate::combine::combine;
use crate::json::Json;
use crate::trace_json::{OuterKey, trace_json, write_trace};
use http::StatusCode;
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;
use tributary_span::{Columns, TraceId};

/// A request for one trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceCall {
    /// Which route was called.
    pub version: Version,
    /// The trace asked for.
    pub id: TraceId,
    /// Whose spans to look for: at least one tenant, sorted, each once.
    pub tenants: Vec<String>,
    /// Only blocks that overlap this time need be read. Spans outside of it are not left out.
    pub time: TimeRange,
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
    if version == Version::V2 && head.parameters.text("q")?.is_some() {
        return Err("parameter q: filters on a trace are not offered".to_owned());
    }
    let time = time_range(&head.parameters)?;
    Ok(TraceCall { version, id, tenants: head.tenants, time, accept: head.accept })
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

impl TraceCall {
    /// The answer to the call.
    pub fn answer(&self, found: &Found) -> Answer {
        let trace = combine(self.id, &found.parts).trace;
        match self.version {
            Version::V1 => self.bare(&trace, found),
            Version::V2 => self.enveloped(&trace, found),
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

    fn enveloped(&self, trace: &Columns, found: &Found) -> Answer {
        let message = found.missing.join("; ");
        match self.accept {
            Accept::Json => Answer::ok(JSON, envelope_json(trace, found.inspected_bytes, &message)),
            Accept::Protobuf => {
                Answer::ok(PROTOBUF, envelope_protobuf(trace, found.inspected_bytes, &message))
            }
        }
    }
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
