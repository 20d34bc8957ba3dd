//! Spans of a clock that was wrong, among many that were not.

use anyhow::{Result, ensure};
use prost::Message;
use tributary_testkit::http;
use tributary_testkit::otlp::ExportTraceServiceRequest;
use tributary_testkit::sample;
use tributary_testkit::wait::SOON;
use tributary_tests::{Ingester, Place};

/// With the plain ones' time for `None`, else with this for a start and an end, nanoseconds.
fn request(seeds: std::ops::RangeInclusive<u64>, at: Option<u64>) -> Vec<u8> {
    let mut all: Vec<_> = seeds.flat_map(|seed| sample::plain(seed).resource_spans).collect();
    let scopes = all.iter_mut().flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        if let Some(at) = at {
            (span.start_time_unix_nano, span.end_time_unix_nano) = (at, at + 5);
        }
    }
    ExportTraceServiceRequest { resource_spans: all }.encode_to_vec()
}

#[tokio::test]
async fn a_broken_clock_does_not_make_a_block_reach_over_centuries() -> Result<()> {
    let place = Place::folder()?;
    let flags = [
        "--receivers=otlp-http",
        "--otlp-http-listen=127.0.0.1:0",
        "--block-age=300ms",
        "--compact=never",
    ];
    let mut ingester = Ingester::start(&place, &flags).await?;
    let to = ingester.process.listening("otlp-http", SOON).await?;
    let all = [
        request(1..=200, None),
        request(201..=202, Some(1_000_000_000)),
        request(203..=203, Some(u64::MAX - 9)),
    ];
    // In one block, so that it would be widened.
    let body = all.concat();
    let answer = http::post(to, "/v1/traces", "application/x-protobuf", body).await?;
    ensure!(answer.status == 200, "{}", answer.text());
    ingester.until("tributary_ingester_spans_stored_total", |n| n == 203.0).await?;
    for (what, start, end, blocks, traces) in [
        ("their time", 1_795_343_000_u64, 1_795_345_000, 1, 200),
        ("the year 2000", 946_684_800, 946_688_400, 0, 0),
        ("1970", 1, 60, 1, 2),
        ("a day later", 1_795_430_400, 1_795_434_000, 0, 0),
        ("far later", 4_000_000_000, 4_000_003_600_u64, 0, 0),
    ] {
        let path = format!("/api/search?q=%7B%20%7D&limit=1000&start={start}&end={end}");
        let answer = http::get(ingester.http, &path).await?;
        let told = answer.json()?;
        let count = told["traces"].as_array().map_or(0, Vec::len);
        let opened = told["metrics"]["totalBlocks"].as_u64().unwrap_or_default();
        ensure!((opened, count) == (blocks, traces), "{what}: {}", answer.text());
    }
    // Spans keep their times, and a look-up by id finds each.
    let answer = http::get(ingester.http, &format!("/api/v2/traces/{0:016x}{0:016x}", 203)).await?;
    ensure!(answer.text().contains(&(u64::MAX - 9).to_string()), "{}", answer.text());
    ingester.stop().await
}
