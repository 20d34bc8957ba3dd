//! What an answer tells of a trace, and the two ways in which it is written: as a whole, or in portions.

use super::content::tag;
use super::envelope::{envelope_json, envelope_protobuf, put_trace};
use super::portions::{PORTION, TraceBody};
use super::{Found, TraceCall};
use crate::api::{Accept, Answer, JSON, PROTOBUF, TEXT, Version};
use crate::combine::combine;
use crate::shared_ids;
use crate::trace_filter::only;
use crate::trace_json::{OuterKey, trace_json};
use http::StatusCode;
use tributary_span::Columns;

/// A trace gets a tag when its last span ended so long ago, nanoseconds: what may grow in the next moment
/// is not worth naming.
const SETTLED: u64 = 60_000_000_000;

/// What an answer tells.
#[derive(Debug)]
pub struct Shown {
    version: Version,
    accept: Accept,
    /// The spans that are told.
    trace: Columns,
    /// What the trace lacks; empty when nothing.
    message: String,
    /// Whether places could not be asked, and why.
    missing: Vec<String>,
    inspected_bytes: u64,
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
        let Shown { version, accept, trace, inspected_bytes, message, .. } = self;
        let body = TraceBody::new((version, accept), trace, inspected_bytes, &message);
        TraceAnswer::InPortions { content_type, body: Box::new(body) }
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

#[cfg(test)]
mod tests;
