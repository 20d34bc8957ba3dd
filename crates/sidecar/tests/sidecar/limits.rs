//! What happens at the bounds: a full buffer, a small credit, an end without an ingester.

use super::*;
use fake::Answer as A;

/// Sends requests until one is refused; the spans taken, and the refusal.
async fn fill(sidecar: &Sidecar, requests: &[Vec<u8>]) -> Result<(Vec<NormalSpan>, Answer)> {
    let mut taken = Vec::new();
    for request in requests.iter().cycle().take(10_000) {
        let answer = sidecar.offer(request, &[]).await?;
        match answer.status {
            hyper::StatusCode::OK => taken.extend(NormalSpan::parse(request)?),
            _ => return Ok((taken, answer)),
        }
    }
    Err(anyhow!("never refused"))
}

#[tokio::test]
async fn a_full_buffer_refuses_with_a_hint_and_recovers() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &["--buffer", "1MiB"]).await?;
    let requests = tributary_testkit::recording("inventory")?.records;
    let (mut sent, refusal) = fill(&sidecar, &requests).await?;
    assert_eq!(refusal.status, 503);
    let wait: u64 = refusal.header("retry-after").parse()?;
    assert!((1..=30).contains(&wait), "{wait}");
    assert!(sidecar.metric("requests_refused_total").await? >= 1.0);
    let held = sidecar.metric("buffer_bytes").await?;
    let limit = sidecar.metric("buffer_limit_bytes").await?;
    assert!(held <= limit * 1.25, "{held} bytes held of {limit}");

    let (more, status) = fill_by_grpc(&sidecar, &requests).await?;
    sent.extend(more);
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("google.rpc.RetryInfo"), "{details:?}");

    fake.answer(A::Ack);
    sidecar.metric_becomes("unacked_frames", |frames| frames == 0.0).await?;
    sidecar.metric_becomes("open_spans", |spans| spans == 0.0).await?;
    sidecar.metric_becomes("buffer_bytes", |bytes| bytes == 0.0).await?;
    sent.extend(sidecar.take(&requests[0]).await?);
    acked(&[&fake], &sent).await?;
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

/// The same by gRPC: what was refused as bytes may have become a smaller frame by now.
async fn fill_by_grpc(
    sidecar: &Sidecar,
    requests: &[Vec<u8>],
) -> Result<(Vec<NormalSpan>, tonic::Status)> {
    use tributary_testkit::otlp::TraceServiceClient;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", sidecar.grpc))?;
    let mut client = TraceServiceClient::new(channel.connect().await?);
    let mut taken = Vec::new();
    for request in requests.iter().cycle().take(10_000) {
        match client.export(ExportTraceServiceRequest::decode(&request[..])?).await {
            Ok(_) => taken.extend(NormalSpan::parse(request)?),
            Err(status) => return Ok((taken, status)),
        }
    }
    Err(anyhow!("never refused"))
}

#[tokio::test]
async fn what_can_never_fit_is_refused_for_good() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &["--buffer", "1MiB"]).await?;
    let answer = sidecar.offer(&vec![0; 1 << 20], &[]).await?;
    assert_eq!(answer.status, 413);
    sidecar.take(&plain(1)).await?;
    Ok(())
}

#[tokio::test]
async fn a_small_credit_slows_and_does_not_stop() -> Result<()> {
    let fake = Fake::start_at("127.0.0.1:0".parse()?, A::Ack, 1, vec![])?;
    let sidecar = Sidecar::start(&[&fake], &["--batch-bytes", "4KiB"]).await?;
    let mut sent = Vec::new();
    for record in tributary_testkit::recording("recommendation")?.records {
        sent.extend(sidecar.take(&record).await?);
    }
    acked(&[&fake], &sent).await?;
    assert!(fake.seen().len() > 50, "{}", fake.seen().len());
    Ok(())
}

#[tokio::test]
async fn the_grace_period_ends_and_the_loss_is_counted() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &["--grace", "50ms"]).await?;
    sidecar.take(&full(1)).await?;
    let report = sidecar.stop().await?;
    assert_eq!((report.accepted, report.acked), (2, 0));
    assert_eq!((report.lost(), report.lost_shutdown), (2, 2));
    Ok(())
}

#[tokio::test]
async fn a_second_signal_stops_at_once() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &["--grace", "60m"]).await?;
    sidecar.take(&plain(1)).await?;
    sidecar.shutdown.drain.cancel();
    wait_for("the end to begin", SOON, async || {
        let answer = http::get(sidecar.admin, "/ready").await.map_err(|e| e.to_string())?;
        if answer.status == 503 { Ok(()) } else { Err(answer.status.to_string()) }
    })
    .await?;
    assert!(!sidecar.running.is_finished());
    sidecar.shutdown.now.cancel();
    assert_eq!(sidecar.running.await?.lost_shutdown, 1);
    Ok(())
}

#[tokio::test]
async fn rejected_for_good_is_counted_and_frees_the_buffer() -> Result<()> {
    let fake = Fake::start(A::Reject { permanent: true })?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    sidecar.take(&full(1)).await?;
    sidecar.metric_becomes("spans_dropped_total", |n| n == 2.0).await?;
    sidecar.metric_becomes("buffer_bytes", |bytes| bytes == 0.0).await?;
    fake.answer(A::Ack);
    sidecar.take(&plain(2)).await?;
    sidecar.metric_becomes("spans_acked_total", |n| n == 1.0).await?;
    let report = sidecar.stop().await?;
    assert_eq!((report.accepted, report.acked, report.lost_rejected), (3, 1, 2));
    Ok(())
}
