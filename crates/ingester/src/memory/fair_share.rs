//! Which tenant gets memory next: decisions over plain data, no waiting.
//!
//! 1. As long as there is room, every tenant may borrow.
//! 2. When more than four fifths are in use, a tenant that holds more than its share waits: a share
//!    is what its limits say, or else the budget divided by the tenants that hold or want any of it.
//! 3. The last tenth is kept for tenants that hold less than a tenth, so that a newcomer finds room
//!    however loud a tenant was that had everything for itself.
//! 4. Of those that wait, the tenant that holds least is next, and nothing overtakes it: neither a
//!    crowd of another tenant's frames that came before, nor small frames that would still fit.
//!    Within a tenant, whose frames are those of all its streams, first come is first served.
//!
//! What is set aside for other work than spans is no part of the budget until it comes back.

use crate::tenant_limits::Limits;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Why a frame waits for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitReason {
    /// There is not enough, or others are before it.
    Budget,
    /// Its tenant holds more than its share while little is left.
    Share,
}

/// What a tenant holds beside the others, in any unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TenantUsage {
    /// All there is.
    pub(crate) limit: usize,
    /// What all tenants hold.
    pub(crate) used: usize,
    /// What this one holds.
    pub(crate) held: usize,
    /// Tenants that hold or want any, this one included.
    pub(crate) tenants: usize,
    /// The part of all there is that its limits give it, if they do.
    pub(crate) part: Option<f64>,
}

impl TenantUsage {
    /// What the tenant may hold when little is left.
    fn share(&self) -> usize {
        match self.part {
            None => self.limit / self.tenants.max(1),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                clippy::cast_sign_loss,
                reason = "a part of a number of units, which are far fewer than 2^52"
            )]
            Some(part) => (self.limit as f64 * part) as usize,
        }
    }

    /// Why the tenant cannot have `wanted` more now, if it cannot.
    pub(crate) fn wait_reason(&self, wanted: usize) -> Option<WaitReason> {
        let TenantUsage { limit, used, held, .. } = *self;
        let after = used.saturating_add(wanted);
        if used == 0 {
            return None;
        }
        let above_share = used > limit / 5 * 4 && held > self.share();
        let in_reserve = after > limit / 10 * 9 && held > limit / 10;
        if above_share || in_reserve {
            Some(WaitReason::Share)
        } else {
            (after > limit).then_some(WaitReason::Budget)
        }
    }
}

/// What each tenant holds and wants, in units. `W` stands for a frame that waits.
#[derive(Debug)]
pub(super) struct FairShare<W> {
    whole: usize,
    /// Of the whole.
    aside: usize,
    used: usize,
    /// Only those that hold or want something.
    tenants: BTreeMap<Arc<str>, Tenant<W>>,
    waiting: usize,
    limits: Arc<Limits>,
}

#[derive(Debug)]
struct Tenant<W> {
    held: usize,
    waiting: VecDeque<(usize, W)>,
}

impl<W> FairShare<W> {
    pub(super) fn new(limit: usize) -> Self {
        let (tenants, limits) = (BTreeMap::new(), Arc::default());
        FairShare { whole: limit, aside: 0, used: 0, tenants, waiting: 0, limits }
    }

    /// Whether these are the limits that it goes by.
    pub(super) fn goes_by(&self, limits: &Arc<Limits>) -> bool {
        Arc::ptr_eq(&self.limits, limits)
    }

    /// Goes by these limits from now on.
    pub(super) fn set_limits(&mut self, limits: Arc<Limits>) {
        self.limits = limits;
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// What tenants may use.
    pub(super) fn limit(&self) -> usize {
        self.whole.saturating_sub(self.aside)
    }

    pub(super) fn aside(&self) -> usize {
        self.aside
    }

    /// Sets so much aside from now on, whatever is in use.
    pub(super) fn set_aside(&mut self, units: usize) {
        self.aside += units;
    }

    /// Gives back what was set aside.
    pub(super) fn put_back(&mut self, units: usize) {
        self.aside = self.aside.saturating_sub(units);
    }

    /// What is waited for.
    pub(super) fn wanted(&self) -> usize {
        self.tenants.values().flat_map(|t| &t.waiting).map(|(units, _)| units).sum()
    }

    fn usage(&self, tenant: &str) -> TenantUsage {
        let held = self.tenants.get(tenant).map(|t| t.held);
        TenantUsage {
            limit: self.limit(),
            used: self.used,
            held: held.unwrap_or_default(),
            tenants: self.tenants.len() + usize::from(held.is_none()),
            part: self.limits.of(tenant).memory,
        }
    }

    /// Why the tenant gets nothing at the moment, if that is so.
    pub(super) fn wait_reason(&self, tenant: &str) -> Option<WaitReason> {
        self.usage(tenant).wait_reason(0)
    }

    /// Takes `units` if no frame waits and the rules allow it.
    pub(super) fn take(&mut self, tenant: &Arc<str>, units: usize) -> Result<(), WaitReason> {
        match self.usage(tenant).wait_reason(units) {
            Some(why) => Err(why),
            None if self.waiting > 0 => Err(WaitReason::Budget),
            None => {
                self.charge(tenant, units);
                Ok(())
            }
        }
    }

    /// Takes `units` if they are free, even before frames that wait: they are in use already.
    pub(super) fn charge_if_free(&mut self, tenant: &Arc<str>, units: usize) -> bool {
        let free = units <= self.limit().saturating_sub(self.used);
        if free {
            self.charge(tenant, units);
        }
        free
    }

    fn charge(&mut self, tenant: &Arc<str>, units: usize) {
        self.used += units;
        self.tenant(tenant).held += units;
    }

    fn tenant(&mut self, tenant: &Arc<str>) -> &mut Tenant<W> {
        let none = || Tenant { held: 0, waiting: VecDeque::new() };
        self.tenants.entry(tenant.clone()).or_insert_with(none)
    }

    /// Puts a frame at the end of its tenant's line.
    pub(super) fn wait(&mut self, tenant: &Arc<str>, units: usize, waiter: W) {
        self.tenant(tenant).waiting.push_back((units, waiter));
        self.waiting += 1;
    }

    /// Gives back.
    pub(super) fn release(&mut self, tenant: &str, units: usize) {
        self.used = self.used.saturating_sub(units);
        if let Some(found) = self.tenants.get_mut(tenant) {
            found.held = found.held.saturating_sub(units);
            if found.held == 0 && found.waiting.is_empty() {
                self.tenants.remove(tenant);
            }
        }
    }

    /// Forgets frames that wait no more.
    pub(super) fn retain(&mut self, waits: impl Fn(&W) -> bool) {
        self.tenants.retain(|_, tenant| {
            tenant.waiting.retain(|(_, waiter)| waits(waiter));
            tenant.held > 0 || !tenant.waiting.is_empty()
        });
        self.waiting = self.tenants.values().map(|t| t.waiting.len()).sum();
    }

    /// The frame that is next, if it can be served now: it has its units from here on.
    pub(super) fn next(&mut self) -> Option<(Arc<str>, usize, W)> {
        if self.waiting == 0 {
            return None;
        }
        let all = self.tenants.iter().filter(|(_, t)| !t.waiting.is_empty());
        let tenant = all.min_by_key(|(_, t)| t.held)?.0.clone();
        let units = self.tenants.get(&tenant)?.waiting.front()?.0;
        if self.usage(&tenant).wait_reason(units).is_some() {
            return None;
        }
        let (units, waiter) = self.tenants.get_mut(&tenant)?.waiting.pop_front()?;
        self.waiting -= 1;
        self.charge(&tenant, units);
        Some((tenant, units, waiter))
    }
}

#[cfg(test)]
mod tests;
