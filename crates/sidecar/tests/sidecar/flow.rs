//! Spans arrive, as they were sent, where they belong.

use super::*;
use fake::Answer as A;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn every_field_of_every_span_arrives() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    // Small batches: many frames, and definitions that are used long after they were sent.
    let sidecar = Sidecar::start(&[&fake], &["--batch-bytes", "8KiB"]).await?;
    let mut sent = Vec::new();
    for record in tributary_testkit::recording("notifier")?.records {
        sent.extend(sidecar.take(&record).await?);
    }
    for seed in 1..20 {
        sent.extend(sidecar.take(&full(seed)).await?);
    }
    acked(&[&fake], &sent).await?;
    let report = sidecar.stop().await?;
    let all = sent.len() as u64;
    assert_eq!((report.accepted, report.acked, report.lost()), (all, all, 0));
    assert_eq!(fake.streams(), 1);
    let numbers: Vec<_> = fake.seen().iter().map(|s| s.seq).collect();
    assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    Ok(())
}

#[tokio::test]
async fn the_end_flushes_what_is_open() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &["--batch-age", "60s"]).await?;
    let sent = sidecar.take(&full(1)).await?;
    assert_eq!(sidecar.metric("open_spans").await?, 2.0);
    let report = sidecar.stop().await?;
    assert_eq!((report.acked, report.lost()), (2, 0));
    acked(&[&fake], &sent).await
}

#[tokio::test]
async fn traces_stay_whole_and_every_ingester_has_some() -> Result<()> {
    let fakes = [Fake::start(A::Ack)?, Fake::start(A::Ack)?, Fake::start(A::Ack)?];
    let fakes: Vec<&Fake> = fakes.iter().collect();
    // Two sidecars that know nothing of each other send the two halves of each trace.
    let first = Sidecar::start(&fakes, &[]).await?;
    let upstream: Vec<_> = fakes.iter().rev().map(|f| f.address.to_string()).collect();
    let second = Sidecar::start_with(&upstream.join(","), &[]).await?;
    for sidecar in [&first, &second] {
        sidecar.metric_becomes("groups", |groups| groups == 3.0).await?;
    }
    let mut sent = Vec::new();
    for (i, record) in tributary_testkit::recording("payment")?.records.iter().enumerate() {
        let sidecar = if i % 2 == 0 { &first } else { &second };
        sent.extend(sidecar.take(record).await?);
    }
    acked(&fakes, &sent).await?;
    let mut homes: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
    for (i, fake) in fakes.iter().enumerate() {
        fake.acked().into_iter().for_each(|s| {
            homes.entry(s.trace_id).or_default().insert(i);
        });
        let share = fake.spans() as f64 / sent.len() as f64;
        assert!((0.2..0.5).contains(&share), "ingester {i} has {share}");
    }
    assert!(homes.values().all(|homes| homes.len() == 1), "a trace is in two places");
    assert_eq!(first.stop().await?.lost() + second.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn grpc_and_http_fill_the_same_buffer() -> Result<()> {
    use tributary_testkit::otlp::TraceServiceClient;
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    let mut sent = sidecar.take(&full(1)).await?;
    let channel = tonic::transport::Endpoint::from_shared(format!("http://{}", sidecar.grpc))?;
    let mut client = TraceServiceClient::new(channel.connect().await?);
    let request = tributary_testkit::sample::request(2);
    sent.extend(NormalSpan::of(request.resource_spans.clone()));
    client.export(request).await?;
    acked(&[&fake], &sent).await?;
    Ok(())
}

#[tokio::test]
async fn tenants_travel_apart() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &[]).await?;
    let mut sent = sidecar.take(&plain(1)).await?;
    for (seed, tenant) in [(2, "team-a"), (3, "team-b")] {
        let answer = sidecar.offer(&plain(seed), &[("x-scope-orgid", tenant)]).await?;
        assert_eq!(answer.status, 200);
        sent.extend(NormalSpan::parse(&plain(seed))?);
    }
    acked(&[&fake], &sent).await?;
    let mut tenants: Vec<_> =
        fake.seen().into_iter().map(|s| (s.hello.tenant, s.hello.lane)).collect();
    tenants.sort();
    tenants.dedup();
    let names: Vec<_> = tenants.iter().map(|(tenant, _)| tenant.as_str()).collect();
    assert_eq!(names, ["single-tenant", "team-a", "team-b"]);
    let lanes: BTreeSet<_> = tenants.iter().map(|(_, lane)| lane).collect();
    assert_eq!(lanes.len(), 3, "lanes have numbers of their own");
    Ok(())
}

#[tokio::test]
async fn the_pods_attributes_are_added_where_they_are_missing() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let args = [
        "--tenant",
        "ours",
        "--name",
        "pod-1",
        "--resource-attributes",
        "k8s.pod.name=pod-1,service.name=other",
    ];
    let sidecar = Sidecar::start(&[&fake], &args).await?;
    sidecar.take(&plain(1)).await?;
    sidecar.metric_becomes("spans_acked_total", |n| n == 1.0).await?;
    let [seen] = &fake.seen()[..] else { panic!("one frame") };
    assert_eq!((seen.hello.tenant.as_str(), seen.hello.name.as_str()), ("ours", "pod-1"));
    assert_eq!(seen.spans[0].resource_text("k8s.pod.name"), Some("pod-1"));
    assert_eq!(seen.spans[0].resource_text("service.name"), Some("plain"));
    Ok(())
}

#[tokio::test]
async fn the_admin_pages() -> Result<()> {
    let fake = Fake::start(A::Silence)?;
    let sidecar = Sidecar::start(&[&fake], &["--grace", "60s"]).await?;
    for (path, status) in [("/live", 200), ("/ready", 200), ("/metrics", 200), ("/", 404)] {
        assert_eq!(http::get(sidecar.admin, path).await?.status, status, "{path}");
    }
    assert_eq!(http::post(sidecar.admin, "/ready", "text/plain", "").await?.status, 405);
    sidecar.take(&plain(1)).await?;
    assert_eq!(sidecar.metric("spans_accepted_total").await?, 1.0);
    sidecar.shutdown.drain.cancel();
    wait_for("readiness to go", SOON, async || {
        let answer = http::get(sidecar.admin, "/ready").await.map_err(|e| e.to_string())?;
        if answer.status == 503 { Ok(()) } else { Err(answer.status.to_string()) }
    })
    .await?;
    assert_eq!(http::get(sidecar.admin, "/live").await?.status, 200);
    fake.answer(A::Ack);
    assert_eq!(sidecar.stop().await?.lost(), 0);
    Ok(())
}

#[tokio::test]
async fn the_last_flush_comes_after_sigterm() -> Result<()> {
    let fake = Fake::start(A::Ack)?;
    let sidecar = Sidecar::start(&[&fake], &["--grace", "60s", "--linger", "20s"]).await?;
    let mut application = http::Connection::open(sidecar.http).await?;
    let headers = [("content-type", "application/x-protobuf")];
    for seed in 1..=3 {
        let answer =
            application.send(hyper::Method::POST, "/v1/traces", &headers, plain(seed)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        sidecar.shutdown.drain.cancel();
        wait_for("readiness to go", SOON, async || {
            let answer = http::get(sidecar.admin, "/ready").await.map_err(|e| e.to_string())?;
            if answer.status == 503 { Ok(()) } else { Err(answer.status.to_string()) }
        })
        .await?;
    }
    // When the application has ended there is nothing to wait for.
    drop(application);
    let report = sidecar.stop().await?;
    assert_eq!((report.acked, report.lost()), (3, 0));
    Ok(())
}
