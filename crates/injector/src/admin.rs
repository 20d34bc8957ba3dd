//! Probes and numbers, in the clear.

use crate::certificate::Certificate;
use crate::metrics::Metrics;
use crate::serve::reply;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tributary_receivers::Listener;

/// Connections at once.
const MOST_CONNECTIONS: usize = 32;
/// How long one lasts.
const LONGEST_CONNECTION: Duration = Duration::from_secs(120);
/// How long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// What the pages tell of.
pub(crate) struct Admin {
    pub(crate) certificate: Certificate,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the end has begun.
    pub(crate) ending: CancellationToken,
}

/// Serves until `stop`.
pub(crate) async fn serve(mut listener: Listener, admin: Arc<Admin>, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // With this end all connections.
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            (stream, _) = listener.next(), if connections.len() < MOST_CONNECTIONS => {
                let admin = Arc::clone(&admin);
                let service = service_fn(move |request| {
                    let page = admin.page(&request);
                    async { Ok::<_, Infallible>(page) }
                });
                let mut server = hyper::server::conn::http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
                let connection = server.serve_connection(TokioIo::new(stream), service);
                connections.spawn(async { timeout(LONGEST_CONNECTION, connection).await.ok() });
            }
        }
    }
}

impl Admin {
    fn page(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/live" => reply(StatusCode::OK, "ok\n"),
            "/ready" if self.ending.is_cancelled() => {
                reply(StatusCode::SERVICE_UNAVAILABLE, "it is ending\n")
            }
            "/ready" if self.certificate.config().is_none() => {
                reply(StatusCode::SERVICE_UNAVAILABLE, "there is no certificate yet\n")
            }
            "/ready" => reply(StatusCode::OK, "ok\n"),
            "/metrics" => reply(StatusCode::OK, self.metrics.render()),
            _ => reply(StatusCode::NOT_FOUND, "there is /live, /ready and /metrics\n"),
        }
    }
}
