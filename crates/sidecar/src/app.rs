//! The sidecar put together: sockets are bound first, then spans are taken, then, at the end,
//! everything is stopped in the order in which nothing gets lost.

mod linger;
mod report;

pub use report::Report;

use crate::admin::{self, Status};
use crate::buffer::{Buffer, Rules};
use crate::config::Config;
use crate::forward::{Connector, ask_what_tenants_mean, forward};
use crate::random::{Rng, incarnation};
use crate::route::{Members, resolve};
use linger::linger;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tributary_receivers::{BindError, Bound, Listener, Settings};
use xxhash_rust::xxh3::xxh3_64;

/// After SIGTERM: how long requests that are being received may take to finish.
const LAST_REQUESTS: Duration = Duration::from_secs(1);
/// The largest request. OTLP recommends to take at least this much.
const LARGEST_BODY: usize = 64 << 20;

/// When to stop.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    /// In good order: SIGTERM.
    pub drain: CancellationToken,
    /// At once: the second SIGTERM.
    pub now: CancellationToken,
}

/// A sidecar whose sockets are bound.
#[derive(Debug)]
pub struct App {
    config: Config,
    receivers: Vec<Bound>,
    admin: Listener,
}

impl Config {
    /// Binds the sockets. Within a runtime.
    ///
    /// # Errors
    /// The first that cannot be bound.
    pub fn bind(self) -> Result<App, BindError> {
        let bound = self.receivers.receivers.iter().map(|(receiver, listen)| receiver.bind(listen));
        let receivers = bound.collect::<Result<_, _>>()?;
        let admin = Listener::bind("admin", &self.admin)?.of_health();
        Ok(App { config: self, receivers, admin })
    }
}

impl App {
    /// The sockets: what each is for, and where.
    pub fn addresses(&self) -> Vec<(&'static str, SocketAddr)> {
        let receivers = self.receivers.iter().map(|r| (r.receiver().name(), r.addresses()));
        let all = receivers.chain([("admin", self.admin.addresses())]);
        all.flat_map(|(name, addresses)| addresses.into_iter().map(move |at| (name, at))).collect()
    }

    /// Takes spans and forwards them to the ingesters until told to stop.
    pub async fn run(self, shutdown: Shutdown) -> Report {
        let App { config, receivers, admin } = self;
        let mut rng = Rng::from_os();
        let incarnation = incarnation();
        let buffer = Arc::new(Buffer::new(
            config.buffer,
            config.batch,
            Rules { tenant: config.tenant, resource_attributes: config.resource_attributes },
            Rng::new(rng.next_u64()),
        ));
        let members = Arc::new(Members::new(xxh3_64(&incarnation)));
        let (tls, token) = (config.tls, config.token_file);
        let connector = Connector::new(tls, token, &config.upstream, incarnation, &config.name);
        let status = Arc::new(Status {
            ready: AtomicBool::new(true),
            buffer: Arc::clone(&buffer),
            receivers: receivers.iter().map(|r| (r.receiver().name(), r.counters())).collect(),
        });

        // Owned here and dropped at the end of this function, after what they serve.
        let mut tasks = JoinSet::new();
        tasks.spawn(admin::serve(admin, Arc::clone(&status)));
        tasks.spawn({
            let (metrics, activity) = (Arc::clone(buffer.metrics()), buffer.activity());
            let rng = Rng::new(rng.next_u64());
            resolve(config.upstream, Arc::clone(&members), metrics, activity, rng)
        });
        tasks.spawn(follow_plan(Arc::clone(&members), Arc::clone(&buffer)));
        tasks.spawn({
            let (members, buffer) = (Arc::clone(&members), Arc::clone(&buffer));
            let rng = Rng::new(rng.next_u64());
            ask_what_tenants_mean(members, buffer, connector.clone(), rng)
        });
        tasks.spawn(forward(Arc::clone(&members), Arc::clone(&buffer), connector, rng));
        tasks.spawn({
            let buffer = Arc::clone(&buffer);
            async move { buffer.cut_by_age().await }
        });

        // A request larger than the buffer could never be admitted; it takes its space twice, as
        // bytes and as columns.
        let settings = Settings {
            body_bytes: LARGEST_BODY.min(config.buffer / 2),
            cors_origins: config.receivers.cors_origins,
            ..Settings::default()
        };
        let sampling = config.receivers.sampling;
        let stop_receivers = CancellationToken::new();
        let mut serving = JoinSet::new();
        for receiver in receivers {
            let (settings, sink) = (settings.clone(), Arc::clone(&buffer));
            serving.spawn(receiver.serve(settings, sampling, sink, stop_receivers.clone()));
        }

        tokio::select! {
                    biased;
                    () = shutdown.now.cancelled() => {}
                    () = shutdown.drain.cancelled() => {
                        let deadline = Instant::now() + config.grace;
        info!(grace = ?config.grace, "stopping: the last requests are taken");
                        status.ready.store(false, Relaxed);
                        // The other half is for the acknowledgements.
                        let half = Instant::now() + config.grace / 2;
                        let end = async {
                            linger(&status.receivers, &buffer, config.linger, half).await;
                            info!("no new spans, waiting for acknowledgements");
                            stop_receivers.cancel();
                            drain(&mut serving, &buffer, deadline).await;
                        };
                        tokio::select! {
                            biased;
                            () = shutdown.now.cancelled() => {}
                            () = end => {}
                        }
                    }
                }
        serving.shutdown().await;
        buffer.close();
        buffer.give_up();
        tasks.shutdown().await;
        Report::of(buffer.metrics())
    }
}

/// Lets running requests finish, then sends what is held and waits until it is settled.
async fn drain(serving: &mut JoinSet<()>, buffer: &Buffer, deadline: Instant) {
    let last_requests = deadline.min(Instant::now() + LAST_REQUESTS);
    let all = async { while serving.join_next().await.is_some() {} };
    if timeout_at(last_requests, all).await.is_err() {
        serving.shutdown().await;
    }
    buffer.close();
    if timeout_at(deadline, buffer.empty()).await.is_err() {
        warn!("the grace period is over");
    }
}

/// Routes by as many groups as the plan has.
async fn follow_plan(members: Arc<Members>, buffer: Arc<Buffer>) {
    let mut plan = members.plan();
    loop {
        let groups = plan.borrow_and_update().groups();
        buffer.set_groups(groups);
        if plan.changed().await.is_err() {
            return;
        }
    }
}
