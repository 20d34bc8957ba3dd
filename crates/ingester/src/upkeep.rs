//! Looking after what other processes left: abandoned epochs are adopted (`adopt`), garbage is
//! collected (`collect`), small blocks are merged (`compact`).
//!
//! Which process is suspected and whose turn it is decides [`tributary_journal::failure_detector`];
//! every process runs this task, and any number of them may do the same work at once without harm.

mod adopt;
mod collect;
mod compact;
mod left;

pub(crate) use adopt::Adopter;
pub(crate) use collect::Collector;
pub(crate) use compact::{Compactor, Expiring};
pub(crate) use left::LeftSegments;

use crate::block::PAUSES;
use crate::cluster::Membership;
use crate::group::LiveSpans;
use crate::metrics::Metrics;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_telemetry::{ErrorChain, Repeated};

/// Heartbeats between two looks at all epochs of the store.
pub(crate) const SWEEP_EVERY: u32 = 24;
/// The process that is first under these keys does the work that one is enough for.
const SWEEP: [u8; 16] = *b"sweep of the log";
const COLLECT: [u8; 16] = *b"collect garbage!";

/// The task, and what it works with.
pub(crate) struct Upkeep {
    /// Which processes have abandoned their epochs.
    pub membership: Membership,
    /// Adopts.
    pub adopter: Adopter,
    /// Collects.
    pub collector: Collector,
    /// Which epochs this process has, and which it has lost.
    pub live: Arc<LiveSpans>,
    /// The journal.
    pub journal: Journal,
    /// Time between two rounds.
    pub period: Duration,
    /// Time between two collections.
    pub collect_every: Duration,
    /// Wakes the task when this process has lost an epoch.
    pub epoch_lost: Arc<Notify>,
    /// When the log is due to tell of work that failed.
    pub told: Repeated,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// When something is tried again that failed before.
#[derive(Default)]
struct Retry {
    failures: u32,
    at: Option<Instant>,
}

impl Retry {
    fn is_due(&self) -> bool {
        self.at.is_none_or(|at| Instant::now() >= at)
    }

    fn done(&mut self, well: bool) {
        (self.failures, self.at) = match well {
            true => (0, None),
            false => {
                let failures = self.failures.saturating_add(1);
                (failures, Some(Instant::now() + PAUSES.after(failures)))
            }
        };
    }
}

impl Upkeep {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut relogged = Retry::default();
        let mut next_sweep = Instant::now();
        let mut next_collection = Instant::now() + self.collect_every;
        let work = async {
            // Before, it is not known whose turn it is.
            self.membership.first_heard(self.period).await;
            loop {
                self.adopt_lost().await;
                if relogged.is_due() {
                    relogged.done(self.adopt_relogged().await);
                }
                self.adopt_abandoned().await;
                if Instant::now() >= next_sweep && self.membership.has_heard() {
                    next_sweep = Instant::now() + self.period * SWEEP_EVERY;
                    self.count_failure("sweep the epochs", self.sweep().await);
                }
                if Instant::now() >= next_collection {
                    next_collection = Instant::now() + self.collect_every;
                    if self.membership.with(|detector, now| detector.is_first(COLLECT, now)) {
                        let collected = self.collector.collect(&self.owned()).await;
                        self.count_failure("collect garbage", collected);
                    }
                }
                tokio::select! {
                    biased;
                    () = self.epoch_lost.notified() => {}
                    () = tokio::time::sleep(self.period) => {}
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Counts and tells what went wrong. `operation` is what was tried, as in "collect garbage".
    fn count_failure(&self, operation: &'static str, result: Result<(), JournalError>) {
        if let Err(error) = result {
            self.metrics.upkeep_failed.inc();
            if let Some(times) = self.told.due(Instant::now().into_std()) {
                tracing::warn!(
                    operation,
                    times,
                    error = %ErrorChain(&error),
                    "upkeep of the bucket failed; it is tried again later"
                );
            }
        }
    }

    /// Epochs that are named by a process that may live.
    fn owned(&self) -> BTreeSet<EpochId> {
        let named = self.membership.with(|detector, _| detector.named());
        named.into_iter().chain(self.live.epochs()).collect()
    }

    /// What this process has lost to an adopter is adopted like the epochs of others, in case the
    /// adopter left something. Its spans leave memory when this process can tell another one, which
    /// may have asked the adopter before, of the blocks that they went into.
    pub(crate) async fn adopt_lost(&self) {
        for (epoch, generations) in self.live.lost_epochs() {
            if !self.adopt(&epoch).await {
                continue;
            }
            if let Err(error) = self.adopter.learn_blocks(&epoch).await {
                self.count_failure("find the blocks of a lost epoch", Err(error));
                continue;
            }
            self.live.forget_lost(epoch, generations);
        }
    }

    /// What was logged again, since the store did not take its blocks, may be taken now. Whether
    /// nothing of it is left.
    async fn adopt_relogged(&self) -> bool {
        for epoch in self.live.relogged() {
            match self.adopter.adopt(&epoch).await {
                Ok(summary) if !summary.gave_up => self.live.forget_relogged(&epoch),
                Ok(_) => return false,
                Err(error) => {
                    self.metrics.upkeep_failed.inc();
                    tracing::warn!(%epoch, error = %ErrorChain(&error), "what was logged again cannot become blocks yet; its segments stay");
                    return false;
                }
            }
        }
        true
    }

    /// Adopts what is ours to adopt now, and removes heartbeats of the dead.
    async fn adopt_abandoned(&self) {
        for epoch in self.membership.with(|detector, now| detector.abandoned(now)) {
            self.adopt(&epoch).await;
        }
        for process in self.membership.with(|detector, now| detector.forgettable(now)) {
            self.count_failure(
                "remove an old heartbeat",
                self.journal.stop_beating(&process).await,
            );
        }
    }

    /// Adopts an epoch, and whether it is done with until the next sweep finds it again; if not, it is
    /// to be tried again soon.
    async fn adopt(&self, epoch: &EpochId) -> bool {
        let whole = match self.adopter.adopt(epoch).await {
            Ok(summary) if summary.gave_up => return false,
            Ok(summary) => summary.left.is_empty(),
            Err(error) => {
                self.metrics.upkeep_failed.inc();
                tracing::error!(%epoch, error = %ErrorChain(&error), "an epoch could not be adopted; its segments stay");
                if error.is_transient() {
                    return false;
                }
                // What trying again soon will not cure waits for the next sweep.
                false
            }
        };
        self.membership.with(|detector, now| match whole {
            true => detector.adopted(*epoch, now),
            false => detector.adopted_in_part(*epoch, now),
        });
        true
    }

    /// Looks at all epochs of the store, for segments that no living process is responsible for.
    async fn sweep(&self) -> Result<(), JournalError> {
        if !self.membership.with(|detector, now| detector.is_first(SWEEP, now)) {
            self.membership.with(|detector, _| detector.swept_by_another());
            return Ok(());
        }
        let survey = self.journal.survey().await?;
        let with_segments: BTreeSet<EpochId> =
            survey.iter().filter(|(_, held)| !held.segments.is_empty()).map(|(e, _)| *e).collect();
        let ours = self.live.epochs();
        for epoch in
            self.membership.with(|detector, now| detector.unknown(now, &with_segments, &ours))
        {
            self.adopt(&epoch).await;
        }
        Ok(())
    }
}
