//! Sidecars at full speed into an ingester that is short of memory: what they were acknowledged is
//! stored, all of it, and the process holds no more than was promised.

use anyhow::{Result, ensure};
use std::time::Duration;
use tributary_testkit::{Recording, recordings};
use tributary_tests::load::Load;
use tributary_tests::{Ingester, Place, Sidecar, Traffic, books, usage};

const MIB: u64 = 1 << 20;
/// What a process with `--memory 64MiB` may hold: a quarter more, and 64 MiB.
const PROMISED: u64 = 64 * MIB / 4 * 5 + 64 * MIB;
const TIME: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_stored_within_the_memory_that_was_promised() -> Result<()> {
    let place = Place::folder()?;
    let flags = ["--memory", "64MiB", "--block-age", "2s", "--compact", "1s"];
    let ingester = Ingester::start(&place, &flags).await?;
    let upstream = ingester.wire.to_string();
    let (one, other): (Vec<_>, Vec<_>) =
        (0..).zip(recordings()?).partition(|(n, _): &(usize, Recording)| n % 2 == 0);
    let load = async |pods: Vec<(usize, Recording)>| {
        let pods: Vec<Recording> = pods.into_iter().map(|(_, pod)| pod).collect();
        let sidecar = Sidecar::start(&upstream, &[]).await?;
        let sent = Load::new(Traffic::of(&pods)?).run(&sidecar, None, TIME).await?.spans;
        sidecar.until("tributary_sidecar_spans_acked_total", |acked| acked >= sent as f64).await?;
        sidecar.stop().await?;
        anyhow::Ok(sent)
    };
    let (one, other) = tokio::try_join!(load(one), load(other))?;
    ingester.until("tributary_ingester_segments_uncovered", |left| left == 0.0).await?;
    let peak = usage::peak_memory(&ingester.process)?;
    let stored = ingester.until("tributary_ingester_spans_stored_total", |_| true).await?
        + ingester.until("tributary_ingester_spans_duplicate_total", |_| true).await?;
    ensure!(stored == (one + other) as f64, "{one} and {other} acknowledged, {stored} stored");
    ensure!(peak <= PROMISED, "the process held {peak} bytes, {PROMISED} were promised");
    ingester.stop().await?;
    books::verify(&place)
}
