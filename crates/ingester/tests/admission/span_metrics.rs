//! What 28 pods sent, over the wire into a whole ingester, part of it twice; scraped, and held against
//! what others count in the same bytes.

use crate::server::Lane;
use flate2::read::GzDecoder;
use http::Method;
use std::ffi::OsString;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tributary_ingester::IngesterError;
use tributary_ingester::app::App;
use tributary_ingester::config::Config;
use tributary_settings::Asked;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_testkit::http::Answer;
use tributary_testkit::wait::SOON;
use tributary_testkit::{http as client, prometheus::Metrics, recordings, wait_for};
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, reply::Kind};

/// As `tests/python/calls.py` pairs them.
const CALLS: &str = include_str!("../../../span-metrics/tests/calls.tsv");
const SPANS: f64 = 178_582.0;
const PAGE: &str = "/metrics/spans";

struct Ingester {
    wire: SocketAddr,
    http: SocketAddr,
    task: JoinHandle<Result<(), IngesterError>>,
}

impl Drop for Ingester {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn start(folder: &Path, name: &str, more: &[&str]) -> Ingester {
    let store = format!("--store={}", folder.display());
    let flags = [
        &*store,
        "--wire-listen=127.0.0.1:0",
        "--http-listen=127.0.0.1:0",
        "--multitenancy=true",
        "--block-age=1h",
        "--heartbeat=200ms",
        "--fsync=false",
        // Room for all of it at once in the queue, however slow the machine is.
        "--memory=2GiB",
        "--name",
        name,
    ];
    let args = flags.iter().chain(more).map(OsString::from);
    let Asked::Run(config) = Config::gather(args, [], |_| unreachable!()).unwrap() else {
        unreachable!()
    };
    let app = App::bind(*config).unwrap();
    let (wire, http) = (app.wire_address(), app.http_address());
    let task = tokio::spawn(app.run(std::future::pending()));
    wait_for("ready", SOON, async || {
        let answer = client::get(http, "/ready").await.map_err(|e| e.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.text()) }
    })
    .await
    .unwrap();
    Ingester { wire, http, task }
}

impl Ingester {
    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        client::send(self.http, Method::GET, path, headers, bytes::Bytes::new()).await.unwrap()
    }

    async fn scraped(&self, tenant: &str) -> Metrics {
        let answer = self.ask(PAGE, &[("x-scope-orgid", tenant)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8"
        );
        let text = answer.text();
        assert!(text.ends_with("# EOF\n"));
        Metrics::parse(&text).unwrap()
    }

    /// Sends all frames of a lane in a stream of their own, until they are acknowledged.
    async fn send(&self, lane: &mut Lane, number: u32, tenant: &str) {
        let to = Endpoint::from_shared(format!("http://{}", self.wire)).unwrap();
        let (frames, receiver) = mpsc::channel(4);
        let hello = Hello {
            version: 1,
            incarnation: vec![7; 16].into(),
            lane: number,
            tenant: tenant.to_owned(),
            name: String::new(),
        };
        frames.send(Frame { hello: Some(hello), ..Frame::default() }).await.unwrap();
        let mut client = IngestClient::new(to.connect().await.unwrap());
        let replies = client.push(ReceiverStream::new(receiver)).await.unwrap();
        let all = lane.all();
        let last = all.len() as u64;
        let sending = tokio::spawn(async move {
            for frame in all {
                frames.send(frame).await.unwrap();
            }
            frames
        });
        let mut replies = replies.into_inner();
        let mut acked = 0;
        while acked < last {
            match replies.message().await.unwrap().and_then(|reply| reply.kind) {
                Some(Kind::Ack(ack)) => acked = ack.seq,
                Some(Kind::Welcome(_) | Kind::Credit(_) | Kind::Members(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        drop(sending.await.unwrap());
    }

    async fn counter(&self, name: &str) -> f64 {
        let text = client::get(self.http, "/metrics").await.unwrap().text();
        let name = format!("tributary_ingester_{name}");
        Metrics::parse(&text).unwrap().sum(&name, &[]).unwrap()
    }

    async fn until(&self, name: &str, value: f64) {
        wait_for(name, SOON, async || match self.counter(name).await {
            is if is == value => Ok(()),
            is => Err(format!("{is} and not {value}")),
        })
        .await
        .unwrap();
    }
}

/// Calls that are known when both sides, or the one to a database, have come.
fn known() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = CALLS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    lines.filter(|line| line[2] != "virtual_node")
}

fn edge_of(metrics: &Metrics, line: &[&str], name: &str) -> f64 {
    let labels = [("client", line[0]), ("server", line[1]), ("connection_type", line[2])];
    let labels = if line[2].is_empty() { &labels[..2] } else { &labels[..] };
    metrics.sum(&format!("traces_service_graph_request_{name}"), labels).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pods_sent_is_counted_once_by_whichever_ingester_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let on = ["--span-metrics=true", "--span-metrics-wait=5m"];
    let one = start(folder.path(), "one", &on).await;
    let other = start(folder.path(), "two", &on).await;
    let mut lanes: Vec<Lane> = Vec::new();
    let recordings = recordings().unwrap();
    for recording in &recordings {
        let mut lane = Lane::default();
        for request in &recording.records {
            let mut builder = Builder::new();
            append_all(&mut builder, request, &Limits::default()).unwrap();
            lane.push(builder.columns());
        }
        lanes.push(lane);
    }
    for (number, lane) in (0..).zip(&mut lanes) {
        one.send(lane, number, "shop").await;
    }
    one.until("span_metrics_spans_total", SPANS).await;
    let first = one.scraped("shop").await;

    // A stream broke, and what it carried comes again.
    let again = one.counter("frames_repeated_total").await;
    one.send(&mut lanes[0], 0, "shop").await;
    assert!(one.counter("frames_repeated_total").await > again);
    // Spans of another tenant are counted behind them, and apart.
    let mut small = Lane::default();
    let mut builder = Builder::new();
    append_all(&mut builder, &recordings[0].records[0], &Limits::default()).unwrap();
    let few = builder.columns().len() as f64;
    small.push(builder.columns());
    one.send(&mut small, 100, "lab").await;
    one.until("span_metrics_spans_total", SPANS + few).await;
    let metrics = one.scraped("shop").await;
    let sum = |name: &str| metrics.sum(name, &[("tenant", "shop")]).unwrap();
    assert_eq!(sum("traces_spanmetrics_calls_total"), SPANS, "each once");
    assert_eq!(metrics, first, "what came again has changed nothing");
    assert_eq!(sum("traces_spanmetrics_latency_count"), SPANS);
    assert!(sum("traces_spanmetrics_size_total") > 40e6);
    for line in known() {
        let number = |i: usize| line[i].parse::<f64>().unwrap();
        let ns = |name| (edge_of(&metrics, &line, name) * 1e9).round();
        assert_eq!(edge_of(&metrics, &line, "total"), number(3), "{line:?}");
        assert_eq!(edge_of(&metrics, &line, "failed_total"), number(4), "{line:?}");
        assert_eq!(ns("server_seconds_sum"), number(5), "{line:?}");
        assert_eq!(ns("client_seconds_sum"), number(6), "{line:?}");
    }
    assert_eq!(one.counter("span_metrics_spans_dropped_total").await, 0.0);

    // Tenants are apart, and one has to be named.
    let lab = one.scraped("lab").await;
    assert_eq!(lab.sum("traces_spanmetrics_calls_total", &[]), Some(few));
    assert!(lab.0.iter().all(|sample| sample.labels.get("tenant").is_some_and(|t| t == "lab")));
    let both = one.scraped("lab|shop").await;
    assert_eq!(both.sum("traces_spanmetrics_calls_total", &[]), Some(SPANS + few));
    assert_eq!(one.scraped("unknown").await.0, []);
    for path in [PAGE, "/metrics/spans/calls"] {
        assert_eq!(one.ask(path, &[]).await.status, 401, "{path}");
    }

    // Compressed as other answers are.
    let tenant = ("x-scope-orgid", "shop");
    let plain = one.ask(PAGE, &[tenant]).await.body;
    let gzip = one.ask(PAGE, &[tenant, ("accept-encoding", "gzip")]).await;
    let zstd = one.ask(PAGE, &[tenant, ("accept-encoding", "gzip, zstd")]).await;
    assert_eq!(
        (gzip.header("content-encoding"), zstd.header("content-encoding")),
        ("gzip", "zstd")
    );
    assert!(gzip.body.len() < plain.len() / 4 && zstd.body.len() < plain.len() / 4);
    let mut unpacked = Vec::new();
    GzDecoder::new(&*gzip.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    let unpacked = zstd::bulk::decompress(&zstd.body, plain.len() + 1).unwrap();
    assert_eq!(unpacked, plain);

    // The page asks any ingester, which asks the others: this one has counted a lane again.
    other.send(&mut lanes[0], 0, "shop").await;
    let twice = lanes[0].all().iter().map(|frame| f64::from(frame.spans)).sum::<f64>();
    other.until("span_metrics_spans_total", twice).await;
    let own = one.scraped("shop").await;
    let others = other.scraped("shop").await;
    let calls = wait_for("both", SOON, async || {
        let calls = other.ask("/metrics/spans/calls", &[tenant]).await.json();
        let calls = calls.map_err(|why| why.to_string())?;
        if calls["ingesters"] == 2 { Ok(calls) } else { Err(calls.to_string()) }
    })
    .await
    .unwrap();
    assert_eq!(calls["missing"], serde_json::json!([]));
    let both = [("x-scope-orgid", "lab|shop")];
    let both = other.ask("/metrics/spans/calls", &both).await.json().unwrap();
    let sum = |calls: &serde_json::Value| {
        let edges = calls["edges"].as_array().unwrap().iter();
        edges.map(|edge| edge["calls"].as_f64().unwrap()).sum::<f64>()
    };
    let labs = lab.sum("traces_service_graph_request_total", &[]).unwrap();
    assert_eq!(sum(&both), sum(&calls) + labs);
    let edges = calls["edges"].as_array().unwrap();
    assert_eq!(edges.len(), known().count());
    for edge in edges {
        let line = ["client", "server", "connection_type"].map(|key| edge[key].as_str().unwrap());
        for (key, name) in [("calls", "total"), ("failed", "failed_total")] {
            let expected = edge_of(&own, &line, name) + edge_of(&others, &line, name);
            assert_eq!(edge[key].as_f64(), Some(expected), "{edge}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_where_it_is_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ingester = start(folder.path(), "one", &[]).await;
    let mut lane = Lane::default();
    let mut builder = Builder::new();
    append_all(&mut builder, &recordings().unwrap()[0].records[0], &Limits::default()).unwrap();
    lane.push(builder.columns());
    ingester.send(&mut lane, 0, "shop").await;
    for path in [PAGE, "/metrics/spans/calls"] {
        let answer = ingester.ask(path, &[("x-scope-orgid", "shop")]).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert!(answer.text().contains("span-metrics"));
    }
    assert_eq!(ingester.counter("span_metrics_spans_total").await, 0.0);
}
