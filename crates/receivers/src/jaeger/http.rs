//! Thrift over HTTP: `POST /api/traces`, answered with 202 and nothing.

use super::thrift;
use crate::fault::Fault;
use crate::header::content_type;
use crate::http::{refuse, take};
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use ::http::{Method, Request, Response};
use hyper::body::Incoming;

/// Serves one request.
pub(crate) async fn answer<S: Sink>(
    server: &Server<S>,
    request: Request<Incoming>,
) -> Response<Reply> {
    let fault = match (request.uri().path(), request.uri().query(), request.method()) {
        ("/api/traces" | "/api/traces/", query, &Method::POST) => {
            let format = query
                .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("format=")));
            // Anything else than what Jaeger's own clients write was never served.
            let known =
                matches!(format, None | Some("" | "jaeger.thrift" | "jaeger.thrift.binary"));
            match content_type(request.headers()) {
                _ if !known => Fault::ContentType("format=jaeger.thrift"),
                b"application/x-thrift" | b"application/vnd.apache.thrift.binary" => {
                    return take(server, request, thrift::http_batch).await;
                }
                _ => {
                    Fault::ContentType("application/x-thrift, application/vnd.apache.thrift.binary")
                }
            }
        }
        ("/api/traces" | "/api/traces/", ..) => Fault::Method,
        _ => Fault::Path("Jaeger's Thrift is POST /api/traces"),
    };
    refuse(server, request, fault, None).await
}
