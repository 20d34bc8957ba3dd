//! A sidecar comes back to the same ingester with what was not acknowledged.

use crate::gate::{Bucket, Gate};
use crate::server::{Lane, Server};
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_span::{Columns, TraceId};
use tributary_testkit::recording;
use tributary_wire::v1::reply::Kind;

const TENANT: &str = "single-tenant";
const FLAGS: [&str; 4] = ["--segment-age", "20ms", "--memory", "64MiB"];

fn columns(request: &[u8]) -> Columns {
    let mut builder = Builder::new();
    decode::append_all(&mut builder, request, &Default::default()).unwrap();
    builder.take()
}

fn recorded() -> Vec<Columns> {
    recording("fulfilment-worker").unwrap().records.iter().take(4).map(|r| columns(r)).collect()
}

fn spans(batches: &[Columns]) -> u64 {
    batches.iter().map(|b| b.len() as u64).sum()
}

/// A server whose first three frames are on their way to the bucket, of a stream that is broken.
async fn broken_off(gate: Gate) -> (Server, Lane, Vec<Columns>) {
    let (server, batches) = (Server::start(Bucket::new(gate), &FLAGS).await, recorded());
    let mut lane = Lane::default();
    batches[..3].iter().for_each(|batch| lane.push(batch));
    let stream = server.open(3, TENANT).await;
    stream.send(lane.all()).await;
    let sent = spans(&batches[..3]);
    server
        .until("three frames and a segment on its way", |metrics, bucket| {
            metrics.spans_received.get() == sent && bucket.arrived() > 0
        })
        .await;
    (server, lane, batches)
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_whose_acknowledgement_was_lost_are_not_logged_again() {
    let (server, mut lane, batches) = broken_off(Gate::Held).await;
    server.bucket.set(Gate::Open);
    let sent = spans(&batches[..3]);
    server.until("durable", |metrics, _| metrics.spans_journaled.get() == sent).await;

    // And a new one behind them, which needs what they define.
    lane.push(&batches[3]);
    let mut stream = server.open(3, TENANT).await;
    stream.send(lane.all()).await;
    stream.acked(4).await;
    let metrics = &server.engine.metrics;
    assert_eq!(metrics.frames_repeated.get(), 3);
    assert_eq!(metrics.spans_journaled.get(), spans(&batches), "each once");
    assert_eq!(metrics.spans_received.get(), spans(&batches), "repeats take no memory");
    let trace: TraceId = batches[3].trace_of(0);
    let found = server.engine.live.find(TENANT, &trace);
    assert!(found.iter().any(|b| b.len() == batches[3].len()), "{} batches", found.len());

    // The same frames of another lane are others.
    let mut stream = server.open(4, TENANT).await;
    stream.send(lane.all()).await;
    stream.acked(4).await;
    assert_eq!(metrics.frames_repeated.get(), 3);
    assert_eq!(metrics.spans_journaled.get(), 2 * spans(&batches));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_waits_for_its_first_copy() {
    let (server, mut lane, batches) = broken_off(Gate::Held).await;
    let mut stream = server.open(3, TENANT).await;
    stream.send(lane.all()).await;
    server.until("repeats", |metrics, _| metrics.frames_repeated.get() == 3).await;
    // Whatever was to be told before this is told before it.
    server.engine.announcements.send_modify(|_| {});
    let next = stream.next().await;
    assert!(
        matches!(next, Ok(Some(Kind::Members(_)))),
        "acknowledged before it is durable: {next:?}"
    );
    assert_eq!(server.engine.metrics.spans_journaled.get(), 0);

    server.bucket.set(Gate::Open);
    stream.acked(3).await;
    assert_eq!(server.engine.metrics.spans_journaled.get(), spans(&batches[..3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_what_is_never_durable_is_never_acknowledged() {
    let (server, mut lane, _) = broken_off(Gate::Failing).await;
    let mut stream = server.open(3, TENANT).await;
    stream.send(lane.all()).await;
    server
        .until("repeats, and more attempts", |metrics, bucket| {
            metrics.frames_repeated.get() == 3 && bucket.arrived() > 3
        })
        .await;
    server.engine.announcements.send_modify(|_| {});
    assert!(matches!(stream.next().await, Ok(Some(Kind::Members(_)))));
    server.engine.stop.cancel();
    let end = stream.next().await;
    assert_eq!(end.unwrap_err().code(), tonic::Code::Unavailable);
    assert_eq!(server.engine.metrics.spans_journaled.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_stream_that_brings_a_frame_has_it() {
    let (server, mut lane, _) = broken_off(Gate::Held).await;
    let mut second = server.open(3, TENANT).await;
    second.send(lane.all()).await;
    server.until("repeats", |metrics, _| metrics.frames_repeated.get() == 3).await;
    let mut third = server.open(3, TENANT).await;
    third.send(lane.all()).await;
    assert_eq!(second.next().await.unwrap_err().code(), tonic::Code::Aborted);
    server.until("repeats", |metrics, _| metrics.frames_repeated.get() == 6).await;
    server.bucket.set(Gate::Open);
    third.acked(3).await;
}
