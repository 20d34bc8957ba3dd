//! Every field and every type of value that OTLP knows comes back as it was sent, however it was
//! sent and however it is asked for.

use anyhow::{Context, Result};
use prost::Message;
use tributary_testkit::http::Connection;
use tributary_testkit::normal::compare;
use tributary_testkit::{NormalSpan, sample, wait_for};
use tributary_tests::ingester::{APIS, HOLD, trace};
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, LONG, Place, Sidecar};

#[tokio::test]
async fn from_memory_and_from_blocks() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let protocols = [Protocol::Grpc, Protocol::Protobuf, Protocol::Json];
    for (seed, protocol) in (1..).zip(protocols) {
        let request = sample::request(seed).encode_to_vec();
        Sender::open(&sidecar, protocol).await?.send(&request).await?;
    }
    check(&ingester).await.context("from memory")?;
    sidecar.stop().await?;
    ingester.stop().await?;
    let ingester = Ingester::start(&place, HOLD).await?;
    check(&ingester).await.context("from blocks")?;
    ingester.stop().await
}

async fn check(ingester: &Ingester) -> Result<()> {
    for seed in 1..=3 {
        let id = tributary_testkit::normal::Id(sample::trace_id(seed).to_vec()).to_string();
        let sent = NormalSpan::of(sample::request(seed).resource_spans);
        for api in APIS {
            let got = wait_for("both spans", LONG, || async {
                let mut connection =
                    Connection::open(ingester.http).await.map_err(|e| format!("{e:#}"))?;
                let got = trace(&mut connection, api, &id).await.map_err(|e| format!("{e:#}"))?;
                if got.len() < sent.len() { Err(format!("{} spans", got.len())) } else { Ok(got) }
            });
            let got = got.await.with_context(|| format!("{api:?} {id}"))?;
            compare(&sent, &got).map_err(|e| anyhow::anyhow!("{api:?} {id}: {e}"))?;
        }
    }
    Ok(())
}
