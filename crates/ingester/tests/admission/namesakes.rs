//! Two ingesters that were given one name, over one bucket: both take spans and write their blocks,
//! neither takes the other's epochs for abandoned, and both say what is wrong.

use crate::server::engine;
use prost::Message;
use std::sync::Arc;
use tributary_ingester::receive::direct::DirectSink;
use tributary_receivers::Sink;
use tributary_store::Store;
use tributary_testkit::bucket::InMemory;
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};

/// Spans of each, one after the other: each becomes a block in some periods of the heartbeat.
const SPANS: u64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn two_under_one_name_leave_each_other_alone_and_say_so() {
    let bucket = Arc::new(InMemory::new());
    let flags = "--heartbeat 1s --segment-age 20ms --block-age 200ms --compact never";
    let flags: Vec<_> = flags.split(' ').collect();
    let start = async || {
        let store = Store::from_parts(Arc::clone(&bucket) as _, "").unwrap();
        Box::pin(engine(store, &flags)).await
    };
    let both = [start().await, start().await];
    for engine in &both {
        wait_for("word of the other one", SOON, async || match engine.metrics.namesakes.get() {
            1 => Ok(()),
            n => Err(format!("{n} namesakes")),
        })
        .await
        .unwrap();
    }
    for n in 1..=SPANS {
        for (engine, seed) in both.iter().zip([n, SPANS + n]) {
            let sink = DirectSink::new(engine.intake.clone());
            sink.offer(None, sample::plain(seed).encode_to_vec().into()).await.unwrap();
            wait_for("its block", SOON, async || match engine.metrics.spans_stored.get() {
                stored if stored == n => Ok(()),
                stored => Err(format!("{stored} of {n} spans")),
            })
            .await
            .unwrap();
        }
    }
    for engine in &both {
        let metrics = &engine.metrics;
        let taken = (metrics.adoptions.get(), metrics.slots_lost.get());
        assert_eq!((taken, metrics.members.get()), ((0, 0), 2));
    }
}
