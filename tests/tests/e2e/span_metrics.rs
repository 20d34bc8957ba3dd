//! Metrics from spans, as Prometheus adds them up over the death of an ingester.

use anyhow::{Context, Result, ensure};
use prost::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use tributary_testkit::data::data_dir;
use tributary_testkit::otlp::{ExportTraceServiceRequest, Span};
use tributary_testkit::prometheus::{Metrics, Sample};
use tributary_testkit::wait::SOON;
use tributary_testkit::{Recording, http, recordings, wait_for};
use tributary_tests::ingester::HOLD;
use tributary_tests::prometheus::{self, Prometheus};
use tributary_tests::replay::{Protocol, Sender};
use tributary_tests::{Ingester, Place, Sidecar};

/// Counters of one scrape, by name and labels.
type Counters = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// What Prometheus reads, of what only grows.
async fn scrape(ingester: &Ingester) -> Result<Counters> {
    let page = http::get(ingester.http, "/metrics/spans").await?.text();
    let metrics = Metrics::parse(&page).map_err(|line| anyhow::anyhow!("not a metric: {line}"))?;
    let grows = |s: &Sample| ["_total", "_count", "_bucket"].iter().any(|e| s.name.ends_with(e));
    let samples = metrics.0.into_iter().filter(grows);
    Ok(samples.map(|sample| ((sample.name, sample.labels), sample.value)).collect())
}

/// How much each counter grew over these scrapes, and from nothing to the first: `increase()`'s rule, by
/// which a counter that has fallen began anew.
fn increases(scrapes: &[&Counters]) -> Counters {
    let mut sums = Counters::new();
    for (series, _) in scrapes.iter().flat_map(|scrape| scrape.iter()) {
        let mut last = 0.0;
        let grew = scrapes.iter().filter_map(|scrape| scrape.get(series)).map(|&value| {
            let before = std::mem::replace(&mut last, value);
            if value < before { value } else { value - before }
        });
        sums.insert(series.clone(), grew.sum());
    }
    sums
}

/// The sum of a counter's series, of one service or of all.
fn sum(of: &Counters, name: &str, service: Option<&str>) -> f64 {
    let fits = |labels: &BTreeMap<String, String>| {
        service.is_none_or(|service| labels.get("service").is_some_and(|is| is == service))
    };
    let series = of.iter().filter(|((is, labels), _)| is == name && fits(labels));
    series.map(|(_, value)| value).sum()
}

/// How many spans a pod sent, as the manifest counts them.
fn spans(pod: &Recording) -> Result<f64> {
    let manifest = std::fs::read(data_dir()?.join("otlp-manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&manifest)?;
    let files = manifest.get("files").and_then(Value::as_array).context("files")?;
    let of_pod = |file: &&Value| file.get("pod").is_some_and(|name| *name == *pod.pod);
    let file = files.iter().find(of_pod).with_context(|| pod.pod.clone())?;
    file.get("spans").and_then(Value::as_f64).context("spans")
}

async fn send(sender: &mut Sender, recording: &Recording) -> Result<()> {
    for record in &recording.records {
        sender.send(record).await?;
    }
    Ok(())
}

/// Waits until so many spans are counted.
async fn counted(ingester: &Ingester, spans: f64) -> Result<()> {
    let metric = "tributary_ingester_span_metrics_spans_total";
    wait_for(&format!("{spans} spans"), SOON, async || {
        let metrics = ingester.metrics().await.map_err(|e| format!("{e:#}"))?;
        match metrics.sum(metric, &[]) {
            Some(is) if is == spans => Ok(()),
            is => Err(format!("{is:?}")),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn increases_over_a_kill_are_what_was_sent_but_for_what_no_scrape_saw() -> Result<()> {
    let mut pods = recordings()?.into_iter().filter(|r| r.pod.starts_with("payment-"));
    let (one, other) = (pods.next().context("a pod")?, pods.next().context("another one")?);
    let (n, unseen) = (spans(&one)?, spans(&other)?);
    // No side of a call is given up meanwhile.
    let flags = [HOLD, &["--span-metrics", "true", "--span-metrics-wait", "5m"]].concat();
    let place = Place::folder()?;
    let mut ingester = Ingester::start(&place, &flags).await?;
    let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
    let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;

    send(&mut sender, &one).await?;
    send(&mut sender, &one).await?;
    counted(&ingester, 2.0 * n).await?;
    let first = scrape(&ingester).await?;
    // Acknowledged and counted, and seen by no scrape.
    send(&mut sender, &other).await?;
    counted(&ingester, 2.0 * n + unseen).await?;
    let acked = "tributary_sidecar_spans_acked_total";
    sidecar.until(acked, |acked| acked == 2.0 * n + unseen).await?;
    ingester.process.kill()?;
    // The sidecar has these until there is an ingester again.
    send(&mut sender, &one).await?;
    let ingester = ingester.restart(&place, &flags).await?;
    sidecar.until(acked, |acked| acked == 3.0 * n + unseen).await?;
    // What the dead one left in its journal is not new.
    ingester.until("tributary_ingester_segments_adopted_total", |n| n > 0.0).await?;
    counted(&ingester, n).await?;
    let second = scrape(&ingester).await?;

    let calls = "traces_spanmetrics_calls_total";
    ensure!(sum(&second, calls, None) == n, "{} of {n} calls", sum(&second, calls, None));
    ensure!(first.keys().eq(second.keys()), "other series than before");
    let both = increases(&[&first, &second]);
    for (series, value) in &both {
        let one = second.get(series).context("a series")?;
        ensure!(*value == 3.0 * one, "{series:?}: {value} over both, {one} in one recording");
    }
    ensure!(sum(&both, calls, Some("payment")) == 3.0 * n, "of one service alone");
    ensure!(sum(&both, "traces_spanmetrics_latency_count", None) == 3.0 * n);
    ensure!(sum(&both, "traces_service_graph_request_total", None) > 0.0, "no call was found");
    sidecar.stop().await?;
    ingester.stop().await
}

/// Spans and the longest of nine tenths of them, seconds, by another decoder than ours.
fn by_hand(recordings: &[Recording]) -> Result<(f64, f64)> {
    let mut durations = Vec::new();
    for request in recordings.iter().flat_map(|recording| &recording.records) {
        for resource in ExportTraceServiceRequest::decode(&**request)?.resource_spans {
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let took = |s: Span| s.end_time_unix_nano.saturating_sub(s.start_time_unix_nano);
            durations.extend(spans.map(took));
        }
    }
    durations.sort_unstable();
    let longest = durations.get(durations.len() * 9 / 10).context("spans")?;
    Ok((durations.len() as f64, *longest as f64 / 1e9))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_reads_native_histograms_and_knows_what_a_killed_ingester_had() -> Result<()> {
    let Some(program) = prometheus::program("prometheus")? else { return Ok(()) };
    let pods = recordings()?;
    let (place, flags) = (Place::folder()?, [HOLD, &["--span-metrics", "true"]].concat());
    let stays = Ingester::start(&place, &flags).await?;
    let mut goes = Ingester::start(&place, &flags).await?;
    let prometheus = Prometheus::start(&program, &[stays.http, goes.http]).await?;
    let until = async |expression: &str, about: f64, within: f64| {
        wait_for(expression, SOON, async || match prometheus.value(expression).await {
            Ok(Some(value)) if (value - about).abs() <= within => Ok(()),
            other => Err(format!("{other:?} of {about}")),
        })
        .await
    };
    let pods = pods.get(..6).context("pods")?;
    for (ingester, pods) in [&stays, &goes].into_iter().zip(pods.chunks(3)) {
        let sidecar = Sidecar::start(&ingester.wire.to_string(), &[]).await?;
        let mut sender = Sender::open(&sidecar, Protocol::Protobuf).await?;
        for pod in pods {
            send(&mut sender, pod).await?;
        }
        sidecar.stop().await?;
    }
    let (all, longest) = by_hand(pods)?;
    until("sum(histogram_count(traces_spanmetrics_latency))", all, 0.0).await?;
    until("sum(traces_spanmetrics_calls_total)", all, 0.0).await?;
    // Within a bucket, which is a ninth wide.
    let nine_tenths = "histogram_quantile(0.9, sum(traces_spanmetrics_latency))";
    until(nine_tenths, longest, longest / 9.0).await?;
    // Spans go to the ingester that has their trace, whichever of them a sidecar was given.
    let own = format!("sum(traces_spanmetrics_calls_total{{instance=\"{}\"}})", stays.http);
    let own = prometheus.value(&own).await?.context("spans")?;
    ensure!(own > 0.0 && own < all, "{own} of {all}");
    goes.process.kill()?;
    until("sum(traces_spanmetrics_calls_total)", own, 0.0).await?;
    until("sum(last_over_time(traces_spanmetrics_calls_total[5m]))", all, 0.0).await?;
    stays.stop().await
}
