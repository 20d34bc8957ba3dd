//! From configuration to a running ingester and to its end.
//!
//! Start: bind → open, tidy and probe the store → answer probes → adopt what a predecessor left → take
//! streams. End, in stages: tell the sidecars → read no more frames → journal and acknowledge what
//! came → write blocks → leave. Each stage hands everything on to the next; a kill at any point loses nothing.

mod gauges;
mod reach;
mod serving;
mod store;
mod wire;

use crate::config::Config;
use crate::engine::{Engine, Environment};
use crate::error::IngesterError;
use crate::query::{HttpState, Peers, serve};
use crate::receive::direct::DirectReceivers;
use crate::runtime::{CriticalTask, IdGenerator};
use gauges::set_gauges;
use serving::Serving;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tributary_journal::Live;
use tributary_query::api::{self, Tenancy};
use tributary_receivers::Bound;

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
    pub async fn bind(config: Config) -> Result<App, IngesterError> {
        let listen = |name: &str, address: SocketAddr| {
            let (name, flag) = (name.to_owned(), format!("--{name}-listen"));
            move |source| IngesterError::Listen { name, address, flag, source }
        };
        let bind = |name: &'static str, address: SocketAddr| async move {
            let bound = TcpListener::bind(address).await;
            let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
            let (bound_to, listener) = bound.map_err(listen(name, address))?;
            tracing::info!(name = %name, address = %bound_to, "listening");
            Ok::<_, IngesterError>((listener, bound_to))
        };
        let (wire, wire_address) = bind("wire", config.wire_listen).await?;
        let (http, http_address) = bind("http", config.http_listen).await?;
        let mut receivers = Vec::new();
        for &(kind, address) in &config.receivers {
            let bound = kind.bind(address).await;
            let bound = bound.and_then(|receiver| Ok((receiver.address()?, receiver)));
            let (bound_to, receiver) = bound.map_err(listen(kind.name(), address))?;
            tracing::info!(name = %kind, address = %bound_to, "listening");
            receivers.push(receiver);
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
    fn own_heartbeat(&self, ids: &IdGenerator) -> Result<Live, IngesterError> {
        let instance = match &self.config.name {
            name if !name.is_empty() => name.clone(),
            _ => format!("{}-{}", reach::host_name(), self.wire_address.port()),
        };
        Ok(Live {
            process: ids.uid().map_err(IngesterError::Id)?,
            instance,
            query_address: reach::at(&self.config.advertise, self.http_address),
            wire_address: reach::at(&self.config.advertise, self.wire_address),
            zone: self.config.zone.clone(),
            epochs: Vec::new(),
            counter: 0,
            started: ids.unix_ms() / 1000,
        })
    }

    /// Runs until `shutdown`, then ends in stages within the grace period.
    ///
    /// # Errors
    /// When the store cannot be used, or a task fails for good.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), IngesterError> {
        let grace = self.config.grace;
        // Boxed, as the leaving is: both are large, and neither is there for long.
        let mut serving = Box::pin(self.start()).await?;
        let failed = tokio::select! {
            () = shutdown => None,
            error = serving.failure() => Some(error),
        };
        match failed {
            None => Box::pin(serving.leave(grace)).await,
            Some(error) => {
                serving.stop();
                Err(error)
            }
        }
    }

    /// Opens the store and serves: first probes and queries, then streams and requests.
    async fn start(self) -> Result<Serving, IngesterError> {
        let ids = IdGenerator::default();
        let store = store::open(&self.config).await?;
        let own = self.own_heartbeat(&ids)?;
        let App { config, receivers, wire, http, wire_address, .. } = self;
        let environment = Environment { store: store.clone(), ids, own, build_inline: false };
        let mut engine = Engine::new(&config, environment).await?;

        let ready = Arc::new(AtomicBool::new(false));
        let stop_http = engine.stop.child_token();
        let state = HttpState {
            settings: api_settings(&config),
            traces: engine.traces.clone(),
            membership: engine.membership.clone(),
            peers: Peers::default(),
            metrics: engine.metrics.clone(),
            receivers: receivers.iter().map(|r| (r.kind().name(), r.counters())).collect(),
            ready: ready.clone(),
            set_gauges: set_gauges(&engine, store),
        };
        let mut http_task = CriticalTask::new("serving HTTP");
        http_task.spawn(serve(http, Arc::new(state), stop_http.clone()));
        engine.start().await?;

        let stop_wire = CancellationToken::new();
        let mut wire_task = CriticalTask::new("serving the wire");
        wire_task.spawn(wire::serve(wire, engine.intake.clone(), stop_wire.clone()));
        let (intake, origins) = (engine.intake.clone(), config.cors_origins);
        let direct = DirectReceivers::start(receivers, intake, config.sampling, origins);
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
            own_port: format!(":{}", wire_address.port()),
        })
    }
}

fn api_settings(config: &Config) -> api::Settings {
    let tenancy = if config.multitenancy { Tenancy::On } else { Tenancy::Off };
    api::Settings { tenancy, version: env!("CARGO_PKG_VERSION").to_owned() }
}
