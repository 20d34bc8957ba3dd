//! Thrift over HTTP: `POST /api/traces`, answered with 202 and nothing.

use super::thrift;
use crate::fault::Fault;
use crate::header::{Media, is_path, media};
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
    let (path, query) = (request.uri().path(), request.uri().query());
    let fault = if !is_path(path, "/api/traces") {
        Fault::Path("Jaeger's Thrift is POST /api/traces")
    } else if *request.method() != Method::POST {
        Fault::Method
    } else {
        let format =
            query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("format=")));
        // Anything else than what Jaeger's own clients write was never served.
        match format {
            None | Some("" | "jaeger.thrift" | "jaeger.thrift.binary")
                if media(request.headers()) == Media::Thrift =>
            {
                return take(server, request, thrift::http_batch).await;
            }
            None | Some("" | "jaeger.thrift" | "jaeger.thrift.binary") => {
                Fault::ContentType("application/x-thrift, application/vnd.apache.thrift.binary")
            }
            _ => Fault::ContentType("format=jaeger.thrift"),
        }
    };
    refuse(server, request, fault, None).await
}
