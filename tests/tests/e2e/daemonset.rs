//! An ingester with its receivers on, and nothing before it: what it has accepted is in the store.

use anyhow::{Result, ensure};
use tributary_testkit::http::{self, Connection};
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, normal, recording};
use tributary_tests::ingester::{self, HOLD};
use tributary_tests::sidecar::LISTENERS;
use tributary_tests::{Api, Ingester, Place, legacy};

/// Flags by which the receivers listen on ports of their own.
fn flags() -> Vec<String> {
    let receivers = LISTENERS.iter().filter(|name| **name != "admin");
    let listen = receivers.map(|name| format!("--{name}-listen=127.0.0.1:0"));
    listen.chain(["--receivers=all".to_owned()]).collect()
}

#[tokio::test]
async fn accepted_means_stored_without_a_sidecar() -> Result<()> {
    let place = Place::folder()?;
    let flags = flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(HOLD.iter().copied()).collect();
    let mut ingester = Ingester::start(&place, &flags).await?;

    let to = ingester.process.listening("otlp-http", SOON).await?;
    let mut expected = Vec::new();
    for request in recording("order-api")?.records.into_iter().take(3) {
        let answer = http::post(to, "/v1/traces", "application/x-protobuf", request.clone());
        let answer = answer.await?;
        ensure!(answer.status == 200 && answer.body.is_empty(), "{}", answer.text());
        expected.extend(NormalSpan::parse(&request)?);
    }
    // Each client's first request; datagrams are not answered, so they are waited for.
    let mut sent = expected.len();
    let mut traces = Vec::new();
    for client in legacy::all()? {
        let Some((record, body)) = client.records.first() else { continue };
        let to = ingester.process.listening(record.listener(), SOON).await?;
        legacy::send(to, record, body).await?;
        sent += record.spans;
        let taken = "tributary_ingester_receiver_spans_accepted_total";
        ingester.until(taken, |n| n == sent as f64).await?;
        traces.extend(client.expected.iter().filter_map(|line| {
            Some((line["trace_id"].as_str()?.to_owned(), line["span_id"].as_str()?.to_owned()))
        }));
    }

    // Not even a moment to write: what was accepted is in the journal.
    ingester.process.kill()?;
    let mut ingester = ingester.restart(&place, &flags).await?;
    let mut query = Connection::open(ingester.http).await?;
    let mut ids: Vec<String> = expected.iter().map(|span| span.trace_id.to_string()).collect();
    ids.sort();
    ids.dedup();
    let mut got = Vec::new();
    for id in &ids {
        got.extend(ingester::trace(&mut query, Api::V2Protobuf, id).await?);
    }
    normal::compare(&expected, &got).map_err(anyhow::Error::msg)?;
    let mut found = expected.len();
    traces.sort();
    traces.dedup();
    for same_trace in traces.chunk_by(|a, b| a.0 == b.0) {
        let Some((id, _)) = same_trace.first() else { continue };
        found += ingester::trace(&mut query, Api::V2Protobuf, id).await?.len();
    }
    ensure!(found == sent, "{found} spans of {sent}");
    ensure!(ingester.process.ended().is_none(), "it ended");
    ingester.stop().await
}
