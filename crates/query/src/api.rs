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
//! | `/api/echo` | [`Call::Ready`] with the text `echo` |
//! | `/api/status/buildinfo` | [`Call::Ready`] with JSON |

mod accept;
mod request;
mod status;
mod tenant;
mod time_range;
mod trace;

pub use accept::Accept;
pub use request::{Settings, read};
pub use tenant::Tenancy;
pub use time_range::TimeRange;
pub use trace::{Found, TraceCall, Version};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

/// `Content-Type` of errors and of `echo`.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// `Content-Type` of JSON answers.
pub const JSON: &str = "application/json";
/// `Content-Type` of protobuf answers.
pub const PROTOBUF: &str = "application/protobuf";

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// One trace by its id: look it up, then [`TraceCall::answer`].
    Trace(TraceCall),
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
