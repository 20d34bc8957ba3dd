//! Who of the tenants gets memory next: decisions over plain data, no waiting.
//!
//! 1. As long as there is room, everybody may borrow.
//! 2. When more than four fifths are in use, a tenant that holds more than its share waits: a share
//!    is the budget divided by the tenants that hold or want any of it.
//! 3. The last tenth is kept for tenants that hold less than a tenth, so that a newcomer finds room
//!    however loud a tenant was that had everything for itself.
//! 4. Of those that wait, the tenant that holds least is next, and nobody overtakes it: neither a
//!    crowd of another tenant's frames that came before, nor small frames that would still fit.
//!    Within a tenant, whose frames are those of all its streams, first come is first served.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Why a frame waits for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There is not enough, or others are before it.
    Budget,
    /// Its tenant holds more than its share while little is left.
    Share,
}

/// How a tenant stands, in any unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// All there is.
    pub(crate) limit: usize,
    /// What all tenants hold.
    pub(crate) used: usize,
    /// What this one holds.
    pub(crate) held: usize,
    /// Tenants that hold or want any, this one included.
    pub(crate) tenants: usize,
}

impl Standing {
    /// Why the tenant cannot have `wanted` more now, if it cannot.
    pub(crate) fn verdict(&self, wanted: usize) -> Option<Why> {
        let Standing { limit, used, held, tenants } = *self;
        let after = used.saturating_add(wanted);
        if used == 0 {
            return None;
        }
        let above_share = used > limit / 5 * 4 && held > limit / tenants.max(1);
        let in_reserve = after > limit / 10 * 9 && held > limit / 10;
        if above_share || in_reserve {
            Some(Why::Share)
        } else {
            (after > limit).then_some(Why::Budget)
        }
    }
}

/// What each tenant holds and wants, in units. `W` stands for whoever waits.
#[derive(Debug)]
pub(super) struct Shares<W> {
    limit: usize,
    used: usize,
    /// Only those that hold or want something.
    tenants: BTreeMap<Arc<str>, Tenant<W>>,
    waiting: usize,
}

#[derive(Debug)]
struct Tenant<W> {
    held: usize,
    waiting: VecDeque<(usize, W)>,
}

impl<W> Shares<W> {
    pub(super) fn new(limit: usize) -> Self {
        Shares { limit, used: 0, tenants: BTreeMap::new(), waiting: 0 }
    }

    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// What is waited for.
    pub(super) fn wanted(&self) -> usize {
        self.tenants.values().flat_map(|t| &t.waiting).map(|(units, _)| units).sum()
    }

    fn standing(&self, tenant: &str) -> Standing {
        let held = self.tenants.get(tenant).map(|t| t.held);
        Standing {
            limit: self.limit,
            used: self.used,
            held: held.unwrap_or_default(),
            tenants: self.tenants.len() + usize::from(held.is_none()),
        }
    }

    /// Why the tenant gets nothing at the moment, if that is so.
    pub(super) fn verdict(&self, tenant: &str) -> Option<Why> {
        self.standing(tenant).verdict(0)
    }

    /// Takes `units` if nobody waits and the rules allow it.
    pub(super) fn take(&mut self, tenant: &Arc<str>, units: usize) -> Result<(), Why> {
        match self.standing(tenant).verdict(units) {
            Some(why) => Err(why),
            None if self.waiting > 0 => Err(Why::Budget),
            None => {
                self.charge(tenant, units);
                Ok(())
            }
        }
    }

    /// Takes `units` if they are free, whoever waits: they are in use already.
    pub(super) fn take_used(&mut self, tenant: &Arc<str>, units: usize) -> bool {
        let free = units <= self.limit.saturating_sub(self.used);
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

    /// Puts somebody at the end of its tenant's line.
    pub(super) fn wait(&mut self, tenant: &Arc<str>, units: usize, who: W) {
        self.tenant(tenant).waiting.push_back((units, who));
        self.waiting += 1;
    }

    /// Gives back.
    pub(super) fn give(&mut self, tenant: &str, units: usize) {
        self.used = self.used.saturating_sub(units);
        if let Some(found) = self.tenants.get_mut(tenant) {
            found.held = found.held.saturating_sub(units);
            if found.held == 0 && found.waiting.is_empty() {
                self.tenants.remove(tenant);
            }
        }
    }

    /// Forgets those who wait no more.
    pub(super) fn retain(&mut self, waits: impl Fn(&W) -> bool) {
        self.tenants.retain(|_, tenant| {
            tenant.waiting.retain(|(_, who)| waits(who));
            tenant.held > 0 || !tenant.waiting.is_empty()
        });
        self.waiting = self.tenants.values().map(|t| t.waiting.len()).sum();
    }

    /// Whoever is next, if it can be served now: it has its units from here on.
    pub(super) fn next(&mut self) -> Option<(Arc<str>, usize, W)> {
        if self.waiting == 0 {
            return None;
        }
        let all = self.tenants.iter().filter(|(_, t)| !t.waiting.is_empty());
        let tenant = all.min_by_key(|(_, t)| t.held)?.0.clone();
        let units = self.tenants.get(&tenant)?.waiting.front()?.0;
        if self.standing(&tenant).verdict(units).is_some() {
            return None;
        }
        let (units, who) = self.tenants.get_mut(&tenant)?.waiting.pop_front()?;
        self.waiting -= 1;
        self.charge(&tenant, units);
        Some((tenant, units, who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_above_their_share_wait_when_little_is_left() {
        let (budget, share) = (Some(Why::Budget), Some(Why::Share));
        // used, held, tenants, wanted
        let table = [
            ((0, 0, 1, 100), None),
            ((80, 80, 1, 0), None),
            ((80, 80, 1, 11), share),
            ((91, 91, 1, 0), share),
            ((81, 70, 2, 0), share),
            ((81, 11, 2, 0), None),
            ((60, 60, 2, 20), None),
            ((88, 34, 3, 0), share),
            ((95, 5, 2, 5), None),
            ((95, 5, 2, 6), budget),
            ((100, 0, 2, 1), budget),
        ];
        for ((used, held, tenants, wanted), expected) in table {
            let standing = Standing { limit: 100, used, held, tenants };
            assert_eq!(standing.verdict(wanted), expected, "{standing:?} {wanted}");
        }
    }

    fn served(shares: &mut Shares<u32>) -> Vec<u32> {
        std::iter::from_fn(|| shares.next()).map(|(_, _, who)| who).collect()
    }

    #[test]
    fn whoever_holds_least_is_next_and_nobody_overtakes_it() {
        let (loud, quiet): (Arc<str>, Arc<str>) = ("loud".into(), "quiet".into());
        let mut shares = Shares::new(100);
        // One tenant's many streams have everything they can have, and more of them wait.
        while shares.take(&loud, 10).is_ok() {}
        assert_eq!(shares.used(), 90);
        (0..50).for_each(|n| shares.wait(&loud, 10, n));
        assert!(served(&mut shares).is_empty());
        // The other one comes last and is first.
        assert_eq!(shares.take(&quiet, 10), Err(Why::Budget), "there is a line");
        shares.wait(&quiet, 10, 100);
        shares.wait(&quiet, 30, 101);
        assert_eq!(served(&mut shares), [100], "the last tenth is for it");
        // What is given back is kept together for its large frame.
        shares.give("loud", 20);
        assert!(served(&mut shares).is_empty());
        shares.give("loud", 10);
        assert_eq!(served(&mut shares), [101]);
        // Then the loud one has its turn again, in order, up to its share.
        shares.give("loud", 30);
        assert_eq!(served(&mut shares), [0, 1]);
        assert_eq!(shares.used(), 90);
    }

    #[test]
    fn whoever_neither_holds_nor_waits_is_forgotten() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut shares = Shares::new(10);
        shares.take(&a, 10).unwrap();
        shares.wait(&b, 5, 1);
        shares.wait(&a, 5, 2);
        shares.retain(|&who| who != 1);
        assert_eq!(shares.tenants.len(), 1);
        shares.give("a", 10);
        assert_eq!(served(&mut shares), [2]);
        shares.give("a", 5);
        assert!(shares.tenants.is_empty() && shares.waiting == 0 && shares.used() == 0);
    }
}
