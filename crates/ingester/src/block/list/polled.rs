//! When what was looked up last: plain data.

use crate::block::{Pauses, Unreadable};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The last look-ups of which nothing failed to be listed: when they began.
#[derive(Debug)]
pub(super) struct LastPolls {
    /// Of all tenants, apart from those that failed.
    all: Option<Instant>,
    /// Young ones of single tenants.
    tenants: BTreeMap<String, Instant>,
    /// Tenants whose folders could not be listed.
    failed: Unreadable<String>,
}

impl LastPolls {
    pub(super) fn new(pauses: Pauses) -> Self {
        LastPolls { all: None, tenants: BTreeMap::new(), failed: Unreadable::new(pauses) }
    }

    /// When the last look-up of this tenant began that told which blocks it has.
    pub(super) fn looked_up(&self, tenant: &str) -> Option<Instant> {
        let own = self.tenants.get(tenant).copied();
        // That all were looked up says nothing of one that could not be.
        if self.failed.contains(&tenant.to_owned()) { own } else { own.max(self.all) }
    }

    /// Whether the poll is to look this tenant up.
    pub(super) fn is_due(&self, tenant: &str, now: Instant) -> bool {
        self.failed.is_due(&tenant.to_owned(), now)
    }

    /// A tenant was looked up by a look-up that began then; those of others that are older than
    /// `young` are forgotten.
    pub(super) fn succeeded(&mut self, tenant: &str, begun: Instant, young: Duration) {
        self.tenants.retain(|_, then| begun.duration_since(*then) < young);
        self.tenants.insert(tenant.to_owned(), begun);
        self.failed.forget(&tenant.to_owned());
    }

    /// A tenant's folder could not be listed. Whether that is new.
    pub(super) fn failed(&mut self, tenant: &str, why: String, now: Instant) -> bool {
        self.tenants.remove(tenant);
        self.failed.failed(tenant.to_owned(), why, now)
    }

    /// All tenants that there are were looked up, or have failed, by a look-up that began then; how
    /// many have failed.
    pub(super) fn all(&mut self, begun: Instant, is_there: impl Fn(&str) -> bool) -> usize {
        self.all = Some(begun);
        self.failed.retain(|tenant| is_there(tenant));
        self.failed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_fails_is_not_known_by_what_others_are() {
        let pauses = Pauses { first: Duration::from_secs(1), longest: Duration::from_secs(4) };
        let (begun, young) = (Instant::now(), Duration::from_secs(30));
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut polled = LastPolls::new(pauses);
        assert_eq!(polled.looked_up("a"), None);
        polled.succeeded("a", at(1), young);
        assert_eq!((polled.looked_up("a"), polled.looked_up("b")), (Some(at(1)), None));
        assert!(polled.failed("b", "denied".into(), at(1)));
        assert_eq!(polled.all(at(2), |_| true), 1);
        let known = ["a", "b", "no such"].map(|tenant| polled.looked_up(tenant));
        assert_eq!(known, [Some(at(2)), None, Some(at(2))]);
        assert!(
            polled.is_due("a", at(1)) && !polled.is_due("b", at(1)) && polled.is_due("b", at(2))
        );
        assert!(!polled.failed("b", "denied".into(), at(2)), "it is told once");
        polled.succeeded("b", at(3), young);
        assert_eq!(polled.looked_up("b"), Some(at(3)));
        // One that was known for itself and fails is not known any more, until its folder is gone.
        assert!(polled.failed("b", "denied".into(), at(4)));
        assert_eq!(polled.looked_up("b"), None);
        assert_eq!(polled.all(at(5), |tenant| tenant != "b"), 0);
        assert_eq!(polled.looked_up("b"), Some(at(5)));
    }
}
