//! Tempo's HTTP API, as functions from request to answer.
//!
//! [`read`] turns a request's head into a [`Call`] or into the answer that refuses it; the program
//! does what the call asks and gives what it found back to the call, which makes the [`Answer`].
//! What each route takes and gives follows Grafana Tempo 3.x as Grafana 12 and 13 use it.
//!
//! | route | call |
//! |---|---|
//! | `/api/traces/{id}` | [`Call::Trace`], [`Version::V1`] |
//! | `/api/v2/traces/{id}` | [`Call::Trace`], [`Version::V2`] |
//! | `/api/search` | [`Call::Search`] |
//! | `/api/metrics/query_range`, `/api/metrics/query` | [`Call::Metrics`] |
//! | `/api/search/tags`, `/api/v2/search/tags` | [`Call::Tags`] |
//! | `/api/search/tag/{tag}/values`, `/api/v2/search/tag/{tag}/values` | [`Call::Values`] |
//! | `/api/echo` | [`Call::Ready`] with the text `echo` |
//! | `/api/status/buildinfo` | [`Call::Ready`] with JSON |
//!
//! Names and values that are the same whatever the data are a [`Call::Ready`], too. [`messages`]
//! has the same calls and answers for the streaming gRPC service.

mod accept;
mod attributes;
mod cost;
mod duration;
mod head;
pub mod limits;
mod logfmt;
pub mod messages;
mod metrics;
mod moment;
mod names;
mod parameters;
mod request;
pub mod requests;
mod search;
mod settings;
mod status;
mod tags;
mod tenant;
mod time_range;
mod trace;
mod values;
mod version;

pub use accept::Accept;
pub use metrics::{MetricsCall, MetricsForm};
pub use request::{read, read_at};
pub use search::{SearchCall, SearchQuestion, TagSearch};
pub use settings::Settings;
pub use tags::TagsCall;
pub use tenant::{Tenancy, tenants};
pub use time_range::TimeRange;
pub use trace::{Found, Shown, TraceAnswer, TraceBody, TraceCall};
pub use values::ValuesCall;
pub use version::Version;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// `Content-Type` of errors and of `echo`.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// `Content-Type` of JSON answers.
pub const JSON: &str = "application/json";
/// `Content-Type` of protobuf answers.
pub const PROTOBUF: &str = "application/protobuf";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// One trace by its id: look it up, then [`TraceCall::shown`].
    Trace(TraceCall),
    /// Traces that match: find them, then [`SearchCall::answer`].
    Search(SearchCall),
    /// Numbers over time: compute them, then [`MetricsCall::answer`].
    Metrics(MetricsCall),
    /// Names of attributes: collect them, then [`TagsCall::answer`].
    Tags(TagsCall),
    /// Values of an attribute: collect them, then [`ValuesCall::answer`].
    Values(ValuesCall),
    /// Nothing has to be looked up: this is the answer.
    Ready(Answer),
}

/// An HTTP answer before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// `Content-Type`; one of [`TEXT`], [`JSON`], [`PROTOBUF`].
    pub content_type: &'static str,
    /// The body, not compressed.
    pub body: Bytes,
}

impl Answer {
    /// A refusal: one line of plain text, which Grafana shows to its user as it is.
    pub fn error(status: StatusCode, message: impl std::fmt::Display) -> Answer {
        let line = message.to_string().replace(['\r', '\n'], " ");
        Answer { status, content_type: TEXT, body: line.into() }
    }

    /// An ingester that may hold what was asked for could not be asked, and the answer has no other way
    /// to say so: 503, one message for each of them.
    pub fn unavailable(missing: &[String]) -> Answer {
        Answer::error(StatusCode::SERVICE_UNAVAILABLE, missing.join("; "))
    }

    fn ok(content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        Answer { status: StatusCode::OK, content_type, body: body.into() }
    }
}

impl From<Answer> for Response<Bytes> {
    fn from(answer: Answer) -> Self {
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        let content_type = HeaderValue::from_static(answer.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}
