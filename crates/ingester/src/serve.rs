//! HTTP: Tempo's query API for people, live spans for the other ingesters, probes and metrics.

mod peers;

pub use peers::Peers;

use crate::blocks::Blocks;
use crate::chain::Chain;
use crate::group::Live;
use crate::metrics::Metrics;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tributary_query::api::{self, Answer, Call, Found, TraceCall};
use tributary_receivers::Counters;
use tributary_span::columns::{Builder, Translation};
use tributary_span::otlp::encode;
use tributary_span::{Columns, TraceId};

/// Where ingesters ask each other for what only the other one sees.
const LIVE: &str = "/internal/v1/live/";

/// What the handlers share.
pub struct Serve {
    /// How the API is set up.
    pub settings: api::Settings,
    /// Spans in memory.
    pub live: Arc<Live>,
    /// Spans in blocks.
    pub blocks: Arc<Blocks>,
    /// The other ingesters.
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
pub async fn run(
    listener: TcpListener,
    serve: Arc<Serve>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let app = axum::Router::new().fallback(handle).with_state(serve);
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn handle(State(serve): State<Arc<Serve>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let answer = match head.uri.path() {
        "/live" => text(StatusCode::OK, "alive\n"),
        "/ready" if serve.ready.load(Ordering::Relaxed) => text(StatusCode::OK, "ready\n"),
        "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "starting or leaving\n"),
        "/metrics" => {
            (serve.refresh)();
            text(StatusCode::OK, serve.page())
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
        let packed = std::io::Write::write_all(&mut encoder, response.body())
            .and_then(|()| encoder.finish());
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
    /// The page of metrics, with the receivers' before its end.
    fn page(&self) -> String {
        const END: &str = "# EOF\n";
        let page = self.metrics.page();
        let receivers: Vec<_> = self.receivers.iter().map(|(name, c)| (*name, &**c)).collect();
        let own = tributary_receivers::page("tributary_ingester_", &receivers);
        let before = page.strip_suffix(END).unwrap_or(&page);
        format!("{before}{own}{END}")
    }

    /// Everything that is known of a trace. Memory is asked before the blocks: spans move from the
    /// one to the other, and asked the other way round they could be missed in both.
    async fn find(&self, call: &TraceCall) -> Found {
        let mut found = Found::default();
        for tenant in &call.tenants {
            found.parts.extend(self.in_memory(tenant, &call.id));
            let (parts, missing) = self.peers.ask(tenant, &call.id).await;
            found.parts.extend(parts);
            found.missing.extend(missing);
            let in_blocks = self.blocks.find(tenant, &call.id, call.window).await;
            found.parts.extend(in_blocks.parts);
            found.inspected_bytes += in_blocks.inspected_bytes;
            for (meta, error) in &in_blocks.failed {
                let block = meta.block_id;
                tracing::warn!(error = %Chain(error), tenant, %block, "a block could not be read");
                found.missing.push(format!("block {block} could not be read: {error}"));
            }
        }
        found
    }

    fn in_memory(&self, tenant: &str, trace: &TraceId) -> Option<Columns> {
        let batches = self.live.find(tenant, trace);
        let mut spans = Builder::new();
        for columns in &batches {
            let mut known = Translation::default();
            (0..columns.len())
                .filter(|&row| columns.trace_of(row) == *trace)
                .for_each(|row| spans.copy_span(columns, row, &mut known));
        }
        (!spans.is_empty()).then(|| spans.take())
    }

    /// What this ingester sees and others may not yet: its memory and the blocks it wrote since
    /// they looked last. OTLP's `TracesData`, empty when there is nothing.
    async fn local(&self, path: &str) -> Answer {
        let Some((tenant, id)) = path.strip_prefix(LIVE).and_then(|rest| rest.split_once('/'))
        else {
            return Answer::error(StatusCode::NOT_FOUND, "expected tenant and trace id");
        };
        let id = match TraceId::from_hex(id) {
            Ok(id) => id,
            Err(why) => return Answer::error(StatusCode::BAD_REQUEST, why),
        };
        let mut parts: Vec<Columns> = self.in_memory(tenant, &id).into_iter().collect();
        let recent = self.blocks.find_recent(tenant, &id).await;
        if let Some((meta, error)) = recent.failed.first() {
            let why = format!("block {} could not be read: {error}", meta.block_id);
            return Answer::error(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        parts.extend(recent.parts);
        let mut body = Vec::new();
        for part in &parts {
            let rows: Vec<u32> = (0u32..).take(part.len()).collect();
            encode::resource_spans(&mut body, part, &rows);
        }
        Answer { status: StatusCode::OK, content_type: api::PROTOBUF, body: body.into() }
    }
}
