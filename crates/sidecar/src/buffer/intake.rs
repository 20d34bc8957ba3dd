//! The way in: what receivers ask of the buffer.

use super::budget::{Permit, retry_after};
use super::{Buffer, LaneKey, NewLane};
use crate::batch::Cut;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::debug;
use tributary_receivers::{OfferError, Refused, Sink};
use tributary_span::TraceId;
use tributary_span::otlp::{Limits, Outcome, decode};
use tributary_span::tenant;
use tributary_wire::ring;

impl Sink for Buffer {
    type Permit = Permit;

    fn admit(&self, bytes: usize) -> Result<Permit, Refused> {
        if let Some(permit) = self.budget.admit(bytes) {
            return Ok(permit);
        }
        self.metrics.requests_refused.inc();
        let mut lanes = self.lock();
        let rate = lanes.rate.at(Instant::now());
        let (used, limit) = (self.budget.used(), self.budget.limit());
        let retry_after = retry_after(used, bytes, limit, rate, &mut lanes.rng);
        Err(Refused { retry_after, why: "the sidecar's buffer is full" })
    }

    async fn tenants(&self) -> tenant::Header {
        self.tenancy.header().await
    }

    async fn offer(&self, tenant: Option<&str>, request: Bytes) -> Result<Outcome, OfferError> {
        self.take_in(tenant, &request)
    }

    async fn pace(&self) {
        let until = Instant::now() + LONGEST_PACE;
        loop {
            let eased = self.eased.notified();
            if !self.is_ahead(Instant::now()) {
                return;
            }
            tokio::select! {
                () = eased => {}
                () = sleep_until(until) => return,
            }
        }
    }
}

/// The longest time that the answer to a sender is kept back.
pub(super) const LONGEST_PACE: Duration = Duration::from_secs(1);
/// The share of the buffer that is filled at once while ingesters take what comes. The rest is for
/// the time in which they do not.
const PACED_ABOVE: usize = 4;

impl Buffer {
    /// Whether senders are faster than the ingesters, which do take what comes. When they do not,
    /// the buffer is to be filled: that is what it is for.
    fn is_ahead(&self, now: Instant) -> bool {
        if self.budget.used() <= self.budget.limit() / PACED_ABOVE {
            return false;
        }
        let lanes = self.lock();
        lanes.rate.flows(now) && !lanes.closing
    }

    /// Walks a request into the lanes of `tenant`.
    fn take_in(&self, tenant: Option<&str>, request: &[u8]) -> Result<Outcome, OfferError> {
        let now = Instant::now();
        let mut guard = self.lock();
        let lanes = &mut *guard;
        let tenant = self.rules.tenant.as_deref().or(tenant).unwrap_or(tenant::SINGLE);
        let place = match lanes.admit_tenant(tenant, now) {
            Ok(place) => place,
            Err(why) => return Err(self.refuse(request, why).into()),
        };
        if let Some(forgotten) = place.forgotten {
            self.metrics.tenants_forgotten.inc();
            debug!(%forgotten, new = tenant, "a tenant without spans makes way for another one");
        }
        let groups = lanes.groups;
        let Some(own) = lanes.tenants.get_mut(place.at) else {
            return Err(self.refuse(request, "no lane").into());
        };
        own.grow(groups);
        let count = u32::try_from(groups).unwrap_or(1);
        let route = |trace: &TraceId| ring::group(trace, count) as usize;
        let builders = own.builders.get_mut(..groups).unwrap_or_default();
        let outcome = decode::append_routed(builders, &route, request, &Limits::default())?;
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
            if !std::mem::replace(&mut lane.forwarded, true) {
                let key = LaneKey { tenant: own.number, group };
                let (tenant, wake) = (Arc::clone(&own.name), Arc::clone(&lane.wake));
                lanes.waiting.push(NewLane { key, tenant, wake });
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
        self.metrics.requests_refused.inc();
        Refused { retry_after: Duration::from_secs(1), why }
    }
}
