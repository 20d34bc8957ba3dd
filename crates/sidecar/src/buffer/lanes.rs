//! All lanes, by tenant and group, and what they have in common.

use super::budget::DrainRate;
use super::lane::Lane;
use crate::metrics::Gauges;
use crate::random::Rng;
use crate::route::MOST_GROUPS;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;
use tributary_span::columns::Builder;

/// Tenants that one sidecar serves: each costs up to [`MOST_GROUPS`] streams.
pub(super) const MOST_TENANTS: usize = 16;

/// Which lane: the number of the tenant, in order of appearance, and the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LaneKey {
    pub(super) tenant: usize,
    pub(super) group: usize,
}

impl LaneKey {
    /// The group of traces.
    pub(crate) fn group(self) -> usize {
        self.group
    }

    /// The lane's number in the protocol: unlike any other of this process.
    pub(crate) fn number(self) -> u32 {
        u32::try_from(self.tenant * MOST_GROUPS + self.group).unwrap_or(u32::MAX)
    }
}

/// A lane that has work and no forwarder yet.
#[derive(Debug)]
pub(crate) struct NewLane {
    /// Which one.
    pub(crate) key: LaneKey,
    /// The tenant's name.
    pub(crate) tenant: Arc<str>,
    /// Raised whenever the lane's forwarder should look at it again.
    pub(crate) wake: Arc<Notify>,
}

/// What the buffer's lock guards.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Lanes that a trace may go to now: 1 to [`MOST_GROUPS`].
    pub groups: usize,
    pub tenants: Vec<Tenant>,
    /// Lanes that have work and no forwarder yet.
    pub waiting: Vec<NewLane>,
    /// How fast they have been emptying.
    pub rate: DrainRate,
    pub rng: Rng,
    /// The end is near: nothing new is taken, nothing waits for company.
    pub closing: bool,
}

/// The lanes of a tenant. Both vectors have one entry for each group.
#[derive(Debug)]
pub(super) struct Tenant {
    pub name: Arc<str>,
    pub builders: Vec<Builder>,
    pub lanes: Vec<Lane>,
}

impl Lanes {
    /// None yet.
    pub(super) fn new(rng: Rng) -> Self {
        Lanes {
            groups: 1,
            tenants: Vec::new(),
            waiting: Vec::new(),
            rate: DrainRate::new(Instant::now()),
            rng,
            closing: false,
        }
    }

    /// What they hold.
    pub(super) fn gauges(&self) -> Gauges {
        let mut gauges = Gauges { groups: self.groups as u64, ..Gauges::default() };
        for tenant in &self.tenants {
            gauges.open_spans += tenant.builders.iter().map(|b| b.len() as u64).sum::<u64>();
            for lane in &tenant.lanes {
                gauges.streams += u64::from(lane.outbox.is_attached());
                gauges.unacked_frames += lane.outbox.len() as u64;
                gauges.unacked_spans += lane.outbox.spans();
            }
        }
        gauges
    }

    /// Whether they hold no span.
    pub(super) fn is_empty(&self) -> bool {
        self.tenants.iter().all(|tenant| {
            tenant.builders.iter().all(Builder::is_empty)
                && tenant.lanes.iter().all(|lane| lane.outbox.is_empty())
        })
    }

    /// A lane and its open columns.
    pub(super) fn lane(&mut self, key: LaneKey) -> Option<(&mut Builder, &mut Lane)> {
        let tenant = self.tenants.get_mut(key.tenant)?;
        Some((tenant.builders.get_mut(key.group)?, tenant.lanes.get_mut(key.group)?))
    }

    /// The number of the tenant of this name, which is added if there is room for one.
    pub(super) fn admit_tenant(&mut self, name: &str) -> Result<usize, &'static str> {
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
    /// Has lanes for this many groups at least.
    pub(super) fn grow(&mut self, groups: usize) {
        if self.lanes.len() < groups {
            self.builders.resize_with(groups, Builder::new);
            self.lanes.resize_with(groups, Lane::default);
        }
    }
}
