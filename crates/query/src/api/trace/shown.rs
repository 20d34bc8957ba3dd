//! What an answer tells of a trace, and the two ways in which it is written: as a whole, or in portions.

use super::content::tag;
use super::portions::{PORTION, TraceBody};
use super::{Found, TraceCall};
use crate::api::{Accept, Answer, JSON, PROTOBUF, TEXT, Version};
use crate::combine::combine;
use crate::json::Json;
use crate::shared_ids;
use crate::trace_filter::only;
use crate::trace_json::{OuterKey, trace_json, write_trace};
use http::StatusCode;
use tributary_span::Columns;
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;

/// A trace gets a tag when its last span ended so long ago, nanoseconds: what may grow in the next moment
/// is not worth naming.
const SETTLED: u64 = 60_000_000_000;

/// What an answer tells.
#[derive(Debug)]
pub struct Shown {
    pub(super) version: Version,
    pub(super) accept: Accept,
    /// The spans that are told.
    pub(super) trace: Columns,
    /// What the trace lacks; empty when nothing.
    pub(super) message: String,
    /// Whether places could not be asked, and why.
    missing: Vec<String>,
    pub(super) inspected_bytes: u64,
    tag: Option<String>,
}

/// An answer as it is sent.
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

impl From<Answer> for TraceAnswer {
    fn from(answer: Answer) -> TraceAnswer {
        TraceAnswer::Whole(answer)
    }
}

impl TraceCall {
    /// What is told of a trace.
    ///
    /// # Errors
    /// The answer that refuses the filter.
    pub fn shown(&self, found: Found) -> Result<Shown, Answer> {
        let Found { parts, inspected_bytes, missing } = found;
        let mut trace = combine(self.id, &parts).trace;
        // Their spans are in the trace.
        drop(parts);
        let all = trace.len();
        let is_settled = missing.is_empty() && is_settled(&trace, self.now);
        // The filter sees the ids that are stored, as searches do.
        let wanted = self.filter.as_ref().map(|filter| filter.rows(&trace)).transpose();
        shared_ids::part(&mut trace);
        match wanted {
            Ok(Some(wanted)) if wanted.count() < all => trace = only(&trace, &wanted),
            Ok(_) => {}
            Err(why) => return Err(Answer::error(StatusCode::BAD_REQUEST, why)),
        }
        let message = message(&missing, trace.len() < all);
        let (version, accept) = (self.version, self.accept);
        let tag = is_settled.then(|| tag(version, accept, &trace, &message));
        Ok(Shown { version, accept, trace, message, missing, inspected_bytes, tag })
    }
}

/// Whether a trace is there and over. Spans that come later than that change its tag, as any others.
fn is_settled(trace: &Columns, now: u64) -> bool {
    let last = trace.spans.start.iter().chain(&trace.spans.end).max();
    last.is_some_and(|last| last.saturating_add(SETTLED) < now)
}

/// What the trace lacks. `is_part` says that the filter left something out: a reader is told, as of
/// everything else.
fn message(missing: &[String], is_part: bool) -> String {
    let filtered = is_part.then_some("the trace is filtered: only what q asks for is given");
    let reasons = missing.iter().map(String::as_str).chain(filtered);
    reasons.collect::<Vec<_>>().join("; ")
}

impl Shown {
    /// The value of `ETag`, a weak one: it names what is told and not how that was found. Only what nothing
    /// is missing of, and what is over for a minute, has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The answer, all of it.
    pub fn whole(&self) -> Answer {
        match self.version {
            Version::V1 => self.bare(),
            Version::V2 => self.enveloped(),
        }
    }

    /// The answer, which may be a large trace.
    pub fn in_portions(self) -> TraceAnswer {
        if self.trace.len() <= PORTION {
            return TraceAnswer::Whole(self.whole());
        }
        let content_type = match self.accept {
            Accept::Json => JSON,
            Accept::Protobuf => PROTOBUF,
        };
        TraceAnswer::InPortions { content_type, body: Box::new(TraceBody::new(self)) }
    }

    /// Nothing found says "there is no such trace" only when every place was asked: the first
    /// version has no other way to tell the two apart.
    fn bare(&self) -> Answer {
        let trace = &self.trace;
        match (trace.is_empty(), self.missing.is_empty(), self.accept) {
            (true, true, _) => Answer {
                status: StatusCode::NOT_FOUND,
                content_type: TEXT,
                body: Default::default(),
            },
            (true, false, _) => Answer::unavailable(&self.missing),
            (false, _, Accept::Json) => Answer::ok(JSON, trace_json(trace, OuterKey::Batches)),
            (false, _, Accept::Protobuf) => {
                let mut body = Vec::new();
                put_trace(&mut body, trace);
                Answer::ok(PROTOBUF, body)
            }
        }
    }

    fn enveloped(&self) -> Answer {
        let (trace, message) = (&self.trace, &self.message);
        match self.accept {
            Accept::Json => Answer::ok(JSON, envelope_json(trace, self.inspected_bytes, message)),
            Accept::Protobuf => {
                Answer::ok(PROTOBUF, envelope_protobuf(trace, self.inspected_bytes, message))
            }
        }
    }
}

/// `TraceByIDResponse`: trace = 1, metrics = 2 { inspectedBytes = 1 }, status = 3
/// { COMPLETE = 0, PARTIAL = 1 }, message = 4.
pub(super) fn envelope_protobuf(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
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

pub(super) fn envelope_json(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
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
