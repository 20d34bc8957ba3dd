//! Ingesters that are killed, and what has been acknowledged.

use anyhow::Result;
use tributary_testkit::recordings;
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, Place, Sent, Sidecar};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_the_death_of_everybody() -> Result<()> {
    let place = Place::folder()?;
    let recording = recordings()?.remove(0);
    let sent = Sent::of(std::slice::from_ref(&recording))?;
    let mut ingester = Ingester::start(&place, HOLD).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    for record in &recording.records {
        sender.send(record).await?;
    }
    let all = sent.spans() as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == all).await?;
    // None of it was written as a block, and nobody is asked to write one.
    sidecar.process.kill()?;
    ingester.process.kill()?;
    let ingester = ingester.restart(&place, HOLD).await?;
    sent.check(&[&ingester]).await
}
