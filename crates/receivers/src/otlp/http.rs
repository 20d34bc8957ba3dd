//! OTLP/HTTP: `POST /v1/traces` with protobuf or JSON, answered in the same.
//!
//! Errors are a `google.rpc.Status` in the request's encoding; in JSON where that is neither.

use super::json;
use crate::answer::{self, MediaType};
use crate::body::Intake;
use crate::fault::{Fault, LOGS, METRICS};
use crate::header::{Media, is_path, last_segment, media};
use crate::http::{
    all_rejected, drain, fault_response, read, refuse, respond, sends_now, taken, tenant,
};
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use ::http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tributary_span::otlp::Outcome;

/// The one path that is served.
const PATH: &str = "/v1/traces";

/// What a sender to another path is told.
fn advice(path: &str) -> &'static str {
    match last_segment(path) {
        "metrics" => METRICS,
        "logs" => LOGS,
        "spans" => "OTLP is POST /v1/traces; Zipkin's spans are taken at its own port, 9411",
        "traces" if path.contains("api") => {
            "OTLP is POST /v1/traces; Jaeger's Thrift is taken at its own port, 14268"
        }
        _ => "OTLP is POST /v1/traces, or gRPC's TraceService/Export",
    }
}

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
) -> Response<Reply> {
    let media_type = match media(request.headers()) {
        Media::Protobuf => Some(MediaType::Protobuf),
        // A beacon calls JSON text: with any other name a browser would ask first.
        Media::Json | Media::Text => Some(MediaType::Json),
        _ => None,
    };
    let path = request.uri().path();
    let fault = if !is_path(path, PATH) {
        Some(Fault::Path(advice(path)))
    } else if *request.method() != Method::POST {
        Some(Fault::Method)
    } else if media_type.is_none() {
        Some(Fault::ContentType("application/x-protobuf, application/json"))
    } else {
        None
    };
    let media_type = media_type.unwrap_or(MediaType::Json);
    if let Some(fault) = fault {
        return refuse(server, request, fault, Some(media_type)).await;
    }
    let sends = sends_now(&request);
    let (head, mut body) = request.into_parts();
    match export(server, media_type, &head.headers, &mut body).await {
        Ok(outcome) => {
            let (complaint, told) = taken(server, &outcome);
            let answer = answer::response(outcome.rejected, told.as_deref(), media_type);
            let mut response = respond(StatusCode::OK, media_type, answer);
            response.body_mut().complaint = complaint;
            response
        }
        Err(fault) => {
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
        let request = json::to_protobuf(&held.bytes)?;
        held = intake.hold(request);
    }
    let outcome = server.offer(tenant, held).await?;
    all_rejected(server, &outcome)?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_paths_are_told_where_to_go() {
        let table = [
            ("/v1/metrics", METRICS),
            ("/v1//logs/", LOGS),
            ("/", "OTLP is POST /v1/traces, or gRPC's TraceService/Export"),
        ];
        for (path, expected) in table {
            assert_eq!(advice(path), expected, "{path}");
        }
        assert!(advice("/api/v2/spans").contains("9411"));
        assert!(advice("/api/traces").contains("14268"));
    }
}
