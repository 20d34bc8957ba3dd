//! One budget in bytes for all spans in memory, and who of the tenants holds how much of it.
//!
//! Bytes are taken before a frame is decoded and travel with its spans until their block is
//! visible. When less than a fifth is left, a tenant that holds more than its share waits, so that
//! it cannot starve the others: a share is the budget divided by the tenants that hold any of it. As
//! long as there is room, everybody may borrow.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this many bytes, so that a semaphore's count holds them.
const UNIT: usize = 1024;

/// The budget. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    units: usize,
    tenants: Arc<Tenants>,
    shortage: Arc<Shortage>,
}

/// Who waits, and who looks after it.
#[derive(Debug, Default)]
struct Shortage {
    /// Units that are waited for.
    wanted: AtomicUsize,
    look: Notify,
}

/// Somebody who waits for so many units.
struct Wanting<'m>(&'m Shortage, usize);

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        self.0.wanted.fetch_sub(self.1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Tenants {
    held: Mutex<HashMap<Arc<str>, Arc<Held>>>,
    /// Told whenever somebody gives something back.
    given_back: Notify,
}

/// What one tenant holds, in units.
#[derive(Debug, Default)]
struct Held {
    units: AtomicUsize,
}

/// The budget in numbers, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// The budget.
    pub limit: usize,
    /// Taken.
    pub used: usize,
    /// Waited for.
    pub wanted: usize,
}

/// Bytes held. Dropping it gives them back.
#[derive(Debug)]
pub struct Permit {
    permit: OwnedSemaphorePermit,
    held: Arc<Held>,
    tenants: Arc<Tenants>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.held.units.fetch_sub(self.permit.num_permits(), Ordering::Relaxed);
        self.tenants.given_back.notify_waiters();
    }
}

/// Whether a tenant must wait: when the budget is nearly used up, those above their share do.
fn must_wait(limit: usize, used: usize, held: usize, tenants: usize) -> bool {
    used > limit / 5 * 4 && held > limit / tenants.max(1)
}

impl Memory {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(units));
        Memory { free, units, tenants: Arc::default(), shortage: Arc::default() }
    }

    /// What is taken and what is waited for.
    pub fn account(&self) -> Account {
        let wanted = self.shortage.wanted.load(Ordering::Relaxed).saturating_mul(UNIT);
        Account { limit: self.limit(), used: self.used(), wanted }
    }

    /// Waits until somebody may have to wait, or [`Memory::look_after`] was called.
    pub async fn looked_after(&self) {
        self.shortage.look.notified().await;
    }

    /// Spans came to rest: whoever looks after memory may be able to make room now.
    pub fn look_after(&self) {
        self.shortage.look.notify_one();
    }

    /// Announces that somebody takes so many units.
    fn want(&self, units: usize) -> Wanting<'_> {
        self.shortage.wanted.fetch_add(units, Ordering::Relaxed);
        if units > self.free.available_permits() {
            self.look_after();
        }
        Wanting(&self.shortage, units)
    }

    /// Bytes in all.
    pub fn limit(&self) -> usize {
        self.units * UNIT
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.units.saturating_sub(self.free.available_permits()) * UNIT
    }

    /// Whether this tenant gets nothing more at the moment, whatever is left.
    pub fn is_over_share(&self, tenant: &str) -> bool {
        let (held, tenants) = {
            let all = self.tenants.held.lock().unwrap_or_else(PoisonError::into_inner);
            let units = |held: &Held| held.units.load(Ordering::Relaxed);
            let tenants = all.values().filter(|held| units(held) > 0).count();
            (all.get(tenant).map_or(0, |held| units(held)), tenants)
        };
        let used = self.units.saturating_sub(self.free.available_permits());
        must_wait(self.units, used, held, tenants)
    }

    fn held(&self, tenant: &str) -> Arc<Held> {
        let mut all = self.tenants.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all.get(tenant) {
            return held.clone();
        }
        // Whoever holds nothing is not remembered.
        all.retain(|_, held| Arc::strong_count(held) > 1);
        let held = Arc::<Held>::default();
        all.insert(tenant.into(), held.clone());
        held
    }

    /// Waits for `bytes`. More than the whole budget counts as the whole budget, so that nothing
    /// waits for ever; what a frame may claim is bounded before.
    pub async fn take(&self, tenant: &str, bytes: usize) -> Permit {
        let units = bytes.div_ceil(UNIT).min(self.units);
        let _wanting = self.want(units);
        loop {
            let given_back = self.tenants.given_back.notified();
            if !self.is_over_share(tenant) {
                break;
            }
            given_back.await;
        }
        let held = self.held(tenant);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        match self.free.clone().acquire_many_owned(units).await {
            Ok(permit) => {
                held.units.fetch_add(permit.num_permits(), Ordering::Relaxed);
                Permit { permit, held, tenants: self.tenants.clone() }
            }
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// Sets a permit right to `bytes`. Giving back is immediate; what is missing is taken only if
    /// it is free, since the columns are there already and the estimate was meant to be high.
    pub fn adjust(&self, permit: &mut Permit, bytes: usize) {
        let wanted = bytes.div_ceil(UNIT).min(self.units);
        let had = permit.permit.num_permits();
        if wanted < had {
            drop(permit.permit.split(had - wanted));
            permit.held.units.fetch_sub(had - wanted, Ordering::Relaxed);
            self.tenants.given_back.notify_waiters();
        } else if wanted > had {
            let more = u32::try_from(wanted - had).unwrap_or(u32::MAX);
            if let Ok(more) = self.free.clone().try_acquire_many_owned(more) {
                permit.held.units.fetch_add(more.num_permits(), Ordering::Relaxed);
                permit.permit.merge(more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn permits_are_counted_and_come_back() {
        let memory = Memory::new(100 * UNIT);
        let mut a = memory.take("t", 50 * UNIT).await;
        assert_eq!(memory.used(), 50 * UNIT);
        memory.adjust(&mut a, 20 * UNIT);
        assert_eq!(memory.used(), 20 * UNIT);
        memory.adjust(&mut a, 30 * UNIT);
        assert_eq!(memory.used(), 30 * UNIT);
        let b = memory.take("t", usize::MAX);
        drop(a);
        let b = b.await;
        assert_eq!(memory.used(), memory.limit());
        drop(b);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn those_above_their_share_wait_when_little_is_left() {
        // limit, used, held, tenants
        let table = [
            ((100, 80, 80, 1), false),
            ((100, 100, 100, 1), false),
            ((100, 81, 70, 2), true),
            ((100, 81, 11, 2), false),
            ((100, 60, 60, 2), false),
            ((100, 90, 34, 3), true),
        ];
        for ((limit, used, held, tenants), waits) in table {
            assert_eq!(must_wait(limit, used, held, tenants), waits, "{used} {held} {tenants}");
        }
    }

    #[tokio::test]
    async fn a_loud_tenant_leaves_room_for_a_quiet_one() {
        let memory = Memory::new(100 * UNIT);
        let _small = memory.take("quiet", UNIT).await;
        let mut loud = Vec::new();
        while let Some(permit) = memory.take("loud", 10 * UNIT).now_or_never() {
            loud.push(permit);
        }
        assert!(memory.used() <= 91 * UNIT, "{}", memory.used() / UNIT);
        assert!(memory.is_over_share("loud") && !memory.is_over_share("quiet"));
        let quiet = memory.take("quiet", 9 * UNIT).now_or_never();
        assert!(quiet.is_some(), "the quiet one is served");
        // And the loud one again, as soon as something comes back.
        let waiting = memory.take("loud", UNIT);
        let give_back = async { loud.truncate(4) };
        let (_permit, ()) = tokio::join!(waiting, give_back);
    }
}
