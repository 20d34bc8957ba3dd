//! An ingester that does what a test wants: it decodes frames as the real one does, and
//! acknowledges, keeps silent, rejects, drains or dies on demand.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tributary_span::otlp::encode::resource_spans;
use tributary_testkit::NormalSpan;
use tributary_wire::frame::{DecodeLimits, Decoder};
use tributary_wire::v1::ingest_server::{Ingest, IngestServer};
use tributary_wire::v1::reply::Kind;
use tributary_wire::v1::{Ack, Frame, Hello, Member, Members, Reject, Reply, Tenants, Welcome};

/// What becomes of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// They are acknowledged.
    Ack,
    /// Nothing is said until the answer changes; then all are acknowledged.
    Silence,
    /// They are rejected.
    Reject { permanent: bool },
    /// No stream is let in.
    Refuse,
}

/// One frame as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which stream, from 0.
    pub(crate) stream: usize,
    pub(crate) hello: Hello,
    pub(crate) seq: u64,
    /// Bytes of definitions beside it.
    pub(crate) definitions: usize,
    pub(crate) spans: Vec<NormalSpan>,
    pub(crate) acked: bool,
}

#[derive(Debug, Default)]
struct State {
    streams: usize,
    /// What each stream's caller showed.
    shown: Vec<String>,
    seen: Vec<Seen>,
}

#[derive(Clone)]
struct Service {
    state: Arc<Mutex<State>>,
    answer: watch::Receiver<Answer>,
    orders: broadcast::Sender<Kind>,
    credit: u64,
    members: Vec<String>,
    /// What it says of tenants.
    tenants: Arc<AtomicI32>,
}

/// A running one. It has threads of its own, so that dropping it is like killing it.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    service: Service,
    answer: watch::Sender<Answer>,
    runtime: Option<Runtime>,
}

impl Fake {
    /// One that listens on a free port.
    pub(crate) fn start(answer: Answer) -> Result<Fake> {
        Fake::start_at("127.0.0.1:0".parse()?, answer, 1 << 20, vec![])
    }

    pub(crate) fn start_at(
        at: SocketAddr,
        answer: Answer,
        credit: u64,
        members: Vec<String>,
    ) -> Result<Fake> {
        Fake::serve(at, answer, credit, members, Server::builder())
    }

    /// One that speaks TLS, with this certificate and key (PEM), and asks clients for a certificate that
    /// this authority signed.
    #[cfg(feature = "tls")]
    pub(crate) fn start_secure(
        at: &str,
        certificate: &str,
        key: &str,
        clients: Option<&str>,
    ) -> Result<Fake> {
        use tonic::transport::{Certificate, Identity, ServerTlsConfig};
        let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
        if let Some(authority) = clients {
            tls = tls.client_ca_root(Certificate::from_pem(authority));
        }
        let server = Server::builder().tls_config(tls)?;
        Fake::serve(at.parse()?, Answer::Ack, 1 << 20, vec![], server)
    }

    fn serve(
        at: SocketAddr,
        answer: Answer,
        credit: u64,
        members: Vec<String>,
        mut server: Server,
    ) -> Result<Fake> {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // Not before anything can fail: it must not be dropped in here.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (sender, receiver) = watch::channel(answer);
        let service = Service {
            state: Arc::default(),
            answer: receiver,
            orders: broadcast::channel(16).0,
            credit,
            members,
            tenants: Arc::default(),
        };
        let serving = service.clone();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).context("listener")?;
            server
                .add_service(IngestServer::new(serving).max_decoding_message_size(16 << 20))
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .context("server")
        });
        Ok(Fake { address, service, answer: sender, runtime: Some(runtime) })
    }

    pub(crate) fn answer(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    /// Says this on every stream.
    pub(crate) fn tell(&self, kind: Kind) {
        self.service.orders.send(kind).expect("a stream is open");
    }

    /// From now on it says this of tenants; at first nothing.
    pub(crate) fn says_of_tenants(&self, tenants: Tenants) {
        self.service.tenants.store(tenants.into(), SeqCst);
    }

    /// Every frame so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.service.state().seen.clone()
    }

    /// Spans of all acknowledged frames.
    pub(crate) fn acked(&self) -> Vec<NormalSpan> {
        self.seen().into_iter().filter(|s| s.acked).flat_map(|s| s.spans).collect()
    }

    /// How many spans came, acknowledged or not, repeats included.
    pub(crate) fn spans(&self) -> usize {
        self.seen().iter().map(|s| s.spans.len()).sum()
    }

    pub(crate) fn streams(&self) -> usize {
        self.service.state().streams
    }

    /// What the callers of its streams showed.
    #[cfg(feature = "tls")]
    pub(crate) fn shown(&self) -> Vec<String> {
        self.service.state().shown.clone()
    }

    /// Ends it at once; what it has seen stays readable.
    pub(crate) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn members(addresses: &[String]) -> Members {
    let member = |a: &String| Member { address: a.clone(), zone: String::new() };
    Members { members: addresses.iter().map(member).collect() }
}

#[tonic::async_trait]
impl Ingest for Service {
    type PushStream = ReceiverStream<Result<Reply, Status>>;

    async fn push(
        &self,
        request: Request<Streaming<Frame>>,
    ) -> Result<Response<Self::PushStream>, Status> {
        if *self.answer.borrow() == Answer::Refuse {
            return Err(Status::unauthenticated("no token"));
        }
        let shown = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let shown = shown.unwrap_or_default().to_owned();
        let (replies, outgoing) = mpsc::channel(64);
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(status) = service.stream(request.into_inner(), shown, &replies).await {
                let _gone = replies.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(outgoing)))
    }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stream(
        self,
        mut frames: Streaming<Frame>,
        shown: String,
        replies: &mpsc::Sender<Result<Reply, Status>>,
    ) -> Result<(), Status> {
        let mut orders = self.orders.subscribe();
        let mut answer = self.answer.clone();
        let first = frames.message().await?.and_then(|f| f.hello);
        let hello = first.ok_or_else(|| Status::invalid_argument("no hello"))?;
        let welcome = Welcome {
            version: hello.version,
            credit: self.credit,
            ingester: "fake".to_owned(),
            members: Some(members(&self.members)),
            tenants: self.tenants.load(SeqCst),
        };
        say(replies, Kind::Welcome(welcome)).await?;
        // It only asks.
        if hello.tenant.is_empty() {
            return Ok(());
        }
        let stream = {
            let mut state = self.state();
            state.shown.push(shown);
            state.streams += 1;
            state.streams - 1
        };
        let mut decoder = Decoder::new(DecodeLimits::default());
        let mut waiting: Vec<(usize, u64)> = Vec::new();
        loop {
            tokio::select! {
                frame = frames.message() => {
                    let Some(frame) = frame? else { return Ok(()) };
                    let spans = decode(&mut decoder, &frame)?;
                    let seen = Seen {
                        stream,
                        hello: hello.clone(),
                        seq: frame.seq,
                        definitions: frame.definitions.len(),
                        spans,
                        acked: false,
                    };
                    let number = {
                        let mut state = self.state();
                        state.seen.push(seen);
                        state.seen.len() - 1
                    };
                    waiting.push((number, frame.seq));
                }
                order = orders.recv() => {
                    say(replies, order.map_err(|e| Status::internal(e.to_string()))?).await?;
                    continue;
                }
                changed = answer.changed() => {
                    changed.map_err(|e| Status::internal(e.to_string()))?;
                }
            }
            let now = *answer.borrow_and_update();
            match now {
                Answer::Silence | Answer::Refuse => {}
                Answer::Ack => {
                    let Some(&(_, seq)) = waiting.last() else { continue };
                    for (number, _) in waiting.drain(..) {
                        if let Some(seen) = self.state().seen.get_mut(number) {
                            seen.acked = true;
                        }
                    }
                    say(replies, Kind::Ack(Ack { seq, credit: self.credit })).await?;
                }
                Answer::Reject { permanent } => {
                    for (_, seq) in waiting.drain(..) {
                        let reject = Reject { seq, permanent, ..Reject::default() };
                        say(replies, Kind::Reject(reject)).await?;
                    }
                }
            }
        }
    }
}

async fn say(replies: &mpsc::Sender<Result<Reply, Status>>, kind: Kind) -> Result<(), Status> {
    let reply = Reply { kind: Some(kind) };
    replies.send(Ok(reply)).await.map_err(|_| Status::cancelled("the sidecar has gone"))
}

/// By way of OTLP bytes and another decoder.
fn decode(decoder: &mut Decoder, frame: &Frame) -> Result<Vec<NormalSpan>, Status> {
    let broken =
        |e: &dyn std::fmt::Display| Status::invalid_argument(format!("frame {}: {e}", frame.seq));
    if !frame.definitions.is_empty() {
        decoder.define(frame.dict, &frame.definitions).map_err(|e| broken(&e))?;
    }
    let columns = decoder.decode(frame.dict, &frame.payload).map_err(|e| broken(&e))?.columns;
    columns.check().map_err(|e| broken(&e))?;
    if columns.len() != frame.spans as usize {
        return Err(broken(&"the number of spans is not what the frame says"));
    }
    let rows: Vec<u32> = (0..frame.spans).collect();
    let mut bytes = Vec::new();
    resource_spans(&mut bytes, &columns, &rows);
    NormalSpan::parse(&bytes).map_err(|e| broken(&e))
}
