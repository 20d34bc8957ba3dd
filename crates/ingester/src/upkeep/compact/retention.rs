//! Which windows have outlived their retention: looked at now and then, for all tenants, by every
//! ingester alike. What follows from the figures says [`tributary_journal::retention`].
//!
//! Each ingester judges all windows of a tenant, so that all come to the same verdict, and lets those
//! expire that are its own to look after.

use super::Windows;
use crate::block::KnownBlocks;
use crate::metrics::Metrics;
use crate::tenant_limits::{Limits, Retention};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;
use tributary_journal::retention::{Due, InWindow, Recorded, due};
use tributary_journal::{CompactionWindow, Journal, JournalError};

/// Passes between two looks: a window falls due once an hour.
const EVERY: u32 = 5;

/// What is to expire.
pub(crate) struct Expiring {
    /// Of tenants for which the file of limits says nothing.
    default: Retention,
    limits: watch::Receiver<Arc<Limits>>,
    next: Instant,
    /// The windows that are due and may go, and the retention that they have outlived.
    windows: BTreeMap<CompactionWindow, Duration>,
    /// What the bucket says of the settings that were gone by; none before it was read.
    recorded: Option<Recorded>,
    /// Tenants whose retention is stopped: each is told of once.
    stopped: BTreeSet<String>,
}

impl Expiring {
    /// Nothing yet. What is said of all tenants is `default`.
    pub(crate) fn new(default: Retention, limits: watch::Receiver<Arc<Limits>>) -> Self {
        if !limits.borrow().retains(default) {
            tracing::info!("no retention is set: no block is deleted because of its age");
        }
        Expiring {
            default,
            limits,
            next: Instant::now(),
            windows: BTreeMap::new(),
            recorded: None,
            stopped: BTreeSet::new(),
        }
    }

    /// The retention that a window has outlived, if it may go.
    pub(super) fn of(&self, window: &CompactionWindow) -> Option<Duration> {
        self.windows.get(window).copied()
    }

    /// Looks which windows are due, if it is time to. When that cannot be told, none is.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn look(
        &mut self,
        all: &Windows,
        blocks: &KnownBlocks,
        journal: &Journal,
        metrics: &Metrics,
        period: Duration,
    ) -> Result<(), JournalError> {
        let limits = self.limits.borrow().clone();
        let windows = all.iter().filter(|(_, blocks)| !blocks.is_empty());
        let mut tenants: BTreeMap<&str, Tenant> = BTreeMap::new();
        for (window, standing) in windows {
            let Some(retention) = limits.retention_of(&window.tenant, self.default) else {
                continue;
            };
            let fresh = || Tenant { retention, windows: Vec::new() };
            let tenant = tenants.entry(&window.tenant).or_insert_with(fresh);
            let begun = blocks.superseded().has_expired(window);
            tenant.windows.push(InWindow { hour: window.hour, blocks: standing.len(), begun });
        }
        // What was not due at the last look is not, and a setting that was lifted counts at once.
        self.windows.retain(|window, retention| {
            tenants.get(window.tenant.as_str()).is_some_and(|t| t.retention == *retention)
        });
        let now = Instant::now();
        // Before all blocks are known, a tenth of them is not known either.
        if now < self.next || blocks.still_reading().is_some() {
            return Ok(());
        }
        self.next = now + period * EVERY;
        self.windows.clear();
        if tenants.is_empty() {
            self.stopped.clear();
            metrics.retention_stopped.set(0);
            return Ok(());
        }
        let now = journal.store_time().await?;
        self.record(&tenants, now, journal).await?;
        let mut stopped = BTreeSet::new();
        for (name, tenant) in &tenants {
            let others = blocks.count(name).saturating_sub(tenant.blocks());
            let due = due(tenant.windows.iter().copied(), others, tenant.retention, now);
            if !self.may_go(name, &due, now, journal).await? {
                self.tell(name, tenant.retention, &due);
                stopped.insert((*name).to_owned());
                continue;
            }
            let window = |hour| CompactionWindow { hour, tenant: (*name).to_owned() };
            self.windows.extend(due.hours.into_iter().map(|hour| (window(hour), tenant.retention)));
        }
        metrics.retention_stopped.set(i64::try_from(stopped.len()).unwrap_or(i64::MAX));
        self.stopped = stopped;
        Ok(())
    }

    /// Sees to it that the settings that are gone by are those that the bucket tells.
    async fn record(
        &mut self,
        tenants: &BTreeMap<&str, Tenant>,
        now: SystemTime,
        journal: &Journal,
    ) -> Result<(), JournalError> {
        let differs = |recorded: &Recorded| {
            tenants.iter().any(|(name, tenant)| !recorded.has(name, tenant.retention))
        };
        if self.recorded.as_ref().is_some_and(|recorded| !differs(recorded)) {
            return Ok(());
        }
        let mut recorded = journal.recorded_retention().await?;
        if differs(&recorded) {
            recorded.retain(|tenant| tenants.contains_key(tenant));
            for (name, tenant) in tenants {
                if !recorded.has(name, tenant.retention) {
                    recorded.record(name, tenant.retention, now);
                }
            }
            journal.record_retention(&recorded).await?;
        }
        self.recorded = Some(recorded);
        Ok(())
    }

    /// Whether what is due of a tenant may go. Before it is stopped, the bucket is asked again, since
    /// an operator may have said that it is meant.
    async fn may_go(
        &mut self,
        tenant: &str,
        due: &Due,
        now: SystemTime,
        journal: &Journal,
    ) -> Result<bool, JournalError> {
        let is_new = |recorded: &Option<Recorded>| {
            recorded.as_ref().is_some_and(|recorded| recorded.is_new(tenant, now))
        };
        if due.may_go(is_new(&self.recorded)) {
            return Ok(true);
        }
        self.recorded = Some(journal.recorded_retention().await?);
        Ok(due.may_go(is_new(&self.recorded)))
    }

    fn tell(&self, tenant: &str, retention: Duration, due: &Due) {
        if self.stopped.contains(tenant) {
            return;
        }
        let (retention, blocks, backlog, of) =
            (retention.as_secs(), due.blocks, due.backlog, due.of);
        tracing::error!(
            tenant,
            retention,
            blocks,
            backlog,
            of,
            "retention is stopped for a tenant: so many of its blocks have long been due that something may be wrong; if they are to go, run `tributary journal --retention TIME --tenant NAME --yes` with its retention"
        );
    }
}

/// A tenant whose blocks are not kept for ever.
struct Tenant {
    retention: Duration,
    windows: Vec<InWindow>,
}

impl Tenant {
    fn blocks(&self) -> usize {
        self.windows.iter().map(|window| window.blocks).sum()
    }
}
