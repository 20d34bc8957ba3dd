//! Blocks cannot be written, segments can: spans are taken far beyond the memory budget, stay
//! readable, and are all in blocks once those can be written again.

use crate::gate::{Bucket, Gate};
use crate::server;
use prost::Message;
use std::collections::BTreeSet;
use std::time::Duration;
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_ingester::receive::direct::DirectSink;
use tributary_query::api::{Found, TimeRange};
use tributary_receivers::Sink;
use tributary_span::TraceId;
use tributary_testkit::otlp::{
    AnyValue, ExportTraceServiceRequest, KeyValue, ResourceSpans, ScopeSpans, Span, any_value,
};
use tributary_testkit::wait_for;

const TENANT: &str = "single-tenant";
const MEMORY: u64 = 64 << 20;
/// Spans of a request, each with an attribute of so many bytes, which no two of them share.
const SPANS: u8 = 100;
const TEXT: usize = 8 << 10;
/// Five times the memory.
const REQUESTS: u64 = 5 * MEMORY / (SPANS as u64 * TEXT as u64);
const PATIENCE: Duration = Duration::from_secs(300);

fn trace(request: u64) -> [u8; 16] {
    u128::from(request + 1).to_be_bytes()
}

fn body(request: u64) -> Vec<u8> {
    let spans = (0..SPANS).map(|n| {
        let text = format!("{request} {n} {}", "x".repeat(TEXT));
        Span {
            trace_id: trace(request).to_vec(),
            span_id: vec![n + 1; 8],
            name: "made-up".into(),
            kind: 1,
            start_time_unix_nano: 1_795_344_000_000_000_000,
            end_time_unix_nano: 1_795_344_000_001_000_000,
            attributes: vec![KeyValue {
                key: "text".into(),
                value: Some(AnyValue { value: Some(any_value::Value::StringValue(text)) }),
            }],
            ..Span::default()
        }
    });
    let scope_spans = vec![ScopeSpans { spans: spans.collect(), ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

/// A trace as a query finds it.
async fn find(engine: &Engine, request: u64) -> Found {
    let (id, tenants) = (TraceId(trace(request)), [TENANT.to_owned()]);
    let mut found = Found::default();
    found.parts.extend(engine.traces.in_memory(TENANT, &id));
    let wanted = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
    let moved = engine.membership.moved();
    engine.traces.in_store(wanted, &BTreeSet::new(), moved, &mut found).await;
    found
}

fn spans(found: &Found) -> (usize, usize) {
    let all: Vec<_> = found.parts.iter().flat_map(|part| &part.spans.id).collect();
    (all.iter().collect::<BTreeSet<_>>().len(), all.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_taken_while_blocks_cannot_be_written() {
    let bucket = Bucket::before(|path| path.starts_with("blocks/"), Gate::Open);
    let flags =
        ["--memory", "64MiB", "--block-age", "3s", "--blocks-poll", "1s", "--compact", "never"];
    let engine = &mut server::engine(bucket.store(), &flags).await;
    let local = DirectSink::new(engine.intake.clone());
    let mut most = 0;
    for first in (0..REQUESTS).step_by(8) {
        // They are refused for a while, and then their writing hangs.
        bucket.set(if first < REQUESTS / 2 { Gate::Failing } else { Gate::Held });
        let requests = first..REQUESTS.min(first + 8);
        let offers = requests.map(|request| local.offer(None, body(request).into()));
        let all = futures_util::future::join_all(offers);
        let answers = tokio::time::timeout(PATIENCE, all).await.unwrap_or_else(|_| {
            panic!("nothing is taken any more at {first}: {:?}", engine.live.totals())
        });
        for answer in answers {
            assert_eq!(answer.unwrap().accepted, u64::from(SPANS));
        }
        most = most.max(engine.live.totals().bytes);
    }
    assert!(most as u64 <= MEMORY, "{most} bytes of spans were in memory");
    assert_eq!(engine.metrics.blocks.get(), 0, "nothing could be written");
    assert!(engine.metrics.generations_spilled.get() > 0);

    // All of it is readable meanwhile, wherever it is.
    for request in (0..REQUESTS).step_by(17) {
        let found = find(engine, request).await;
        assert_eq!(found.missing, [] as [String; 0]);
        assert_eq!(spans(&found).0, usize::from(SPANS), "request {request}");
    }
    assert!(engine.metrics.segments_queried.get() > 0);

    bucket.set(Gate::Open);
    let journal = engine.journal.clone();
    wait_for("nothing is left in the journal", PATIENCE, async || {
        let survey = journal.survey().await.map_err(|e| e.to_string())?;
        let left: usize = survey.values().map(|held| held.segments.len()).sum();
        if left == 0 { Ok(()) } else { Err(format!("{left} segments")) }
    })
    .await
    .unwrap();
    engine.finish_segments().await.unwrap();
    engine.finish_blocks().await.unwrap();
    let metrics = &engine.metrics;
    assert_eq!(metrics.spans_stored.get(), REQUESTS * u64::from(SPANS));
    assert_eq!(metrics.generations_rebuilt.get(), metrics.generations_spilled.get());
    assert_eq!((engine.live.evicted(), engine.memory.used()), (vec![], 0));
    for request in 0..REQUESTS {
        let found = find(engine, request).await;
        assert_eq!(spans(&found), (usize::from(SPANS), usize::from(SPANS)), "request {request}");
    }
}
