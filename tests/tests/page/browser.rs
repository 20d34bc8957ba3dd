//! Stories in a browser: a real ingester, recorded traffic of all pods, and one trace that tries to be
//! more than text.

use crate::tools::{chromium, content, node, packages};
use anyhow::{Context, Result};
use std::sync::Arc;
use tributary_testkit::wait::SOON;
use tributary_testkit::{recordings, traces};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::replay;
use tributary_tests::{Ingester, Place};

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn each_view_is_looked_at() -> Result<()> {
    let (Some(packages), Some(chromium)) = (packages()?, chromium()?) else { return Ok(()) };
    let place = Place::folder()?;
    let receive = ["--receivers", "otlp-http", "--otlp-http-listen", "127.0.0.1:0"];
    let counting = ["--span-metrics", "true"];
    let flags: Vec<&str> = HOLD.iter().chain(&receive).chain(&counting).copied().collect();
    let mut ingester = Ingester::start(&place, &flags).await?;
    let otlp = ingester.process.listening("otlp-http", SOON).await?;

    let recordings = Arc::new(recordings()?);
    let counted = traces()?;
    let sidecars = replay(&recordings, &ingester.wire.to_string(), &[]).await?;
    let spans: usize = counted.iter().map(|trace| trace.spans).sum();
    // Counted after they are journaled.
    let is_all = |n: f64| n >= spans as f64;
    ingester.until("tributary_ingester_span_metrics_spans_total", is_all).await?;
    for sidecar in sidecars {
        sidecar.stop().await?;
    }

    // A trace over most services that has errors.
    let wanted = counted.iter().filter(|trace| trace.errors > 0);
    let wanted =
        wanted.max_by_key(|trace| (trace.services.len(), trace.spans)).context("an error")?;
    let start = counted.iter().map(|trace| trace.start_ns).min().unwrap_or_default() / SECOND;
    let end = counted.iter().map(|trace| trace.end_ns).max().unwrap_or_default() / SECOND + 1;
    let mut stories = node();
    stories
        .arg("stories.js")
        .env("PAGE", format!("http://{}/", ingester.http))
        .env("OTLP", format!("http://{otlp}/v1/traces"))
        .env("TRACE", &wanted.trace_id)
        .env("SPANS", wanted.spans.to_string())
        .env("ERRORS", wanted.errors.to_string())
        .env("START", start.to_string())
        .env("END", end.to_string())
        .env("CHROMIUM", chromium)
        .env("PACKAGES", packages);
    let said = tokio::task::spawn_blocking(move || content(&mut stories)).await??;
    println!("{said}");
    ingester.stop().await
}
