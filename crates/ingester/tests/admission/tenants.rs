//! A thousand tenants at once, some of which send far more than they may, while the file of limits is
//! written and read again and again.

use crate::server::Lane;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};
use tributary_ingester::app::App;
use tributary_ingester::config::Config;
use tributary_settings::Asked;
use tributary_span::Columns;
use tributary_span::columns::{Builder, SpanFields, Text};
use tributary_span::{SpanId, TraceId};
use tributary_testkit::disk::however_full;
use tributary_testkit::wait::SOON;
use tributary_testkit::{http, prometheus::Metrics, wait_for};
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, Reply, reply::Kind};

/// Tenants, of which so many are limited: more than are told apart in the metrics.
const TENANTS: usize = 1000;
const LIMITED: usize = 300;
/// Frames of each, and spans of a frame. After one frame a limited tenant owes for longer than the test
/// may take.
const FRAMES: usize = 3;
const SPANS: usize = 100;
/// Streams of one connection.
const TOGETHER: usize = 100;

fn frame() -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Text::EMPTY, Text::EMPTY);
    let scope = b.end_scope(Text::EMPTY, Text::EMPTY, 0, Text::EMPTY);
    for n in 1..=SPANS as u64 {
        let (trace, id) = (TraceId([1; 16]), SpanId(n.to_be_bytes()));
        b.end_span(SpanFields { trace, resource, scope, id, ..SpanFields::default() });
    }
    b.take()
}

/// Puts a file in another's place at once.
fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("next"), text).unwrap();
    std::fs::rename(folder.join("next"), folder.join("limits.yaml")).unwrap();
}

/// The limits, `round` times changed where it means nothing to what is sent.
fn limits(round: usize) -> String {
    let limited = (0..LIMITED).map(|n| format!("  tenant-{n}: {{spans_per_second: 1}}\n"));
    let named = limited.collect::<String>();
    format!("defaults: {{queries: {}}}\ntenants:\n{named}  another: {{}}\n", round + 1)
}

struct Stream {
    _frames: mpsc::Sender<Frame>,
    replies: Streaming<Reply>,
    /// All frames up to this one are acknowledged.
    acked: u64,
}

/// Opens a stream of a tenant and sends all its frames, whatever the credit is.
async fn open(channel: Channel, n: usize) -> Stream {
    let (sender, receiver) = mpsc::channel(FRAMES + 1);
    let hello = Hello {
        version: 1,
        incarnation: vec![7; 16].into(),
        lane: u32::try_from(n).unwrap(),
        tenant: format!("tenant-{n}"),
        name: String::new(),
    };
    sender.send(Frame { hello: Some(hello), ..Frame::default() }).await.unwrap();
    let mut lane = Lane::default();
    (0..FRAMES).for_each(|_| lane.push(&frame()));
    for frame in lane.all() {
        sender.send(frame).await.unwrap();
    }
    let replies = IngestClient::new(channel).push(ReceiverStream::new(receiver)).await.unwrap();
    Stream { _frames: sender, replies: replies.into_inner(), acked: 0 }
}

/// Reads replies until a frame is acknowledged. Panics when the stream fails or a frame is rejected.
async fn acked(stream: &mut Stream, seq: u64) {
    while stream.acked < seq {
        let reply = stream.replies.message().await.unwrap().and_then(|reply| reply.kind);
        match reply {
            Some(Kind::Ack(ack)) => stream.acked = ack.seq,
            Some(Kind::Welcome(_) | Kind::Credit(_) | Kind::Members(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn metrics(at: SocketAddr) -> Metrics {
    Metrics::parse(&http::get(at, "/metrics").await.unwrap().text()).unwrap()
}

/// The metrics once so many frames are journaled, each once.
async fn journaled(at: SocketAddr, frames: usize) -> Metrics {
    wait_for("the frames", SOON, async || {
        let metrics = metrics(at).await;
        match metrics.sum("tributary_ingester_spans_journaled_total", &[]) {
            Some(spans) if spans == (frames * SPANS) as f64 => Ok(metrics),
            other => Err(format!("{other:?} spans of {}", frames * SPANS)),
        }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tenants_write_while_limits_change() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &limits(0));
    let flag = |name: &str, value: &str| OsString::from(format!("--{name}={value}"));
    let (store, file) = (folder.path().join("store"), folder.path().join("limits.yaml"));
    let (store, file) = (store.display().to_string(), file.display().to_string());
    let args = [
        flag("store", &store),
        flag("limits", &file),
        flag("multitenancy", "true"),
        flag("wire-listen", "127.0.0.1:0"),
        flag("http-listen", "127.0.0.1:0"),
        flag("files-poll", "100ms"),
        flag("segment-age", "50ms"),
        flag("block-age", "1h"),
        flag("fsync", "false"),
    ];
    let Asked::Run(config) = Config::gather(args, however_full(), |_| unreachable!()).unwrap()
    else {
        unreachable!()
    };
    let app = App::bind(*config).unwrap();
    let (wire, http) = (app.wire_address(), app.http_address());
    let running = tokio::spawn(app.run(std::future::pending()));

    let rewriting = tokio::spawn({
        let folder = folder.path().to_owned();
        async move {
            for round in 1.. {
                write(&folder, &limits(round));
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    });
    let to = Endpoint::from_shared(format!("http://{wire}")).unwrap();
    let (mut tasks, mut held) = (JoinSet::new(), JoinSet::new());
    let first = Arc::new(AtomicUsize::new(0));
    for n in 0..TENANTS / TOGETHER {
        let channel = to.connect().await.unwrap();
        for n in n * TOGETHER..(n + 1) * TOGETHER {
            let (channel, first) = (channel.clone(), first.clone());
            let write = async move {
                let mut stream = open(channel, n).await;
                acked(&mut stream, 1).await;
                first.fetch_add(1, Ordering::Relaxed);
                acked(&mut stream, FRAMES as u64).await;
            };
            // The limited ones are the first.
            drop(if n < LIMITED { held.spawn(write) } else { tasks.spawn(write) });
        }
    }
    while let Some(done) = tokio::time::timeout(SOON, tasks.join_next()).await.unwrap() {
        done.unwrap();
    }
    wait_for("a frame of each", SOON, async || match first.load(Ordering::Relaxed) {
        TENANTS => Ok(()),
        some => Err(some.to_string()),
    })
    .await
    .unwrap();
    assert!(held.try_join_next().is_none(), "a limited tenant has sent all that it has");
    // One frame of each limited tenant.
    let before = journaled(http, (TENANTS - LIMITED) * FRAMES + LIMITED).await;
    let met = |labels: &[(&str, &str)]| {
        let of = [labels, &[("limit", "spans_per_second")]].concat();
        before.sum("tributary_ingester_tenant_limited_total", &of).unwrap_or_default()
    };
    assert!(met(&[]) >= LIMITED as f64, "{}", met(&[]));
    assert!(met(&[("tenant", "<others>")]) >= (LIMITED - 256) as f64);
    assert!((LIMITED..TENANTS).all(|n| met(&[("tenant", &format!("tenant-{n}"))]) == 0.0));
    assert_eq!(before.sum("tributary_ingester_files_unusable", &[]), Some(0.0));

    rewriting.abort();
    drop(rewriting.await);
    // What is no file of limits changes nothing; then there are none.
    write(folder.path(), "tenants: [");
    wait_for("the bad file is told", SOON, async || {
        match metrics(http).await.sum("tributary_ingester_files_unusable", &[]) {
            Some(1.0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    assert!(held.try_join_next().is_none(), "what was good before counts");
    write(folder.path(), "defaults: {}");
    while let Some(done) = tokio::time::timeout(SOON, held.join_next()).await.unwrap() {
        done.unwrap();
    }
    journaled(http, TENANTS * FRAMES).await;
    // Without a block for each of them.
    running.abort();
}
