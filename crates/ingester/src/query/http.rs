//! HTTP: Tempo's query API for people, live spans for the other ingesters, probes and metrics.

use super::ask::{Asker, NotAnswered};
use super::cut::cut;
use super::encoding::{Encoding, compress};
use super::peers::{CALLS_PATH, PEER_PATH, Peers, QUESTION_PATH};
use super::prefix::HttpPrefix;
use super::ready::ready;
use super::state::{self, Own};
use super::trace_room::TraceRoom;
use super::traces::{TraceFinder, TraceQuery};
use crate::access::{Gate, Strangers};
use crate::cluster::Membership;
use crate::conditional::IfNoneMatch;
use crate::limits::Limit;
use crate::memory::Reading;
use crate::metrics::Metrics;
use crate::page;
use crate::span_metrics::SpanMetrics;
use crate::tenant_limits::Limits;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tributary_query::api::{self, Answer, Call, Found, TraceCall};
use tributary_query::part::{PartAnswer, PartQuestion};
use tributary_receivers::Counters;
use tributary_span::TraceId;
use tributary_span::otlp::encode;

/// What the handlers share.
pub(crate) struct HttpState {
    /// This ingester's name, as the others know it.
    pub(crate) name: String,
    /// Only this machine reaches the port.
    pub(crate) is_private: bool,
    /// A path in front of all others.
    pub(crate) prefix: Option<HttpPrefix>,
    /// How the API is set up.
    pub(crate) settings: api::Settings,
    /// Lets callers in.
    pub(crate) gate: Arc<Gate>,
    /// What comes and is not for this port.
    pub(crate) strangers: Arc<Strangers>,
    /// Where this ingester looks.
    pub(crate) traces: Arc<TraceFinder>,
    /// Which other ingesters there are, and where the spans of those that do not answer are.
    pub(crate) membership: Membership,
    /// Asks them.
    pub(crate) peers: Peers,
    /// What traces that are shown may take.
    pub(crate) trace_room: TraceRoom,
    /// Answers questions about many traces.
    pub(crate) asker: Asker,
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
    /// What is counted of spans, if it is.
    pub(crate) span_metrics: Option<SpanMetrics>,
    /// What tenants may have.
    pub(crate) limits: watch::Receiver<Arc<Limits>>,
    /// Counters of the receivers, by name.
    pub(crate) receivers: Vec<(&'static str, Arc<Counters>)>,
    /// Whether `/ready` says so.
    pub(crate) ready: Arc<AtomicBool>,
    /// What `/ready` remarks beside it.
    pub(crate) remarks: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Sets the gauges that are read, not counted.
    pub(crate) set_gauges: Box<dyn Fn() + Send + Sync>,
}

/// What this ingester says of itself and of the others.
pub(super) const STATE_PATH: &str = "/api/tributary/state";
/// Metrics from spans, for Prometheus.
pub(super) const SPANS_PATH: &str = "/metrics/spans";
/// Who calls whom, for the page.
pub(super) const SPAN_CALLS_PATH: &str = "/metrics/spans/calls";
/// The longest question that another ingester may ask, bytes.
const MAX_QUESTION: usize = 1 << 20;

/// Answers a request.
pub(super) async fn handle(State(state): State<Arc<HttpState>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Some(page) = page::answer(&head.method, head.uri.path(), &head.headers) {
        return page.map(Body::from);
    }
    let answer = match head.uri.path() {
        "/live" => text(StatusCode::OK, "alive\n"),
        "/ready" => {
            let (status, body) = ready(state.ready.load(Ordering::Relaxed), &(state.remarks)());
            text(status, body)
        }
        "/metrics" => {
            (state.set_gauges)();
            text(StatusCode::OK, state.render_metrics())
        }
        STATE_PATH => state.tell(),
        SPANS_PATH => return state.span_metrics_page(&head.headers),
        SPAN_CALLS_PATH => state.span_calls(&head.headers).await,
        QUESTION_PATH => state.answer_question(body).await,
        path if path.starts_with(PEER_PATH) => state.answer_peer(path).await,
        path if path.starts_with(CALLS_PATH) => state.answer_calls(path).await,
        _ => match api::read(&head, &state.settings) {
            Ok(Call::Ready(answer)) | Err(answer) => answer,
            Ok(Call::Search(call)) => answered(state.asker.search(&call).await, |a| call.answer(a)),
            Ok(Call::Metrics(call)) => {
                answered(state.asker.metrics(&call).await, |a| call.answer(a))
            }
            Ok(Call::Tags(call)) => answered(state.asker.names(&call).await, |a| call.answer(a)),
            Ok(Call::Values(call)) => answered(state.asker.values(&call).await, |a| call.answer(a)),
            Ok(Call::Trace(call)) => {
                let known = known(&head.method, &head.headers);
                return state.show(call, known, Encoding::taken(&head.headers)).await;
            }
        },
    };
    respond(answer, Encoding::taken(&head.headers))
}

/// What the client of a request has already. Only who reads is told that nothing changed.
fn known(method: &Method, headers: &HeaderMap) -> IfNoneMatch {
    match method {
        &Method::GET | &Method::HEAD => IfNoneMatch::of(headers),
        _ => IfNoneMatch::default(),
    }
}

/// What is answered, or why nothing is.
fn answered<T>(outcome: Result<T, NotAnswered>, answer: impl Fn(&T) -> Answer) -> Answer {
    match outcome {
        Ok(found) => answer(&found),
        Err(why) => refusal(why),
    }
}

/// Why nothing is answered, as an answer.
pub(super) fn refusal(why: NotAnswered) -> Answer {
    match why {
        NotAnswered::Query(why) => Answer::error(StatusCode::BAD_REQUEST, why),
        NotAnswered::Missing(missing) => Answer::unavailable(&missing),
        why @ NotAnswered::Moved => Answer::error(StatusCode::SERVICE_UNAVAILABLE, why),
        why @ (NotAnswered::Busy | NotAnswered::TenantBusy { .. }) => {
            Answer::error(StatusCode::TOO_MANY_REQUESTS, why)
        }
        why @ NotAnswered::TooLong => Answer::error(StatusCode::GATEWAY_TIMEOUT, why),
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    Answer { status, content_type: api::TEXT, body: body.into() }
}

/// How long a query waits at the start for the heartbeats to be read.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn respond(answer: Answer, encoding: Option<Encoding>) -> Response {
    let mut response: http::Response<Bytes> = answer.into();
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    // Errors repeat what was asked: they are text, whatever a browser takes them for.
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    compress(&mut response, encoding);
    response.map(Body::from)
}

impl HttpState {
    /// What this ingester says of itself and of the others.
    fn tell(&self) -> Answer {
        let own = Own {
            name: &self.name,
            version: &self.settings.version,
            tenancy: self.settings.tenancy,
            ready: self.ready.load(Ordering::Relaxed),
            remarks: (self.remarks)(),
        };
        state::answer(&own, &self.membership.others())
    }

    /// The metrics of the ingester and of its receivers.
    fn render_metrics(&self) -> String {
        let receivers: Vec<_> = self.receivers.iter().map(|(name, c)| (*name, &**c)).collect();
        self.metrics.render(&receivers)
    }

    /// Leaves what a trace of its tenant may have, of several tenants the one with most.
    pub(super) fn cut(&self, call: &TraceCall, found: &mut Found) {
        let limits = self.limits.borrow().clone();
        let most = call.tenants.iter().map(|tenant| limits.of(tenant).trace_spans);
        let most = most.reduce(|a, b| Some(a?.max(b?))).flatten();
        let why = "the tenant's limit trace_spans";
        if most.is_some_and(|most| cut(found, most, why)) {
            for tenant in &call.tenants {
                self.metrics.limited_for(tenant, Limit::TraceSpans);
            }
        }
    }

    /// Everything that is known of a trace, in the order that [`super::traces`] explains.
    pub(super) async fn find(&self, call: &TraceCall, reading: &Reading) -> Found {
        self.membership.first_heard(PATIENCE).await;
        let others = self.membership.others();
        let mut found = Found::default();
        if others.in_the_dark {
            found.missing.push("it is not known which ingesters there are".to_owned());
        }
        let mut epochs: BTreeSet<_> = others.unattended.union(&others.unnamed).copied().collect();
        for tenant in &call.tenants {
            found.parts.extend(self.traces.in_memory(tenant, &call.id));
            let peers = self.peers.ask(&others.living, tenant, &call.id).await;
            found.parts.extend(peers.parts);
            found.missing.extend(peers.missing);
            epochs.extend(peers.silent);
        }
        let query = TraceQuery {
            tenants: &call.tenants,
            id: call.id,
            time: call.time,
            reading: Some(reading),
        };
        self.traces.in_store(query, &epochs, self.membership.moved(), &mut found).await;
        found
    }

    /// What this ingester has in no block, for another one that asks.
    async fn answer_question(&self, body: Body) -> Answer {
        let bad = |why: &dyn std::fmt::Display| Answer::error(StatusCode::BAD_REQUEST, why);
        let body = match axum::body::to_bytes(body, MAX_QUESTION).await {
            Ok(body) => body,
            Err(why) => return bad(&why),
        };
        let question = match PartQuestion::decode(&body) {
            Ok(question) => question,
            Err(why) => return bad(&why),
        };
        let encoded = |answer: &PartAnswer| match answer.encode() {
            Ok(body) => {
                Answer { status: StatusCode::OK, content_type: api::PROTOBUF, body: body.into() }
            }
            Err(why) => Answer::error(StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        answered(self.asker.for_peer(question).await, encoded)
    }

    /// What this ingester sees and others may not yet. OTLP's `TracesData`, empty when there is
    /// nothing.
    async fn answer_peer(&self, path: &str) -> Answer {
        let Some((tenant, id)) = path.strip_prefix(PEER_PATH).and_then(|rest| rest.split_once('/'))
        else {
            return Answer::error(StatusCode::NOT_FOUND, "expected tenant and trace id");
        };
        let id = match TraceId::from_hex(id) {
            Ok(id) => id,
            Err(why) => return Answer::error(StatusCode::BAD_REQUEST, why),
        };
        let others = self.membership.others();
        let found = self.traces.for_peer(tenant, &id, &others.unnamed).await;
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
