//! `POST /api/v2/spans` and `/api/v1/spans`, answered with 202 and nothing.
//!
//! As with other receivers, a path before these is ignored, and so is a content type that is not
//! that of the binary encoding: browsers send JSON as text.

use super::{json_v1, json_v2, proto, thrift};
use crate::fault::Fault;
use crate::header::content_type;
use crate::http::{Translate, refuse, take};
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
    let path = request.uri().path().trim_end_matches('/');
    let v1 = path.ends_with("/api/v1/spans");
    if !v1 && !path.ends_with("/spans") {
        let fault = Fault::Path("Zipkin is POST /api/v2/spans and /api/v1/spans");
        return refuse(server, request, fault, None).await;
    }
    if *request.method() != Method::POST {
        return refuse(server, request, Fault::Method, None).await;
    }
    let translate: Translate = match content_type(request.headers()) {
        b"application/x-thrift" if v1 => thrift::body,
        _ if v1 => json_v1,
        b"application/x-protobuf" => proto::body,
        _ => json_v2,
    };
    take(server, request, translate).await
}
