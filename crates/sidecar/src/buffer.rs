//! The buffer: what receivers hand in is held here, byte for byte accounted for, until an
//! ingester has put it into object storage.
//!
//! There is one lane for each tenant and group of traces ([`lane::Lane`]). A request is walked
//! once, straight into the open columns of the lanes that its traces belong to; open columns are
//! cut into frames by age and size; a lane's carrier ([`crate::carrier`]) takes the frames to an
//! ingester. All of this is one structure under one lock that is never held across an await: the
//! sidecar has one thread.

mod lane;

use crate::batch::{BatchLimits, Cut, in_parts};
use crate::budget::{Budget, DrainRate, Permit, retry_after};
use crate::enrich;
use crate::metrics::Metrics;
use crate::outbox::Settled;
use crate::random::Rng;
use crate::route::MOST_GROUPS;
use bytes::Bytes;
use lane::Lane;
pub use lane::Look;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};
use tributary_receivers::{OfferError, Refused, Sink};
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, Outcome, decode};
use tributary_wire::ring;
use tributary_wire::v1::{Frame, reply::Kind};

/// Tenant of spans whose sender names none.
pub const DEFAULT_TENANT: &str = "single-tenant";

/// Tenants that one sidecar serves: each costs up to [`MOST_GROUPS`] streams.
const MOST_TENANTS: usize = 16;

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

/// How full the buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauges {
    /// Bytes held.
    pub buffer_bytes: u64,
    /// Most bytes held.
    pub buffer_limit_bytes: u64,
    /// Streams attached.
    pub streams: u64,
    /// Frames without acknowledgement.
    pub unacked_frames: u64,
    /// Spans in them.
    pub unacked_spans: u64,
    /// Spans in open columns.
    pub open_spans: u64,
    /// Groups that traces are routed by.
    pub groups: u64,
}

/// What a reply means for the stream that it came on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing more.
    Settled,
    /// The ingester cannot take a frame now: go elsewhere with it.
    GoElsewhere,
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
            }
        }
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
        let mut columns = builder.take();
        enrich::add_missing(&mut columns, &self.rules.resource_attributes);
        in_parts(&columns, self.limits.bytes, |part| {
            let frame = lane.encoder.encode(part);
            self.budget.take(lane.outbox.push(frame));
        });
        self.budget.give(std::mem::take(&mut lane.charged));
        lane.wake.notify_one();
    }

    /// Walks a request into the lanes of `tenant`.
    fn take_in(&self, tenant: Option<&str>, request: &[u8]) -> Result<Outcome, OfferError> {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let tenant = self.rules.tenant.as_deref().or(tenant).unwrap_or(DEFAULT_TENANT);
        let number = match state.admit_tenant(tenant) {
            Ok(number) => number,
            Err(why) => return Err(self.refuse(request, why).into()),
        };
        let groups = state.groups;
        let Some(own) = state.tenants.get_mut(number) else {
            return Err(self.refuse(request, "no lane").into());
        };
        own.grow(groups);
        let count = u32::try_from(groups).unwrap_or(1);
        let route = |trace: &tributary_span::TraceId| ring::group(trace, count) as usize;
        let builders = own.builders.get_mut(..groups).unwrap_or_default();
        let outcome = decode::append(builders, route, request, &Limits::default())?;
        self.metrics.accepted.add(outcome.accepted);
        self.metrics.rejected.add(outcome.rejected);
        let mut opened = false;
        for (group, (builder, lane)) in builders.iter_mut().zip(&mut own.lanes).enumerate() {
            if builder.is_empty() {
                continue;
            }
            let bytes = builder.columns().bytes();
            self.budget.take(bytes.saturating_sub(lane.charged));
            lane.charged = bytes.max(lane.charged);
            if lane.opened.is_none() {
                lane.opened = Some(now);
                opened = true;
            }
            if !std::mem::replace(&mut lane.carried, true) {
                let key = LaneKey { tenant: number, group };
                let (tenant, wake) = (Arc::clone(&own.name), Arc::clone(&lane.wake));
                state.waiting.push(NewLane { key, tenant, wake });
                self.new_lanes.notify_one();
            }
            if self.limits.cut(lane.charged, lane.opened, now, false) == Cut::Now {
                self.cut(builder, lane);
            }
        }
        if opened {
            self.opened.notify_one();
            self.activity.notify_one();
        }
        Ok(outcome)
    }

    /// Refuses a request that was read.
    fn refuse(&self, request: &[u8], why: &'static str) -> Refused {
        // A request that cannot even be counted counts as none.
        self.metrics.refused.add(decode::count_spans(request).unwrap_or(0));
        self.metrics.requests_refused.add(1);
        Refused { retry_after: Duration::from_secs(1), why }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What carriers need. A key that names no lane changes nothing.
impl Buffer {
    /// How a lane stands.
    pub fn look(&self, key: LaneKey) -> Look {
        let mut state = self.lock();
        let retired = key.group >= state.groups || state.closing;
        match state.lane(key) {
            Some((builder, lane)) => lane.look(retired, !builder.is_empty()),
            None => Look { retired: true, ..Look::default() },
        }
    }

    /// Ends the work of a lane's carrier if there is none left and will be none. The lane's
    /// dictionaries end with its stream.
    pub fn retire(&self, key: LaneKey) -> bool {
        let mut state = self.lock();
        let retired = key.group >= state.groups || state.closing;
        let Some((builder, lane)) = state.lane(key) else { return true };
        let done = retired && builder.is_empty() && lane.outbox.is_empty();
        if done {
            lane.rest();
            *builder = Builder::new();
        }
        done
    }

    /// A stream was opened for the lane.
    pub fn attach(&self, key: LaneKey, credit: u64) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.attach(credit, Instant::now());
            self.metrics.streams_opened.add(1);
        }
    }

    /// The lane's stream is gone.
    pub fn detach(&self, key: LaneKey) {
        if let Some((_, lane)) = self.lock().lane(key) {
            lane.outbox.detach();
        }
    }

    /// The lane's next frame for its stream, if one may be sent now.
    pub fn send(&self, key: LaneKey) -> Option<Frame> {
        let mut state = self.lock();
        let (_, lane) = state.lane(key)?;
        loop {
            let sending = lane.outbox.send(Instant::now())?;
            let (seq, spans, again) = (sending.seq, sending.spans, sending.again);
            let Some(frame) = lane.frame(sending) else {
                error!(seq, spans, "definitions are missing, the frame is dropped");
                let settled = lane.outbox.give_up(seq, Instant::now());
                self.metrics.dropped_internal.add(settled.spans);
                self.budget.give(settled.bytes);
                continue;
            };
            let bytes = frame.payload.len() + frame.definitions.len();
            self.metrics.wire_bytes.add(bytes as u64);
            self.metrics.definition_bytes.add(frame.definitions.len() as u64);
            self.metrics.frames_sent.add(1);
            self.metrics.frames_resent.add(u64::from(again));
            return Some(frame);
        }
    }

    /// Applies a reply to the lane whose stream it came on.
    pub fn reply(&self, key: LaneKey, kind: &Kind) -> Meaning {
        let now = Instant::now();
        let mut guard = self.lock();
        let state = &mut *guard;
        let Some((_, lane)) = state.lane(key) else { return Meaning::Settled };
        let (settled, meaning) = match kind {
            Kind::Ack(ack) => {
                let settled = lane.outbox.acknowledge(ack.seq, ack.credit, now);
                self.metrics.acked.add(settled.spans);
                (settled, Meaning::Settled)
            }
            Kind::Reject(reject) => {
                let settled = lane.outbox.reject(reject.seq, reject.permanent, now);
                self.metrics.dropped_rejected.add(settled.spans);
                if reject.permanent {
                    let (seq, spans) = (reject.seq, settled.spans);
                    let reason = reject.reason().as_str_name();
                    let message = reject.message.as_str();
                    warn!(seq, spans, reason, message, "an ingester rejected spans for good");
                    (settled, Meaning::Settled)
                } else {
                    (settled, Meaning::GoElsewhere)
                }
            }
            Kind::Credit(credit) => {
                lane.outbox.set_credit(credit.bytes, now);
                (Settled::default(), Meaning::Settled)
            }
            Kind::Welcome(_) | Kind::Drain(_) | Kind::Members(_) => {
                (Settled::default(), Meaning::Settled)
            }
        };
        if settled.frames > 0 {
            lane.release();
            self.budget.give(settled.bytes);
            state.rate.note(settled.bytes, now);
            if state.is_empty() {
                self.emptied.notify_waiters();
            }
        }
        meaning
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.tenants.iter().all(|tenant| {
            tenant.builders.iter().all(Builder::is_empty)
                && tenant.lanes.iter().all(|lane| lane.outbox.is_empty())
        })
    }

    /// The number of the tenant of this name, which is added if there is room for one.
    fn admit_tenant(&mut self, name: &str) -> Result<usize, &'static str> {
        if self.closing {
            return Err("the sidecar is about to stop");
        }
        if let Some(number) = self.tenants.iter().position(|t| &*t.name == name) {
            return Ok(number);
        }
        if self.tenants.len() >= MOST_TENANTS {
            return Err("more tenants than a sidecar serves");
        }
        self.tenants.push(Tenant { name: name.into(), builders: Vec::new(), lanes: Vec::new() });
        Ok(self.tenants.len() - 1)
    }

    fn lane(&mut self, key: LaneKey) -> Option<(&mut Builder, &mut Lane)> {
        let tenant = self.tenants.get_mut(key.tenant)?;
        Some((tenant.builders.get_mut(key.group)?, tenant.lanes.get_mut(key.group)?))
    }
}

impl Tenant {
    fn grow(&mut self, groups: usize) {
        if self.lanes.len() < groups {
            self.builders.resize_with(groups, Builder::new);
            self.lanes.resize_with(groups, Lane::default);
        }
    }
}

impl Sink for Buffer {
    type Permit = Permit;

    fn admit(&self, bytes: usize) -> Result<Permit, Refused> {
        if let Some(permit) = self.budget.admit(bytes) {
            return Ok(permit);
        }
        self.metrics.requests_refused.add(1);
        let mut state = self.lock();
        let rate = state.rate.at(Instant::now());
        let (used, limit) = (self.budget.used(), self.budget.limit());
        let retry_after = retry_after(used, bytes, limit, rate, &mut state.rng);
        Err(Refused { retry_after, why: "the sidecar's buffer is full" })
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        self.take_in(tenant, &request)
    }
}

#[cfg(test)]
mod tests;
