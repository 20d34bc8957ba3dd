//! Which way a request goes: gRPC by its content type or path, everything else is HTTP.

use super::{Receiver, grpc, http as plain};
use crate::reply::Reply;
use crate::sink::Sink;
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderName, Request, Response};
use hyper::body::Incoming;
use std::sync::Arc;

/// Serves one request.
pub(super) async fn answer<S: Sink>(
    receiver: Arc<Receiver<S>>,
    request: Request<Incoming>,
) -> Response<Reply> {
    receiver.counters.requests.add(1);
    if is_grpc(&request) {
        grpc::answer(&receiver, request).await
    } else {
        plain::answer(&receiver, request).await
    }
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    request.uri().path() == grpc::PATH
        || header(request.headers(), &CONTENT_TYPE).starts_with(b"application/grpc")
}

/// A header's value, empty when there is none.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    headers.get(name).map_or(&[], |value| value.as_bytes())
}

/// The media type of a `Content-Type`, without parameters.
pub(super) fn media_type(content_type: &[u8]) -> &[u8] {
    content_type.split(|&b| b == b';').next().unwrap_or_default().trim_ascii()
}
