//! An engine behind a socket, and a sidecar's streams to it.

use crate::gate::Bucket;
use std::ffi::OsString;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Endpoint, Server as Tonic};
use tonic::{Status, Streaming};
use tributary_ingester::config::Config;
use tributary_ingester::engine::{Engine, Environment};
use tributary_ingester::metrics::Metrics;
use tributary_ingester::receive::WireService;
use tributary_ingester::runtime::IdGenerator;
use tributary_journal::Heartbeat;
use tributary_settings::Asked;
use tributary_span::Columns;
use tributary_store::Store;
use tributary_testkit::disk::however_full;
use tributary_testkit::wait::SOON;
use tributary_testkit::wait_for;
use tributary_wire::frame::{EncodedFrame, Encoder};
use tributary_wire::v1::ingest_client::IngestClient;
use tributary_wire::v1::{Frame, Hello, Reply, reply::Kind};

pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) bucket: Bucket,
    address: SocketAddr,
    socket: JoinHandle<()>,
}

/// The engine, without a socket.
pub(crate) async fn engine(store: Store, flags: &[&str]) -> Engine {
    let uid = IdGenerator::default().uid().unwrap();
    named(store, Heartbeat::new(uid, "one".into()), flags).await
}

/// The same, of the process that this heartbeat tells of.
pub(crate) async fn named(store: Store, own: Heartbeat, flags: &[&str]) -> Engine {
    let args = flags.iter().map(OsString::from);
    let config =
        match Config::gather(args, however_full(), |_| unreachable!("there is no file")).unwrap() {
            Asked::Run(config) => config,
            Asked::Print(text) => panic!("{text}"),
        };
    let ids = IdGenerator::default();
    let on = Environment { store, ids, own, build_inline: false };
    let mut engine = Engine::new(&config, on).await.unwrap();
    engine.start().await;
    engine
}

impl Drop for Server {
    fn drop(&mut self) {
        self.socket.abort();
    }
}

impl Server {
    pub(crate) async fn start(bucket: Bucket, flags: &[&str]) -> Server {
        let store = bucket.store();
        Server::over(store, bucket, flags).await
    }

    /// Over another store than the bucket.
    pub(crate) async fn over(store: Store, bucket: Bucket, flags: &[&str]) -> Server {
        let engine = Box::pin(engine(store, flags)).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = WireService::new(engine.intake.clone());
        let serve = Tonic::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener));
        let socket = tokio::spawn(async move { serve.await.unwrap() });
        Server { engine, bucket, address, socket }
    }

    /// Waits for something that the counters tell.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Metrics, &Bucket) -> bool) {
        wait_for(what, SOON, async || {
            let (metrics, bucket) = (&self.engine.metrics, &self.bucket);
            let state = || format!("{} at the gate; {}", bucket.arrived(), metrics.render(&[]));
            if holds(metrics, bucket) { Ok(()) } else { Err(state()) }
        })
        .await
        .unwrap();
    }

    /// Opens a stream for a lane of the sidecar.
    pub(crate) async fn open(&self, lane: u32, tenant: &str) -> Stream {
        let hello = Hello {
            version: 1,
            incarnation: vec![7; 16].into(),
            lane,
            tenant: tenant.into(),
            name: String::new(),
        };
        let mut stream = self.greet(hello).await.unwrap();
        assert!(matches!(stream.next().await, Ok(Some(Kind::Welcome(_)))));
        stream
    }

    /// Opens a stream with this hello.
    pub(crate) async fn greet(&self, hello: Hello) -> Result<Stream, Status> {
        let to = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        let mut client = IngestClient::new(to.connect().await.unwrap());
        let (frames, receiver) = mpsc::channel(4);
        frames.send(Frame { hello: Some(hello), ..Frame::default() }).await.unwrap();
        let replies = client.push(ReceiverStream::new(receiver)).await?.into_inner();
        Ok(Stream { frames, replies })
    }
}

/// A stream. Dropping it breaks it.
pub(crate) struct Stream {
    frames: mpsc::Sender<Frame>,
    replies: Streaming<Reply>,
}

impl Stream {
    pub(crate) async fn send(&self, frames: Vec<Frame>) {
        for frame in frames {
            self.frames.send(frame).await.unwrap();
        }
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Kind>, Status> {
        Ok(self.replies.message().await?.and_then(|reply| reply.kind))
    }

    /// Waits until all frames up to `seq` are acknowledged.
    pub(crate) async fn acked(&mut self, seq: u64) {
        loop {
            match self.next().await.unwrap() {
                Some(Kind::Ack(ack)) if ack.seq >= seq => return,
                Some(Kind::Ack(_)) => {}
                other => panic!("{other:?} and no acknowledgement of {seq}"),
            }
        }
    }
}

/// A lane of a sidecar, which keeps its frames.
#[derive(Default)]
pub(crate) struct Lane {
    encoder: Encoder,
    held: Vec<EncodedFrame>,
}

impl Lane {
    /// Makes the next frame.
    pub(crate) fn push(&mut self, columns: &Columns) {
        self.held.push(self.encoder.encode(columns));
    }

    /// Everything from the first frame on, for a new stream: numbers and payloads stay, definitions
    /// are cut anew.
    pub(crate) fn all(&mut self) -> Vec<Frame> {
        let (mut dict, mut defined) = (0, 0);
        let frames = (1..).zip(&self.held).map(|(seq, frame)| {
            if frame.dict != dict {
                (dict, defined) = (frame.dict, 0);
            }
            let definitions = match frame.needs > defined {
                true => self.encoder.definitions(dict, defined..frame.needs).unwrap(),
                false => Default::default(),
            };
            defined = defined.max(frame.needs);
            let (payload, spans) = (frame.payload.clone(), frame.spans);
            Frame { hello: None, seq, dict, definitions, payload, spans }
        });
        frames.collect()
    }
}
