//! Which way a request goes: by the socket's protocol, then gRPC by its content type or path.

use crate::receiver::{Protocol, Receiver};
use crate::reply::Reply;
use crate::sink::Sink;
use crate::{grpc, http as plain, jaeger, otlp, zipkin};
use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderName, Method, Request, Response};
use hyper::body::Incoming;
use std::sync::Arc;

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    receiver: Arc<Receiver<S>>,
    request: Request<Incoming>,
) -> Response<Reply> {
    receiver.counters.requests.add(1);
    if grpc::is(&request) {
        return match receiver.protocol {
            Protocol::JaegerGrpc(strategy)
                if request.uri().path() == jaeger::sampling::GET_STRATEGY =>
            {
                grpc::constant(&receiver, request, &strategy.protobuf()).await
            }
            Protocol::JaegerGrpc(_) => grpc::answer(&receiver, request, &jaeger::POST_SPANS).await,
            _ => grpc::answer(&receiver, request, &otlp::EXPORT).await,
        };
    }
    let origin = plain::allowed_origin(&receiver, request.headers());
    let mut response = if origin.is_some() && *request.method() == Method::OPTIONS {
        plain::preflight(request.headers())
    } else {
        match receiver.protocol {
            Protocol::Otlp => otlp::http::answer(&receiver, request).await,
            Protocol::JaegerHttp => jaeger::http::answer(&receiver, request).await,
            Protocol::JaegerSampling(strategy) => {
                jaeger::sampling::answer(&receiver, request, strategy).await
            }
            Protocol::Zipkin => zipkin::http::answer(&receiver, request).await,
            Protocol::JaegerGrpc(_) => {
                let fault = crate::fault::Fault::Path("gRPC's CollectorService alone is");
                plain::refuse(&receiver, request, fault, None).await
            }
        }
    };
    if let Some(origin) = origin {
        plain::allow(response.headers_mut(), origin);
    }
    response
}

/// A header's value, empty when there is none.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> &'h [u8] {
    headers.get(name).map_or(&[], |value| value.as_bytes())
}

/// The media type of a `Content-Type`, without parameters.
pub(crate) fn media_type(content_type: &[u8]) -> &[u8] {
    content_type.split(|&b| b == b';').next().unwrap_or_default().trim_ascii()
}

/// The media type of a request's body.
pub(crate) fn content_type(headers: &HeaderMap) -> &[u8] {
    media_type(header(headers, &CONTENT_TYPE))
}
