//! A stream that sends too much beside one that does not.

use crate::gate::{Bucket, Gate};
use crate::server::{Lane, Server};
use tributary_ingester::limits::Limit;
use tributary_span::columns::{Attr, Builder, SpanFields, Text, ValueType};
use tributary_span::{Columns, SpanId, TraceId};
use tributary_testkit::Random;

const TENANT: &str = "single-tenant";
/// Spans of a large frame.
const LARGE: u64 = 64;

/// Spans with a kibibyte of noise each. The second frame of the same noise has a small payload, and
/// columns as large as the first's.
fn noise(spans: u64, dice: &mut Random) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
    let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
    for n in 1..=spans {
        let noise: Vec<u8> = (0..1024).map(|_| dice.byte()).collect();
        let (key, value) = (b.text(b"noise"), b.text(&noise));
        b.span_attr(Attr { key, value_type: ValueType::Bytes, value: u64::from(value.0) });
        let id = SpanId(n.to_be_bytes());
        b.end_span(SpanFields {
            trace: TraceId([1; 16]),
            resource,
            scope,
            id,
            ..SpanFields::default()
        });
    }
    b.take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_minds_no_credit_leaves_room_for_another() {
    // Nothing becomes durable, so that whatever is admitted stays.
    let server = Server::start(Bucket::new(Gate::Held), &["--memory", "64MiB"]).await;
    let mut dice = Random::new(1);
    let one = noise(LARGE, &mut dice);
    let mut lane = Lane::default();
    // More than there is memory for.
    (0..1200).for_each(|_| lane.push(&one));
    let (greedy, frames) = (server.open(1, TENANT).await, lane.all());
    let sending = tokio::spawn(async move {
        greedy.send(frames).await;
        greedy
    });
    let limits = [Limit::Stream, Limit::Memory, Limit::TenantShare, Limit::JournalQueue];
    server
        .until("a limit", |metrics, _| limits.iter().any(|&l| metrics.times_limited(l) > 0))
        .await;

    let mut lane = Lane::default();
    lane.push(&noise(1, &mut dice));
    let mut modest = server.open(2, TENANT).await;
    modest.send(lane.all()).await;
    server
        .until("the other one's span", |metrics, _| metrics.spans_received.get() % LARGE == 1)
        .await;
    let (used, limit) = (server.engine.memory.used(), server.engine.memory.limit());
    assert!(used < limit / 2 + limit / 16, "{used} of {limit}");
    server.bucket.set(Gate::Open);
    modest.acked(1).await;
    sending.abort();
}
