//! All lanes, by tenant and group, and what they have in common.
//!
//! There is room for [`MOST_TENANTS`]. A tenant of which nothing is held makes way for a new one,
//! the longest unused first; its number is never given again, since `(incarnation, lane, seq)` names
//! a frame for ever (the wire's rule W3) and a new tenant's frames begin at 1.

use super::budget::DrainRate;
use super::lane::Lane;
use crate::metrics::Gauges;
use crate::random::Rng;
use crate::route::MOST_GROUPS;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;
use tributary_span::columns::Builder;

/// Tenants that one sidecar serves at a time: each costs up to [`MOST_GROUPS`] streams.
pub(super) const MOST_TENANTS: usize = 16;
/// Tenants that one process serves in all: the wire numbers lanes by 32 bits.
const MOST_NUMBERS: usize = u32::MAX as usize / MOST_GROUPS;

/// Which lane: the number of the tenant, in order of appearance, and the group. A key outlives its
/// lane when the tenant is forgotten, and names none then.
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
    /// The number of the next tenant.
    next_number: usize,
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
    /// Its own for as long as the process runs.
    pub number: usize,
    pub name: Arc<str>,
    /// When spans came for it last.
    used: Instant,
    pub builders: Vec<Builder>,
    pub lanes: Vec<Lane>,
}

impl Lanes {
    /// None yet.
    pub(super) fn new(rng: Rng) -> Self {
        Lanes {
            groups: 1,
            tenants: Vec::new(),
            next_number: 0,
            waiting: Vec::new(),
            rate: DrainRate::new(Instant::now()),
            rng,
            closing: false,
        }
    }

    /// What they hold.
    pub(super) fn gauges(&self) -> Gauges {
        let (groups, tenants) = (self.groups as u64, self.tenants.len() as u64);
        let mut gauges = Gauges { groups, tenants, ..Gauges::default() };
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
        self.tenants.iter().all(Tenant::is_empty)
    }

    /// A lane and its open columns.
    pub(super) fn lane(&mut self, key: LaneKey) -> Option<(&mut Builder, &mut Lane)> {
        let tenant = self.tenants.iter_mut().find(|tenant| tenant.number == key.tenant)?;
        Some((tenant.builders.get_mut(key.group)?, tenant.lanes.get_mut(key.group)?))
    }

    /// The tenant of this name, for which spans have come at `now`. It is added if there is room for
    /// one, or if another one can be forgotten.
    ///
    /// # Errors
    /// Why spans are not taken now; they may be later.
    pub(super) fn admit_tenant(&mut self, name: &str, now: Instant) -> Result<Place, &'static str> {
        if self.closing {
            return Err("the sidecar is about to stop");
        }
        let known = self.tenants.iter().position(|tenant| &*tenant.name == name);
        if let Some((at, tenant)) = known.and_then(|at| Some((at, self.tenants.get_mut(at)?))) {
            tenant.used = now;
            return Ok(Place { at, forgotten: None });
        }
        if self.next_number >= MOST_NUMBERS {
            return Err("the sidecar has served as many tenants as it can: restart it");
        }
        let forgotten = match self.tenants.len() < MOST_TENANTS {
            true => None,
            false => Some(self.forget_one().ok_or(TOO_MANY)?),
        };
        self.tenants.push(Tenant::new(self.next_number, name, now));
        self.next_number += 1;
        Ok(Place { at: self.tenants.len() - 1, forgotten })
    }

    /// Forgets the longest unused of the tenants of which nothing is held, if there is one; its
    /// forwarders find that their lanes are no more.
    fn forget_one(&mut self) -> Option<Arc<str>> {
        let idle = self.tenants.iter().enumerate().filter(|(_, tenant)| tenant.is_empty());
        let (at, _) = idle.min_by_key(|(_, tenant)| tenant.used)?;
        let tenant = self.tenants.remove(at);
        tenant.lanes.iter().for_each(|lane| lane.wake.notify_one());
        Some(tenant.name)
    }
}

/// What a tenant is told that comes when the table is full and all in it are busy.
const TOO_MANY: &str =
    "more tenants at a time than a sidecar serves: come again when another one's spans are stored";

/// Where a tenant stands.
#[derive(Debug)]
pub(super) struct Place {
    /// In [`Lanes::tenants`].
    pub at: usize,
    /// The tenant that was forgotten for it.
    pub forgotten: Option<Arc<str>>,
}

impl Tenant {
    fn new(number: usize, name: &str, used: Instant) -> Self {
        Tenant { number, name: name.into(), used, builders: Vec::new(), lanes: Vec::new() }
    }

    /// Whether nothing of it is held: neither spans nor frames without acknowledgement.
    fn is_empty(&self) -> bool {
        self.builders.iter().all(Builder::is_empty)
            && self.lanes.iter().all(|lane| lane.outbox.is_empty())
    }

    /// Has lanes for this many groups at least.
    pub(super) fn grow(&mut self, groups: usize) {
        if self.lanes.len() < groups {
            self.builders.resize_with(groups, Builder::new);
            self.lanes.resize_with(groups, Lane::default);
        }
    }
}
