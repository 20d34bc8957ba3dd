//! An ingester that starts waits for nothing that lies in the bucket: what is old is read beside the
//! serving, and an answer that may need it waits for that or says so.

use crate::faulty::{Faulty, put_meta};
use crate::gate::{Bucket, Gate};
use crate::server::{Lane, Server, engine};
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_ingester::receive::direct::DirectSink;
use tributary_query::api::{Found, TimeRange};
use tributary_receivers::Sink;
use tributary_span::TraceId;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_testkit::sample;
use tributary_testkit::wait::SOON;

const BLOCKS: usize = 2_000;
/// No block of these tests has spans of that time.
const LATER: TimeRange = TimeRange { start: 100, end: 200 };

/// What the store holds of a trace that nowhere is.
pub(crate) async fn ask(engine: &Engine, tenant: &str) -> Found {
    let tenants = [tenant.to_owned()];
    let query = TraceQuery { tenants: &tenants, id: TraceId([9; 16]), time: LATER, reading: None };
    let mut found = Found::default();
    let moved = engine.membership.moved();
    engine.traces.in_store(query, &BTreeSet::new(), moved, &mut found).await;
    found
}

/// An engine over so many old blocks, with a store whose every request takes so long.
async fn over_old_blocks(latency: Duration) -> (Faulty, Engine) {
    let bucket = Faulty::to(Arc::default(), latency);
    for block in 1..=BLOCKS {
        put_meta(&bucket.healthy(), "old", block as u128).await;
    }
    let engine =
        Box::pin(engine(bucket.store(), &["--block-age", "1h", "--compact", "never"])).await;
    (bucket, engine)
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_acknowledged_before_old_blocks_are_known() {
    let (bucket, engine) = over_old_blocks(Duration::from_millis(25)).await;
    let sink = DirectSink::new(engine.intake.clone());
    let answer = sink.offer(None, sample::plain(1).encode_to_vec().into()).await;
    assert_eq!(answer.unwrap().accepted, 1);
    let read = bucket.reads("/meta.json");
    assert!(read < BLOCKS, "all metas were read before");
    // A query that needs them joins those who read: no meta is read twice.
    let both = tokio::join!(ask(&engine, "old"), ask(&engine, "old"));
    assert_eq!((both.0.missing, both.1.missing), (vec![], vec![]));
    assert_eq!(engine.metrics.blocks_known.get(), BLOCKS as i64);
    assert_eq!(bucket.reads("/meta.json"), BLOCKS);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_would_wait_too_long_says_that_blocks_are_still_being_read() {
    let (bucket, engine) = over_old_blocks(Duration::from_secs(2)).await;
    for _ in 0..3 {
        let found = ask(&engine, "old").await;
        assert!(found.missing[0].contains("still being read"), "{:?}", found.missing);
    }
    assert!(engine.metrics.blocks_known.get() < BLOCKS as i64, "it was waited for");
    // Another tenant's answers wait for its own blocks alone.
    assert_eq!(ask(&engine, "new").await.missing, [""; 0]);
    assert!(engine.metrics.blocks_known.get() < BLOCKS as i64, "it was waited for");
    loop {
        let found = ask(&engine, "old").await;
        if found.missing.is_empty() {
            break;
        }
    }
    assert_eq!(engine.metrics.blocks_known.get(), BLOCKS as i64);
    // Three queries gave up, with eight requests under way each at most.
    assert!((BLOCKS..=BLOCKS + 3 * 8).contains(&bucket.reads("/meta.json")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_acknowledges_while_no_old_meta_can_be_had() {
    let bucket = Faulty::to(Arc::default(), Duration::ZERO);
    put_meta(&bucket.healthy(), "old", 1).await;
    bucket.hold("/meta.json");
    let flags = ["--segment-age", "20ms", "--block-age", "1h"];
    let server = Server::over(bucket.store(), Bucket::new(Gate::Open), &flags);
    let server = timeout(SOON, Box::pin(server)).await.expect("it waits for what is old");
    let mut builder = Builder::new();
    let request = sample::plain(1).encode_to_vec();
    decode::append_all(&mut builder, &request, &Default::default()).unwrap();
    let mut lane = Lane::default();
    lane.push(builder.columns());
    let mut stream = server.open(3, "single-tenant").await;
    stream.send(lane.all()).await;
    stream.acked(1).await;
    server.until("a look at the meta", |_, _| bucket.reads("/meta.json") == 1).await;
    assert_eq!(server.engine.metrics.blocks_known.get(), 0);
}
