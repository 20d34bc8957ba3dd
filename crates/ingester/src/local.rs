//! The receivers of this ingester itself: for applications that send here and not to a sidecar
//! (one agent a node, a gateway).
//!
//! What they take goes the road of any stream: spans are gathered for a moment, encoded as a frame,
//! and handed to the journal. An application is answered when its spans are in object storage,
//! and not before; while memory or journal have no room it is refused and told to come again.

mod lane;

use crate::receive::Receive;
use bytes::Bytes;
use lane::Offered;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_receivers::{Bound, OfferError, Refused, Settings, Sink, Strategy};
use tributary_span::otlp::Outcome;
use tributary_span::tenant;

/// Permits are counted in units of this many bytes.
const UNIT: usize = 1024;
/// Requests that wait for a lane, beside their bytes, which are admitted.
const WAITING: usize = 256;
/// Tenants that have a lane at a time.
const MOST_TENANTS: usize = 64;
/// When a refused sender may come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// Where the receivers hand what they take.
#[derive(Debug)]
pub struct Local {
    receive: Arc<Receive>,
    /// Room for requests that are being received: a quarter of the memory budget.
    room: Arc<Semaphore>,
    lanes: Mutex<HashMap<Arc<str>, mpsc::Sender<Offered>>>,
}

impl Local {
    /// Hands on to the journal behind `receive`.
    pub fn new(receive: Arc<Receive>) -> Self {
        let room = Arc::new(Semaphore::new(receive.memory.limit() / 4 / UNIT));
        Local { receive, room, lanes: Mutex::default() }
    }

    /// The lane of a tenant, which is opened if there is none.
    fn lane(&self, tenant: &str) -> Option<mpsc::Sender<Offered>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(tenant) {
            return Some(lane.clone());
        }
        if lanes.len() >= MOST_TENANTS {
            return None;
        }
        let tenant: Arc<str> = tenant.into();
        let (lane, offers) = mpsc::channel(WAITING);
        let run = lane::run(self.receive.clone(), tenant.clone(), offers);
        self.receive.tasks.spawn(run);
        lanes.insert(tenant, lane.clone());
        Some(lane)
    }
}

impl Sink for Local {
    type Permit = OwnedSemaphorePermit;

    fn admit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let permit = self.room.clone().try_acquire_many_owned(units);
        permit.map_err(|_| refused("the ingester has no room for more requests"))
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        let lane = self.lane(tenant.unwrap_or(tenant::SINGLE));
        let lane = lane.ok_or_else(|| refused("more tenants than an ingester serves at once"))?;
        let (answer, answered) = oneshot::channel();
        let gone = |_| refused("the ingester is leaving");
        lane.send(Offered { request, answer }).await.map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?
    }
}

fn refused(why: &'static str) -> Refused {
    Refused { retry_after: COME_AGAIN, why }
}

/// The receivers, running.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    local: Arc<Local>,
}

impl Running {
    /// Starts `receivers`.
    pub fn start(
        receivers: Vec<Bound>,
        receive: Arc<Receive>,
        strategy: Strategy,
        cors_origins: Vec<String>,
    ) -> Running {
        let settings = Settings {
            // A request takes its room twice, as it came and as it is handed on.
            body_bytes: Settings::default().body_bytes.min(receive.memory.limit() / 16),
            cors_origins,
            ..Settings::default()
        };
        let local = Arc::new(Local::new(receive));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for receiver in receivers {
            tasks.spawn(receiver.serve(settings.clone(), strategy, local.clone(), stop.clone()));
        }
        Running { tasks, stop, local }
    }

    /// Takes nothing new, finishes what runs within `patience`, and closes the lanes.
    pub async fn finish(mut self, patience: Duration) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("requests were cut off; their senders still have their spans");
            self.tasks.shutdown().await;
        }
        self.local.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
