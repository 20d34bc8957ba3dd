//! What is told of a trace: nothing new to a client that has it, or all of it with its tag.

use super::encoding::VARY;
use crate::conditional::IfNoneMatch;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tributary_query::api::{Answer, Shown};

/// A client may keep it, and has to ask whether it is still so; what is between may not.
const KEPT: &str = "private, no-cache";

/// What is told of a trace, `A` being an answer in one form or the other.
pub(super) enum Told<A> {
    /// The client has it, under this tag.
    Known(String),
    /// It has not.
    New(A, Option<String>),
}

/// Looks whether a client knows what is to be shown, and writes it only when it does not.
pub(super) fn told<A: From<Answer>>(
    shown: Result<Shown, Answer>,
    known: &IfNoneMatch,
    write: impl FnOnce(Shown) -> A,
) -> Told<A> {
    match shown {
        Err(refused) => Told::New(refused.into(), None),
        Ok(shown) => match shown.tag().map(str::to_owned) {
            Some(tag) if known.has(&tag) => Told::Known(tag),
            tag => Told::New(write(shown), tag),
        },
    }
}

impl<A> Told<A> {
    /// The response; `new` makes that to an answer.
    pub(super) fn respond(self, new: impl FnOnce(A) -> Response) -> Response {
        let (mut response, tag) = match self {
            Told::New(answer, tag) => (new(answer), tag),
            Told::Known(tag) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                (response, Some(tag))
            }
        };
        // A trace that could not be sent after all has none.
        let tag = tag.filter(|_| !response.status().is_server_error());
        if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            say(tag, response.headers_mut());
        }
        response
    }
}

fn say(tag: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEPT));
    headers.insert(header::VARY, HeaderValue::from_static(VARY));
}
