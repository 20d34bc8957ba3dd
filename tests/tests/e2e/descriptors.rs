//! More connections than the process may have files open.

use anyhow::{Result, ensure};
use http::Method;
use prost::Message;
use tokio::net::TcpStream;
use tributary_testkit::http::{self as client, Connection};
use tributary_testkit::sample;
use tributary_testkit::wait::SOON;
use tributary_testkit::wait_for;
use tributary_tests::{Ingester, Place};

/// Files that the ingester may have open.
const FILES: usize = 160;
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

#[tokio::test]
async fn connections_wait_and_leave_the_store_what_it_needs() -> Result<()> {
    let place = Place::folder()?;
    let flags = ["--receivers=otlp-http", "--otlp-http-listen=127.0.0.1:0", "--block-age=300ms"];
    let mut ingester = Ingester::start_with_files(&place, FILES, &flags).await?;
    let to = ingester.process.listening("otlp-http", SOON).await?;
    let mut early = Connection::open(to).await?;
    let body = |seed| sample::plain(seed).encode_to_vec();
    let answer = early.send(Method::POST, "/v1/traces", &[PROTOBUF], body(1)).await?;
    ensure!(answer.status == 200, "{}", answer.text());

    let mut idle = Vec::new();
    for _ in 0..2 * FILES {
        idle.push(TcpStream::connect(to).await?);
    }
    let output = ingester.process.output_handle();
    wait_for("the listener to rest", SOON, || async {
        let lines = output.lines();
        match lines.iter().any(|line| line.contains("connections wait: all descriptors")) {
            true => Ok(()),
            false => Err(lines.join("\n")),
        }
    })
    .await?;
    // Who is connected is served, what came is stored, and the process says how it is.
    let answer = early.send(Method::POST, "/v1/traces", &[PROTOBUF], body(2)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    ingester.until("tributary_ingester_spans_stored_total", |n| n == 2.0).await?;
    ensure!(client::get(ingester.http, "/ready").await?.status == 200);

    drop(idle);
    let answer = client::post(to, "/v1/traces", PROTOBUF.1, body(3)).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    ingester.until("tributary_ingester_spans_stored_total", |n| n == 3.0).await?;
    let lines = output.lines();
    let complaints = lines.iter().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    ensure!(complaints.count() == 1, "{}", lines.join("\n"));
    ingester.stop().await
}
