//! Machines whose clocks are wrong by hours: what they take becomes blocks all the same.

use crate::server::engine;
use prost::Message;
use std::sync::Arc;
use tributary_ingester::receive::direct::DirectSink;
use tributary_journal::{EpochId, Journal};
use tributary_receivers::Sink;
use tributary_store::Store;
use tributary_testkit::bucket::InMemory;
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};

/// Hours by which the floor is ahead of the ingester's clock: the collector that raised it, or the
/// ingester, has a clock that is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_whose_clock_is_behind_the_floor_writes_blocks() {
    for (ahead, raised_before_the_start) in [(0, true), (5, true), (-5, true), (30, false)] {
        let store = Store::from_parts(Arc::new(InMemory::new()), "").unwrap();
        let journal = Journal::new(store.clone());
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let seconds = u32::try_from(now).unwrap().checked_add_signed(ahead * 3600).unwrap();
        let floor = EpochId::new(seconds, [0; 12]).hour();
        if raised_before_the_start {
            journal.raise_floor(&floor).await.unwrap();
        }
        let often = "--heartbeat 100ms --segment-age 20ms --block-age 100ms";
        let often: Vec<_> = often.split(' ').collect();
        let engine = Box::pin(engine(store, &often)).await;
        if !raised_before_the_start {
            journal.raise_floor(&floor).await.unwrap();
        }
        let sink = DirectSink::new(engine.intake.clone());
        sink.offer(None, sample::plain(1).encode_to_vec().into()).await.unwrap();
        wait_for("a block, and no segment", SOON, async || {
            let survey = journal.survey().await.map_err(|e| e.to_string())?;
            let left = survey.values().map(|held| held.segments.len()).sum::<usize>();
            match (engine.metrics.spans_stored.get(), left) {
                (1, 0) => Ok(()),
                (stored, left) => Err(format!("{stored} spans stored, {left} segments")),
            }
        })
        .await
        .unwrap_or_else(|error| panic!("the floor is {ahead} h ahead: {error}"));
    }
}
