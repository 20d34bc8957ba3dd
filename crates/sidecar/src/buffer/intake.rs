//! The way in: what receivers ask of the buffer.

use super::lane::Lane;
use super::{Buffer, DEFAULT_TENANT, LaneKey, NewLane, State, Tenant};
use crate::batch::Cut;
use crate::budget::{Permit, retry_after};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_receivers::{OfferError, Refused, Sink};
use tributary_span::TraceId;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, Outcome, decode};
use tributary_wire::ring;

/// Tenants that one sidecar serves: each costs up to [`MOST_GROUPS`] streams.
pub(super) const MOST_TENANTS: usize = 16;

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

impl Buffer {
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
}

impl State {
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
}

impl Tenant {
    fn grow(&mut self, groups: usize) {
        if self.lanes.len() < groups {
            self.builders.resize_with(groups, Builder::new);
            self.lanes.resize_with(groups, Lane::default);
        }
    }
}
