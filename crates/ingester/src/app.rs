//! From configuration to a running ingester and to its end.
//!
//! Start: bind → open and probe the store → answer probes → take streams; what lies in the bucket is
//! read beside it. End, in stages: tell
//! the sidecars → read no more frames → journal and acknowledge what came → write blocks → leave.
//! Each stage hands everything on to the next; a kill at any point loses nothing. A task that is
//! gone ends it after the journal, and leaves the blocks to the process that adopts.

mod gauges;
mod pressure;
mod reach;
mod remarks;
mod serving;
mod store;
mod wire;

use crate::access::{KeyFetcher, Port, Refresher, Sockets};
use crate::config::Config;
use crate::engine::{Engine, Environment};
use crate::error::IngesterError;
use crate::query::{Asker, HttpState, Peers, TraceRoom, is_private, serve};
use crate::receive::direct::DirectReceivers;
use crate::runtime::{CriticalTask, IdGenerator};
use gauges::set_gauges;
use remarks::remarks;
use serving::Serving;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;
use tributary_journal::Heartbeat;
use tributary_query::api::{self, Tenancy};
use tributary_receivers::{Bound, Listener};
use tributary_store::Store;

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
    pub fn bind(config: Config) -> Result<App, IngesterError> {
        let wire = Listener::bind("wire", &config.wire_listen)?;
        let http = Listener::bind("http", &config.http_listen)?.of_health();
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

    /// This process, as its heartbeat tells it.
    fn own_heartbeat(&self, ids: &IdGenerator) -> Result<Heartbeat, IngesterError> {
        let advertise = self.config.advertise.as_ref();
        let (wire, http) = (self.wire_address(), self.http_address());
        let instance = match &self.config.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", reach::host_name(), wire.port()),
        };
        let process = ids.uid().map_err(IngesterError::Id)?;
        Ok(Heartbeat {
            query_address: match &self.config.access.http {
                None => reach::at(advertise, http),
                Some(_) => format!("https://{}", reach::at(advertise, http)),
            },
            wire_address: reach::at(advertise, wire),
            zone: self.config.zone.clone(),
            started: ids.unix_ms() / 1000,
            ..Heartbeat::new(process, instance)
        })
    }

    /// Runs until `shutdown`, then ends in stages within the grace period. When a task is gone that
    /// it cannot go on without, it ends as soon as what it has taken is durable and acknowledged.
    ///
    /// # Errors
    /// When the store cannot be used, or a task fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), IngesterError> {
        let grace = self.config.grace;
        let mut shutdown = std::pin::pin!(shutdown);
        // A store that does not answer is no reason not to. Nothing was taken yet.
        let store = tokio::select! {
            store = Box::pin(store::open(&self.config)) => store?,
            () = &mut shutdown => {
                tracing::info!("told to end before the store could be used");
                return Ok(());
            }
        };
        // Boxed, as the end is: both are large, and neither is there for long.
        let serving = Box::pin(self.serve(store)).await?;
        serving.run(shutdown, grace).await
    }

    /// Opens the store and serves, without an end meanwhile.
    #[cfg(test)]
    async fn start(self) -> Result<Serving, IngesterError> {
        let store = store::open(&self.config).await?;
        Box::pin(self.serve(store)).await
    }

    /// Serves: first probes and queries, then streams and requests.
    async fn serve(self, store: Store) -> Result<Serving, IngesterError> {
        let ids = IdGenerator::default();
        let own = self.own_heartbeat(&ids)?;
        let (own_address, name) = (own.wire_address.clone(), own.instance.clone());
        let App { config, receivers, wire, http } = self;
        let clock = ids.clone();
        let environment = Environment { store: store.clone(), ids, own, build_inline: false };
        let mut engine = Engine::new(&config, environment).await?;

        let ready = Arc::new(AtomicBool::new(false));
        let stop_http = engine.stop.child_token();
        let (traces, members) = (engine.traces.clone(), engine.membership.clone());
        let limits = engine.limits.subscribe();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let metrics = engine.metrics.clone();
        let files = {
            let (gate, limits) = (engine.gate.clone(), engine.limits.clone());
            Refresher::open(&config.access, gate, limits, metrics.clone())?
        };
        let wire = Sockets::new(wire, files.wire.clone(), Port::Wire, metrics.clone());
        let http = Sockets::new(http, files.http.clone(), Port::Query, metrics.clone());
        let (peers, share) =
            (Peers::new(&config.access, files.peers.clone()), (config.memory, cores));
        let asker = Asker::new(traces, members, peers.clone(), metrics, clock, limits, share)
            .map_err(IngesterError::Threads)?;
        let state = HttpState {
            name,
            is_private: is_private(&http.addresses()),
            prefix: config.http_prefix.clone(),
            settings: api_settings(&config),
            gate: engine.gate.clone(),
            strangers: http.strangers(),
            traces: engine.traces.clone(),
            membership: engine.membership.clone(),
            peers,
            asker,
            trace_room: TraceRoom::new(config.memory),
            metrics: engine.metrics.clone(),
            span_metrics: engine.span_metrics.clone(),
            limits: engine.limits.subscribe(),
            receivers: receivers.iter().map(|r| (r.receiver().name(), r.counters())).collect(),
            ready: ready.clone(),
            remarks: remarks(&engine),
            set_gauges: set_gauges(&engine, store),
        };
        // Tokens are looked at as soon as sockets are.
        let mut keys = KeyFetcher::new(engine.gate.clone(), engine.metrics.clone());
        keys.round().await;
        let mut http_task = CriticalTask::new("serving HTTP");
        http_task.spawn(serve(http, Arc::new(state), stop_http.clone()));
        engine.start().await;
        let stop = engine.stop.clone();
        engine.background.spawn("looking at certificates, policy and limits", files.run(stop));
        if engine.gate.has_policy() {
            let stop = engine.stop.clone();
            engine.background.spawn("asking for issuers' keys", keys.run(stop));
        }

        let stop_wire = CancellationToken::new();
        let mut wire_task = CriticalTask::new("serving the wire");
        wire_task.spawn(wire::serve(wire, engine.intake.clone(), stop_wire.clone()));
        let (intake, origins) = (engine.intake.clone(), config.receivers.cors_origins);
        let direct = DirectReceivers::start(receivers, intake, config.receivers.sampling, origins);
        ready.store(true, Ordering::Relaxed);
        tracing::info!("ready");
        Ok(Serving {
            engine,
            http: http_task,
            stop_http,
            wire: wire_task,
            stop_wire,
            direct,
            ready,
            own_address,
        })
    }
}

fn api_settings(config: &Config) -> api::Settings {
    let tenancy = if config.multitenancy { Tenancy::On } else { Tenancy::Off };
    api::Settings { tenancy, version: env!("CARGO_PKG_VERSION").to_owned() }
}

#[cfg(test)]
mod tests;
