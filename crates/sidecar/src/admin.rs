//! `/live`, `/ready` and `/metrics`, on all addresses: probes come to the pod's.
//!
//! Neither probe looks at the ingesters: if they are away, the application must not be taken out
//! of its Service, and not restarted either. Live: this answers. Ready: the receivers are open,
//! and the end has not begun.

use crate::buffer::Buffer;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;
use tributary_receivers::{Counters, Listener};

/// Connections at a time; more wait.
const CONNECTIONS: usize = 16;
/// Time for a connection: probes and scrapes are done in far less.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// What the answers tell.
pub(crate) struct Status {
    /// Whether new spans are taken.
    pub(crate) ready: AtomicBool,
    /// Where they are held.
    pub(crate) buffer: Arc<Buffer>,
    /// The receivers' counters, by name.
    pub(crate) receivers: Vec<(&'static str, Arc<Counters>)>,
}

impl Status {
    fn metrics(&self) -> String {
        let receivers: Vec<_> = self.receivers.iter().map(|(name, c)| (*name, &**c)).collect();
        self.buffer.metrics().render(&self.buffer.gauges(), &receivers)
    }
}

/// Serves them. Runs for ever.
pub(crate) async fn serve(mut listener: Listener, status: Arc<Status>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, _) = listener.next().await;
        let status = Arc::clone(&status);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let answer = answer(&request, &status);
                async { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(CONNECTION_TIME)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            if let Ok(Err(error)) = timeout(CONNECTION_TIME, connection).await {
                debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, shown: &Status) -> Response<Full<Bytes>> {
    let ready = shown.ready.load(Relaxed);
    let (status, content_type, text) = match (request.uri().path(), request.method()) {
        ("/live" | "/ready" | "/metrics", method)
            if !matches!(*method, Method::GET | Method::HEAD) =>
        {
            (StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET and HEAD\n".to_owned())
        }
        ("/live", _) => (StatusCode::OK, PLAIN, "live\n".to_owned()),
        ("/ready", _) if ready => (StatusCode::OK, PLAIN, "ready\n".to_owned()),
        ("/ready", _) => (StatusCode::SERVICE_UNAVAILABLE, PLAIN, "stopping\n".to_owned()),
        ("/metrics", _) => (StatusCode::OK, PROMETHEUS, shown.metrics()),
        _ => (StatusCode::NOT_FOUND, PLAIN, "there are /live, /ready and /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, http::HeaderValue::from_static("GET, HEAD"));
    }
    response
}

const PLAIN: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
