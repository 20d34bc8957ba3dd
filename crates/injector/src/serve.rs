//! The port where the API server asks: HTTP/1.1 and HTTP/2 inside TLS.
//!
//! Everything is bounded, since any pod of the cluster may connect here: connections, how long one
//! lasts, handshakes, the time that a head and a body take, and the bytes of all bodies together.

mod body;
mod sockets;

use crate::certificate::Certificate;
use crate::metrics::{Metrics, Unanswered};
use crate::refresh::Platform;
use crate::review::{Answer, Entry, review};
use body::Bodies;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sockets::Sockets;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tributary_receivers::Listener;

/// Where pods of namespaces with the label are sent.
const OF_NAMESPACES: &str = "/inject/namespace";
/// Where pods are sent that ask by themselves.
const OF_PODS: &str = "/inject/pod";

/// Connections at once: an API server has one or a few.
const MOST_CONNECTIONS: usize = 256;
/// How long one lasts: the API server makes another, by the certificate of then.
const LONGEST_CONNECTION: Duration = Duration::from_secs(600);
/// How long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
/// Requests at once on one connection.
const MOST_STREAMS: u32 = 100;
/// How long requests that are under way may take at the end.
const LAST_WITHIN: Duration = Duration::from_secs(4);

type Reply = Response<Full<Bytes>>;

/// What answers.
pub(crate) struct Admission {
    platform: Platform,
    metrics: Arc<Metrics>,
    bodies: Bodies,
}

impl Admission {
    pub(crate) fn new(platform: Platform, metrics: Arc<Metrics>) -> Arc<Admission> {
        Arc::new(Admission { platform, metrics, bodies: Bodies::default() })
    }
}

/// Serves until `stop`, then finishes what is under way.
pub(crate) async fn serve(
    listener: Listener,
    certificate: Certificate,
    admission: Arc<Admission>,
    stop: CancellationToken,
) {
    let mut sockets = Sockets::new(listener, certificate, Arc::clone(&admission.metrics));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            stream = sockets.next(), if connections.len() < MOST_CONNECTIONS => {
                connections.spawn(connection(stream, Arc::clone(&admission), stop.clone()));
            }
        }
    }
    drop(sockets);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(LAST_WITHIN, all).await.is_err() {
        tracing::warn!("connections that did not end are cut");
    }
}

async fn connection(
    stream: TlsStream<TcpStream>,
    admission: Arc<Admission>,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| {
        let admission = Arc::clone(&admission);
        async move { Ok::<_, Infallible>(admission.answer(request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(MOST_STREAMS);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A client may break off whenever it likes.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = sleep(LONGEST_CONNECTION) => {}
    }
    connection.as_mut().graceful_shutdown();
    // Requests have bounds of their own; a client that takes no answer has this one.
    timeout(LAST_WITHIN, connection).await.ok();
}

impl Admission {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let entry = match request.uri().path() {
            OF_NAMESPACES => Entry::Namespace,
            OF_PODS => Entry::Pod,
            _ => {
                self.metrics.unanswered(Unanswered::Unknown);
                let text = format!("there is {OF_NAMESPACES} and {OF_PODS}\n");
                return reply(StatusCode::NOT_FOUND, text);
            }
        };
        if request.method() != Method::POST {
            self.metrics.unanswered(Unanswered::Unknown);
            let mut reply = reply(StatusCode::METHOD_NOT_ALLOWED, "POST an AdmissionReview\n");
            reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return reply;
        }
        let body = match self.bodies.read(request.into_body()).await {
            Ok(body) => body,
            Err(refused) => {
                self.metrics.unanswered(refused.why);
                return reply(refused.status, refused.text);
            }
        };
        let begun = Instant::now();
        let answer = review(&body.bytes, entry, &self.platform.now());
        self.metrics.review_seconds.observe(begun.elapsed().as_secs_f64());
        match answer {
            Answer::Review(bytes, result) => {
                self.metrics.reviewed(result);
                let mut reply = Response::new(Full::new(Bytes::from(bytes)));
                let json = HeaderValue::from_static("application/json");
                reply.headers_mut().insert(CONTENT_TYPE, json);
                reply
            }
            Answer::NoReview(why) => {
                self.metrics.unanswered(Unanswered::Malformed);
                tracing::debug!(why, "a request that is no review");
                reply(StatusCode::BAD_REQUEST, format!("{why}\n"))
            }
        }
    }
}

/// Plain text.
pub(crate) fn reply(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(text.into()));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    reply
}
