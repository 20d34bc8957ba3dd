//! Ingesters that are killed, and what has been acknowledged.

use anyhow::{Context, Result, ensure};
use std::sync::Arc;
use tributary_testkit::{Recording, recordings};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::{Protocol, Sender, replay};
use tributary_tests::{Ingester, Place, Sent, Sidecar, books};

/// Some pods of each size: enough to be in the middle of.
fn some_pods() -> Result<Arc<Vec<Recording>>> {
    let all = recordings()?;
    Ok(Arc::new(all.into_iter().step_by(3).collect()))
}

/// Sends one pod's recording to an ingester, until all of it is acknowledged.
async fn one_pod(to: &Ingester, protocol: Protocol) -> Result<(Sent, Sidecar)> {
    let recording = recordings()?.remove(0);
    let sent = Sent::of(std::slice::from_ref(&recording))?;
    let sidecar = Sidecar::start(&to.wire.to_string(), &[]).await?;
    let mut sender = Sender::open(&sidecar, protocol).await?;
    for record in &recording.records {
        sender.send(record).await?;
    }
    let all = sent.spans() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == all).await?;
    Ok((sent, sidecar))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_killed_in_the_middle_of_a_replay_loses_nothing() -> Result<()> {
    let place = Place::folder()?;
    let recordings = some_pods()?;
    let sent = Sent::of(&recordings)?;
    let victim = Ingester::start(&place, HOLD).await?;
    let other = Ingester::start(&place, HOLD).await?;
    let upstream = format!("{},{}", victim.wire, other.wire);

    let replaying = tokio::spawn({
        let recordings = Arc::clone(&recordings);
        async move { replay(&recordings, &upstream, &[]).await }
    });
    let mut victim = victim;
    victim.until("tributary_ingester_spans_journaled_total", |n| n >= 1.0).await?;
    victim.process.kill()?;
    victim = victim.restart(&place, HOLD).await?;
    let sidecars = replaying.await?.context("replay")?;
    ensure!(sidecars.len() == recordings.len());
    sent.check(&[&victim, &other]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_everybody() -> Result<()> {
    survives(Place::folder()?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_everybody_in_azure() -> Result<()> {
    survives(Place::container().await?).await
}

async fn survives(place: Place) -> Result<()> {
    let mut ingester = Ingester::start(&place, HOLD).await?;
    let (sent, mut sidecar) = one_pod(&ingester, Protocol::Protobuf).await?;
    // None of it was written as a block, and no ingester is asked to write one.
    sidecar.process.kill()?;
    ingester.process.kill()?;
    let ingester = ingester.restart(&place, HOLD).await?;
    sent.check(&[&ingester]).await?;
    ingester.stop().await?;
    books::verify(&place)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_ingester_left_is_taken_over_by_another() -> Result<()> {
    let place = Place::folder()?;
    let mut victim = Ingester::start(&place, HOLD).await?;
    let other = Ingester::start(&place, HOLD).await?;
    let (sent, mut sidecar) = one_pod(&victim, Protocol::Grpc).await?;
    let of_the_dead = victim.metrics().await?;
    sidecar.process.kill()?;
    victim.process.kill()?;
    // It is not started again.
    let segments = of_the_dead.sum("tributary_ingester_segments_total", &[]).context("segments")?;
    other.until("tributary_ingester_segments_adopted_total", |n| n == segments).await?;
    sent.check(&[&other]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_ingester_left_is_readable_at_once() -> Result<()> {
    let place = Place::folder()?;
    let mut victim = Ingester::start(&place, HOLD).await?;
    let (sent, mut sidecar) = one_pod(&victim, Protocol::Grpc).await?;
    sidecar.process.kill()?;
    // Its suspicion takes four heartbeats, so that nothing is adopted here.
    let patient: Vec<&str> = HOLD.iter().chain(&["--heartbeat", "600s"]).copied().collect();
    let other = Ingester::start(&place, &patient).await?;
    let of_other = async |metric: &str| {
        let metrics = other.metrics().await?;
        metrics.sum(metric, &[]).with_context(|| metric.to_owned())
    };
    sent.check(&[&other]).await?;
    ensure!(of_other("tributary_ingester_segments_queried_total").await? == 0.0, "it was asked");
    victim.process.kill()?;
    // Every answer says that it is whole, and is.
    sent.check(&[&other]).await?;
    ensure!(of_other("tributary_ingester_segments_queried_total").await? > 0.0);
    ensure!(of_other("tributary_ingester_queries_partial_total").await? == 0.0);
    ensure!(of_other("tributary_ingester_adoptions_total").await? == 0.0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_that_was_frozen_and_adopted_loses_nothing_when_it_wakes_up() -> Result<()> {
    let place = Place::folder()?;
    let recordings = some_pods()?;
    let sent = Sent::of(&recordings)?;
    let zombie = Ingester::start(&place, HOLD).await?;
    let other = Ingester::start(&place, HOLD).await?;
    let upstream = format!("{},{}", zombie.wire, other.wire);
    let replaying = tokio::spawn({
        let recordings = Arc::clone(&recordings);
        async move { replay(&recordings, &upstream, &[]).await }
    });
    zombie.until("tributary_ingester_spans_journaled_total", |n| n >= 1.0).await?;
    zombie.process.freeze()?;
    other.until("tributary_ingester_adoptions_total", |n| n >= 1.0).await?;
    zombie.process.thaw()?;
    let sidecars = replaying.await?.context("replay")?;
    ensure!(sidecars.len() == recordings.len());
    for sidecar in sidecars {
        sidecar.stop().await?;
    }
    // It finds out when it commits, and what it had goes into blocks all the same.
    zombie.stop().await?;
    other.until("tributary_ingester_members", |n| n == 1.0).await?;
    sent.every(3).check(&[&other]).await
}
