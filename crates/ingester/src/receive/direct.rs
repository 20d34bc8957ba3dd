//! The receivers of this ingester itself: for applications that send here and not to a sidecar
//! (one agent a node, a gateway).
//!
//! What they take goes the road of any stream: spans are gathered for a moment, encoded as a frame,
//! and handed to the journal. An application is answered when its spans are in object storage,
//! and not before; while memory or journal have no room it is refused and told to come again.

mod lane;

use crate::limits::Limit;
use crate::memory::{Standing, Why};
use crate::receive::Receive;
use bytes::Bytes;
use lane::Offered;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
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
/// Tenants that have a lane at a time. One that has no request under way makes room for another.
const MOST_TENANTS: usize = 64;
/// When a refused sender may come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// Where the receivers hand what they take.
#[derive(Debug)]
pub struct Local {
    receive: Arc<Receive>,
    /// Room for requests that are being received: a quarter of the memory budget.
    room: Arc<Semaphore>,
    units: usize,
    doors: Mutex<BTreeMap<Arc<str>, Door>>,
}

/// A tenant's way in.
#[derive(Debug)]
struct Door {
    lane: mpsc::Sender<Offered>,
    held: Arc<Held>,
}

/// Bytes of the requests that a tenant has under way.
#[derive(Debug, Default)]
struct Held(AtomicUsize);

impl Held {
    fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request under way. Dropping it ends that.
#[derive(Debug)]
struct Entered {
    lane: mpsc::Sender<Offered>,
    held: Arc<Held>,
    bytes: usize,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Local {
    /// Hands on to the journal behind `receive`.
    pub fn new(receive: Arc<Receive>) -> Self {
        let units = receive.memory.limit() / 4 / UNIT;
        let room = Arc::new(Semaphore::new(units));
        Local { receive, room, units, doors: Mutex::default() }
    }

    /// Lets a request of `bytes`, which has room already, in at its tenant's door. The door is
    /// opened if there is none.
    fn enter(&self, tenant: &str, bytes: usize) -> Result<Entered, Refused> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let held = doors.get(tenant).map_or(0, |door| door.held.bytes());
        let others =
            doors.iter().filter(|(name, door)| ***name != *tenant && door.held.bytes() > 0);
        let standing = Standing {
            limit: self.units * UNIT,
            used: self.units.saturating_sub(self.room.available_permits()) * UNIT,
            held,
            tenants: others.count() + 1,
        };
        if standing.verdict(0) == Some(Why::Share) {
            let why = "the tenant has more requests under way than its share";
            return Err(self.refused(Limit::RequestShare, why));
        }
        // One whose lane has failed is opened again.
        if doors.get(tenant).is_none_or(|door| door.lane.is_closed()) {
            if doors.len() >= MOST_TENANTS {
                let idle = doors.iter().find(|(_, door)| door.held.bytes() == 0);
                let idle = idle.map(|(name, _)| name.clone()).ok_or_else(|| {
                    let why = "more tenants than an ingester serves at once";
                    self.refused(Limit::Tenants, why)
                })?;
                // Its lane ends when all that came through it is settled.
                doors.remove(&idle);
            }
            doors.insert(tenant.into(), self.open(tenant.into()));
        }
        let Some(door) = doors.get(tenant) else { unreachable!("it was opened") };
        let (lane, held, bytes) = (door.lane.clone(), door.held.clone(), bytes.max(1));
        held.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(Entered { lane, held, bytes })
    }

    fn open(&self, tenant: Arc<str>) -> Door {
        let (lane, offers) = mpsc::channel(WAITING);
        self.receive.tasks.spawn(lane::run(self.receive.clone(), tenant, offers));
        Door { lane, held: Arc::default() }
    }

    fn refused(&self, limit: Limit, why: &'static str) -> Refused {
        self.receive.metrics.limited(limit);
        refused(why)
    }
}

impl Sink for Local {
    type Permit = OwnedSemaphorePermit;

    fn admit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let permit = self.room.clone().try_acquire_many_owned(units);
        permit.map_err(|_| {
            self.refused(Limit::RequestRoom, "the ingester has no room for more requests")
        })
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        let entered = self.enter(tenant.unwrap_or(tenant::SINGLE), request.len())?;
        let (answer, answered) = oneshot::channel();
        let gone = || self.refused(Limit::Leaving, "the ingester is leaving");
        match entered.lane.try_send(Offered { request, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(offered)) => {
                self.receive.metrics.limited(Limit::LaneQueue);
                entered.lane.send(offered).await.map_err(|_| gone())?;
            }
            Err(TrySendError::Closed(_)) => return Err(gone().into()),
        }
        answered.await.map_err(|_| gone())?
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
        self.local.doors.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests;
