//! How an ingester ends that has lost a task: on sockets of its own, over a folder.

use super::*;
use prost::Message;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Endpoint;
use tributary_settings::Asked;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_telemetry::ErrorChain;
use tributary_testkit::disk::however_full;
use tributary_testkit::wait::SOON;
use tributary_testkit::{sample, wait_for};
use tributary_wire::frame::Encoder;
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, Reply, reply::Kind};

mod drain;
mod heartbeats;
mod streaming;

/// Long enough that only the end of an ingester seals a segment.
const NEVER: &str = "1h";
const GRACE: Duration = Duration::from_secs(60);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn start(folder: &Path) -> (Serving, SocketAddr) {
    let app = over(folder);
    let wire = app.wire_address();
    (Box::pin(app.start()).await.unwrap(), wire)
}

fn over(folder: &Path) -> App {
    let store = folder.display().to_string();
    let at = "127.0.0.1:0";
    let args = ["--store", &store, "--wire-listen", at, "--http-listen", at];
    let never = ["--segment-age", NEVER, "--block-age", NEVER];
    let args = args.iter().chain(&never).map(Into::into);
    let Asked::Run(config) = Config::gather(args, however_full(), |_| unreachable!()).unwrap()
    else {
        unreachable!()
    };
    App::bind(*config).unwrap()
}

/// A stream whose one frame the ingester has taken, and not acknowledged.
async fn sent(serving: &Serving, wire: SocketAddr) -> (mpsc::Sender<Frame>, Streaming<Reply>) {
    let channel = Endpoint::from_shared(format!("http://{wire}")).unwrap().connect().await.unwrap();
    let (frames, receiver) = mpsc::channel(4);
    let hello = Hello { version: 1, incarnation: vec![7; 16].into(), ..Hello::default() };
    frames.send(Frame { hello: Some(hello), ..Frame::default() }).await.unwrap();
    let (mut builder, mut encoder) = (Builder::new(), Encoder::new());
    let request = sample::plain(1).encode_to_vec();
    decode::append_all(&mut builder, &request, &Default::default()).unwrap();
    let frame = encoder.encode(builder.columns());
    let definitions = encoder.definitions(frame.dict, 0..frame.needs).unwrap();
    let (dict, payload, spans) = (frame.dict, frame.payload, frame.spans);
    frames.send(Frame { hello: None, seq: 1, dict, definitions, payload, spans }).await.unwrap();
    let mut client = IngestClient::new(channel);
    let replies = client.push(ReceiverStream::new(receiver)).await.unwrap().into_inner();
    let metrics = serving.engine.metrics.clone();
    wait_for("the frame", SOON, async || match metrics.spans_received.get() {
        1 => Ok(()),
        n => Err(format!("{n} spans")),
    })
    .await
    .unwrap();
    assert_eq!(metrics.segments.get(), 0, "nothing is acknowledged yet");
    (frames, replies)
}

/// The number that was acknowledged before the stream ended.
async fn acked(mut replies: Streaming<Reply>) -> u64 {
    let mut acked = 0;
    while let Ok(Some(reply)) = replies.message().await {
        if let Some(Kind::Ack(ack)) = reply.kind {
            acked = ack.seq;
        }
    }
    acked
}

/// How an ingester ends that has this task beside its own and has taken a frame, and whether the
/// frame was acknowledged and is in the bucket.
async fn ends_with(
    task: impl FnOnce(&Engine) -> Task,
    shutdown: impl Future<Output = ()>,
) -> (String, u64, bool) {
    let folder = tempfile::tempdir().unwrap();
    let (mut serving, wire) = start(folder.path()).await;
    let metrics = serving.engine.metrics.clone();
    let (frames, replies) = sent(&serving, wire).await;
    let task = task(&serving.engine);
    serving.engine.background.spawn("a test", task);
    let both = async { tokio::join!(serving.run(shutdown, GRACE), acked(replies)) };
    let (ended, acked) = tokio::time::timeout(SOON, both).await.unwrap();
    drop(frames);
    (ErrorChain(&ended.unwrap_err()).to_string(), acked, metrics.segments.get() == 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_acknowledged_before_a_lost_task_ends_the_ingester() {
    let panics = |_: &Engine| -> Task { Box::pin(async { panic!("out of luck") }) };
    let ended = Box::pin(ends_with(panics, std::future::pending())).await;
    assert_eq!(ended, ("a test: a task panicked: out of luck".to_owned(), 1, true));

    let returns = |_: &Engine| -> Task { Box::pin(async {}) };
    let ended = Box::pin(ends_with(returns, std::future::pending())).await;
    assert_eq!(ended, ("a test: a task ended before its time".to_owned(), 1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_under_locks_that_others_take_does_not_hold_up_the_end() {
    let panics = |engine: &Engine| -> Task {
        let (membership, announcements) = (engine.membership.clone(), engine.announcements.clone());
        Box::pin(async move {
            membership.with(|_, _| announcements.send_modify(|_| panic!("under locks")));
        })
    };
    let ended = Box::pin(ends_with(panics, std::future::pending())).await;
    assert_eq!(ended, ("a test: a task panicked: under locks".to_owned(), 1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_lost_while_the_ingester_leaves_is_told_too() {
    let panics = |engine: &Engine| -> Task {
        let mut told = engine.announcements.subscribe();
        Box::pin(async move {
            told.wait_for(|announcement| announcement.drain_ms.is_some()).await.unwrap();
            panic!("on the way out")
        })
    };
    let ended = Box::pin(ends_with(panics, std::future::ready(()))).await;
    assert_eq!(ended, ("a test: a task panicked: on the way out".to_owned(), 1, true));
}
