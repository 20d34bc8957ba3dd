//! OTLP/HTTP: `POST /v1/traces` with protobuf or JSON, answered in the same.

use super::json;
use crate::answer::{self, MediaType};
use crate::body::Intake;
use crate::fault::Fault;
use crate::header::content_type;
use crate::http::{drain, fault_response, read, refuse, respond, sends_now, tenant};
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tracing::debug;
use tributary_span::otlp::Outcome;

/// The one path that is served.
const PATH: &str = "/v1/traces";

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
) -> Response<Reply> {
    if request.uri().path() != PATH {
        let fault = Fault::Path("OTLP is POST /v1/traces, or gRPC's TraceService/Export");
        return refuse(server, request, fault, None).await;
    }
    if *request.method() != Method::POST {
        return refuse(server, request, Fault::Method, None).await;
    }
    let media_type = match content_type(request.headers()) {
        t if t.eq_ignore_ascii_case(b"application/x-protobuf") => MediaType::Protobuf,
        t if t.eq_ignore_ascii_case(b"application/json") => MediaType::Json,
        _ => {
            let fault = Fault::ContentType("application/x-protobuf, application/json");
            return refuse(server, request, fault, None).await;
        }
    };
    let sends = sends_now(&request);
    let (head, mut body) = request.into_parts();
    match export(server, media_type, &head.headers, &mut body).await {
        Ok(outcome) => {
            server.counters.taken(&outcome);
            respond(StatusCode::OK, media_type, answer::response(&outcome, media_type))
        }
        Err(fault) => {
            debug!(error = %fault, transport = "http", version = ?head.version, "request turned away");
            server.counters.fault(&fault);
            drain(sends, body, &fault).await;
            fault_response(&fault, Some(media_type))
        }
    }
}

async fn export<S: Sink>(
    server: &Server<S>,
    media_type: MediaType,
    headers: &HeaderMap,
    body: &mut Incoming,
) -> Result<Outcome, Fault> {
    let tenant = tenant(server, headers).await?;
    let mut held = read(server, headers, body).await?;
    if media_type == MediaType::Json {
        let mut intake = Intake::new(&*server.sink, usize::MAX);
        intake.raise(json::longest(held.bytes.len()))?;
        let request = json::to_protobuf(&held.bytes).map_err(|e| {
            Fault::Malformed(format!("the body is not an OTLP request in JSON: {e}"))
        })?;
        held = intake.hold(request);
    }
    server.offer(tenant, held).await
}
