//! What a tenant's questions may be: how many at a time, about how long a time, and how much each may
//! read.

use super::{Asker, NotAnswered};
use crate::limits::Limit;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tributary_query::Cost;
use tributary_query::api::TimeRange;
use tributary_settings::value::duration_text;

/// Questions that are being answered, by tenant; only those that have any.
#[derive(Debug, Default)]
pub(super) struct Answering(Mutex<BTreeMap<String, usize>>);

/// A question's place among those of its tenants. Dropping it leaves it.
#[derive(Debug)]
pub(super) struct Place {
    tenants: Vec<String>,
    answering: Arc<Answering>,
}

impl Answering {
    /// Takes a place for each tenant, or for none: then which has no more.
    fn enter<'t>(
        self: &Arc<Self>,
        tenants: &'t [String],
        most: impl Fn(&str) -> Option<usize>,
    ) -> Result<Place, (&'t str, usize)> {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tenant in tenants {
            let most = most(tenant).unwrap_or(usize::MAX);
            if now.get(tenant).is_some_and(|count| *count >= most) {
                return Err((tenant, most));
            }
        }
        for tenant in tenants {
            *now.entry(tenant.clone()).or_default() += 1;
        }
        Ok(Place { tenants: tenants.to_vec(), answering: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut now = self.answering.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tenant in &self.tenants {
            if let Some(count) = now.get_mut(tenant) {
                *count -= 1;
                if *count == 0 {
                    now.remove(tenant);
                }
            }
        }
    }
}

impl Asker {
    /// A place for a question about these tenants, and about this time if it says so.
    pub(super) fn place(
        &self,
        tenants: &[String],
        time: Option<TimeRange>,
    ) -> Result<Place, NotAnswered> {
        let limits = self.limits.borrow().clone();
        for tenant in tenants {
            let asked = time.map(|time| Duration::from_secs(time.end.saturating_sub(time.start)));
            if let Some((asked, most)) = asked.zip(limits.of(tenant).query_range)
                && asked > most
            {
                self.metrics.limited_for(tenant, Limit::QuestionRange);
                return Err(NotAnswered::Query(format!(
                    "the question is about {}, and {tenant}'s may be about {}: ask for less time",
                    duration_text(asked),
                    duration_text(most),
                )));
            }
        }
        let entered = self.answering.enter(tenants, |tenant| limits.of(tenant).queries);
        entered.map_err(|(tenant, most)| {
            self.metrics.limited_for(tenant, Limit::TenantQuestions);
            NotAnswered::TenantBusy { tenant: tenant.to_owned(), most }
        })
    }

    /// Why a question that has cost so much goes no further, if it does not.
    pub(super) fn too_much(&self, tenant: &str, cost: &Cost) -> Option<NotAnswered> {
        let most = self.limits.borrow().of(tenant).query_bytes.filter(|most| cost.bytes > *most)?;
        self.metrics.limited_for(tenant, Limit::QuestionBytes);
        Some(NotAnswered::Query(format!(
            "the question reads more than the {most} bytes of blocks that {tenant}'s may: ask for less time, or for less"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenant_has_so_many_places() {
        let answering = Arc::new(Answering::default());
        let most = |tenant: &str| (tenant == "few").then_some(2);
        let (few, both) = (["few".to_owned()], ["few".to_owned(), "many".to_owned()]);
        let first = answering.enter(&few, most).unwrap();
        let second = answering.enter(&both, most).unwrap();
        assert_eq!(answering.enter(&both, most).unwrap_err(), ("few", 2));
        let others: Vec<_> = (0..9).map(|_| answering.enter(&both[1..], most).unwrap()).collect();
        drop(first);
        let third = answering.enter(&few, most).unwrap();
        assert!(answering.enter(&few, most).is_err());
        drop((second, third, others));
        assert!(answering.0.lock().unwrap().is_empty());
    }
}
