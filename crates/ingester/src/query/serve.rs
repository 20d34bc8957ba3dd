//! HTTP: Tempo's query API for people, live spans for the other ingesters, probes and metrics.

mod peers;

pub use peers::Peers;

use crate::cluster::Membership;
use crate::metrics::Metrics;
use crate::query::{Traces, Wanted};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tributary_query::api::{self, Answer, Call, Found, TraceCall};
use tributary_receivers::{Counters, Listener};
use tributary_span::TraceId;
use tributary_span::otlp::encode;

/// Where ingesters ask each other for what only the other one sees.
const LIVE: &str = "/internal/v1/live/";

/// What the handlers share.
pub struct Serve {
    /// How the API is set up.
    pub settings: api::Settings,
    /// Where this ingester looks.
    pub traces: Arc<Traces>,
    /// Who the other ingesters are, and where the spans of those that do not answer are.
    pub membership: Membership,
    /// Asks them.
    pub peers: Peers,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Counters of the receivers, by name.
    pub receivers: Vec<(&'static str, Arc<Counters>)>,
    /// Whether `/ready` says so.
    pub ready: Arc<AtomicBool>,
    /// Sets the gauges that are read, not counted.
    pub refresh: Box<dyn Fn() + Send + Sync>,
}

/// Serves until `stop`, then finishes the requests at hand.
///
/// # Errors
/// When the listener fails.
pub async fn run(listener: Listener, serve: Arc<Serve>, stop: CancellationToken) -> io::Result<()> {
    let app = axum::Router::new().fallback(handle).with_state(serve);
    axum::serve(Sockets(listener), app).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// The sockets as axum takes them.
struct Sockets(Listener);

impl axum::serve::Listener for Sockets {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        self.0.next().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.addresses().first().copied().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }
}

async fn handle(State(serve): State<Arc<Serve>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let answer = match head.uri.path() {
        "/live" => text(StatusCode::OK, "alive\n"),
        "/ready" if serve.ready.load(Ordering::Relaxed) => text(StatusCode::OK, "ready\n"),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "starting or leaving\n"),
        "/metrics" => {
            (serve.refresh)();
            text(StatusCode::OK, serve.render_metrics())
        }
        path if path.starts_with(LIVE) => serve.local(path).await,
        _ => match api::read(&head, &serve.settings) {
            Ok(Call::Ready(answer)) | Err(answer) => answer,
            Ok(Call::Trace(call)) => {
                serve.metrics.queries.inc();
                let found = serve.find(&call).await;
                if !found.missing.is_empty() {
                    serve.metrics.queries_partial.inc();
                }
                call.answer(&found)
            }
        },
    };
    let gzip = head
        .headers
        .get(header::ACCEPT_ENCODING)
        .is_some_and(|v| v.as_bytes().windows(4).any(|w| w == b"gzip"));
    respond(answer, gzip)
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    Answer { status, content_type: api::TEXT, body: body.into() }
}

/// Answers above this size are compressed for clients that take gzip.
const WORTH_COMPRESSING: usize = 4096;

fn respond(answer: Answer, gzip: bool) -> Response {
    let mut response: http::Response<Bytes> = answer.into();
    if gzip && response.body().len() > WORTH_COMPRESSING {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let packed =
            io::Write::write_all(&mut encoder, response.body()).and_then(|()| encoder.finish());
        if let Ok(packed) = packed {
            *response.body_mut() = packed.into();
            response
                .headers_mut()
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    response.map(Body::from)
}

impl Serve {
    /// What is counted, the receivers' counters included.
    fn render_metrics(&self) -> String {
        let receivers: Vec<_> = self.receivers.iter().map(|(name, c)| (*name, &**c)).collect();
        self.metrics.render(&receivers)
    }

    /// Everything that is known of a trace, in the order that [`crate::query`] explains.
    async fn find(&self, call: &TraceCall) -> Found {
        let others = self.membership.others();
        let mut found = Found::default();
        if others.in_the_dark {
            found.missing.push("it is not known which ingesters there are".to_owned());
        }
        let mut epochs: BTreeSet<_> = others.unattended.union(&others.unnamed).copied().collect();
        for tenant in &call.tenants {
            found.parts.extend(self.traces.in_memory(tenant, &call.id));
            let told = self.peers.ask(&others.living, tenant, &call.id).await;
            found.parts.extend(told.parts);
            found.missing.extend(told.missing);
            epochs.extend(told.silent);
        }
        let wanted = Wanted { tenants: &call.tenants, id: call.id, time: call.time };
        self.traces.in_store(wanted, &epochs, self.membership.moved(), &mut found).await;
        found
    }

    /// What this ingester sees and others may not yet. OTLP's `TracesData`, empty when there is
    /// nothing.
    async fn local(&self, path: &str) -> Answer {
        let Some((tenant, id)) = path.strip_prefix(LIVE).and_then(|rest| rest.split_once('/'))
        else {
            return Answer::error(StatusCode::NOT_FOUND, "expected tenant and trace id");
        };
        let id = match TraceId::from_hex(id) {
            Ok(id) => id,
            Err(why) => return Answer::error(StatusCode::BAD_REQUEST, why),
        };
        let others = self.membership.others();
        let found = self.traces.for_another(tenant, &id, &others.unnamed).await;
        if !found.missing.is_empty() {
            let why = found.missing.join("; ");
            return Answer::error(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        let mut body = Vec::new();
        for part in &found.parts {
            let rows: Vec<u32> = (0u32..).take(part.len()).collect();
            encode::resource_spans(&mut body, part, &rows);
        }
        Answer { status: StatusCode::OK, content_type: api::PROTOBUF, body: body.into() }
    }
}
