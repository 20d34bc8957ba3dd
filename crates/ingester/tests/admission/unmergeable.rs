//! A block that cannot be read: the others are merged without it.

use crate::faulty::Faulty;
use crate::server::engine;
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tributary_ingester::engine::Engine;
use tributary_ingester::query::TraceQuery;
use tributary_ingester::receive::direct::DirectSink;
use tributary_journal::layout;
use tributary_query::api::{Found, TimeRange};
use tributary_receivers::Sink;
use tributary_span::TraceId;
use tributary_testkit::{sample, wait_for};

const BLOCKS: u64 = 6;
/// Simulated.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What blocks hold of the trace with this seed.
async fn trace(engine: &Engine, seed: u64) -> Found {
    let (id, tenants) = (TraceId(sample::trace_id(seed)), ["single-tenant".to_owned()]);
    let query = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
    let mut found = Found::default();
    engine.traces.in_store(query, &BTreeSet::new(), engine.membership.moved(), &mut found).await;
    found
}

#[tokio::test(start_paused = true)]
async fn a_block_that_cannot_be_read_keeps_no_other_from_being_merged() {
    for gone in [true, false] {
        let bucket = Faulty::to(Arc::default(), Duration::from_millis(5));
        let flags = "--segment-age 20ms --block-age 1s --compact 200s";
        let flags: Vec<_> = flags.split(' ').collect();
        let engine = Box::pin(engine(bucket.store(), &flags)).await;
        let metrics = &engine.metrics;
        for seed in 1..=BLOCKS {
            let sink = DirectSink::new(engine.intake.clone());
            sink.offer(None, sample::plain(seed).encode_to_vec().into()).await.unwrap();
            wait_for("its block", PATIENCE, async || match metrics.blocks.get() {
                blocks if blocks == seed => Ok(()),
                blocks => Err(format!("{blocks} blocks")),
            })
            .await
            .unwrap();
        }
        assert_eq!(metrics.compactions.get(), 0, "it has begun already");
        let store = bucket.healthy();
        let objects = store.list(layout::BLOCKS).await.unwrap();
        let data = objects.into_iter().find(|object| object.path.ends_with("data.parquet"));
        let data = data.unwrap().path;
        match gone {
            true => store.delete(&data).await.unwrap(),
            false => bucket.deny(&data),
        }
        let mut missed = 0;
        for seed in 1..=BLOCKS {
            let found = trace(&engine, seed).await;
            missed +=
                usize::from(found.missing.iter().any(|why| why.contains("could not be read")));
            assert_eq!(found.parts.len() + found.missing.len(), 1, "{found:?}");
        }
        assert_eq!(missed, 1, "an answer that needs it says so, and no other one does");
        wait_for("a merge", PATIENCE, async || {
            match (metrics.blocks_merged.get(), metrics.blocks_unmerged.get()) {
                (merged, 1) if merged == BLOCKS - 1 => Ok(()),
                state => Err(format!("{state:?} merged, and not; gone: {gone}")),
            }
        })
        .await
        .unwrap();
    }
}
