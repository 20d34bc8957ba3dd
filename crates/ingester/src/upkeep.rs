//! Looking after what others left: abandoned epochs are adopted, garbage is collected.
//!
//! Who is suspected and whose turn it is decides [`tributary_journal::failure_detector`]; every process runs
//! this task, and any number of them may do the same work at once without harm.

pub mod adopt;
pub mod collect;
pub mod compact;

pub use adopt::Adopter;
pub use collect::Collector;
pub use compact::Compactor;

use crate::block::FlushError;
use crate::cluster::Membership;
use crate::group::Live;
use crate::metrics::Metrics;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_telemetry::ErrorChain;

/// Heartbeats between two looks at all epochs of the store.
const SWEEP_EVERY: u32 = 24;
/// Whoever is first under these keys does the work that one process is enough for.
const SWEEP: [u8; 16] = *b"sweep of the log";
const COLLECT: [u8; 16] = *b"collect garbage!";

/// The task, and what it works with.
pub struct Upkeep {
    /// Who is abandoned.
    pub membership: Membership,
    /// Adopts.
    pub adopter: Adopter,
    /// Collects.
    pub collector: Collector,
    /// Which epochs this process has, and which it has lost.
    pub live: Arc<Live>,
    /// The journal.
    pub journal: Journal,
    /// Time between two rounds.
    pub period: Duration,
    /// Time between two collections.
    pub collect_every: Duration,
    /// Wakes the task when this process has lost an epoch.
    pub lost: Arc<Notify>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Upkeep {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut next_sweep = Instant::now();
        let mut next_collection = Instant::now() + self.collect_every;
        let work = async {
            loop {
                self.adopt_lost().await;
                self.adopt_abandoned().await;
                if Instant::now() >= next_sweep {
                    next_sweep = Instant::now() + self.period * SWEEP_EVERY;
                    self.tried("epochs could not be swept", self.sweep().await);
                }
                if Instant::now() >= next_collection {
                    next_collection = Instant::now() + self.collect_every;
                    if self.membership.with(|detector, now| detector.is_first(COLLECT, now)) {
                        let collected = self.collector.collect(&self.owned()).await;
                        self.tried("garbage could not be collected", collected);
                    }
                }
                tokio::select! {
                    biased;
                    () = self.lost.notified() => {}
                    () = tokio::time::sleep(self.period) => {}
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    fn tried(&self, what: &str, result: Result<(), JournalError>) {
        if let Err(error) = result {
            self.metrics.upkeep_failed.inc();
            tracing::warn!(error = %ErrorChain(&error), "{what}; it is tried again later");
        }
    }

    /// Epochs that are named by somebody who may live.
    fn owned(&self) -> BTreeSet<EpochId> {
        let named = self.membership.with(|detector, _| detector.named());
        named.into_iter().chain(self.live.epochs()).collect()
    }

    /// What this process has lost to an adopter is adopted like anybody's, in case that one left
    /// something.
    async fn adopt_lost(&self) {
        for (epoch, generations) in self.live.lost() {
            if self.adopt(&epoch).await {
                self.membership.with(|detector, now| detector.adopted(epoch, now));
                self.live.forget_lost(epoch, generations);
            }
        }
    }

    /// Adopts what is ours to adopt now, and removes heartbeats of the dead.
    pub async fn adopt_abandoned(&self) {
        for epoch in self.membership.with(|detector, now| detector.abandoned(now)) {
            if self.adopt(&epoch).await {
                self.membership.with(|detector, now| detector.adopted(epoch, now));
            }
        }
        for process in self.membership.with(|detector, now| detector.forgettable(now)) {
            self.tried("an old heartbeat stays", self.journal.stop_beating(&process).await);
        }
    }

    /// Whether the epoch is done with; if not, it is to be tried again soon.
    async fn adopt(&self, epoch: &EpochId) -> bool {
        match self.adopter.adopt(epoch).await {
            Ok(summary) => !summary.gave_up,
            Err(error) => {
                self.metrics.upkeep_failed.inc();
                tracing::error!(%epoch, error = %ErrorChain(&error), "an epoch could not be adopted; its segments stay");
                // What trying again soon will not cure waits for the next sweep.
                !is_transient(&error)
            }
        }
    }

    /// Looks at all epochs of the store, for segments that nobody feels responsible for.
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
            if self.adopt(&epoch).await {
                self.membership.with(|detector, now| detector.adopted(epoch, now));
            }
        }
        Ok(())
    }
}

fn is_transient(error: &FlushError) -> bool {
    match error {
        FlushError::Store(error) | FlushError::Journal(JournalError::Store(error)) => {
            error.is_transient()
        }
        _ => false,
    }
}
