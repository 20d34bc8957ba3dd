//! How far each tenant has got to its rates.

use super::bucket::{Bucket, Rate};
use super::{Limits, TenantLimits};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// So many tenants are remembered before those that owe nothing are forgotten.
const FEW: usize = 1024;

/// A rate that is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Met {
    /// Spans in a second.
    Spans,
    /// Bytes in a second.
    Bytes,
}

/// What a tenant has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Debt {
    /// Which rate.
    pub(crate) met: Met,
    /// How long, if the limits stay as they are.
    pub(crate) wait: Duration,
}

/// The rates of all tenants.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: watch::Receiver<Arc<Limits>>,
    used: Mutex<Used>,
}

/// What tenants have used: plain data, and decisions over it.
#[derive(Debug, Default)]
struct Used {
    /// Only those that were not full when they were last looked at.
    tenants: BTreeMap<Arc<str>, Buckets>,
    /// How many there were when those that owe nothing were last forgotten.
    kept: usize,
}

/// What a tenant has used.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets {
    spans: Bucket,
    bytes: Bucket,
}

/// A tenant's rates: of spans, and of bytes.
fn rates(limits: &TenantLimits) -> [Option<Rate>; 2] {
    let rate = |per_second| Rate { per_second, burst: limits.burst };
    [limits.spans_per_second.map(rate), limits.bytes_per_second.map(rate)]
}

impl Used {
    fn charge(
        &mut self,
        limits: &Limits,
        tenant: &Arc<str>,
        (spans, bytes): (u64, u64),
        now: Instant,
    ) {
        let [of_spans, of_bytes] = rates(limits.of(tenant));
        if of_spans.is_none() && of_bytes.is_none() {
            return;
        }
        if !self.tenants.contains_key(tenant) && self.tenants.len() >= FEW.max(2 * self.kept) {
            let full = |bucket: Bucket, rate: Option<Rate>| {
                rate.is_none_or(|rate| bucket.is_full(rate, now))
            };
            self.tenants.retain(|tenant, used| {
                let [of_spans, of_bytes] = rates(limits.of(tenant));
                !(full(used.spans, of_spans) && full(used.bytes, of_bytes))
            });
            self.kept = self.tenants.len();
        }
        let used = self.tenants.entry(tenant.clone()).or_default();
        if let Some(rate) = of_spans {
            used.spans.take(rate, spans, now);
        }
        if let Some(rate) = of_bytes {
            used.bytes.take(rate, bytes, now);
        }
    }

    /// The rate that the tenant has to wait for the longest.
    fn debt(&self, limits: &Limits, tenant: &str, now: Instant) -> Option<Debt> {
        let used = self.tenants.get(tenant)?;
        let [of_spans, of_bytes] = rates(limits.of(tenant));
        let owed = |met, bucket: Bucket, rate: Option<Rate>| {
            Some(Debt { met, wait: bucket.owes(rate?, now)? })
        };
        let owed = [owed(Met::Spans, used.spans, of_spans), owed(Met::Bytes, used.bytes, of_bytes)];
        owed.into_iter().flatten().max_by_key(|debt| debt.wait)
    }
}

impl Rates {
    /// As these limits have them, at any time.
    pub(crate) fn new(limits: watch::Receiver<Arc<Limits>>) -> Rates {
        Rates { limits, used: Mutex::default() }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All limits as they are now.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.limits.borrow().clone()
    }

    /// So many spans, and bytes of them, were taken.
    pub(crate) fn charge(&self, tenant: &Arc<str>, spans: usize, bytes: usize) {
        let limits = self.limits();
        self.used().charge(&limits, tenant, (spans as u64, bytes as u64), Instant::now());
    }

    /// What the tenant has to wait for before more is taken.
    pub(crate) fn debt(&self, tenant: &str) -> Option<Debt> {
        let limits = self.limits();
        self.used().debt(&limits, tenant, Instant::now())
    }

    /// Waits until the tenant owes nothing: because of the time, or of other limits.
    pub(crate) async fn paid(&self, tenant: &str) {
        let mut limits = self.limits.clone();
        loop {
            limits.mark_unchanged();
            let Some(debt) = self.debt(tenant) else { return };
            tokio::select! {
                () = sleep(debt.wait) => {}
                // Without a file there is no change.
                Ok(()) = limits.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Arc<Limits> {
        Arc::new(Limits::read(text).unwrap())
    }

    #[test]
    fn the_rate_that_is_waited_for_longer_is_told() {
        let limits = limits(
            "defaults: {burst: 1s}\ntenants:\n  a: {spans_per_second: 10, bytes_per_second: 1000}\n  b: {bytes_per_second: 1000}",
        );
        // Tenant, spans and bytes taken, what is owed after that.
        let seconds = Duration::from_secs;
        let table = [
            ("a", (10, 1000), None),
            ("a", (20, 1000), Some(Debt { met: Met::Spans, wait: seconds(1) })),
            ("a", (20, 5000), Some(Debt { met: Met::Bytes, wait: seconds(4) })),
            ("b", (9999, 2000), Some(Debt { met: Met::Bytes, wait: seconds(1) })),
            ("other", (9999, 9999), None),
        ];
        for (tenant, taken, expected) in table {
            let (mut used, now) = (Used::default(), Instant::now());
            used.charge(&limits, &tenant.into(), taken, now);
            assert_eq!(used.debt(&limits, tenant, now), expected, "{tenant} {taken:?}");
            assert_eq!(used.debt(&limits, "another", now), None);
        }
    }

    #[test]
    fn tenants_that_owe_nothing_are_forgotten() {
        let limits = limits("defaults: {spans_per_second: 10, burst: 1s}");
        let (mut used, begun) = (Used::default(), Instant::now());
        let mut most = 0;
        for n in 0..20_000_u32 {
            let now = begun + Duration::from_millis(u64::from(n));
            used.charge(&limits, &format!("tenant-{n}").into(), (1, 1), now);
            most = most.max(used.tenants.len());
        }
        // Each is full again after 100 ms.
        assert!(most <= FEW, "{most}");
        used.charge(&limits, &"debtor".into(), (1_000_000, 1), begun);
        for n in 0..20_000_u32 {
            let now = begun + Duration::from_millis(u64::from(n));
            used.charge(&limits, &format!("another-{n}").into(), (1, 1), now);
        }
        let later = begun + Duration::from_secs(20);
        assert!(used.debt(&limits, "debtor", later).is_some(), "what is owed is not forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_owed_is_waited_for_until_other_limits_let_it_go() {
        let (sender, receiver) =
            watch::channel(limits("defaults: {spans_per_second: 1, burst: 1s}"));
        let rates = Arc::new(Rates::new(receiver));
        let (tenant, begun): (Arc<str>, _) = ("a".into(), Instant::now());
        rates.charge(&tenant, 11, 1);
        rates.paid("a").await;
        assert_eq!(begun.elapsed().as_secs(), 10);
        rates.charge(&tenant, 1000, 1);
        let waiting = tokio::spawn({
            let rates = rates.clone();
            async move { rates.paid("a").await }
        });
        sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        sender.send_replace(limits(""));
        waiting.await.unwrap();
        assert_eq!((begun.elapsed().as_secs(), rates.debt("a")), (11, None));
        drop(sender);
        rates.paid("a").await;
    }
}
