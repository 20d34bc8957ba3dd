//! The buffer: what receivers hand in is held here, byte for byte accounted for, until an
//! ingester has put it into object storage.
//!
//! There is one lane for each tenant and group of traces ([`lanes`]). A request is walked once,
//! straight into the open columns of the lanes that its traces belong to ([`intake`]); open columns
//! are cut into frames by age and size; a lane's forwarder ([`crate::forward`]) takes the frames to
//! an ingester ([`outlet`]) and each stays in the lane's [`outbox`] until it is settled. All of this
//! is one structure under one lock that is never held across an await: the sidecar has one thread.

mod budget;
mod intake;
mod lane;
mod lanes;
mod outbox;
mod outlet;

pub(crate) use lanes::{LaneKey, NewLane};
pub(crate) use outlet::AfterReply;

use crate::batch::{BatchLimits, Cut, in_parts};
use crate::enrich;
use crate::metrics::{Gauges, Metrics};
use crate::random::Rng;
use crate::route::MOST_GROUPS;
use crate::tenancy::Tenancy;
use budget::Budget;
use lane::Lane;
use lanes::Lanes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tributary_span::columns::Builder;

/// How the buffer works.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Tenant of all spans, whatever senders say.
    pub(crate) tenant: Option<String>,
    /// Added to resources that lack these keys.
    pub(crate) resource_attributes: Vec<(String, String)>,
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Buffer {
    rules: Rules,
    tenancy: Tenancy,
    limits: BatchLimits,
    budget: Arc<Budget>,
    metrics: Arc<Metrics>,
    lanes: Mutex<Lanes>,
    /// Columns were opened that were not open before.
    opened: Notify,
    /// There are lanes without a forwarder.
    new_lanes: Notify,
    /// Spans came in.
    activity: Arc<Notify>,
    /// Frames were settled, or columns became frames: less is held.
    eased: Notify,
    /// The last frame was settled.
    emptied: Notify,
    /// The end has begun.
    closed: CancellationToken,
}

impl Buffer {
    /// An empty buffer for `bytes` bytes.
    pub(crate) fn new(bytes: usize, limits: BatchLimits, rules: Rules, rng: Rng) -> Self {
        Buffer {
            tenancy: Tenancy::new(rules.tenant.is_some()),
            rules,
            limits,
            budget: Arc::new(Budget::new(bytes)),
            metrics: Arc::default(),
            lanes: Mutex::new(Lanes::new(rng)),
            opened: Notify::new(),
            new_lanes: Notify::new(),
            activity: Arc::default(),
            eased: Notify::new(),
            emptied: Notify::new(),
            closed: CancellationToken::new(),
        }
    }

    /// What it means that applications name tenants.
    pub(crate) fn tenancy(&self) -> &Tenancy {
        &self.tenancy
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// How full it is.
    pub(crate) fn gauges(&self) -> Gauges {
        Gauges {
            buffer_bytes: self.budget.used() as u64,
            buffer_limit_bytes: self.budget.limit() as u64,
            ..self.lock().gauges()
        }
    }

    /// Traces go to this many groups from now on. Lanes beyond them keep what they have until it
    /// is settled, and wait for no more.
    pub(crate) fn set_groups(&self, groups: usize) {
        let mut lanes = self.lock();
        lanes.groups = groups.clamp(1, MOST_GROUPS);
        let first_retired = lanes.groups;
        for tenant in &mut lanes.tenants {
            for (group, lane) in tenant.lanes.iter_mut().enumerate().skip(first_retired) {
                if let Some(builder) = tenant.builders.get_mut(group) {
                    self.cut(builder, lane);
                }
                lane.wake.notify_one();
            }
        }
    }

    /// Takes nothing more, and cuts what is open.
    pub(crate) fn close(&self) {
        let mut lanes = self.lock();
        lanes.closing = true;
        for tenant in &mut lanes.tenants {
            for (builder, lane) in tenant.builders.iter_mut().zip(&mut tenant.lanes) {
                self.cut(builder, lane);
                lane.wake.notify_one();
            }
        }
        self.eased.notify_waiters();
        self.closed.cancel();
    }

    /// Whether the end has begun; and to wait for it.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Waits until nothing is held any more.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Gives up what is still held, and counts it as lost.
    pub(crate) fn give_up(&self) {
        let gauges = self.gauges();
        self.metrics.dropped_shutdown.add(gauges.open_spans + gauges.unacked_spans);
    }

    /// Cuts columns when they have become old enough. Runs for ever, and costs nothing while no
    /// columns are open.
    pub(crate) async fn cut_by_age(&self) {
        loop {
            let next = self.cut_due(Instant::now());
            tokio::select! {
                biased;
                () = self.opened.notified() => {}
                () = async { match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                } } => {}
            }
        }
    }

    /// Raised when spans come in.
    pub(crate) fn activity(&self) -> Arc<Notify> {
        Arc::clone(&self.activity)
    }

    /// Waits for lanes that need a forwarder.
    pub(crate) async fn new_lanes(&self) -> Vec<NewLane> {
        loop {
            let new = std::mem::take(&mut self.lock().waiting);
            if !new.is_empty() {
                return new;
            }
            self.new_lanes.notified().await;
        }
    }

    /// Cuts what is due at `now`; when the next will be.
    fn cut_due(&self, now: Instant) -> Option<Instant> {
        let mut lanes = self.lock();
        let closing = lanes.closing;
        let mut next: Option<Instant> = None;
        for tenant in &mut lanes.tenants {
            for (builder, lane) in tenant.builders.iter_mut().zip(&mut tenant.lanes) {
                match self.limits.cut(lane.charged, lane.opened, now, closing) {
                    Cut::Nothing => {}
                    Cut::Now => self.cut(builder, lane),
                    Cut::At(at) => next = Some(next.map_or(at, |n| n.min(at))),
                }
            }
        }
        next
    }

    /// Makes frames of a lane's open columns.
    fn cut(&self, builder: &mut Builder, lane: &mut Lane) {
        lane.opened = None;
        if builder.is_empty() {
            return;
        }
        let large = lane.charged > self.limits.bytes.saturating_mul(2);
        builder.drain_with(|columns| {
            enrich::add_missing(columns, &self.rules.resource_attributes);
            in_parts(columns, self.limits.bytes, |part| {
                let frame = lane.encoder.encode(part);
                self.budget.take(lane.outbox.push(frame));
            });
        });
        if large {
            // Not every batch will need so much memory.
            *builder = Builder::new();
        }
        self.budget.give(std::mem::take(&mut lane.charged));
        self.eased.notify_waiters();
        lane.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
