//! The store takes everything but the blocks of one tenant: those of the others are made as ever, and
//! what that tenant has sent is kept, found, and becomes blocks when the store takes them.

use crate::gate::{Bucket, Gate};
use crate::server;
use prost::Message;
use std::collections::BTreeSet;
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_ingester::receive::direct::DirectSink;
use tributary_query::api::{Found, TimeRange};
use tributary_receivers::Sink;
use tributary_span::TraceId;
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};

/// Each sends so many spans, one at a time, each when the one before is in a block or logged again.
const SPANS: u64 = 3;

async fn send(engine: &Engine, tenant: &str, n: u64) {
    let local = DirectSink::new(engine.intake.clone());
    let taken = local.offer(Some(tenant), sample::plain(n).encode_to_vec().into()).await;
    assert_eq!(taken.unwrap().accepted, 1);
}

async fn until(engine: &Engine, what: &str, holds: impl Fn(&Engine) -> bool) {
    wait_for(what, SOON, async || match holds(engine) {
        true => Ok(()),
        false => Err(engine.metrics.render(&[])),
    })
    .await
    .unwrap();
}

/// Whether the trace of a span is found, and nothing is missing.
async fn is_found(engine: &Engine, tenant: &str, n: u64) -> bool {
    let (id, tenants) = (TraceId(sample::trace_id(n)), [tenant.to_owned()]);
    let mut found = Found::default();
    found.parts.extend(engine.traces.in_memory(tenant, &id));
    let wanted = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
    let moved = engine.membership.moved();
    engine.traces.in_store(wanted, &BTreeSet::new(), moved, &mut found).await;
    assert_eq!(found.missing, [] as [String; 0]);
    !found.parts.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_blocks_that_are_refused_hold_up_no_others() {
    let bucket = Bucket::before(|path| path.starts_with("blocks/sick/"), Gate::Denied);
    let flags = ["--segment-age=20ms", "--block-age=100ms", "--heartbeat=100ms", "--compact=never"];
    let engine = &mut server::engine(bucket.store(), &flags).await;
    for n in 1..=SPANS {
        send(engine, "sick", n).await;
        send(engine, "sound", n).await;
        until(engine, "all but the sick one's are in blocks, and none in memory", |engine| {
            let metrics = &engine.metrics;
            let done = metrics.spans_stored.get() == n && metrics.spans_relogged.get() == n;
            done && engine.live.totals().spans == 0
        })
        .await;
    }
    for n in 1..=SPANS {
        assert!(is_found(engine, "sick", n).await && is_found(engine, "sound", n).await, "{n}");
    }
    assert_eq!(engine.memory.used(), 0);

    bucket.set(Gate::Open);
    until(engine, "the store takes them", |e| e.metrics.spans_stored.get() == 2 * SPANS).await;
    until(engine, "nothing is left to adopt", |e| e.live.evicted().is_empty()).await;
    for n in 1..=SPANS {
        assert!(is_found(engine, "sick", n).await, "{n}");
    }
    assert_eq!(engine.metrics.spans_relogged.get(), SPANS, "each was logged again once");
    let survey = engine.journal.survey().await.unwrap();
    assert!(survey.values().all(|held| held.segments.is_empty()), "{survey:?}");
}

/// What a process has logged again is found and adopted when that process is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_logged_again_outlives_its_process() {
    let bucket = Bucket::before(|path| path.starts_with("blocks/sick/"), Gate::Denied);
    let flags = ["--segment-age=20ms", "--block-age=100ms", "--heartbeat=100ms", "--compact=never"];
    let first = server::engine(bucket.store(), &flags).await;
    send(&first, "sick", 1).await;
    until(&first, "it is logged again", |e| e.metrics.spans_relogged.get() == 1).await;
    until(&first, "and out of memory", |e| e.live.totals().spans == 0).await;
    first.stop.cancel();
    drop(first);
    bucket.set(Gate::Open);
    let second = &server::engine(bucket.store(), &flags).await;
    until(second, "it is adopted", |e| e.metrics.spans_stored.get() == 1).await;
    assert!(is_found(second, "sick", 1).await);
}
