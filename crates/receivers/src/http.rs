//! What all protocols over HTTP share: bodies, tenants, browsers, and how a request is refused.

use crate::answer::{self, MediaType};
use crate::body::{self, Encoding, Held, Intake, Reading};
use crate::complaints::Complaint;
use crate::fault::Fault;
use crate::header::header;
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use crate::translate::Room;
use ::http::header::{self as name, HeaderMap, HeaderValue};
use ::http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use std::time::Duration;
use tributary_span::otlp::Outcome;
use tributary_span::tenant;

/// How long a body that was turned away is read on, so that its sender sees the answer.
const DISCARD: Duration = Duration::from_secs(5);

/// Turns a body into an OTLP request.
pub(crate) type Translate = fn(&[u8], &mut dyn Room) -> Result<Vec<u8>, Fault>;

/// Takes a request in a protocol whose clients are told no more than yes or no: 202 without a
/// body, or a status and a line of text.
pub(crate) async fn take<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    translate: Translate,
) -> Response<Reply> {
    let sends = sends_now(&request);
    let (head, mut body) = request.into_parts();
    match offer(server, &head.headers, &mut body, translate).await {
        Ok(outcome) => {
            let (complaint, _) = taken(server, &outcome);
            let mut response = Response::new(Reply::empty(complaint));
            *response.status_mut() = StatusCode::ACCEPTED;
            response
        }
        Err(fault) => {
            server.counters.fault(&fault);
            drain(sends, body, &fault).await;
            fault_response(&fault, None)
        }
    }
}

async fn offer<S: Sink>(
    server: &Server<S>,
    headers: &HeaderMap,
    body: &mut Incoming,
    translate: Translate,
) -> Result<Outcome, Fault> {
    let tenant = tenant(server, headers).await?;
    let held = read(server, headers, body).await?;
    let held = translated(server, held, translate)?;
    let outcome = server.offer(tenant, held).await?;
    all_rejected(server, &outcome)?;
    Ok(outcome)
}

/// Clients are told when nothing at all was taken, as when all that they sent is broken: some know no
/// partial success, and of those that should many never look at one (OpenTelemetry's for Python, Java,
/// .NET, C++ and Ruby among them), while all log an error.
pub(crate) fn all_rejected<S>(server: &Server<S>, outcome: &Outcome) -> Result<(), Fault> {
    match outcome.first {
        Some(reject) if outcome.accepted == 0 => {
            server.counters.rejected(outcome);
            let n = outcome.rejected;
            let why = format!(
                "no span was taken, {n} were refused: {reject} (logs and metrics are none)"
            );
            Err(Fault::Malformed(why))
        }
        _ => Ok(()),
    }
}

/// Counts a request that was taken: what the log is to have of it, and what its sender is told.
pub(crate) fn taken<S>(
    server: &Server<S>,
    outcome: &Outcome,
) -> (Option<Box<Complaint>>, Option<String>) {
    server.counters.taken(outcome);
    match answer::told(outcome) {
        Some((kind, what)) => (Some(Box::new(Complaint { kind, what: what.clone() })), Some(what)),
        None => (None, None),
    }
}

/// A held body, translated; the body is let go.
pub(crate) fn translated<S: Sink>(
    server: &Server<S>,
    held: Held<S::Permit>,
    translate: Translate,
) -> Result<Held<S::Permit>, Fault> {
    let mut intake = Intake::new(&*server.sink, usize::MAX);
    let request = translate(&held.bytes, &mut intake)?;
    Ok(intake.hold(request))
}

/// Whether a client sends its body without waiting to be asked. One that waits for "100 Continue"
/// has sent nothing yet that could be discarded.
pub(crate) fn sends_now<B>(request: &Request<B>) -> bool {
    request.version() < Version::HTTP_2 && !request.headers().contains_key(name::EXPECT)
}

/// Reads on what is left of a body that was turned away.
pub(crate) async fn drain(sends: bool, body: Incoming, fault: &Fault) {
    if sends && !matches!(fault, Fault::Slow | Fault::Gone(_)) {
        body::discard(body, DISCARD).await;
    }
}

/// A request's body, decompressed.
pub(crate) async fn read<S: Sink>(
    server: &Server<S>,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Held<S::Permit>, Fault> {
    let (settings, sink) = (&server.settings, &*server.sink);
    let limit = settings.body_bytes;
    let encoding = header(headers, &name::CONTENT_ENCODING);
    let encoding = Encoding::named(encoding).ok_or(Fault::Encoding)?;
    if headers.get_all(name::CONTENT_ENCODING).iter().nth(1).is_some() {
        return Err(Fault::Encoding);
    }
    let read = async { Reading::begin(body, limit, sink, &server.counters)?.all().await };
    let held =
        tokio::time::timeout(settings.body_timeout, read).await.map_err(|_| Fault::Slow)??;
    encoding.inflate(held, limit, sink)
}

/// The tenant that a request names, where that means something.
pub(crate) async fn tenant<'h, S: Sink>(
    server: &Server<S>,
    headers: &'h HeaderMap,
) -> Result<Option<&'h str>, Fault> {
    let value = headers.get(tenant::HEADER).map(HeaderValue::as_bytes);
    Ok(server.sink.tenants().await.named(value)?)
}

/// Turns a request away before its body was looked at.
pub(crate) async fn refuse<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
    fault: Fault,
    media_type: Option<MediaType>,
) -> Response<Reply> {
    server.counters.fault(&fault);
    if sends_now(&request) {
        body::discard(request.into_body(), DISCARD).await;
    }
    fault_response(&fault, media_type)
}

/// The answer to a request that was turned away: a `google.rpc.Status` in the request's
/// own media type, and plain text where that is none of OTLP's.
pub(crate) fn fault_response(fault: &Fault, media_type: Option<MediaType>) -> Response<Reply> {
    let mut response = match media_type {
        Some(media_type) => respond(fault.http(), media_type, answer::status(fault, media_type)),
        None => {
            let mut response = Response::new(Reply::new(format!("{fault}\n")));
            *response.status_mut() = fault.http();
            let text = HeaderValue::from_static("text/plain; charset=utf-8");
            response.headers_mut().insert(name::CONTENT_TYPE, text);
            response
        }
    };
    response.body_mut().complaint = Complaint::of(fault);
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

/// An answer in a media type.
pub(crate) fn respond(
    status: StatusCode,
    media_type: MediaType,
    message: Vec<u8>,
) -> Response<Reply> {
    let mut response = Response::new(Reply::new(message));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(media_type.name());
    response.headers_mut().insert(name::CONTENT_TYPE, content_type);
    response
}

/// The request's origin if it is one that may send, and whether it is named in the settings: not as `*`.
pub(crate) fn allowed_origin<S>(
    server: &Server<S>,
    headers: &HeaderMap,
) -> Option<(HeaderValue, bool)> {
    let origin = headers.get(name::ORIGIN)?;
    let allowed = &server.settings.cors_origins;
    let named = allowed.iter().any(|one| origin.as_bytes().eq_ignore_ascii_case(one.as_bytes()));
    (named || allowed.iter().any(|one| one == "*")).then(|| (origin.clone(), named))
}

/// Tells a browser that its page may see the answer. Beacons are sent with credentials, which nothing
/// here looks at; a page may send them where its origin is named, never where any may.
pub(crate) fn allow(headers: &mut HeaderMap, (origin, named): (HeaderValue, bool)) {
    headers.insert(name::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if named {
        let yes = HeaderValue::from_static("true");
        headers.insert(name::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
    }
    headers.append(name::VARY, HeaderValue::from_static("origin"));
}

/// The answer to a browser that asks before it sends (Fetch standard, CORS-preflight). Any header
/// may be sent: exporters are given headers by configuration.
pub(crate) fn preflight(headers: &HeaderMap) -> Response<Reply> {
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
