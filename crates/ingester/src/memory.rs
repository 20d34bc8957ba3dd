//! One budget in bytes for all spans in memory, and who of the tenants holds how much of it.
//!
//! Bytes are taken before a frame is decoded and travel with its spans until their block is
//! visible. Who must wait, and who of those that wait is next, is decided by [`shares`]: no tenant can
//! starve another one, however many streams it has.

mod fair_share;

pub(crate) use fair_share::Standing;
pub use fair_share::Why;

use fair_share::Shares;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Bytes are counted in units of this many, so that small changes wake nobody.
const UNIT: usize = 1024;

/// The budget. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory {
    shares: Arc<Mutex<Shares<oneshot::Sender<Permit>>>>,
    units: usize,
    /// Told when somebody has to wait, or room may be made.
    look: Arc<Notify>,
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
    units: usize,
    tenant: Arc<str>,
    memory: Memory,
}

impl Permit {
    /// What it holds.
    pub fn bytes(&self) -> usize {
        self.units * UNIT
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.memory.give(&self.tenant, self.units);
    }
}

/// A place in the line for bytes. Dropping it leaves the line.
#[derive(Debug)]
pub struct Queued {
    why: Why,
    /// Until it has come.
    granted: Option<oneshot::Receiver<Permit>>,
    memory: Memory,
}

/// The answer to whoever asks for bytes.
#[derive(Debug)]
pub enum Asked {
    /// Here they are.
    Granted(Permit),
    /// Not now.
    Queued(Queued),
}

impl Memory {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).max(1);
        let shares = Arc::new(Mutex::new(Shares::new(units)));
        Memory { shares, units, look: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Shares<oneshot::Sender<Permit>>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is taken and what is waited for.
    pub fn account(&self) -> Account {
        let shares = self.lock();
        let (used, wanted) = (shares.used() * UNIT, shares.wanted().saturating_mul(UNIT));
        Account { limit: self.limit(), used, wanted }
    }

    /// Waits until somebody has to wait, or [`Memory::look_after`] was called.
    pub async fn looked_after(&self) {
        self.look.notified().await;
    }

    /// Spans came to rest: whoever looks after memory may be able to make room now.
    pub fn look_after(&self) {
        self.look.notify_one();
    }

    /// Bytes in all.
    pub fn limit(&self) -> usize {
        self.units * UNIT
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.lock().used() * UNIT
    }

    /// Whether this tenant gets nothing more at the moment because of what it holds.
    pub fn is_over_share(&self, tenant: &str) -> bool {
        self.lock().verdict(tenant) == Some(Why::Share)
    }

    /// Asks for `bytes`. More than the whole budget counts as the whole budget, so that nothing
    /// waits for ever; what a frame may claim is bounded before.
    pub fn ask(&self, tenant: &Arc<str>, bytes: usize) -> Asked {
        let units = bytes.div_ceil(UNIT).min(self.units);
        let (waiter, mut granted) = oneshot::channel();
        let why = {
            let mut shares = self.lock();
            let Err(why) = shares.take(tenant, units) else {
                drop(shares);
                return Asked::Granted(self.permit(tenant.clone(), units));
            };
            shares.wait(tenant, units, waiter);
            why
        };
        // It may be the next all the same: others wait because of what they hold.
        self.serve();
        match granted.try_recv() {
            Ok(permit) => Asked::Granted(permit),
            Err(_) => {
                self.look_after();
                Asked::Queued(Queued { why, granted: Some(granted), memory: self.clone() })
            }
        }
    }

    /// Waits for `bytes`, as [`Memory::ask`] gives them.
    pub async fn take(&self, tenant: &str, bytes: usize) -> Permit {
        match self.ask(&tenant.into(), bytes) {
            Asked::Granted(permit) => permit,
            Asked::Queued(queued) => queued.granted().await,
        }
    }

    fn permit(&self, tenant: Arc<str>, units: usize) -> Permit {
        Permit { units, tenant, memory: self.clone() }
    }

    fn give(&self, tenant: &str, units: usize) {
        self.lock().give(tenant, units);
        self.serve();
    }

    /// Serves whoever can be served now.
    fn serve(&self) {
        loop {
            let next = self.lock().next();
            let Some((tenant, units, waiter)) = next else { return };
            // A permit that nobody takes any more gives itself back.
            drop(waiter.send(self.permit(tenant, units)));
        }
    }

    /// Sets a permit right to `bytes`. Giving back is immediate; what is missing is taken only if
    /// it is free, since the columns are there already and the estimate was meant to be high.
    pub fn adjust(&self, permit: &mut Permit, bytes: usize) {
        let wanted = bytes.div_ceil(UNIT).min(self.units);
        if wanted < permit.units {
            self.give(&permit.tenant, permit.units - wanted);
            permit.units = wanted;
        } else if self.lock().take_used(&permit.tenant, wanted - permit.units) {
            permit.units = wanted;
        }
    }
}

impl Queued {
    /// What it waits for.
    pub fn why(&self) -> Why {
        self.why
    }

    /// Waits for its turn.
    pub async fn granted(mut self) -> Permit {
        let permit = match self.granted.as_mut() {
            Some(granted) => granted.await,
            None => unreachable!("it is waited for once"),
        };
        self.granted = None;
        match permit {
            Ok(permit) => permit,
            Err(_) => unreachable!("whoever waits is served before the budget goes away"),
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
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn tenant(name: &str) -> Arc<str> {
        name.into()
    }

    fn now(asked: Asked) -> Option<Permit> {
        match asked {
            Asked::Granted(permit) => Some(permit),
            Asked::Queued(queued) => queued.granted().now_or_never(),
        }
    }

    fn later(asked: Asked) -> Queued {
        match asked {
            Asked::Granted(permit) => panic!("{permit:?}"),
            Asked::Queued(queued) => queued,
        }
    }

    #[test]
    fn permits_are_counted_and_come_back() {
        let (memory, t) = (Memory::new(100 * UNIT), tenant("t"));
        let mut a = now(memory.ask(&t, 50 * UNIT)).unwrap();
        assert_eq!(memory.used(), 50 * UNIT);
        memory.adjust(&mut a, 20 * UNIT);
        assert_eq!(memory.used(), 20 * UNIT);
        memory.adjust(&mut a, 30 * UNIT);
        assert_eq!(memory.used(), 30 * UNIT);
        let all = later(memory.ask(&t, usize::MAX));
        drop(a);
        let all = all.granted().now_or_never().unwrap();
        assert_eq!(memory.used(), memory.limit());
        drop(all);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn a_loud_tenant_leaves_room_for_a_quiet_one() {
        let (memory, loud, quiet) = (Memory::new(100 * UNIT), tenant("loud"), tenant("quiet"));
        let mut held = Vec::new();
        // A crowd of streams asks at once: most of them wait.
        let mut crowd = Vec::new();
        for _ in 0..40 {
            match memory.ask(&loud, 10 * UNIT) {
                Asked::Granted(permit) => held.push(permit),
                Asked::Queued(queued) => crowd.push(queued),
            }
        }
        assert_eq!((held.len(), crowd.len()), (9, 31));
        // The quiet one stands behind none of them.
        let first = now(memory.ask(&quiet, 9 * UNIT));
        assert!(first.is_some(), "the quiet one is served");
        assert!(memory.is_over_share("loud") && !memory.is_over_share("quiet"));
        // And the loud ones again, as soon as something comes back.
        held.truncate(4);
        let served = crowd.into_iter().filter_map(|queued| queued.granted().now_or_never());
        assert_eq!(served.count(), 31, "one after the other");
    }

    #[test]
    fn whoever_leaves_the_line_holds_nobody_up() {
        let (memory, a, b) = (Memory::new(100 * UNIT), tenant("a"), tenant("b"));
        let held = now(memory.ask(&a, 60 * UNIT)).unwrap();
        let large = later(memory.ask(&b, 80 * UNIT));
        let small = later(memory.ask(&a, 10 * UNIT));
        drop(large);
        assert!(small.granted().now_or_never().is_some());
        // Nor does one who leaves with what it was just given.
        let next = later(memory.ask(&b, 90 * UNIT));
        drop(held);
        assert_eq!(memory.used(), 90 * UNIT);
        drop(next);
        assert_eq!(memory.used(), 0);
    }
}
