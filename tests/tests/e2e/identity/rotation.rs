//! Certificates on both sides, and everything changed while spans flow.

use super::*;
use std::time::Duration;

#[tokio::test]
async fn two_ingesters_that_ask_for_certificates_answer_together() -> Result<()> {
    let files = Files::new(
        "rules: [{namespace: pay, tenants: [pay]}, {name: reader.test, tenants: ['*']}]\n\
         peers: [{name: ingester.test}]\n",
    )?;
    let place = Place::folder()?;
    let first = files.start(&place, "certificate", &[]).await?;
    let second = files.start(&place, "certificate", &[]).await?;
    let pod = files.authority.signs("spiffe://main.test/ns/pay/sa/app")?;
    pod.write(folder(&files), "pod")?;
    let own = [("cert", "pod.crt"), ("key", "pod.key")]
        .map(|(name, file)| format!("--upstream-tls-{name}={}", files.path(file)));
    let upstream = format!("{},{}", first.wire, second.wire);
    let sidecar = files.untold_sidecar(&upstream, &[&own[0], &own[1]]).await?;
    for seed in 1..=20 {
        send(&sidecar, seed).await?;
    }
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 20.0).await?;
    let streams = sidecar.metrics().await?.sum("tributary_sidecar_groups", &[]);
    ensure!(streams == Some(2.0), "one of the ingesters has no group: {streams:?}");

    let reader = files.authority.signs("reader.test")?;
    let mut query = files.open(&first, Some(&reader)).await?;
    let tenant = [("x-scope-orgid", "pay"), ("accept", "application/json")];
    for seed in 1..=20 {
        let answer = query.send(Method::GET, &trace(seed), &tenant, "").await?;
        ensure!(has_span(&answer), "{seed}: {} {}", answer.status, answer.text());
    }
    let search = "/api/search?q=%7B%20%7D&limit=100&start=1795343000&end=1795345000";
    let found = query.send(Method::GET, search, &tenant, "").await?;
    let traces = found.json()?["traces"].as_array().map_or(0, Vec::len);
    ensure!(traces == 20, "{} traces of 20: {}", traces, found.text());
    let held = files.metric(&first, "spans_live", &[]).await?;
    ensure!(held > 0.0 && held < 20.0, "one of the ingesters has all: {held}");
    let peers =
        files.metric(&second, "callers_total", &[("port", "peer"), ("result", "identified")]);
    ensure!(peers.await? >= 20.0, "the other one was not asked as a peer");

    // One without a certificate: probes alone. One of another authority: not even those.
    let bare = files.get(&first, &trace(1), &tenant).await?;
    ensure!(bare.status == StatusCode::UNAUTHORIZED, "{}", bare.status);
    let stranger = Authority::new()?.signs("reader.test")?;
    let strange = async {
        let mut connection = files.open(&first, Some(&stranger)).await?;
        connection.send(Method::GET, "/live", &[], "").await
    };
    ensure!(strange.await.is_err(), "a certificate of another authority is taken");
    let unknown = files.untold_sidecar(&upstream, &["--grace", "100ms"]).await?;
    send(&unknown, 100).await?;
    unknown.until("tributary_sidecar_connect_failures_total", |n| n >= 1.0).await?;
    sidecar.stop().await?;
    first.stop().await?;
    second.stop().await
}

#[tokio::test]
async fn everything_is_renewed_while_spans_flow() -> Result<()> {
    let files = Files::new("")?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &["--max-stream-age", "1s"]).await?;
    let sidecar =
        files.sidecar(&ingester.wire.to_string(), "pay", &["--batch-age", "20ms"]).await?;
    let new = (Authority::new()?, Key::new("2")?);
    let (old_ca, both) = (files.authority.pem(), files.authority.pem() + &new.0.pem());
    let mut sent = 0;
    for step in 0..8 {
        match step {
            // The next authority and key are known before they are used…
            1 => {
                files.write("ca.crt", &both)?;
                files.write("jwks.json", &jwks(&[&files.key, &new.1]))?;
            }
            // … and those before not any more when they are used no more.
            3 => {
                files.write("pay.token", &new.1.token("pay", "app", 3600)?)?;
                new.0.signs(INGESTER)?.write(folder(&files), "ingester")?;
            }
            6 => {
                // However busy the machine is: when the new certificate is the ingester's.
                wait_for("the new certificate", SOON, async || {
                    let connected = connect(ingester.http, &new.0.pem(), None).await;
                    connected.map(drop).map_err(|error| format!("{error:#}"))
                })
                .await?;
                files.write("ca.crt", &new.0.pem())?;
                files.write("jwks.json", &jwks(&[&new.1]))?;
            }
            _ => {}
        }
        for _ in 0..20 {
            sent += 1;
            send(&sidecar, sent).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let all = sent as f64;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == all).await?;
    let metrics = sidecar.metrics().await?;
    let of = |name: &str| metrics.sum(&format!("tributary_sidecar_{name}_total"), &[]);
    let told = (of("streams_refused"), of("connect_failures"), of("spans_dropped"));
    ensure!(told == (Some(0.0), Some(0.0), Some(0.0)), "{told:?}");
    ensure!(of("streams_opened") >= Some(3.0), "{:?} streams", of("streams_opened"));

    let headers = new.1.token("pay", "reader", 60)?;
    let headers = [("authorization", format!("Bearer {headers}"))];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut query = connect(ingester.http, &new.0.pem(), None).await?;
    let page = query.send(Method::GET, "/metrics", &[], "").await?.text();
    let metrics = Metrics::parse(&page).map_err(|line| anyhow::anyhow!("{line}"))?;
    let of = |name: &str| metrics.sum(&format!("tributary_ingester_{name}"), &[]);
    ensure!(of("spans_journaled_total") == Some(all), "{:?}", of("spans_journaled_total"));
    ensure!(of("streams_aged_total") >= Some(2.0), "{:?}", of("streams_aged_total"));
    for seed in [1, sent] {
        let answer = query.send(Method::GET, &trace(seed), &headers, "").await?;
        ensure!(has_span(&answer), "{seed}: {} {}", answer.status, answer.text());
    }
    // What was good before is good no more.
    ensure!(connect(ingester.http, &old_ca, None).await.is_err(), "the old authority");
    let before = files.key.token("pay", "app", 60)?;
    let before = format!("Bearer {before}");
    let answer = query.send(Method::GET, &trace(1), &[("authorization", &before)], "").await?;
    ensure!(answer.status == StatusCode::UNAUTHORIZED, "{}", answer.status);
    sidecar.stop().await?;
    ingester.stop().await
}
