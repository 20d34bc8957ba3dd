//! From configuration to a running ingester and to its end.
//!
//! Start: bind → open, tidy and probe the store → answer probes → adopt what a predecessor left → take
//! streams. End, in stages: tell the sidecars → read no more frames → journal and acknowledge what
//! came → write blocks → leave. Each stage hands everything on to the next; a kill at any point loses nothing.

mod reach;

use crate::config::Config;
use crate::engine::{Engine, Foundation};
use crate::group::Live;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::query::{self, Peers, Serve};
use crate::receive::direct::Running;
use crate::receive::{Receive, Service};
use crate::runtime::Names;
use crate::runtime::Stage;
use anyhow::Context;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::Uid;
use tributary_query::api::{self, Tenancy};
use tributary_receivers::{BindError, Bound, Listener};
use tributary_store::{Store, StoreOptions};
use tributary_telemetry::ErrorChain;
use tributary_wire::v1::ingest_server::IngestServer;

/// The largest message of a stream.
const LARGEST_FRAME: usize = 16 << 20;
/// Longest time that sidecars get to move elsewhere.
const MOVE_WITHIN: Duration = Duration::from_secs(5);
/// How long a store that cannot be used yet is waited for; a new process does no better.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two trials of such a store.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An ingester with bound sockets.
pub struct App {
    config: Config,
    receivers: Vec<Bound>,
    wire: Listener,
    http: Listener,
}

impl App {
    /// Binds the sockets. Within a runtime.
    ///
    /// # Errors
    /// When an address is taken or cannot be bound.
    pub fn bind(config: Config) -> Result<App, BindError> {
        let wire = Listener::bind("wire", &config.wire_listen)?;
        let http = Listener::bind("http", &config.http_listen)?;
        let bound =
            config.receivers.receivers.iter().map(|(receiver, listen)| receiver.bind(listen));
        let receivers = bound.collect::<Result<Vec<_>, _>>()?;
        let named = receivers.iter().map(|r| (r.receiver().name(), r.addresses()));
        let own = [("wire", wire.addresses()), ("http", http.addresses())];
        for (name, addresses) in own.into_iter().chain(named) {
            for address in addresses {
                tracing::info!(%name, %address, "listening");
            }
        }
        Ok(App { config, receivers, wire, http })
    }

    /// Where sidecars connect: of several addresses the one that others are told.
    pub fn wire_address(&self) -> SocketAddr {
        reach::told(&self.wire.addresses())
    }

    /// Where queries are answered: of several addresses the one that others are told.
    pub fn http_address(&self) -> SocketAddr {
        reach::told(&self.http.addresses())
    }

    fn own(&self, process: Uid, names: &Names) -> tributary_journal::Heartbeat {
        let advertise = self.config.advertise.as_ref();
        let (wire, http) = (self.wire_address(), self.http_address());
        let instance = match &self.config.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", reach::host_name(), wire.port()),
        };
        tributary_journal::Heartbeat {
            process,
            instance,
            query_address: reach::at(advertise, http),
            wire_address: reach::at(advertise, wire),
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
        let names = Names::default();
        let wire_port = format!(":{}", self.wire_address().port());
        let store = open_store(&self.config).await?;
        let config = &self.config;
        let own = self.own(names.uid()?, &names);
        let on = Foundation { store: store.clone(), names, own, build_inline: false };
        let mut engine = Engine::new(config, on).await?;
        let metrics = engine.metrics.clone();
        let ready = Arc::new(AtomicBool::new(false));
        let mut sockets = Sockets::default();

        let tenancy = if config.multitenancy { Tenancy::On } else { Tenancy::Off };
        let serve = Serve {
            settings: api::Settings { tenancy, version: env!("CARGO_PKG_VERSION").to_owned() },
            traces: engine.traces.clone(),
            membership: engine.membership.clone(),
            peers: Peers::default(),
            metrics: metrics.clone(),
            receivers: self.receivers.iter().map(|r| (r.receiver().name(), r.counters())).collect(),
            ready: ready.clone(),
            refresh: refresh(metrics.clone(), engine.memory.clone(), engine.live.clone(), store),
        };
        let stop_http = engine.stop.child_token();
        sockets.http.spawn(query::run(self.http, Arc::new(serve), stop_http.clone()));
        engine.start().await?;

        let stop_wire = CancellationToken::new();
        sockets.wire.spawn(wire(self.wire, engine.receive.clone(), stop_wire.clone()));
        let (sampling, origins) =
            (config.receivers.sampling, config.receivers.cors_origins.clone());
        let own = Running::start(self.receivers, engine.receive.clone(), sampling, origins);
        ready.store(true, Ordering::Relaxed);
        tracing::info!("ready");

        let failed = tokio::select! {
            () = shutdown => None,
            error = failure(&mut engine, &mut sockets) => Some(error),
        };
        let stop = engine.stop.clone();
        if let Some(error) = failed {
            stop.cancel();
            return Err(error);
        }
        ready.store(false, Ordering::Relaxed);
        let live = engine.live.clone();
        let end = async {
            tracing::info!("leaving: telling the sidecars");
            let patience = MOVE_WITHIN.min(config.grace / 4);
            engine.told.send_modify(|told| {
                told.drain_ms = Some(u32::try_from(patience.as_millis()).unwrap_or(u32::MAX));
                let own = |m: &tributary_wire::v1::Member| m.address.ends_with(&wire_port);
                told.members.members.retain(|m| !own(m));
            });
            own.finish(patience).await;
            let all_gone = until(|| metrics.streams_open() == 0);
            drop(tokio::time::timeout(patience, all_gone).await);
            engine.finish_segments().await?;
            engine.receive.stop.cancel();
            stop_wire.cancel();
            sockets.wire.finish().await?;
            tracing::info!("leaving: writing the last blocks");
            engine.finish_blocks().await?;
            engine.leave().await?;
            stop_http.cancel();
            sockets.http.finish().await
        };
        let ended = tokio::time::timeout(config.grace, end).await;
        stop.cancel();
        let (_, spans, _, segments) = live.totals();
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
                    segments,
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
    // Before the trial: on a full disk it may need just that room.
    match tributary_store::remove_unfinished(&config.store).await {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed what killed writers left unfinished"),
        Err(error) => tracing::warn!(error = %ErrorChain(&error), "unfinished files stay"),
    }
    let begun = Instant::now();
    loop {
        match store.probe().await {
            Ok(()) => return Ok(store),
            // Its text holds all that is known.
            Err(error) if !error.is_transient() || begun.elapsed() >= START_WITHIN => {
                anyhow::bail!("{error}")
            }
            Err(error) => tracing::warn!("{error}; it is tried again"),
        }
        tokio::time::sleep(START_AGAIN_AFTER).await;
    }
}

async fn wire(
    mut listener: Listener,
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
            futures_util::stream::poll_fn(move |context| {
                listener.poll_accept(context).map_ok(|(stream, _)| stream).map(Some)
            }),
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
        let (generations, spans, _, uncovered) = live.totals();
        metrics.memory_bytes.set(gauge(memory.used()));
        metrics.memory_limit_bytes.set(gauge(memory.limit()));
        metrics.generations.set(gauge(generations));
        metrics.spans_live.set(i64::try_from(spans).unwrap_or(i64::MAX));
        metrics.segments_uncovered.set(gauge(uncovered));
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

/// The tasks behind sockets.
#[derive(Default)]
struct Sockets {
    http: Stage<std::io::Error>,
    wire: Stage<tonic::transport::Error>,
}

/// The first failure of any stage.
async fn failure(engine: &mut Engine, sockets: &mut Sockets) -> anyhow::Error {
    tokio::select! {
        error = sockets.http.failure() => error.context("serving HTTP"),
        error = sockets.wire.failure() => error.context("serving the wire"),
        error = engine.commit.failure() => error.context("writing segments"),
        error = engine.flush.failure() => error.context("writing blocks"),
    }
}
