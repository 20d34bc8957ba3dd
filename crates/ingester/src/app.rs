//! From configuration to a running ingester and to its end.
//!
//! Start: bind → open and probe the store → answer probes → adopt what a predecessor left → take streams. End, in stages:
//! tell the sidecars → read no more frames → journal and acknowledge what came → write blocks →
//! leave. Each stage hands everything on to the next; a kill at any point loses nothing.

use crate::adopt::Adopter;
use crate::blocks::Blocks;
use crate::collect::Collector;
use crate::commit::{Commit, CutAt, Incoming};
use crate::config::Config;
use crate::flush::{Builder, Flush, Steps};
use crate::group::{FreezeAt, Live};
use crate::local::Running;
use crate::members::{Members, members};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::names::Names;
use crate::receive::{Receive, Service, Told};
use crate::serve::{self, Peers, Serve};
use crate::upkeep::{Upkeep, Watching};
use anyhow::{Context, anyhow};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tributary_block::WriterSettings;
use tributary_journal::watch::{Patience, Watch};
use tributary_journal::{Journal, Uid};
use tributary_query::api::{self, Tenancy};
use tributary_receivers::Bound;
use tributary_store::{Store, StoreOptions};
use tributary_wire::v1::ingest_server::IngestServer;

/// Frames between the streams and the journal, counted beside their bytes, which memory bounds.
const FRAMES_WAITING: usize = 1024;
/// The largest message of a stream.
const LARGEST_FRAME: usize = 16 << 20;
/// Longest time that sidecars get to move elsewhere.
const MOVE_WITHIN: Duration = Duration::from_secs(5);
/// Memory for footers and filters of blocks.
const BLOCK_CACHE: usize = 32 << 20;

/// An ingester with bound sockets.
pub struct App {
    config: Config,
    receivers: Vec<Bound>,
    wire: TcpListener,
    http: TcpListener,
    wire_address: SocketAddr,
    http_address: SocketAddr,
}

impl App {
    /// Binds the sockets.
    ///
    /// # Errors
    /// When an address is taken or cannot be bound.
    pub async fn bind(config: Config) -> anyhow::Result<App> {
        let bind = |name: &'static str, flag: &'static str, address: SocketAddr| async move {
            TcpListener::bind(address).await.with_context(|| {
                format!("cannot listen for {name} on {address}: choose another address with {flag}")
            })
        };
        let wire = bind("the wire", "--wire-listen", config.wire_listen).await?;
        let http = bind("HTTP", "--http-listen", config.http_listen).await?;
        let (wire_address, http_address) = (wire.local_addr()?, http.local_addr()?);
        tracing::info!("listening name=wire address={wire_address}");
        tracing::info!("listening name=http address={http_address}");
        let mut receivers = Vec::new();
        for &(kind, address) in &config.receivers {
            let bound = kind.bind(address).await.with_context(|| {
                format!(
                    "cannot listen for {kind} on {address}: choose another with --{kind}-listen"
                )
            })?;
            tracing::info!("listening name={kind} address={}", bound.address()?);
            receivers.push(bound);
        }
        Ok(App { config, receivers, wire, http, wire_address, http_address })
    }

    /// Where sidecars connect.
    pub fn wire_address(&self) -> SocketAddr {
        self.wire_address
    }

    /// Where queries are answered.
    pub fn http_address(&self) -> SocketAddr {
        self.http_address
    }

    fn own(&self, process: Uid, names: Names) -> tributary_journal::Live {
        let reach = |address: SocketAddr| {
            let host = match &self.config.advertise {
                host if !host.is_empty() => host.clone(),
                _ if !address.ip().is_unspecified() => bracketed(address.ip()),
                _ => bracketed(own_address()),
            };
            format!("{host}:{}", address.port())
        };
        let instance = match &self.config.name {
            name if !name.is_empty() => name.clone(),
            _ => format!("{}-{}", host_name(), self.wire_address.port()),
        };
        tributary_journal::Live {
            process,
            instance,
            query_address: reach(self.http_address),
            wire_address: reach(self.wire_address),
            zone: self.config.zone.clone(),
            epochs: Vec::new(),
            counter: 0,
            started: names.now_ms() / 1000,
        }
    }

    /// Runs until `shutdown`, then ends in stages within the grace period.
    ///
    /// # Errors
    /// When the store cannot be used, or a stage fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
        let names = Names;
        let metrics = Arc::new(Metrics::default());
        let store = open_store(&self.config).await?;
        let journal = Journal::new(store.clone());
        journal.open_cluster(names.uid()?).await.context("the store's cluster.json")?;
        let own = self.own(names.uid()?, names);
        let config = &self.config;

        let memory = Memory::new(config.memory);
        let live = Arc::new(Live::new(names.epoch()?));
        let blocks =
            Arc::new(Blocks::new(store.clone(), BLOCK_CACHE, config.blocks_poll, metrics.clone()));
        let (told, told_receiver) = watch::channel(Told::default());
        let told = Arc::new(told);
        let (peers, peers_receiver) = watch::channel(Vec::new());
        let ready = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let mut stages = Stages::default();

        let tenancy = if config.multitenancy { Tenancy::On } else { Tenancy::Off };
        let serve = Serve {
            settings: api::Settings { tenancy, version: env!("CARGO_PKG_VERSION").to_owned() },
            live: live.clone(),
            blocks: blocks.clone(),
            peers: Peers::new(peers_receiver),
            metrics: metrics.clone(),
            receivers: self.receivers.iter().map(|r| (r.kind().name(), r.counters())).collect(),
            ready: ready.clone(),
            refresh: refresh(metrics.clone(), memory.clone(), live.clone(), store.clone()),
        };
        let stop_http = stop.child_token();
        stages.http.spawn(serve::run(self.http, Arc::new(serve), stop_http.clone()));

        let builder = Builder { store, settings: WriterSettings::default(), names };
        let steps =
            Steps { journal: journal.clone(), builder: builder.clone(), metrics: metrics.clone() };
        let patience = Patience::from_heartbeat(config.heartbeat);
        let watching = Watching::new(Watch::new(own.process, &own.instance, patience));
        let lost = Arc::new(Notify::new());
        let upkeep = Upkeep {
            watching: watching.clone(),
            adopter: Adopter {
                journal: journal.clone(),
                builder: builder.clone(),
                steps: steps.clone(),
                live: live.clone(),
                blocks: blocks.clone(),
                metrics: metrics.clone(),
                piece_bytes: piece_bytes(config.memory),
            },
            collector: Collector {
                journal: journal.clone(),
                keep_slots: config.keep_slots,
                seconds: Names::seconds,
                metrics: metrics.clone(),
            },
            live: live.clone(),
            journal: journal.clone(),
            period: config.heartbeat,
            collect_every: config.collect,
            lost: lost.clone(),
            metrics: metrics.clone(),
        };
        let epochs = live.clone();
        let process = own.process;
        told.send_modify(|told| told.members = members([&own].into_iter()));
        let mut beating = Members {
            journal: journal.clone(),
            own: own.clone(),
            period: config.heartbeat,
            epochs: Box::new(move || epochs.epochs()),
            watching,
            told: told.clone(),
            peers,
            metrics: metrics.clone(),
        };
        blocks.poll_once().await.context("listing the blocks of the store")?;
        // The first heartbeat names the first epoch; what a process before this one in its place
        // left is in blocks before this one is ready.
        beating.round().await;
        upkeep.adopt_abandoned().await;

        let freeze_at = FreezeAt {
            age: config.block_age,
            // A quarter grows while others are written, and room is left for what comes in.
            bytes: config.block_bytes.min(config.memory / 4),
        };
        let due = Arc::new(Notify::new());
        let (frames, frames_receiver) = mpsc::channel::<Incoming>(FRAMES_WAITING);
        let commit = Commit {
            journal: journal.clone(),
            instance: own.instance.clone(),
            names,
            live: live.clone(),
            cut_at: CutAt { age: config.segment_age, bytes: config.segment_bytes },
            freeze_at,
            due: due.clone(),
            metrics: metrics.clone(),
        };
        let flush = Flush {
            builder,
            steps,
            live: live.clone(),
            blocks: blocks.clone(),
            freeze_at,
            due,
            lost,
        };
        let (drain_commit, drain_flush) = (CancellationToken::new(), CancellationToken::new());
        stages.commit.spawn(commit.run(frames_receiver, drain_commit.clone(), stop.clone()));
        stages.flush.spawn(flush.run(drain_flush.clone(), stop.clone()));
        stages.helpers.spawn(blocks.run(stop.clone()));
        stages.helpers.spawn(beating.run(stop.clone()));
        stages.helpers.spawn(upkeep.run(stop.clone()));

        let receive = Arc::new(Receive {
            name: own.instance.clone(),
            memory,
            journal: frames,
            told: told_receiver,
            tasks: TaskTracker::new(),
            stop_reading: stop.child_token(),
            stop: stop.child_token(),
            streams: AtomicU32::new(0),
            metrics: metrics.clone(),
        });
        let stop_wire = CancellationToken::new();
        stages.wire.spawn(wire(self.wire, receive.clone(), stop_wire.clone()));
        let origins = config.cors_origins.clone();
        let own = Running::start(self.receivers, receive.clone(), config.sampling, origins);
        ready.store(true, Ordering::Relaxed);
        tracing::info!("ready");

        let failed = tokio::select! {
            () = shutdown => None,
            error = stages.failure() => Some(error),
        };
        if let Some(error) = failed {
            stop.cancel();
            return Err(error);
        }
        ready.store(false, Ordering::Relaxed);
        let end = async {
            tracing::info!("leaving: telling the sidecars");
            let patience = MOVE_WITHIN.min(config.grace / 4);
            told.send_modify(|told| {
                told.drain_ms = Some(u32::try_from(patience.as_millis()).unwrap_or(u32::MAX));
                let own = |m: &tributary_wire::v1::Member| {
                    m.address.ends_with(&format!(":{}", self.wire_address.port()))
                };
                told.members.members.retain(|m| !own(m));
            });
            own.finish(patience).await;
            let all_gone = until(|| metrics.streams_open() == 0);
            drop(tokio::time::timeout(patience, all_gone).await);
            receive.stop_reading.cancel();
            drain_commit.cancel();
            stages.commit.finish().await?;
            receive.stop.cancel();
            stop_wire.cancel();
            stages.wire.finish().await?;
            tracing::info!("leaving: writing the last blocks");
            drain_flush.cancel();
            stages.flush.finish().await?;
            journal.stop_beating(&process).await?;
            stop_http.cancel();
            stages.http.finish().await
        };
        let ended = tokio::time::timeout(config.grace, end).await;
        stop.cancel();
        let (_, spans, _, status) = live.totals();
        match ended {
            Ok(Ok(())) => {
                tracing::info!(
                    journaled = metrics.spans_journaled.get(),
                    stored = metrics.spans_stored.get(),
                    "left"
                );
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                tracing::warn!(
                    spans,
                    segments = status.uncovered,
                    "the grace period ran out; these spans stay in the journal and become blocks at the next start"
                );
                Ok(())
            }
        }
    }
}

async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let options = StoreOptions { fsync: config.fsync, ..StoreOptions::default() };
    let store = Store::open(&config.store, &options)
        .await
        .with_context(|| format!("the store {}", config.store))?;
    store.probe().await.with_context(|| format!("the store {} cannot be used", config.store))?;
    Ok(store)
}

/// A tenth of the budget is for adoption; rebuilt spans take some sixteen times their segments.
fn piece_bytes(memory: usize) -> u64 {
    (memory / 10 / 16).clamp(512 << 10, 4 << 20) as u64
}

async fn wire(
    listener: TcpListener,
    receive: Arc<Receive>,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let service = IngestServer::new(Service(receive)).max_decoding_message_size(LARGEST_FRAME);
    tonic::transport::Server::builder()
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(service)
        .serve_with_incoming_shutdown(
            tokio_stream::wrappers::TcpListenerStream::new(listener),
            stop.cancelled_owned(),
        )
        .await
}

fn refresh(
    metrics: Arc<Metrics>,
    memory: Memory,
    live: Arc<Live>,
    store: Store,
) -> Box<dyn Fn() + Send + Sync> {
    let gauge = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Box::new(move || {
        let (generations, spans, _, status) = live.totals();
        metrics.memory_bytes.set(gauge(memory.used()));
        metrics.memory_limit_bytes.set(gauge(memory.limit()));
        metrics.generations.set(gauge(generations));
        metrics.spans_live.set(i64::try_from(spans).unwrap_or(i64::MAX));
        metrics.segments_uncovered.set(gauge(status.uncovered));
        let oldest = live.oldest().map_or(0, |since| since.elapsed().as_secs());
        metrics.oldest_uncovered_seconds.set(i64::try_from(oldest).unwrap_or(i64::MAX));
        metrics.count_store(store.counters().snapshot());
    })
}

/// Waits for something that only a look can tell.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The tasks, by stage. Each stage's set has one task but the helpers', who have nothing to finish.
#[derive(Default)]
struct Stages {
    http: Stage<std::io::Error>,
    wire: Stage<tonic::transport::Error>,
    commit: Stage<crate::commit::CommitError>,
    flush: Stage<crate::flush::FlushError>,
    helpers: Helpers,
}

struct Stage<E>(JoinSet<Result<(), E>>);

impl<E> Default for Stage<E> {
    fn default() -> Self {
        Stage(JoinSet::new())
    }
}

#[derive(Default)]
struct Helpers(JoinSet<()>);

impl Helpers {
    fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }
}

impl<E: std::error::Error + Send + Sync + 'static> Stage<E> {
    fn spawn(&mut self, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits for the stage's end.
    async fn finish(&mut self) -> anyhow::Result<()> {
        while let Some(done) = self.0.join_next().await {
            done??;
        }
        Ok(())
    }

    /// The error that ends the stage before its time.
    async fn failure(&mut self) -> anyhow::Error {
        match self.0.join_next().await {
            Some(Ok(Err(error))) => error.into(),
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) => anyhow!("a task ended before its time"),
            None => std::future::pending().await,
        }
    }
}

impl Stages {
    /// The first failure of any stage.
    async fn failure(&mut self) -> anyhow::Error {
        tokio::select! {
            error = self.http.failure() => error.context("serving HTTP"),
            error = self.wire.failure() => error.context("serving the wire"),
            error = self.commit.failure() => error.context("writing segments"),
            error = self.flush.failure() => error.context("writing blocks"),
        }
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The address that packets to the world would leave from; none is sent.
fn own_address() -> IpAddr {
    let route = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    route.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "ingester".to_owned(),
        name => name.to_owned(),
    }
}
