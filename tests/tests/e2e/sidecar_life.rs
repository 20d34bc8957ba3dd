//! The sidecar's promises to the application and the pod, whatever the ingesters do.

use anyhow::{Context, Result, ensure};
use prost::Message;
use tributary_testkit::http::{self, Connection};
use tributary_testkit::otlp::{ExportTraceServiceRequest, TraceServiceClient};
use tributary_testkit::{NormalSpan, free_port, recording, sample, wait_for};
use tributary_tests::ingester::{Api, HOLD, trace};
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, LONG, Place, Sent, Sidecar, Traffic};

const PROTOBUF: &str = "application/x-protobuf";

#[tokio::test]
async fn sigterm_flushes_what_was_taken() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    // No batch is ever old or large enough to go by itself.
    let flags = ["--batch-age", "60s", "--batch-bytes", "2MiB"];
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &flags).await?;
    let request = sample::request(1);
    Sender::open(&sidecar, Protocol::Protobuf).await?.send(&request.encode_to_vec()).await?;
    sidecar.stop().await?;
    let mut sent = Sent::default();
    sent.add(NormalSpan::of(request.resource_spans));
    sent.check(&[&ingester]).await
}

#[tokio::test]
async fn a_sidecar_that_started_first_finds_its_ingester() -> Result<()> {
    let place = Place::folder()?;
    let port = free_port()?;
    let upstream = format!("127.0.0.1:{port}");
    let sidecar = Sidecar::start(&upstream, &[]).await?;
    let live = http::get(sidecar.admin, "/live").await?;
    let ready = http::get(sidecar.admin, "/ready").await?;
    ensure!(live.status == 200 && ready.status == 200, "{live:?} {ready:?}");
    let mut sent = Sent::default();
    for seed in 1..=20 {
        let request = sample::plain(seed);
        Sender::open(&sidecar, Protocol::Grpc).await?.send(&request.encode_to_vec()).await?;
        sent.add(NormalSpan::of(request.resource_spans));
    }
    let ingester = Ingester::start_with_wire(&place, upstream.parse()?, HOLD).await?;
    sent.check(&[&ingester]).await
}

#[tokio::test]
async fn a_full_buffer_refuses_with_a_hint_and_recovers() -> Result<()> {
    let place = Place::folder()?;
    let upstream = format!("127.0.0.1:{}", free_port()?);
    let sidecar = Sidecar::start(&upstream, &["--buffer", "1MiB"]).await?;
    let traffic = Traffic::of(&[recording("order-api")?])?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    let mut taken = Vec::new();
    let refused = loop {
        ensure!(taken.len() < 100 * traffic.requests(), "the buffer never filled");
        let (request, _) = traffic.request(taken.len());
        if !sender.offer(&request).await? {
            break request;
        }
        taken.push(request);
    };

    let answer = http::post(sidecar.http, "/v1/traces", PROTOBUF, refused.clone()).await?;
    ensure!(answer.status == 503, "{} {}", answer.status, answer.text());
    let seconds: f64 = answer.header("retry-after").parse().context("Retry-After")?;
    ensure!((1.0..=60.0).contains(&seconds), "Retry-After: {seconds}");
    let mut client = TraceServiceClient::connect(format!("http://{}", sidecar.grpc)).await?;
    let status =
        client.export(ExportTraceServiceRequest::decode(&*refused)?).await.expect_err("full");
    ensure!(status.code() == tonic::Code::Unavailable, "{status:?}");
    let delay = retry_delay(status.details()).with_context(|| format!("{status:?}"))?;
    ensure!(delay.seconds > 0 || delay.nanos > 0, "{delay:?}");
    ensure!(http::get(sidecar.admin, "/ready").await?.status == 200, "not ready when full");
    let counted = sidecar.metrics().await?;
    let refusals = counted.0.iter().filter(|s| s.name.contains("refused")).map(|s| s.value);
    ensure!(refusals.sum::<f64>() >= 3.0, "refusals are not counted: {counted:?}");

    let ingester = Ingester::start_with_wire(&place, upstream.parse()?, HOLD).await?;
    sender.send(&refused).await?;
    taken.push(refused);
    let mut sent = Sent::default();
    for request in &taken {
        sent.add(NormalSpan::parse(request)?);
    }
    sent.check(&[&ingester]).await
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

fn retry_delay(details: &[u8]) -> Result<Duration> {
    let status = RpcStatus::decode(details)?;
    let is_retry = |any: &&Any| any.type_url == "type.googleapis.com/google.rpc.RetryInfo";
    let any = status.details.iter().find(is_retry).context("no RetryInfo")?;
    RetryInfo::decode(&*any.value)?.retry_delay.context("no delay")
}

#[tokio::test]
async fn ingesters_leave_and_come() -> Result<()> {
    let place = Place::folder()?;
    let first = Ingester::start(&place, HOLD).await?;
    let spare = format!("127.0.0.1:{}", free_port()?);
    let sidecar = Sidecar::start(&format!("{},{spare}", first.wire), &[]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    let mut sent = Sent::default();
    let mut give = async |seeds: std::ops::Range<u64>, sent: &mut Sent| -> Result<()> {
        for seed in seeds {
            let request = sample::plain(seed);
            sender.send(&request.encode_to_vec()).await?;
            sent.add(NormalSpan::of(request.resource_spans));
        }
        Ok(())
    };
    give(1..50, &mut sent).await?;
    sent.check(&[&first]).await?;
    let second = Ingester::start_with_wire(&place, spare.parse()?, HOLD).await?;
    give(50..100, &mut sent).await?;
    // The first drains: it tells the sidecar, writes its blocks and ends.
    first.stop().await?;
    give(100..150, &mut sent).await?;
    sent.check(&[&second]).await?;
    // Frozen, the second still holds its connection; thawed, it takes what piled up.
    second.process.freeze()?;
    give(150..200, &mut sent).await?;
    second.process.thaw()?;
    sent.check(&[&second]).await
}

#[tokio::test]
async fn a_frozen_ingester_is_not_waited_for() -> Result<()> {
    let place = Place::folder()?;
    let frozen = Ingester::start(&place, HOLD).await?;
    let other = Ingester::start(&place, HOLD).await?;
    let upstream = format!("{},{}", frozen.wire, other.wire);
    let sidecar = Sidecar::start(&upstream, &[]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
    // Streams are opened by what they are to carry.
    let mut warm = Sent::default();
    for seed in 1001..=1050 {
        let request = sample::plain(seed);
        sender.send(&request.encode_to_vec()).await?;
        warm.add(NormalSpan::of(request.resource_spans));
    }
    warm.check(&[&frozen, &other]).await?;
    sidecar.until("tributary_sidecar_streams", |n| n >= 2.0).await?;
    frozen.process.freeze()?;
    let mut ids = Vec::new();
    for seed in 1..=50 {
        let request = sample::plain(seed);
        sender.send(&request.encode_to_vec()).await?;
        ids.push(tributary_testkit::normal::Id(sample::trace_id(seed).to_vec()).to_string());
    }
    for id in &ids {
        wait_for("a span that the other took over", LONG, || async {
            let mut connection = Connection::open(other.http).await.map_err(|e| e.to_string())?;
            let got = trace(&mut connection, Api::V1Protobuf, id).await;
            match got.map_err(|e| format!("{e:#}"))?.len() {
                1 => Ok(()),
                n => Err(format!("{n} spans of {id}")),
            }
        })
        .await?;
    }
    frozen.process.thaw()
}
