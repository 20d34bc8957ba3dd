//! Datagrams faster than the sidecar reads them: each is received or counted as dropped.

use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};
use tributary_testkit::wait_for;
use tributary_tests::ingester::HOLD;
use tributary_tests::{Ingester, LONG, Place, Sidecar, legacy};

const SENDERS: usize = 4;
const SECONDS: usize = 3;
/// Datagrams a second, of all senders.
const PACE: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_a_second_are_received_or_counted() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    let mut sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let to = sidecar.at("jaeger-compact").await?;
    let all = legacy::all()?;
    let recording =
        all.iter().find(|r| r.name == "jaeger-compact-udp.python-jaeger-client").context("data")?;
    // Those of one span, as an application at work sends them.
    let one = recording.records.iter().filter(|(record, _)| record.spans == 1);
    let bodies: Vec<Vec<u8>> = one.map(|(_, body)| body.clone()).collect();
    ensure!(!bodies.is_empty(), "no datagrams of one span");
    let senders: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(flood(to, bodies.clone()))).collect();
    let mut sent = 0;
    for sender in senders {
        sent += sender.await??;
    }
    let (received, kernel) = wait_for("the last datagram", LONG, || async {
        let metrics = sidecar.metrics().await.map_err(|e| e.to_string())?;
        let sum = |name: &str, labels: &[(&str, &str)]| {
            let name = format!("tributary_sidecar_receiver_{name}");
            metrics.sum(&name, labels).unwrap_or(0.0) as usize
        };
        let label = ("receiver", "jaeger-compact");
        let received = sum("requests_begun_total", &[label]);
        let kernel = sum("datagrams_dropped_total", &[label]);
        let ended = ["accepted", "refused", "malformed"]
            .map(|result| sum("requests_total", &[label, ("result", result)]));
        let spans = sum("spans_accepted_total", &[label]);
        let dropped = sum("spans_dropped_total", &[label]);
        let state = format!("{sent} sent, {received} received, {kernel} dropped, {ended:?}, {spans} spans, {dropped} lost");
        let whole = received + kernel == sent
            && ended.iter().sum::<usize>() == received
            && spans + dropped == received;
        if whole { Ok((received, kernel)) } else { Err(state) }
    })
    .await?;
    println!("{sent} datagrams sent, {received} received, {kernel} dropped by the kernel");
    ensure!(received > 0, "none was received");
    sidecar.stop().await
}

/// Sends a sender's share at its pace; how many it sent.
async fn flood(to: SocketAddr, bodies: Vec<Vec<u8>>) -> Result<usize> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let share = PACE * SECONDS / SENDERS;
    let start = Instant::now();
    for (n, body) in bodies.iter().cycle().take(share).enumerate() {
        sleep_until(start + Duration::from_secs_f64(n as f64 * SENDERS as f64 / PACE as f64)).await;
        socket.send_to(body, to).await?;
    }
    Ok(share)
}
