//! What tenants meet, by tenant.

use super::Metric;
use crate::limits::Limit;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use tributary_telemetry::{Text, Type};

/// Tenants that are told apart. Each is a series for each of its limits that it has met.
const MOST_TENANTS: usize = 256;
/// Where those are counted that came later. No tenant can have this name.
const OTHERS: &str = "<others>";

/// A counter for each limit of each tenant that has met one.
#[derive(Debug, Default)]
pub struct ByTenant(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    tenants: BTreeMap<String, BTreeMap<&'static str, u64>>,
    others: BTreeMap<&'static str, u64>,
}

fn name(limit: Limit) -> Option<&'static str> {
    Limit::OF_TENANTS.iter().find(|(own, _)| *own == limit).map(|(_, name)| *name)
}

impl ByTenant {
    /// A tenant has met a limit. One that is not counted by tenant is left out.
    pub fn inc(&self, tenant: &str, limit: Limit) {
        let Some(limit) = name(limit) else { return };
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { tenants, others } = &mut *counted;
        let is_full = tenants.len() >= MOST_TENANTS;
        let of = match tenants.get_mut(tenant) {
            Some(of) => of,
            None if is_full => others,
            None => tenants.entry(tenant.to_owned()).or_default(),
        };
        *of.entry(limit).or_default() += 1;
    }

    /// How often a tenant has met a limit, of those that are told apart.
    pub fn get(&self, tenant: &str, limit: Limit) -> u64 {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = || counted.tenants.get(tenant)?.get(name(limit)?).copied();
        times().unwrap_or_default()
    }
}

impl Metric for ByTenant {
    const TYPE: Type = Type::Counter;

    fn render(&self, name: &str, text: &mut Text) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (tenant, limits) in &counted.tenants {
            for (limit, times) in limits {
                text.sample(name, &[("tenant", tenant), ("limit", limit)], times);
            }
        }
        let limits: BTreeSet<&str> = Limit::OF_TENANTS.iter().map(|(_, name)| *name).collect();
        for limit in limits {
            let times = counted.others.get(limit).copied().unwrap_or_default();
            text.sample(name, &[("tenant", OTHERS), ("limit", limit)], times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_testkit::prometheus::Metrics;

    #[test]
    fn a_crowd_of_tenants_makes_no_crowd_of_series() {
        let met = ByTenant::default();
        for round in 0..3 {
            for n in 0..1000 {
                met.inc(&format!("tenant-{n}"), Limit::TenantSpans);
            }
            met.inc("tenant-0", Limit::QuestionRange);
            assert_eq!(met.get("tenant-0", Limit::TenantSpans), round + 1);
        }
        met.inc("tenant-0", Limit::RequestSpans);
        met.inc("tenant-0", Limit::Malformed);
        let mut text = Text::new("");
        met.render("met", &mut text);
        let text = text.into_string();
        let samples = Metrics::parse(&text).unwrap();
        let sum = |labels: &[(&str, &str)]| samples.sum("met", labels).unwrap_or_default();
        let spans = ("limit", "spans_per_second");
        assert_eq!(sum(&[spans]), 3001.0, "each is counted");
        assert_eq!(sum(&[spans, ("tenant", OTHERS)]), 3.0 * (1000.0 - 256.0));
        assert_eq!(sum(&[spans, ("tenant", "tenant-0")]), 4.0, "on every road");
        assert_eq!(sum(&[("limit", "query_range")]), 3.0);
        assert_eq!(samples.0.len(), 256 + 1 + 7);
        assert_eq!(met.get("tenant-999", Limit::TenantSpans), 0);
    }
}
