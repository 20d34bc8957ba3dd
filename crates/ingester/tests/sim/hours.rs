//! What ingesters do when the hour changes, and when nothing came for many of them.

use crate::alone::{ingester, quiet, send};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tributary_ingester::block::KnownBlocks;
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_journal::{EpochId, Journal};
use tributary_query::api::{Found, TimeRange};
use tributary_span::TraceId;

const HOUR: Duration = Duration::from_secs(3600);
/// The clock of a simulation at its start, seconds since 1970.
const START: u32 = 1_795_442_400;

/// The answer to a query as an ingester without peers gives it: the spans, and what it says is
/// missing.
async fn ask(engine: &Engine, trace: u8) -> Found {
    let (id, tenants) = (TraceId([trace; 16]), ["one".to_owned()]);
    let mut found = Found::default();
    found.parts.extend(engine.traces.in_memory("one", &id));
    let wanted = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
    let moved = engine.membership.moved();
    engine.traces.in_store(wanted, &BTreeSet::new(), moved, &mut found).await;
    found
}

/// No span comes for thirty hours, and the hour in which the ingester was started is retired. What
/// comes then is found from its acknowledgement on, and becomes a block without a detour.
#[tokio::test(start_paused = true)]
async fn spans_that_come_after_many_idle_hours_are_found_at_each_instant() {
    let (bucket, store) = quiet();
    let engine = ingester(&bucket, 1).await;
    sleep(30 * HOUR).await;
    let retired = EpochId::new(START + 5 * 3600, [0; 12]).hour();
    Journal::new(store).raise_floor(&retired).await.unwrap();
    send(&engine, 1, 1).await;
    let end = Instant::now() + Duration::from_secs(600);
    while Instant::now() < end {
        let found = ask(&engine, 1).await;
        let spans: usize = found.parts.iter().map(|part| part.len()).sum();
        assert!(spans > 0, "missing, though the answer says of nothing but {:?}", found.missing);
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(engine.metrics.slots_lost.get(), 0);
    assert_eq!(engine.metrics.blocks.get(), 1);
}

/// Ingesters that were started at different minutes file what they take at the same time under the
/// same hour: it meets in one block.
#[tokio::test(start_paused = true)]
async fn windows_are_those_of_the_clock_whenever_an_ingester_was_started() {
    let (bucket, store) = quiet();
    let one = ingester(&bucket, 1).await;
    sleep(HOUR * 2 / 3).await;
    let other = ingester(&bucket, 2).await;
    // Each has an epoch by now, of the first hour.
    send(&one, 1, 1).await;
    send(&other, 1, 2).await;
    sleep(HOUR / 2).await;
    send(&one, 2, 3).await;
    send(&other, 2, 4).await;
    // Until blocks are written and merged.
    sleep(HOUR / 6).await;
    let known = KnownBlocks::new(store, 1 << 20, Duration::from_secs(10), Arc::default());
    known.poll_once().await.unwrap();
    let windows = known.by_window(|_| true);
    let blocks: Vec<(String, usize)> =
        windows.iter().map(|(window, metas)| (window.hour_name(), metas.len())).collect();
    let hour = |n: u32| EpochId::new(START + n * 3600, [0; 12]).hour();
    assert_eq!(blocks, [(hour(0), 1), (hour(1), 1)]);
}
