//! Who may ask what: looked at before any route, so that none can be forgotten.

use super::grpc::is_grpc;
use super::host::foreign;
use super::http::HttpState;
use super::peers::INTERNAL;
use crate::access::{Client, Gate, Port, Stranger};
use crate::page;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::sync::Arc;
use tonic::Status;
use tributary_identity::{Refusal, Shown};

/// Open to every caller: probes have no identity, and numbers tell nothing of what is in spans.
const OPEN: [&str; 3] = ["/live", "/ready", "/metrics"];
/// Whose traces are asked for.
const TENANT: HeaderName = HeaderName::from_static(tributary_span::tenant::HEADER);

/// Lets a request through to its route, with the tenants that its caller may read; or refuses it.
pub(super) async fn admit(
    State(state): State<Arc<HttpState>>,
    ConnectInfo(client): ConnectInfo<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    if state.is_private
        && let Some(named) = foreign(request.uri(), request.headers())
    {
        let why = format!(
            "this port is reached from this machine alone, and not as {named:?}: ask as localhost; \
             a proxy in front has to send `Host: localhost`\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, why).into_response();
    }
    if let Some(who) = Stranger::of_path(request.uri().path()) {
        state.strangers.met(who, client.from, Some(&request.uri().path()));
        let why = who.advice(Port::Query);
        return match is_grpc(request.headers()) {
            true => Status::unimplemented(why).into_http(),
            false => (StatusCode::NOT_FOUND, format!("{why}\n")).into_response(),
        };
    }
    if let Some(port) = guarded(request.uri().path()) {
        let checked = check(&state.gate, port, &client, request.headers_mut()).await;
        if let Err(refusal) = checked {
            return refused(&refusal, request.headers());
        }
    }
    next.run(request).await
}

/// As what a caller of this path is looked at; none when it is open.
fn guarded(path: &str) -> Option<Port> {
    let internal = path.strip_prefix(INTERNAL);
    match path {
        path if OPEN.contains(&path) || page::owns(path) => None,
        _ if internal.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) => {
            Some(Port::Peer)
        }
        _ => Some(Port::Query),
    }
}

async fn check(
    gate: &Gate,
    port: Port,
    client: &Client,
    headers: &mut HeaderMap,
) -> Result<(), Refusal> {
    let authorization = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = Shown { authorization, certificate: client.certificate() };
    let Some(caller) = gate.caller(port, shown).await? else { return Ok(()) };
    if port == Port::Peer {
        return gate.peer(&caller);
    }
    // Of several headers one counts, here and behind.
    let asked = headers.get(TENANT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let reads = caller.reads(asked.as_deref());
    let reads = gate.permit(port, reads, asked.as_deref())?.map(HeaderValue::from_str);
    // What cannot stand in a header names no tenant, which the route says.
    if let Some(Ok(reads)) = reads {
        headers.insert(TENANT, reads);
    }
    Ok(())
}

fn refused(refusal: &Refusal, headers: &HeaderMap) -> Response {
    let why = refusal.to_string();
    if is_grpc(headers) {
        let status = match refusal.is_forbidden() {
            true => Status::permission_denied(why),
            false => Status::unauthenticated(why),
        };
        return status.into_http();
    }
    match refusal.is_forbidden() {
        true => (StatusCode::FORBIDDEN, why).into_response(),
        false => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, why).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::http::{SPAN_CALLS_PATH, SPANS_PATH};
    use crate::query::peers::{CALLS_PATH, PEER_PATH, QUESTION_PATH};

    #[test]
    fn what_tells_of_spans_is_guarded() {
        let table = [
            ("/live", None),
            ("/metrics", None),
            ("/", None),
            (SPANS_PATH, Some(Port::Query)),
            (SPAN_CALLS_PATH, Some(Port::Query)),
            ("/metrics/", Some(Port::Query)),
            ("/api/search", Some(Port::Query)),
            ("/no/such/path", Some(Port::Query)),
            (PEER_PATH, Some(Port::Peer)),
            (CALLS_PATH, Some(Port::Peer)),
            (QUESTION_PATH, Some(Port::Peer)),
        ];
        for (path, expected) in table {
            assert_eq!(guarded(path), expected, "{path}");
        }
    }
}
