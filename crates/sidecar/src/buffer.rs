//! The buffer: what receivers hand in is held here, byte for byte accounted for, until an
//! ingester has put it into object storage.
//!
//! There is one lane for each tenant and group of traces ([`lane::Lane`]). A request is walked
//! once, straight into the open columns of the lanes that its traces belong to; open columns are
//! cut into frames by age and size; a lane's carrier ([`crate::carrier`]) takes the frames to an
//! ingester. All of this is one structure under one lock that is never held across an await: the
//! sidecar has one thread.

mod carry;
mod intake;
mod lane;

use crate::batch::{BatchLimits, Cut, in_parts};
use crate::budget::{Budget, DrainRate};
use crate::enrich;
use crate::metrics::{Gauges, Metrics};
use crate::random::Rng;
use crate::route::MOST_GROUPS;
pub use carry::Meaning;
use lane::Lane;
pub use lane::Look;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tributary_span::columns::Builder;

/// Tenant of spans whose sender names none.
pub const DEFAULT_TENANT: &str = "single-tenant";

/// Which lane: the number of the tenant, in order of appearance, and the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneKey {
    tenant: usize,
    group: usize,
}

impl LaneKey {
    /// The group of traces.
    pub fn group(self) -> usize {
        self.group
    }

    /// The lane's number in the protocol: unlike any other of this process.
    pub fn number(self) -> u32 {
        u32::try_from(self.tenant * MOST_GROUPS + self.group).unwrap_or(u32::MAX)
    }
}

/// A lane that has work and nobody to carry it.
#[derive(Debug)]
pub struct NewLane {
    /// Which one.
    pub key: LaneKey,
    /// The tenant's name.
    pub tenant: Arc<str>,
    /// Raised whenever the lane's carrier should look at it again.
    pub wake: Arc<Notify>,
}

/// How the buffer works.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Tenant of all spans, whatever senders say.
    pub tenant: Option<String>,
    /// Added to resources that lack these keys.
    pub resource_attributes: Vec<(String, String)>,
}

/// See the module's page.
#[derive(Debug)]
pub struct Buffer {
    rules: Rules,
    limits: BatchLimits,
    budget: Arc<Budget>,
    metrics: Metrics,
    state: Mutex<State>,
    /// Columns were opened that were not open before.
    opened: Notify,
    /// There are lanes to be carried.
    new_lanes: Notify,
    /// Spans came, or something else changed that idle tasks wait for.
    activity: Notify,
    /// The last frame was settled.
    emptied: Notify,
    /// The end has begun.
    closed: CancellationToken,
}

#[derive(Debug)]
struct State {
    /// Lanes that a trace may go to now: 1 to [`MOST_GROUPS`].
    groups: usize,
    tenants: Vec<Tenant>,
    waiting: Vec<NewLane>,
    rate: DrainRate,
    rng: Rng,
    /// The end is near: nothing new is taken, nothing waits for company.
    closing: bool,
}

/// The lanes of a tenant. Both vectors have one entry for each group.
#[derive(Debug)]
struct Tenant {
    name: Arc<str>,
    builders: Vec<Builder>,
    lanes: Vec<Lane>,
}

impl Buffer {
    /// An empty buffer for `bytes` bytes.
    pub fn new(bytes: usize, limits: BatchLimits, rules: Rules, rng: Rng) -> Self {
        Buffer {
            rules,
            limits,
            budget: Arc::new(Budget::new(bytes)),
            metrics: Metrics::default(),
            state: Mutex::new(State {
                groups: 1,
                tenants: Vec::new(),
                waiting: Vec::new(),
                rate: DrainRate::new(Instant::now()),
                rng,
                closing: false,
            }),
            opened: Notify::new(),
            new_lanes: Notify::new(),
            activity: Notify::new(),
            emptied: Notify::new(),
            closed: CancellationToken::new(),
        }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How full it is.
    pub fn gauges(&self) -> Gauges {
        let state = self.lock();
        let mut gauges = Gauges {
            buffer_bytes: self.budget.used() as u64,
            buffer_limit_bytes: self.budget.limit() as u64,
            groups: state.groups as u64,
            ..Gauges::default()
        };
        for tenant in &state.tenants {
            gauges.open_spans += tenant.builders.iter().map(|b| b.len() as u64).sum::<u64>();
            for lane in &tenant.lanes {
                gauges.streams += u64::from(lane.outbox.is_attached());
                gauges.unacked_frames += lane.outbox.len() as u64;
                gauges.unacked_spans += lane.outbox.spans();
            }
        }
        gauges
    }

    /// Traces go to this many groups from now on. Lanes beyond them keep what they have until it
    /// is settled, and wait for no more.
    pub fn set_groups(&self, groups: usize) {
        let mut state = self.lock();
        state.groups = groups.clamp(1, MOST_GROUPS);
        let first_retired = state.groups;
        for tenant in &mut state.tenants {
            for (group, lane) in tenant.lanes.iter_mut().enumerate().skip(first_retired) {
                if let Some(builder) = tenant.builders.get_mut(group) {
                    self.cut(builder, lane);
                }
                lane.wake.notify_one();
            }
        }
    }

    /// Takes nothing more, and cuts what is open.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        for tenant in &mut state.tenants {
            for (builder, lane) in tenant.builders.iter_mut().zip(&mut tenant.lanes) {
                self.cut(builder, lane);
                lane.wake.notify_one();
            }
        }
        self.closed.cancel();
    }

    /// Whether the end has begun; and to wait for it.
    pub fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// Waits until nothing is held any more.
    pub async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Gives up what is still held; how many spans that were.
    pub fn give_up(&self) -> u64 {
        let gauges = self.gauges();
        let lost = gauges.open_spans + gauges.unacked_spans;
        self.metrics.dropped_shutdown.add(lost);
        lost
    }

    /// Cuts columns when they have become old enough. Runs for ever, and costs nothing while no
    /// columns are open.
    pub async fn cut_by_age(&self) {
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

    /// Waits until spans come in.
    pub async fn activity(&self) {
        self.activity.notified().await;
    }

    /// Waits for lanes that need a carrier.
    pub async fn new_lanes(&self) -> Vec<NewLane> {
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
        let mut state = self.lock();
        let closing = state.closing;
        let mut next: Option<Instant> = None;
        for tenant in &mut state.tenants {
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
        lane.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.tenants.iter().all(|tenant| {
            tenant.builders.iter().all(Builder::is_empty)
                && tenant.lanes.iter().all(|lane| lane.outbox.is_empty())
        })
    }

    fn lane(&mut self, key: LaneKey) -> Option<(&mut Builder, &mut Lane)> {
        let tenant = self.tenants.get_mut(key.tenant)?;
        Some((tenant.builders.get_mut(key.group)?, tenant.lanes.get_mut(key.group)?))
    }
}

#[cfg(test)]
mod tests;
