//! Tenants: what it means that a sender names one, and their limits: what a tenant meets on each road,
//! beside one that meets none, and what becomes of it when the file changes.

use anyhow::{Context, Result, ensure};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use prost::Message;
use std::path::Path;
use tributary_testkit::http as client;
use tributary_testkit::otlp::{ExportTraceServiceRequest, Span};
use tributary_testkit::prometheus::Metrics;
use tributary_testkit::wait::SOON;
use tributary_testkit::{Process, sample, wait_for};
use tributary_tests::load::Raw;
use tributary_tests::{Ingester, Place, Sidecar, program};

/// Spans that each sidecar is given; a limited tenant has its tenth within a second, and would need
/// hours for all.
const SPANS: u64 = 200;
/// More than one span a second is owed for longer than any test takes.
const LIMITS: &str = "
tenants:
  noisy: {spans_per_second: 1, burst: 100ms}
  reader: {query_range: 1h, queries: 1, query_bytes: 1, trace_spans: 2}
";

fn write(folder: &Path, text: &str) -> Result<()> {
    std::fs::write(folder.join("next"), text)?;
    Ok(std::fs::rename(folder.join("next"), folder.join("limits.yaml"))?)
}

/// A request with so many spans, a trace each.
fn request(seeds: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let all = seeds.flat_map(|seed| sample::plain(seed).resource_spans);
    ExportTraceServiceRequest { resource_spans: all.collect() }.encode_to_vec()
}

async fn send(sidecar: &Sidecar) -> Result<()> {
    for batch in 0..SPANS / 20 {
        let body = request(batch * 20 + 1..=batch * 20 + 20);
        let answer =
            client::post(sidecar.http, "/v1/traces", "application/x-protobuf", body).await?;
        ensure!(answer.status == StatusCode::OK, "{}", answer.text());
    }
    Ok(())
}

fn limited(metrics: &Metrics, tenant: &str, limit: &str) -> f64 {
    let labels = [("tenant", tenant), ("limit", limit)];
    metrics.sum("tributary_ingester_tenant_limited_total", &labels).unwrap_or_default()
}

#[tokio::test]
async fn a_noisy_tenant_waits_and_its_neighbour_does_not() -> Result<()> {
    let (place, folder) = (Place::folder()?, tempfile::tempdir()?);
    write(folder.path(), LIMITS)?;
    let file = format!("--limits={}", folder.path().join("limits.yaml").display());
    let flags = ["--files-poll=100ms", "--multitenancy=true", "--receivers=otlp", OTLP[0], OTLP[1]];
    let flags = [&[file.as_str()], &flags[..]].concat();
    let mut ingester = Ingester::start(&place, &flags).await?;
    let wire = ingester.wire.to_string();
    let small = ["--batch-age=20ms", "--batch-bytes=1KiB"];
    let of = async |tenant: &str| {
        let tenant = format!("--tenant={tenant}");
        Sidecar::start(&wire, &[&[tenant.as_str()], &small[..]].concat()).await
    };
    let (noisy, modest) = (of("noisy").await?, of("modest").await?);
    send(&noisy).await?;
    send(&modest).await?;
    modest.until("tributary_sidecar_spans_acked_total", |n| n == SPANS as f64).await?;
    // Some of it was taken, as much as came in one frame, and the rest is where it was.
    let acked = noisy.until("tributary_sidecar_spans_acked_total", |n| n > 0.0).await?;
    ensure!(acked < SPANS as f64, "{acked} of {SPANS}");
    let metrics = ingester.metrics().await?;
    ensure!(limited(&metrics, "noisy", "spans_per_second") > 0.0);
    ensure!(limited(&metrics, "modest", "spans_per_second") == 0.0);
    let stalled = metrics.sum("tributary_ingester_streams_without_credit", &[]);
    ensure!(stalled == Some(0.0), "the ingester is short of nothing: {stalled:?}");

    // On its own receivers it is told to come again, in the protocol's words.
    let (http, grpc) = (
        ingester.process.listening("otlp-http", SOON).await?,
        ingester.process.listening("otlp-grpc", SOON).await?,
    );
    let post = async |tenant| {
        let headers = [("content-type", "application/x-protobuf"), ("x-scope-orgid", tenant)];
        client::send(http, Method::POST, "/v1/traces", &headers, request(900..=900)).await
    };
    let refused = post("noisy").await?;
    ensure!(refused.status == StatusCode::TOO_MANY_REQUESTS, "{}", refused.status);
    let seconds: u64 = refused.header("retry-after").parse().context("Retry-After")?;
    ensure!((1..=60).contains(&seconds), "{seconds}");
    ensure!(post("modest").await?.status == StatusCode::OK);
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{grpc}"))?.connect().await?;
    let mut export = tonic::client::Grpc::new(channel);
    export.ready().await?;
    let mut asked = tonic::Request::new(bytes::Bytes::from(request(901..=901)));
    asked.metadata_mut().insert("x-scope-orgid", "noisy".parse()?);
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = export.unary(asked, PathAndQuery::from_static(path), Raw).await;
    let status = answer.err().context("it is taken")?;
    ensure!(status.code() == tonic::Code::ResourceExhausted, "{status:?}");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    ensure!(details.contains("google.rpc.RetryInfo"), "{details}");
    ensure!(limited(&ingester.metrics().await?, "noisy", "spans_per_second") >= 3.0);

    // What is no file of limits changes nothing, and is told with its line.
    write(folder.path(), "tenants:\n  noisy: {spans_per_secnd: 5}\n")?;
    ingester.until("tributary_ingester_files_unusable", |n| n == 1.0).await?;
    let told = "line 2: `spans_per_secnd`: no such limit; did you mean `spans_per_second`?";
    ingester
        .process
        .line("the fault in the file", SOON, |line| line.contains(told).then_some(()))
        .await?;
    ensure!(post("noisy").await?.status == StatusCode::TOO_MANY_REQUESTS);
    // With other limits what has waited goes on, on the streams on which it came.
    write(folder.path(), "")?;
    noisy.until("tributary_sidecar_spans_acked_total", |n| n == SPANS as f64).await?;
    ensure!(post("noisy").await?.status == StatusCode::OK);
    for sidecar in [&noisy, &modest] {
        let metrics = sidecar.metrics().await?;
        let of = |name: &str| metrics.sum(&format!("tributary_sidecar_{name}_total"), &[]);
        let told = [of("streams_lost"), of("frames_resent"), of("spans_dropped")];
        ensure!(told == [Some(0.0); 3], "{told:?}");
    }
    ensure!(ingester.metrics().await?.sum("tributary_ingester_files_unusable", &[]) == Some(0.0));
    noisy.stop().await?;
    modest.stop().await?;
    ingester.stop().await
}

#[tokio::test]
async fn questions_and_traces_have_limits_of_their_tenant() -> Result<()> {
    let (place, folder) = (Place::folder()?, tempfile::tempdir()?);
    write(folder.path(), LIMITS)?;
    let file = format!("--limits={}", folder.path().join("limits.yaml").display());
    let flags = [
        &*file,
        "--files-poll=100ms",
        "--multitenancy=true",
        "--receivers=otlp",
        OTLP[0],
        OTLP[1],
        "--block-age=300ms",
        "--compact=never",
    ];
    let mut ingester = Ingester::start(&place, &flags).await?;
    let receiver = ingester.process.listening("otlp-http", SOON).await?;
    let mut large = sample::plain(1);
    for scope in large.resource_spans.iter_mut().flat_map(|resource| &mut resource.scope_spans) {
        let first = scope.spans.first().cloned().context("a plain span")?;
        for n in 2..=5_u64 {
            let (span_id, start) = (n.to_be_bytes().to_vec(), first.start_time_unix_nano);
            // Later ones come first.
            let start_time_unix_nano = start + 10 - n;
            scope.spans.push(Span { span_id, start_time_unix_nano, ..first.clone() });
        }
    }
    for tenant in ["reader", "other"] {
        let headers = [("content-type", "application/x-protobuf"), ("x-scope-orgid", tenant)];
        let body = large.encode_to_vec();
        let taken = client::send(receiver, Method::POST, "/v1/traces", &headers, body).await?;
        ensure!(taken.status == StatusCode::OK, "{}", taken.text());
    }
    ingester.until("tributary_ingester_spans_stored_total", |n| n == 10.0).await?;
    let get = async |path: &str, tenant: &str| {
        let headers = [("x-scope-orgid", tenant), ("accept", "application/json")];
        client::send(ingester.http, Method::GET, path, &headers, "").await
    };
    let spans = |text: &str| text.matches("\"spanId\"").count();
    let path = "/api/v2/traces/00000000000000010000000000000001";
    let (cut, whole) = (get(path, "reader").await?, get(path, "other").await?);
    ensure!(
        spans(&cut.text()) == 2 && spans(&whole.text()) == 5,
        "{} {}",
        cut.text(),
        whole.text()
    );
    let message = cut.json()?["message"].as_str().unwrap_or_default().to_owned();
    ensure!(message.contains("5 spans") && cut.text().contains("PARTIAL"), "{}", cut.text());
    let partial = ingester.metrics().await?.sum("tributary_ingester_queries_partial_total", &[]);
    ensure!(partial == Some(0.0), "nothing could not be read: {partial:?}");

    let search = |end: u64| format!("/api/search?q=%7B%20%7D&start=1795343000&end={end}");
    let (hour, day) = (search(1_795_346_600), search(1_795_429_400));
    let table = [
        (&*day, "reader", StatusCode::BAD_REQUEST, "ask for less time"),
        (&*hour, "reader", StatusCode::BAD_REQUEST, "reads more than the 1 bytes"),
        (&*day, "other", StatusCode::OK, "traces"),
        (&*day, "other|reader", StatusCode::BAD_REQUEST, "reader's may be about"),
    ];
    for (path, tenant, status, said) in table {
        let answer = get(path, tenant).await?;
        ensure!(answer.status == status, "{path} {tenant}: {} {}", answer.status, answer.text());
        ensure!(answer.text().contains(said), "{path} {tenant}: {}", answer.text());
    }
    let metrics = ingester.metrics().await?;
    for (limit, times) in [("trace_spans", 1.0), ("query_range", 2.0), ("query_bytes", 1.0)] {
        let met = limited(&metrics, "reader", limit);
        ensure!(met == times && limited(&metrics, "other", limit) == 0.0, "{limit}: {met}");
    }
    write(folder.path(), "")?;
    wait_for("without limits", SOON, async || {
        let answer = get(&day, "reader").await.map_err(|error| format!("{error:#}"))?;
        let whole = get(path, "reader").await.map_err(|error| format!("{error:#}"))?;
        match (answer.status, spans(&whole.text())) {
            (StatusCode::OK, 5) => Ok(()),
            other => Err(format!("{other:?} {}", answer.text())),
        }
    })
    .await?;
    ingester.stop().await
}

/// What senders say of their tenant.
const SAID: [Option<&str>; 4] = [None, Some(""), Some("team-a"), Some("a/b")];

#[tokio::test]
async fn a_named_tenant_counts_where_tenants_are_told_apart_and_nowhere_else() -> Result<()> {
    for (multitenancy, statuses, reader) in [
        ("--multitenancy=false", [200; 4], "another"),
        ("--multitenancy=true", [401, 401, 200, 400], "team-a"),
    ] {
        let flags = [multitenancy, "--receivers=otlp", OTLP[0], OTLP[1]];
        let mut ingester = Ingester::start(&Place::folder()?, &flags).await?;
        let direct = ingester.process.listening("otlp-http", SOON).await?;
        let sidecar = Sidecar::start(&ingester.wire.to_string(), &["--batch-age=20ms"]).await?;
        let (mut seeds, mut taken) = (1.., Vec::new());
        for at in [direct, sidecar.http] {
            for (said, status) in SAID.into_iter().zip(statuses) {
                let seed = seeds.next().context("a seed")?;
                let mut headers = vec![("content-type", "application/x-protobuf")];
                headers.extend(said.map(|tenant| ("x-scope-orgid", tenant)));
                let body = request(seed..=seed);
                let answer = client::send(at, Method::POST, "/v1/traces", &headers, body).await?;
                ensure!(answer.status == status, "{said:?}: {} {}", answer.status, answer.text());
                taken.extend((status == 200).then_some(seed));
            }
        }
        for seed in taken {
            let path = format!("/api/v2/traces/{seed:016x}{seed:016x}");
            wait_for("a span that was taken is read", SOON, async || {
                let headers = [("x-scope-orgid", reader), ("accept", "application/json")];
                let answer = client::send(ingester.http, Method::GET, &path, &headers, "").await;
                let text = answer.map_err(|error| format!("{error:#}"))?.text();
                if text.contains("spanId") { Ok(()) } else { Err(format!("{path}: {text}")) }
            })
            .await?;
        }
        sidecar.stop().await?;
        ingester.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_bad_file_of_limits_does_not_let_it_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), "defaults:\n  spans_per_second: lots\n  memory: 200%\n")?;
    let file = format!("--limits={}", folder.path().join("limits.yaml").display());
    let mut process = Process::spawn(program::ingester()?, [file.as_str()], &[])?;
    let status = process.wait(SOON).await?;
    let output = process.output().join("\n");
    ensure!(status.code() == Some(64), "{status}: {output}");
    for told in [
        "limits.yaml: line 2: `spans_per_second`: `lots` is no number such as `5000`; `none` lifts the limit",
        "line 3: `memory`: `200%` is no part such as `25%`",
    ] {
        ensure!(output.contains(told), "{output}");
    }
    Ok(())
}

const OTLP: [&str; 2] = ["--otlp-grpc-listen=127.0.0.1:0", "--otlp-http-listen=127.0.0.1:0"];
