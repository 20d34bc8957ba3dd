//! All recorded traffic goes through one sidecar a pod into two ingesters and comes back whole:
//! from memory before any block exists, and from blocks after everybody has ended.

use anyhow::{Result, ensure};
use std::sync::Arc;
use tributary_testkit::{recordings, traces};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::replay;
use tributary_tests::{Ingester, Place, Sent};

#[tokio::test(flavor = "multi_thread")]
async fn through_a_local_folder() -> Result<()> {
    there_and_back(Place::folder()?, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn through_s3() -> Result<()> {
    there_and_back(Place::bucket().await?, 9).await
}

/// Every span comes back from memory, and every span of each `step`th trace from blocks.
async fn there_and_back(place: Place, step: usize) -> Result<()> {
    let recordings = Arc::new(recordings()?);
    let sent = Sent::of(&recordings)?;
    let counted = traces()?;
    ensure!(counted.len() == sent.0.len(), "{} traces counted", counted.len());
    for trace in &counted {
        let spans = sent.0.get(&trace.trace_id).map_or(0, Vec::len);
        ensure!(
            spans == trace.spans,
            "{}: {spans} spans sent, {} counted",
            trace.trace_id,
            trace.spans
        );
    }

    let ingesters = [Ingester::start(&place, HOLD).await?, Ingester::start(&place, HOLD).await?];
    let upstream = format!("{},{}", ingesters[0].wire, ingesters[1].wire);
    let sidecars = replay(&recordings, &upstream, &[]).await?;
    let [first, second] = &ingesters;
    for ingester in [first, second] {
        ingester.until("tributary_ingester_members", |n| n == 2.0).await?;
    }
    sent.check(&[first, second]).await?;
    for ingester in [first, second] {
        let journaled =
            ingester.until("tributary_ingester_spans_journaled_total", |n| n > 0.0).await?;
        ensure!(journaled < sent.spans() as f64, "one ingester got everything");
        let blocks = ingester.until("tributary_ingester_blocks_total", |_| true).await?;
        ensure!(blocks == 0.0, "{blocks} blocks: the spans did not come from memory");
    }

    for sidecar in sidecars {
        sidecar.stop().await?;
    }
    for ingester in ingesters {
        ingester.stop().await?;
    }
    // One that never saw a span answers from what the two have stored.
    let reader = Ingester::start(&place, HOLD).await?;
    sent.every(step).check(&[&reader]).await?;
    let live = reader.until("tributary_ingester_spans_live", |_| true).await?;
    ensure!(live == 0.0, "{live} spans in memory: they did not come from blocks");
    reader.stop().await
}
