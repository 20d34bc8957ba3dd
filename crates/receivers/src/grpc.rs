//! gRPC: unary calls, by hand over HTTP/2.
//!
//! A message is framed as one byte (0 plain, 1 compressed), its length as `u32` big-endian, and
//! its bytes: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.
//!
//! OTLP's message goes on as the bytes that came, others are translated. `grpc-timeout` is left to
//! the client: one that hangs up drops the call.

use crate::answer::{self, MediaType};
use crate::body::{Encoding, Held, Reading};
use crate::complaints::Complaint;
use crate::fault::{Fault, LOGS, METRICS};
use crate::header::{Media, header, is_path, media};
use crate::http::{self as plain, Translate};
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use ::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ::http::{Request, Response, Version};
use bytes::Bytes;
use hyper::body::Incoming;
use tributary_span::otlp::Outcome;

/// A method that takes spans.
pub(crate) struct Method {
    /// `/service/method`.
    pub(crate) path: &'static str,
    /// How its message becomes an OTLP request, unless it is one. Methods that translate answer
    /// with an empty message, whatever was rejected.
    pub(crate) translate: Option<Translate>,
}

/// Bytes of a frame's head.
const HEAD: usize = 5;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// For headers: no blanks, and identity is named.
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,gzip,deflate,zstd");

/// Serves one call of `method`, the only one that there is.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    method: &Method,
) -> Response<Reply> {
    // What the client can only be told in HTTP's own terms.
    if let Err(fault) = speaks_grpc(&request) {
        return plain::refuse(server, request, fault, None).await;
    }
    match call(server, request, method).await {
        Ok(outcome) => {
            let (complaint, told) = plain::taken(server, &outcome);
            let told = told.as_deref().filter(|_| method.translate.is_none());
            let answer = answer::response(outcome.rejected, told, MediaType::Protobuf);
            let mut response = message(&answer);
            response.body_mut().complaint = complaint;
            response
        }
        Err(fault) => {
            server.counters.fault(&fault);
            trailers_only(&fault)
        }
    }
}

/// Serves a call whose answer is always the same.
pub(crate) async fn constant<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    answer: &[u8],
) -> Response<Reply> {
    if let Err(fault) = speaks_grpc(&request) {
        return plain::refuse(server, request, fault, None).await;
    }
    server.counters.requests_answered.add(1);
    message(answer)
}

fn speaks_grpc<B>(request: &Request<B>) -> Result<(), Fault> {
    if request.version() != Version::HTTP_2 {
        return Err(Fault::Version);
    }
    if request.method() != ::http::Method::POST {
        return Err(Fault::Method);
    }
    match media(request.headers()) {
        Media::Grpc => Ok(()),
        _ => Err(Fault::ContentType("application/grpc, application/grpc+proto")),
    }
}

async fn call<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    method: &Method,
) -> Result<Outcome, Fault> {
    let (head, body) = request.into_parts();
    if !is_path(head.uri.path(), method.path) {
        let path = head.uri.path();
        return Err(Fault::Path(match method.translate {
            _ if path.contains(".metrics.") => METRICS,
            _ if path.contains(".logs.") => LOGS,
            None => "the only method is TraceService/Export of OTLP v1",
            Some(_) => "the only methods are PostSpans and GetSamplingStrategy",
        }));
    }
    let encoding = Encoding::named(header(&head.headers, &ENCODING)).ok_or(Fault::Encoding)?;
    let tenant = plain::tenant(server, &head.headers).await?;
    let (settings, sink) = (&server.settings, &*server.sink);
    let limit = settings.body_bytes;
    let read = async {
        let mut reading = Reading::begin(body, limit.saturating_add(HEAD), sink, &server.counters)?;
        if let Some(frame) = Frame::parse(reading.until(HEAD).await?) {
            if frame.len > limit {
                return Err(Fault::TooLarge(limit));
            }
            reading.expect(HEAD + frame.len)?;
        }
        reading.all().await
    };
    let held =
        tokio::time::timeout(settings.body_timeout, read).await.map_err(|_| Fault::Slow)??;
    let compressed = one_message(&held.bytes)?;
    let held = Held { bytes: held.bytes.slice(HEAD..), ..held };
    let held = if compressed {
        if encoding == Encoding::Identity {
            return Err(Fault::Framing("a compressed message without grpc-encoding"));
        }
        encoding.inflate(held, limit, sink)?
    } else {
        held
    };
    let held = match method.translate {
        Some(translate) => plain::translated(server, held, translate)?,
        None => held,
    };
    let outcome = server.offer(tenant, held).await?;
    plain::all_rejected(server, &outcome)?;
    Ok(outcome)
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    flag: u8,
    len: usize,
}

impl Frame {
    fn parse(bytes: &[u8]) -> Option<Frame> {
        let (&[flag, a, b, c, d], _) = bytes.split_first_chunk::<HEAD>()?;
        Some(Frame { flag, len: u32::from_be_bytes([a, b, c, d]) as usize })
    }
}

/// Proves that `body` is exactly one message; whether it is compressed.
fn one_message(body: &[u8]) -> Result<bool, Fault> {
    let Some(frame) = Frame::parse(body) else {
        return Err(match body {
            [] => Fault::Cardinality,
            _ => Fault::Framing("the body ends inside a frame's head"),
        });
    };
    match (body.len() - HEAD).cmp(&frame.len) {
        std::cmp::Ordering::Less => return Err(Fault::Framing("the body ends inside a message")),
        std::cmp::Ordering::Greater => return Err(Fault::Cardinality),
        std::cmp::Ordering::Equal => {}
    }
    match frame.flag {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Fault::Framing("a frame's first byte is neither 0 nor 1")),
    }
}

/// A successful answer with one message.
fn message(message: &[u8]) -> Response<Reply> {
    let mut frame = Vec::with_capacity(HEAD + message.len());
    frame.push(0);
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
    frame.extend_from_slice(message);
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let mut response = Response::new(Reply::with_trailers(Bytes::from(frame), trailers));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

/// An answer that is its trailers, sent as headers.
fn trailers_only(fault: &Fault) -> Response<Reply> {
    let complaint = Complaint::of(fault);
    let mut response = Response::new(Reply::empty(complaint));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, GRPC);
    headers.insert(STATUS, HeaderValue::from(fault.code() as u16));
    if let Ok(message) = HeaderValue::try_from(answer::percent_encoded(&fault.to_string())) {
        headers.insert(MESSAGE, message);
    }
    if let Some(Ok(details)) = answer::status_details(fault).map(HeaderValue::try_from) {
        headers.insert(DETAILS, details);
    }
    if *fault == Fault::Encoding {
        headers.insert(ACCEPT_ENCODING, ACCEPTED);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_exactly_one_message() {
        let table: &[(&[u8], Result<bool, Fault>)] = &[
            (&[0, 0, 0, 0, 0], Ok(false)),
            (&[1, 0, 0, 0, 1, 9], Ok(true)),
            (&[], Err(Fault::Cardinality)),
            (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Err(Fault::Cardinality)),
            (&[0, 0, 0, 0, 0, 1], Err(Fault::Cardinality)),
            (&[0, 0, 0], Err(Fault::Framing("the body ends inside a frame's head"))),
            (&[0, 0, 0, 0, 2, 1], Err(Fault::Framing("the body ends inside a message"))),
            (&[0, 255, 255, 255, 255], Err(Fault::Framing("the body ends inside a message"))),
            (&[2, 0, 0, 0, 0], Err(Fault::Framing("a frame's first byte is neither 0 nor 1"))),
        ];
        for (body, expected) in table {
            assert_eq!(one_message(body), *expected, "{body:?}");
        }
    }
}
