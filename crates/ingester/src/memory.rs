//! One budget in bytes for all spans in memory, and how much of it each tenant holds.
//!
//! Bytes are taken before a frame is decoded and travel with its spans until their block is
//! visible. Which tenant must wait, and which of those that wait is next, is decided by
//! `fair_share`: no tenant can starve another one, however many streams it has. A merge takes its part of
//! it first (`aside`). What traces take that are read back is beside it (`large_reads`).

mod aside;
mod fair_share;
mod large_reads;

pub(crate) use fair_share::{TenantUsage, WaitReason};
pub use large_reads::Reading;
pub(crate) use large_reads::{LargeReads, Read};

use crate::tenant_limits::Limits;
use fair_share::FairShare;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot, watch};

/// Bytes are counted in units of this many, so that small changes wake no task.
const UNIT: usize = 1024;

/// The budget. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    shares: Arc<Mutex<FairShare<oneshot::Sender<Permit>>>>,
    /// Which part of it each tenant has when it is short. None: all the same.
    limits: Option<watch::Receiver<Arc<Limits>>>,
    units: usize,
    /// Wakes the task that evicts: a frame has to wait, or there may be more that can be evicted.
    pressure: Arc<Notify>,
}

/// The budget in numbers, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemoryUsage {
    /// The budget, without what is set aside.
    pub limit: usize,
    /// Taken.
    pub used: usize,
    /// Waited for.
    pub wanted: usize,
}

/// Bytes held. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Permit {
    units: usize,
    tenant: Arc<str>,
    memory: MemoryBudget,
}

impl Permit {
    /// What it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.units * UNIT
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.memory.release(&self.tenant, self.units);
    }
}

/// A place in the line for bytes. Dropping it leaves the line.
#[derive(Debug)]
pub(crate) struct Queued {
    why: WaitReason,
    /// Until it has come.
    granted: Option<oneshot::Receiver<Permit>>,
    memory: MemoryBudget,
}

/// The answer to a request for bytes.
#[derive(Debug)]
pub(crate) enum Admission {
    /// Here they are.
    Granted(Permit),
    /// Not now.
    Queued(Queued),
}

impl MemoryBudget {
    /// A budget of `bytes`.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).max(1);
        let shares = Arc::new(Mutex::new(FairShare::new(units)));
        MemoryBudget { shares, limits: None, units, pressure: Arc::default() }
    }

    /// Of which tenants have the parts that these limits say, at any time.
    pub(crate) fn shared_by(self, limits: watch::Receiver<Arc<Limits>>) -> Self {
        self.lock().set_limits(limits.borrow().clone());
        MemoryBudget { limits: Some(limits), ..self }
    }

    fn lock(&self) -> MutexGuard<'_, FairShare<oneshot::Sender<Permit>>> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limits) = &self.limits {
            let limits = limits.borrow();
            if !shares.goes_by(&limits) {
                shares.set_limits(limits.clone());
            }
        }
        shares
    }

    /// What is taken and what is waited for.
    pub(crate) fn usage(&self) -> MemoryUsage {
        let shares = self.lock();
        let (used, wanted) = (shares.used() * UNIT, shares.wanted().saturating_mul(UNIT));
        MemoryUsage { limit: shares.limit() * UNIT, used, wanted }
    }

    /// Waits until a frame has to wait, or [`MemoryBudget::request_check`] was called.
    pub(crate) async fn check_requested(&self) {
        self.pressure.notified().await;
    }

    /// Spans came to rest in a generation: the task that evicts may be able to make room now.
    pub(crate) fn request_check(&self) {
        self.pressure.notify_one();
    }

    /// Bytes in all.
    pub fn limit(&self) -> usize {
        self.units * UNIT
    }

    /// Bytes in use, or set aside.
    pub fn used(&self) -> usize {
        let shares = self.lock();
        (shares.used() + shares.aside()) * UNIT
    }

    /// Whether this tenant gets nothing more at the moment because of what it holds.
    pub(crate) fn is_over_share(&self, tenant: &str) -> bool {
        self.lock().wait_reason(tenant) == Some(WaitReason::Share)
    }

    /// Asks for `bytes` for a frame of this tenant. More than the whole budget counts as the whole
    /// budget, so that nothing waits for ever; what a frame may claim is bounded before.
    pub(crate) fn admit(&self, tenant: &Arc<str>, bytes: usize) -> Admission {
        let units = bytes.div_ceil(UNIT).min(self.units);
        let (waiter, mut granted) = oneshot::channel();
        let why = {
            let mut shares = self.lock();
            let Err(why) = shares.take(tenant, units) else {
                drop(shares);
                return Admission::Granted(self.permit(tenant.clone(), units));
            };
            shares.wait(tenant, units, waiter);
            why
        };
        // It may be the next all the same: others wait because of what they hold.
        self.serve();
        match granted.try_recv() {
            Ok(permit) => Admission::Granted(permit),
            Err(_) => {
                self.request_check();
                Admission::Queued(Queued { why, granted: Some(granted), memory: self.clone() })
            }
        }
    }

    fn permit(&self, tenant: Arc<str>, units: usize) -> Permit {
        Permit { units, tenant, memory: self.clone() }
    }

    fn release(&self, tenant: &str, units: usize) {
        self.lock().release(tenant, units);
        self.serve();
    }

    /// Serves those that wait, as far as there is room now.
    fn serve(&self) {
        loop {
            let next = self.lock().next();
            let Some((tenant, units, waiter)) = next else { return };
            // A permit whose frame waits no more gives itself back.
            drop(waiter.send(self.permit(tenant, units)));
        }
    }

    /// Sets a permit right to `bytes`. Giving back is immediate; what is missing is taken only if
    /// it is free, since the columns are there already and the estimate was meant to be high.
    pub(crate) fn adjust(&self, permit: &mut Permit, bytes: usize) {
        let wanted = bytes.div_ceil(UNIT).min(self.units);
        if wanted < permit.units {
            self.release(&permit.tenant, permit.units - wanted);
            permit.units = wanted;
        } else if self.lock().charge_if_free(&permit.tenant, wanted - permit.units) {
            permit.units = wanted;
        }
    }
}

impl Queued {
    /// What it waits for.
    pub(crate) fn why(&self) -> WaitReason {
        self.why
    }

    /// Waits for its turn.
    pub(crate) async fn granted(mut self) -> Permit {
        let permit = match self.granted.as_mut() {
            Some(granted) => granted.await,
            None => unreachable!("it is waited for once"),
        };
        self.granted = None;
        match permit {
            Ok(permit) => permit,
            Err(_) => unreachable!("a place in the line keeps the budget"),
        }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(mut granted) = self.granted.take() {
            granted.close();
            self.memory.lock().retain(|waiter| !waiter.is_closed());
            self.memory.serve();
        }
    }
}

#[cfg(test)]
mod tests;
