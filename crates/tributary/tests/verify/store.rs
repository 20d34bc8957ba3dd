//! A server that takes OTLP and answers as an ingester does, or with a fault.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use prost::Message;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use tributary_testkit::otlp::TracesData;
use tributary_testkit::otlp::common::v1::any_value::Value;
use tributary_testkit::otlp::trace::v1::Span;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// A request that was acknowledged is gone.
    SegmentDropped,
    /// One span of each trace is gone.
    SpanDropped,
    /// A span stands twice.
    SpanTwice,
    /// Metrics count each span twice.
    CountedTwice,
    /// A column is not there: names are empty.
    ColumnGone,
    /// A value has another type than it was written with.
    TypeChanged,
    /// Times are a microsecond off.
    TimesRounded,
    /// Spans are seen after six seconds.
    Slow,
    /// What is asked for is looked for at another tenant's.
    TenantMixedUp,
    /// Searches forget one of those that hold the spans.
    PeerForgotten,
    /// The second half of what came in two halves is gone.
    HalfGone,
    /// Answers fail.
    Failing,
    /// Answers say that they are not whole, and are not.
    Partial,
    /// What was written may not be read.
    Denied,
    /// Nothing is taken.
    Closed,
}

type Traces = BTreeMap<String, Vec<(Instant, TracesData)>>;

/// What was taken, by the trace's id.
struct Kept {
    fault: Fault,
    traces: Mutex<Traces>,
}

/// A server on a port of its own, until the test ends.
pub(crate) async fn serve(fault: Fault) -> SocketAddr {
    let kept = Arc::new(Kept { fault, traces: Mutex::default() });
    let router = Router::new()
        .route("/v1/traces", post(take))
        .route("/api/v2/traces/{id}", get(trace))
        .route("/api/search", get(search))
        .route("/api/metrics/query", get(metrics))
        .with_state(kept);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

fn spans(data: &mut TracesData) -> impl Iterator<Item = &mut Vec<Span>> {
    data.resource_spans.iter_mut().flat_map(|rs| &mut rs.scope_spans).map(|ss| &mut ss.spans)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn take(State(kept): State<Arc<Kept>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers[CONTENT_TYPE], "application/x-protobuf");
    if kept.fault == Fault::Closed {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut data = TracesData::decode(body).unwrap();
    let id = hex(&spans(&mut data).next().unwrap()[0].trace_id);
    let mut traces = kept.traces.lock().unwrap();
    let known = traces.entry(id).or_default();
    match kept.fault {
        Fault::SegmentDropped => {}
        Fault::HalfGone if !known.is_empty() => {}
        _ => known.push((Instant::now(), damaged(data, kept.fault))),
    }
    [(CONTENT_TYPE, "application/x-protobuf")].into_response()
}

fn damaged(mut data: TracesData, fault: Fault) -> TracesData {
    for spans in spans(&mut data) {
        match fault {
            Fault::SpanDropped => drop(spans.pop()),
            Fault::SpanTwice => spans.push(spans[0].clone()),
            Fault::ColumnGone => spans.iter_mut().for_each(|span| span.name.clear()),
            Fault::TimesRounded => {
                spans.iter_mut().for_each(|span| span.end_time_unix_nano += 1000)
            }
            Fault::TypeChanged => {
                for attribute in spans.iter_mut().flat_map(|span| &mut span.attributes) {
                    let value = &mut attribute.value.as_mut().unwrap().value;
                    if let Some(Value::IntValue(number)) = value {
                        *value = Some(Value::StringValue(number.to_string()));
                    }
                }
            }
            _ => {}
        }
    }
    data
}

impl Kept {
    /// What is seen of a trace.
    fn seen(&self, id: &str) -> TracesData {
        let traces = self.traces.lock().unwrap();
        let parts = traces.get(id).into_iter().flatten();
        let old_enough =
            |at: &Instant| self.fault != Fault::Slow || at.elapsed() > Duration::from_secs(6);
        let mut data = TracesData::default();
        if self.fault != Fault::TenantMixedUp {
            let parts = parts.filter(|(at, _)| old_enough(at));
            data.resource_spans = parts.flat_map(|(_, part)| part.resource_spans.clone()).collect();
        }
        data
    }

    /// The answer to a caller who may not read what is asked for.
    fn denied(&self) -> Option<Response> {
        let told = (StatusCode::FORBIDDEN, "shop may not read pay");
        (self.fault == Fault::Denied).then(|| told.into_response())
    }

    /// How many spans the trace has that a query names.
    fn count(&self, query: &BTreeMap<String, String>) -> (String, usize) {
        let (_, named) = query["q"].split_once("span.verify.trace = \"").unwrap();
        let id = named.split('"').next().unwrap();
        let mut data = self.seen(id);
        let at = data.resource_spans.iter().map(|_| ()).count();
        if self.fault == Fault::PeerForgotten && at > 0 {
            data.resource_spans.pop();
        }
        (id.to_owned(), spans(&mut data).map(|spans| spans.len()).sum())
    }
}

async fn trace(State(kept): State<Arc<Kept>>, Path(id): Path<String>) -> Response {
    if let Some(denied) = kept.denied() {
        return denied;
    }
    if kept.fault == Fault::Failing {
        return (StatusCode::SERVICE_UNAVAILABLE, "blocks cannot be listed").into_response();
    }
    let (mut answer, trace) = (Vec::new(), kept.seen(&id).encode_to_vec());
    prost::encoding::bytes::encode(1, &trace, &mut answer);
    if kept.fault == Fault::Partial {
        answer.clear();
        prost::encoding::int32::encode(3, &1, &mut answer);
        prost::encoding::string::encode(4, &"an ingester is away".to_owned(), &mut answer);
    }
    answer.into_response()
}

async fn search(
    State(kept): State<Arc<Kept>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(denied) = kept.denied() {
        return denied;
    }
    let (id, count) = kept.count(&query);
    let found = match count {
        0 => json!({"traces": []}),
        _ => json!({"traces": [{"traceID": id, "spanSets": [{"matched": count}]}]}),
    };
    axum::Json(found).into_response()
}

async fn metrics(
    State(kept): State<Arc<Kept>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(denied) = kept.denied() {
        return denied;
    }
    let (_, count) = kept.count(&query);
    let times = if kept.fault == Fault::CountedTwice { 2 } else { 1 };
    axum::Json(json!({"series": [{"value": count * times}]})).into_response()
}
