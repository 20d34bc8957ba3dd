//! One ingester in this process, on port 0 and a folder: frames in, acknowledgements out, traces
//! back from memory, from blocks, and after a crash.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]
#![expect(clippy::indexing_slicing, reason = "in a test a panic is the answer")]

use http::Method;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;
use tributary_ingester::IngesterError;
use tributary_ingester::app::App;
use tributary_ingester::config::Config;
use tributary_settings::Asked;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_testkit::disk::however_full;
use tributary_testkit::otlp::Span;
use tributary_testkit::wait::SOON;
use tributary_testkit::{NormalSpan, data, http as client, normal, recording, sample, wait_for};
use tributary_wire::frame::Encoder;
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, reply::Kind};

struct Ingester {
    wire: SocketAddr,
    http: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), IngesterError>>,
}

async fn start(folder: &Path, more: &[&str]) -> Ingester {
    let store = folder.display().to_string();
    let args = [
        "--store",
        &store,
        "--wire-listen",
        "127.0.0.1:0",
        "--http-listen",
        "127.0.0.1:0",
        "--name",
        "one",
    ];
    let args = args.iter().chain(more).map(Into::into);
    let Asked::Run(config) = Config::gather(args, however_full(), |_| unreachable!()).unwrap()
    else {
        unreachable!()
    };
    let app = App::bind(*config).unwrap();
    let (wire, http) = (app.wire_address(), app.http_address());
    let (shutdown, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(app.run(async {
        stopped.await.ok();
    }));
    wait_for("ready", Duration::from_secs(30), async || {
        let answer = client::get(http, "/ready").await.map_err(|e| e.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.text()) }
    })
    .await
    .unwrap();
    Ingester { wire, http, shutdown: Some(shutdown), task }
}

impl Ingester {
    async fn stop(mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// Nothing of it runs any more, and no sidecar was told. The wire's connection tasks
    /// are not the task's children, so the store is all that counts.
    async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// The spans of a trace by both versions of the API, which must agree.
    async fn trace(&self, id: &str) -> Vec<NormalSpan> {
        let accept = &[("accept", "application/protobuf")];
        let path = format!("/api/traces/{id}");
        let body = bytes::Bytes::new();
        let v1 = client::send(self.http, Method::GET, &path, accept, body).await.unwrap();
        assert_eq!(v1.status, 200, "{id}: {}", v1.text());
        NormalSpan::parse(&v1.body).unwrap()
    }
}

/// Sends requests as frames of one stream and waits until all are acknowledged.
async fn send(to: SocketAddr, requests: &[Vec<u8>]) {
    let mut client = {
        let channel =
            Endpoint::from_shared(format!("http://{to}")).unwrap().connect().await.unwrap();
        IngestClient::new(channel)
    };
    let (frames, receiver) = mpsc::channel(4);
    let hello = Hello { version: 1, incarnation: vec![7; 16].into(), ..Hello::default() };
    frames.send(Frame { hello: Some(hello), ..Frame::default() }).await.unwrap();
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut replies = client.push(stream).await.unwrap().into_inner();
    let welcome = replies.message().await.unwrap().unwrap();
    assert!(matches!(welcome.kind, Some(Kind::Welcome(w)) if w.credit > 0 && w.ingester == "one"));
    let (mut encoder, mut sent) = (Encoder::new(), 0);
    for (seq, request) in (1..).zip(requests) {
        let mut builder = Builder::new();
        decode::append_all(&mut builder, request, &Default::default()).unwrap();
        let frame = encoder.encode(builder.columns());
        let definitions = encoder.definitions(frame.dict, sent..frame.needs).unwrap();
        sent = frame.needs;
        let (dict, payload, spans) = (frame.dict, frame.payload, frame.spans);
        frames.send(Frame { hello: None, seq, dict, definitions, payload, spans }).await.unwrap();
    }
    drop(frames);
    let mut acked = 0;
    while let Some(reply) = replies.message().await.unwrap() {
        match reply.kind {
            Some(Kind::Ack(ack)) => acked = ack.seq,
            Some(Kind::Reject(reject)) => panic!("{reject:?}"),
            _ => {}
        }
    }
    assert_eq!(acked, requests.len() as u64, "a half-closed stream ends when all is acknowledged");
}

fn by_trace(requests: &[Vec<u8>]) -> BTreeMap<String, Vec<NormalSpan>> {
    let mut traces: BTreeMap<String, Vec<NormalSpan>> = BTreeMap::new();
    for span in requests.iter().flat_map(|r| NormalSpan::parse(r).unwrap()) {
        let id = span.trace_id.0.iter().map(|b| format!("{b:02x}")).collect();
        traces.entry(id).or_default().push(span);
    }
    traces
}

async fn check(ingester: &Ingester, expected: &BTreeMap<String, Vec<NormalSpan>>) {
    for (id, spans) in expected {
        let got = ingester.trace(id).await;
        normal::compare(spans, &got).unwrap_or_else(|why| panic!("{id}: {why}"));
    }
}

fn requests() -> Vec<Vec<u8>> {
    let mut requests = recording("fulfilment-worker").unwrap().records;
    requests.truncate(8);
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_come_back_from_memory_and_from_blocks() {
    data::data_dir().unwrap();
    let (folder, requests) = (tempfile::tempdir().unwrap(), requests());
    let expected = by_trace(&requests);
    let ingester = start(folder.path(), &[]).await;
    send(ingester.wire, &requests).await;
    check(&ingester, &expected).await;
    let missing = client::get(ingester.http, "/api/traces/1234").await.unwrap();
    assert_eq!((missing.status.as_u16(), missing.body.len()), (404, 0));
    ingester.stop().await;
    assert!(segments(folder.path()).is_empty(), "an orderly end leaves nothing to adopt");

    let ingester = start(folder.path(), &[]).await;
    check(&ingester, &expected).await;
    let page = client::get(ingester.http, "/metrics").await.unwrap().text();
    assert!(page.contains("tributary_ingester_segments_adopted_total 0"), "{page}");
    ingester.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_crash() {
    let (folder, requests) = (tempfile::tempdir().unwrap(), requests());
    let expected = by_trace(&requests);
    let ingester = start(folder.path(), &["--segment-age", "20ms"]).await;
    send(ingester.wire, &requests).await;
    ingester.crash().await;
    assert!(!segments(folder.path()).is_empty(), "nothing was in a block yet");

    // At once from segments, later from blocks.
    let ingester = start(folder.path(), &["--heartbeat", "500ms"]).await;
    check(&ingester, &expected).await;
    wait_for("what the process before left to be in blocks", SOON, async || {
        let left = segments(folder.path());
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await
    .unwrap();
    check(&ingester, &expected).await;
    ingester.stop().await;
}

/// A trace that is told in portions: more than a megabyte of columns, and far more than 4,096 spans.
fn large(seed: u64) -> Vec<u8> {
    let mut request = sample::plain(seed);
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    let one = spans[0].clone();
    spans.extend((1..10_000_u64).map(|n| Span {
        span_id: (n << 32).to_be_bytes().to_vec(),
        name: format!("one of many, number {n}"),
        ..one.clone()
    }));
    request.encode_to_vec()
}

/// What a client gets that has the answer with these tags.
async fn ask(ingester: &Ingester, path: &str, accept: &str, tags: &str) -> client::Answer {
    let headers = [("accept", accept), ("accept-encoding", "gzip"), ("if-none-match", tags)];
    let answer = client::send(ingester.http, Method::GET, path, &headers, bytes::Bytes::new());
    answer.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_a_trace_is_told_so_wherever_its_spans_are_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let ingester = start(folder.path(), &[]).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut young = sample::plain(3);
    young.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano =
        u64::try_from(now.as_nanos()).unwrap();
    let requests = [sample::plain(1).encode_to_vec(), large(2), young.encode_to_vec()];
    send(ingester.wire, &requests).await;
    let ids: Vec<String> = by_trace(&requests).into_keys().collect();
    let mut tags: BTreeMap<(String, &str), String> = BTreeMap::new();
    for id in &ids {
        for path in [format!("/api/traces/{id}"), format!("/api/v2/traces/{id}")] {
            for accept in ["application/json", "application/protobuf"] {
                let answer = ask(&ingester, &path, accept, "\"other\"").await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                let tag = answer.header("etag").to_owned();
                assert_eq!(tag.is_empty(), id.ends_with('3'), "{path}: {:?}", answer.headers);
                if tag.is_empty() {
                    let any = ask(&ingester, &path, accept, "*").await;
                    assert_eq!(any.status, 200, "it may change in the next moment");
                    continue;
                }
                assert_eq!(answer.header("cache-control"), "private, no-cache");
                assert_eq!(answer.header("vary"), "accept, accept-encoding, x-scope-orgid");
                tags.insert((path.clone(), accept), tag);
            }
        }
    }
    let different: BTreeSet<&String> = tags.values().collect();
    assert_eq!(different.len(), 8, "two traces, two versions, two forms: {tags:?}");
    has_them(&ingester, &tags).await;
    ingester.stop().await;

    let ingester = start(folder.path(), &[]).await;
    has_them(&ingester, &tags).await;
    ingester.stop().await;
}

/// The tags are those of the answers still.
async fn has_them(ingester: &Ingester, tags: &BTreeMap<(String, &str), String>) {
    for ((path, accept), tag) in tags {
        for list in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = ask(ingester, path, accept, &list).await;
            assert_eq!(answer.status, 304, "{path} {accept} {list}: {:?}", answer.headers);
            assert_eq!((answer.body.len(), answer.header("etag")), (0, &**tag));
            assert_eq!(answer.header("vary"), "accept, accept-encoding, x-scope-orgid");
            assert_eq!(answer.header("content-type"), "");
        }
    }
}

/// All segments below a folder.
fn segments(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "seg") {
                found.push(path.display().to_string());
            }
        }
    }
    found
}
