//! Which way a request goes: by the socket's protocol, then gRPC by its content type or path.

use crate::connections::{self, Settings};
use crate::counters::Counters;
use crate::header::{Media, is_path, media};
use crate::jaeger::sampling::{self, Strategy};
use crate::listen::Listener;
use crate::reply::Reply;
use crate::server::Server;
use crate::sink::Sink;
use crate::{grpc, http as plain, jaeger, otlp, zipkin};
use ::http::{Method, Request, Response};
use hyper::body::Incoming;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a TCP socket speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Protocol {
    /// OTLP, over gRPC and HTTP alike.
    Otlp,
    /// Jaeger's Thrift over HTTP.
    JaegerHttp,
    /// Jaeger's gRPC: spans, and the sampling strategy.
    JaegerGrpc(Strategy),
    /// What Jaeger's clients ask their agent: sampling strategy and baggage restrictions.
    JaegerSampling(Strategy),
    /// Zipkin v1 and v2.
    Zipkin,
}

/// Serves `protocol` on `listener` until `stop`; then stops accepting, finishes the requests that
/// run and returns. A caller that cannot wait for that drops the future, which ends them.
pub async fn serve<S: Sink>(
    protocol: Protocol,
    listener: Listener,
    settings: Settings,
    sink: Arc<S>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    let server = Arc::new(Server { settings, sink, counters });
    let (settings, counters) = (server.settings.clone(), Arc::clone(&server.counters));
    // One handler for all protocols: each would link all of hyper once more.
    let handler = move |from, request| {
        let server = Arc::clone(&server);
        async move {
            let counters = Arc::clone(&server.counters);
            let mut response = answer(protocol, server, request).await;
            if let Some(complaint) = response.body_mut().complaint.take() {
                counters.complaints.say(from, protocol.name(), complaint.kind, &complaint.what);
            }
            response
        }
    };
    connections::serve(listener, protocol.name(), &settings, &counters, handler, stop).await;
}

impl Protocol {
    /// Its name in the log.
    fn name(self) -> &'static str {
        match self {
            Protocol::Otlp => "otlp",
            Protocol::JaegerHttp => "jaeger-http",
            Protocol::JaegerGrpc(_) => "jaeger-grpc",
            Protocol::JaegerSampling(_) => "jaeger-sampling",
            Protocol::Zipkin => "zipkin",
        }
    }
}

/// Serves one request.
async fn answer<S: Sink>(
    protocol: Protocol,
    server: Arc<Server<S>>,
    request: Request<Incoming>,
) -> Response<Reply> {
    server.counters.requests.add(1);
    if is_grpc(&request) {
        return match protocol {
            Protocol::JaegerGrpc(strategy)
                if is_path(request.uri().path(), sampling::GET_STRATEGY) =>
            {
                grpc::constant(&server, request, &strategy.protobuf()).await
            }
            Protocol::JaegerGrpc(_) => grpc::answer(&server, request, &jaeger::POST_SPANS).await,
            _ => grpc::answer(&server, request, &otlp::EXPORT).await,
        };
    }
    let origin = plain::allowed_origin(&server, request.headers());
    let mut response = if origin.is_some() && *request.method() == Method::OPTIONS {
        plain::preflight(request.headers())
    } else {
        match protocol {
            Protocol::Otlp => otlp::http::answer(&server, request).await,
            Protocol::JaegerHttp => jaeger::http::answer(&server, request).await,
            Protocol::JaegerSampling(strategy) => {
                sampling::answer(&server, request, strategy).await
            }
            Protocol::Zipkin => zipkin::http::answer(&server, request).await,
            Protocol::JaegerGrpc(_) => {
                let fault = crate::fault::Fault::Path("gRPC's CollectorService alone is");
                plain::refuse(&server, request, fault, None).await
            }
        }
    };
    if let Some(origin) = origin {
        plain::allow(response.headers_mut(), origin);
    }
    response
}

/// Whether a request is gRPC's.
fn is_grpc<B>(request: &Request<B>) -> bool {
    matches!(media(request.headers()), Media::Grpc | Media::OtherGrpc)
        || [otlp::EXPORT, jaeger::POST_SPANS].iter().any(|m| is_path(request.uri().path(), m.path))
}
