//! Where the receivers hand what they take: each tenant's requests to a lane of its own, within the
//! room that there is.

use super::lane::{self, PendingRequest, refused};
use crate::limits::Limit;
use crate::memory::{TenantUsage, WaitReason};
use crate::receive::Intake;
use crate::tenant_limits::Met;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tributary_receivers::{OfferError, Refused, Sink};
use tributary_span::otlp::Outcome;
use tributary_span::tenant;

/// Permits are counted in units of this many bytes.
const UNIT: usize = 1024;
/// Requests that wait for a lane, beside their bytes, which are admitted.
const LANE_QUEUE: usize = 256;
/// Tenants that have a lane at a time. One that has no request under way makes room for another.
const MAX_TENANTS: usize = 64;

/// When a sender whose tenant has sent too much may come again: when nothing is owed any more, within
/// these.
const SOONEST: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(60);

/// Where the receivers hand what they take.
#[derive(Debug)]
pub struct DirectSink {
    intake: Arc<Intake>,
    /// Room for requests that are being received: a quarter of the memory budget.
    room: Arc<Semaphore>,
    units: usize,
    lanes: Mutex<BTreeMap<Arc<str>, TenantLane>>,
}

/// A tenant's way to its lane.
#[derive(Debug)]
struct TenantLane {
    queue: mpsc::Sender<PendingRequest>,
    under_way: Arc<BytesUnderWay>,
}

/// Bytes of the requests that a tenant has under way.
#[derive(Debug, Default)]
struct BytesUnderWay(AtomicUsize);

impl BytesUnderWay {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A request under way. Dropping it ends that.
#[derive(Debug)]
struct AdmittedRequest {
    queue: mpsc::Sender<PendingRequest>,
    under_way: Arc<BytesUnderWay>,
    bytes: usize,
}

impl Drop for AdmittedRequest {
    fn drop(&mut self) {
        self.under_way.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl DirectSink {
    /// Hands on to the journal behind `intake`.
    pub fn new(intake: Arc<Intake>) -> Self {
        let units = intake.memory.limit() / 4 / UNIT;
        let room = Arc::new(Semaphore::new(units));
        DirectSink { intake, room, units, lanes: Mutex::default() }
    }

    /// Lets a request of `bytes`, which has room already, in to its tenant's lane, which is opened
    /// if there is none.
    fn enter(&self, tenant: &str, bytes: usize) -> Result<AdmittedRequest, Refused> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let held = lanes.get(tenant).map_or(0, |lane| lane.under_way.get());
        let others =
            lanes.iter().filter(|(name, lane)| ***name != *tenant && lane.under_way.get() > 0);
        let usage = TenantUsage {
            limit: self.units * UNIT,
            used: self.units.saturating_sub(self.room.available_permits()) * UNIT,
            held,
            tenants: others.count() + 1,
            part: self.intake.rates.limits().of(tenant).memory,
        };
        if usage.wait_reason(0) == Some(WaitReason::Share) {
            let why = "the tenant has more requests under way than its share";
            self.intake.metrics.limited_for(tenant, Limit::RequestShare);
            return Err(refused(why));
        }
        // A lane that has failed is opened again.
        if lanes.get(tenant).is_none_or(|lane| lane.queue.is_closed()) {
            if lanes.len() >= MAX_TENANTS {
                let idle = lanes.iter().find(|(_, lane)| lane.under_way.get() == 0);
                let idle = idle.map(|(name, _)| name.clone()).ok_or_else(|| {
                    let why = "more tenants than an ingester serves at once";
                    self.refused(Limit::Tenants, why)
                })?;
                // It ends when all that came through it is settled.
                lanes.remove(&idle);
            }
            lanes.insert(tenant.into(), self.open(tenant.into()));
        }
        let Some(lane) = lanes.get(tenant) else { unreachable!("it was opened") };
        let (queue, under_way, bytes) = (lane.queue.clone(), lane.under_way.clone(), bytes.max(1));
        under_way.0.fetch_add(bytes, Ordering::Relaxed);
        Ok(AdmittedRequest { queue, under_way, bytes })
    }

    fn open(&self, tenant: Arc<str>) -> TenantLane {
        let (queue, requests) = mpsc::channel(LANE_QUEUE);
        self.intake.tasks.spawn(lane::run(self.intake.clone(), tenant, requests));
        TenantLane { queue, under_way: Arc::default() }
    }

    /// Whether the store's disk has room for what a request brings.
    fn has_disk(&self) -> Result<(), Refused> {
        match self.intake.disk.is_short() {
            true => Err(self.refused(Limit::RequestDisk, "the disk of the store is nearly full")),
            false => Ok(()),
        }
    }

    /// Whether the tenant owes nothing to its rates.
    fn may_send(&self, tenant: &str) -> Result<(), OfferError> {
        let Some(debt) = self.intake.rates.debt(tenant) else { return Ok(()) };
        let (limit, why) = match debt.met {
            Met::Spans => (Limit::RequestSpans, "the tenant has sent more spans than it may"),
            Met::Bytes => (Limit::RequestBytes, "the tenant has sent more bytes than it may"),
        };
        self.intake.metrics.limited_for(tenant, limit);
        let retry_after = debt.wait.clamp(SOONEST, LATEST);
        Err(OfferError::Limited(Refused { retry_after, why }))
    }

    /// Closes all lanes: each ends when all that came through it is settled.
    pub(super) fn close(&self) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn refused(&self, limit: Limit, why: &'static str) -> Refused {
        self.intake.metrics.limited(limit);
        refused(why)
    }
}

impl Sink for DirectSink {
    type Permit = OwnedSemaphorePermit;

    fn admit(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
        self.has_disk()?;
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let permit = self.room.clone().try_acquire_many_owned(units);
        permit.map_err(|_| {
            self.refused(Limit::RequestRoom, "the ingester has no room for more requests")
        })
    }

    async fn tenants(&self) -> tenant::Header {
        match self.intake.multitenancy {
            true => tenant::Header::Required,
            false => tenant::Header::Ignored,
        }
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        // It may have become short while the request was read.
        self.has_disk()?;
        let tenant = tenant.unwrap_or(tenant::SINGLE);
        self.may_send(tenant)?;
        let admitted = self.enter(tenant, request.len())?;
        let (answer, answered) = oneshot::channel();
        let gone = || self.refused(Limit::Leaving, "the ingester is leaving");
        match admitted.queue.try_send(PendingRequest { request, answer }) {
            Ok(()) => {}
            Err(TrySendError::Full(pending)) => {
                self.intake.metrics.limited(Limit::LaneQueue);
                admitted.queue.send(pending).await.map_err(|_| gone())?;
            }
            Err(TrySendError::Closed(_)) => return Err(gone().into()),
        }
        answered.await.map_err(|_| gone())?
    }
}

#[cfg(test)]
mod tests;
