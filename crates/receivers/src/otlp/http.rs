//! OTLP/HTTP: `POST /v1/traces` with protobuf or JSON, answered in the same.

use super::answer::{self, Form};
use super::route::{header, media_type};
use super::{Receiver, json};
use crate::body::{self, Encoding, Intake, Reading};
use crate::fault::Fault;
use crate::reply::Reply;
use crate::sink::Sink;
use crate::tenant;
use ::http::header::{self as name, HeaderMap, HeaderValue};
use ::http::{Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use std::time::Duration;
use tracing::debug;
use tributary_span::otlp::Outcome;

/// The one path that is served.
pub(super) const PATH: &str = "/v1/traces";

/// How long a body that was turned away is read on, so that its sender sees the answer.
const DISCARD: Duration = Duration::from_secs(5);

/// Serves one request.
pub(super) async fn answer<S: Sink>(
    receiver: &Receiver<S>,
    request: Request<Incoming>,
) -> Response<Reply> {
    if request.uri().path() != PATH {
        let fault = Fault::Path("OTLP is POST /v1/traces, or gRPC's TraceService/Export");
        return refuse(receiver, request, fault, None).await;
    }
    let origin = allowed_origin(receiver, request.headers());
    let mut response = match *request.method() {
        Method::POST => post(receiver, request).await,
        Method::OPTIONS if origin.is_some() => preflight(request.headers()),
        _ => refuse(receiver, request, Fault::Method, None).await,
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(name::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(name::VARY, HeaderValue::from_static("origin"));
    }
    response
}

async fn post<S: Sink>(receiver: &Receiver<S>, request: Request<Incoming>) -> Response<Reply> {
    let form = match media_type(header(request.headers(), &name::CONTENT_TYPE)) {
        t if t.eq_ignore_ascii_case(b"application/x-protobuf") => Form::Protobuf,
        t if t.eq_ignore_ascii_case(b"application/json") => Form::Json,
        _ => {
            let fault = Fault::ContentType("application/x-protobuf, application/json");
            return refuse(receiver, request, fault, None).await;
        }
    };
    // A client that waits for "100 Continue" has sent nothing yet that could be discarded.
    let sends =
        request.version() < Version::HTTP_2 && !request.headers().contains_key(name::EXPECT);
    let (head, mut body) = request.into_parts();
    match export(receiver, form, &head.headers, &mut body).await {
        Ok(outcome) => {
            receiver.counters.taken(&outcome);
            respond(StatusCode::OK, form, answer::response(&outcome, form))
        }
        Err(fault) => {
            debug!(error = %fault, version = ?head.version, "http request turned away");
            receiver.counters.fault(&fault);
            if sends && !matches!(fault, Fault::Slow | Fault::Gone(_)) {
                body::discard(body, DISCARD).await;
            }
            fault_response(&fault, Some(form))
        }
    }
}

async fn export<S: Sink>(
    receiver: &Receiver<S>,
    form: Form,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Outcome, Fault> {
    let (settings, sink) = (&receiver.settings, &*receiver.sink);
    let limit = settings.body_bytes;
    let mut encodings = headers.get_all(name::CONTENT_ENCODING).iter();
    let encoding = encodings.next().map_or(&[][..], |value| value.as_bytes());
    let encoding = Encoding::named(encoding).ok_or(Fault::Encoding)?;
    if encodings.next().is_some() {
        return Err(Fault::Encoding);
    }
    let tenant = tenant(headers)?;
    let read = async { Reading::begin(body, limit, sink, &receiver.counters)?.all().await };
    let held =
        tokio::time::timeout(settings.body_timeout, read).await.map_err(|_| Fault::Slow)??;
    let mut held = encoding.inflate(held, limit, sink)?;
    if form == Form::Json {
        let mut intake = Intake::new(sink, usize::MAX);
        intake.raise(json::longest(held.bytes.len()))?;
        let request = json::to_protobuf(&held.bytes).map_err(|e| {
            Fault::Malformed(format!("the body is not an OTLP request in JSON: {e}"))
        })?;
        held = intake.hold(request);
    }
    receiver.offer(tenant, held).await
}

/// The tenant that a request names.
pub(super) fn tenant(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let Some(value) = headers.get(tenant::HEADER) else { return Ok(None) };
    let id =
        value.to_str().map_err(|_| Fault::Malformed(tenant::TenantError::Character.to_string()))?;
    tenant::check(id).map_err(|error| Fault::Malformed(error.to_string()))?;
    Ok(Some(id))
}

/// Turns a request away before its body was looked at.
pub(super) async fn refuse<S: Sink>(
    receiver: &Receiver<S>,
    request: Request<Incoming>,
    fault: Fault,
    form: Option<Form>,
) -> Response<Reply> {
    debug!(error = %fault, version = ?request.version(), path = request.uri().path(), "request turned away");
    receiver.counters.fault(&fault);
    if request.version() < Version::HTTP_2 && !request.headers().contains_key(name::EXPECT) {
        body::discard(request.into_body(), DISCARD).await;
    }
    fault_response(&fault, form)
}

/// The answer to a request that was turned away: a `google.rpc.Status` in the request's form, and
/// plain text where the form is not known.
fn fault_response(fault: &Fault, form: Option<Form>) -> Response<Reply> {
    let mut response = match form {
        Some(form) => respond(fault.http(), form, answer::status(fault, form)),
        None => {
            let mut response = Response::new(Reply::new(format!("{fault}\n")));
            *response.status_mut() = fault.http();
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(name::CONTENT_TYPE, text);
            response
        }
    };
    let headers = response.headers_mut();
    match fault {
        Fault::Method => {
            headers.insert(name::ALLOW, HeaderValue::from_static("POST"));
        }
        Fault::Encoding => {
            headers.insert(name::ACCEPT_ENCODING, HeaderValue::from_static(Encoding::SUPPORTED));
        }
        _ => {}
    }
    if let Some(delay) = fault.retry_after() {
        headers.insert(name::RETRY_AFTER, answer::retry_after_seconds(delay).into());
    }
    response
}

fn respond(status: StatusCode, form: Form, message: Vec<u8>) -> Response<Reply> {
    let mut response = Response::new(Reply::new(message));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(form.content_type());
    response.headers_mut().insert(name::CONTENT_TYPE, content_type);
    response
}

/// The request's origin if it is one that may send.
fn allowed_origin<S>(receiver: &Receiver<S>, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(name::ORIGIN)?;
    let allowed = &receiver.settings.cors_origins;
    let is = |one: &String| one == "*" || origin.as_bytes().eq_ignore_ascii_case(one.as_bytes());
    allowed.iter().any(is).then(|| origin.clone())
}

/// The answer to a browser that asks before it sends (Fetch standard, CORS-preflight). Any header
/// may be sent: exporters are given headers by configuration.
fn preflight(headers: &HeaderMap) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let out = response.headers_mut();
    out.insert(name::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    if let Some(asked) = headers.get(name::ACCESS_CONTROL_REQUEST_HEADERS) {
        out.insert(name::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    out.insert(name::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("7200"));
    response
}
