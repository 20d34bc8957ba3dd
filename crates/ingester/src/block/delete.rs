//! Deleting segments that a visible block has made superfluous: work that may wait, so nothing
//! waits for it. A store that refuses deletions (object lock, a policy, a fault of that one
//! operation) keeps objects that it might lose; blocks are written as ever.
//!
//! What waits is bounded. What has no place any more is left to the store: the slot names it, so
//! the process that adopts the epoch one day, or sweeps it, deletes it.

use super::PAUSES;
use crate::group::LiveSpans;
use crate::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::{EpochId, Journal};
use tributary_telemetry::{ErrorChain, Repeated};

/// Segments that wait at most: six hours of them, half a mebibyte.
const MOST: usize = 64 << 10;

/// Segments that are to be deleted, and what deletes them.
pub(crate) struct SegmentDeleter {
    journal: Journal,
    live: Arc<LiveSpans>,
    metrics: Arc<Metrics>,
    /// When the log is due to tell of deletions that failed.
    told: Repeated,
    waiting: Mutex<Waiting>,
    more: Notify,
    /// Held by what is deleting: the task, or the end of the process.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Waiting {
    commits: VecDeque<Covered>,
    /// Their segments together.
    segments: usize,
}

/// The segments of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Covered {
    epoch: EpochId,
    segments: Vec<u64>,
}

impl Waiting {
    /// Puts a commit behind the others; gives it back when there is no place for it.
    fn push(&mut self, covered: Covered, most: usize) -> Option<Covered> {
        let segments = self.segments + covered.segments.len();
        if segments > most && !self.commits.is_empty() {
            return Some(covered);
        }
        self.segments = segments;
        self.commits.push_back(covered);
        None
    }

    fn pop(&mut self) -> Option<Covered> {
        let first = self.commits.pop_front()?;
        self.segments -= first.segments.len();
        Some(first)
    }
}

impl SegmentDeleter {
    pub(crate) fn new(journal: Journal, live: Arc<LiveSpans>, metrics: Arc<Metrics>) -> Self {
        SegmentDeleter {
            journal,
            live,
            metrics,
            told: Repeated::default(),
            waiting: Mutex::default(),
            more: Notify::new(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These segments of an epoch are covered by a slot whose blocks are visible (I2).
    pub(crate) fn delete(&self, epoch: EpochId, segments: Vec<u64>) {
        if segments.is_empty() {
            return;
        }
        self.queue(Covered { epoch, segments });
        self.more.notify_one();
    }

    /// Puts these behind all that wait. What had to make room for them is forgotten when the queue's lock
    /// has been given back: that takes the lock of the live spans.
    fn queue(&self, covered: Covered) {
        let left = self.waiting().push(covered, MOST);
        left.iter().for_each(|left| self.forget(left));
    }

    /// Deletes as commits come, until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let work = async {
            let mut failures = 0;
            loop {
                match self.next().await {
                    None => self.more.notified().await,
                    Some(true) => failures = 0,
                    Some(false) => {
                        failures += 1;
                        tokio::time::sleep(PAUSES.after(failures)).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Tries each that waits once more, at the end of the process. What is left then is deleted by
    /// the next process that looks after the epoch.
    pub(crate) async fn finish(&self) {
        let waiting = self.waiting().commits.len();
        for _ in 0..waiting {
            if self.next().await.is_none() {
                return;
            }
        }
    }

    /// Deletes the first that waits, and tells whether that was done; one that could not be
    /// deleted goes behind the others, which may be of a better kind.
    async fn next(&self) -> Option<bool> {
        let _turn = self.turn.lock().await;
        let covered = self.waiting().pop()?;
        match self.journal.delete_segments(&covered.epoch, &covered.segments).await {
            Ok(()) => {
                self.forget(&covered);
                Some(true)
            }
            Err(error) => {
                self.metrics.deletions_failed.inc();
                if let Some(times) = self.told.due(Instant::now().into_std()) {
                    tracing::warn!(
                        epoch = %covered.epoch,
                        segments = covered.segments.len(),
                        times,
                        error = %ErrorChain(&error),
                        "covered segments could not be deleted; blocks are written all the same, and it is tried again"
                    );
                }
                self.queue(covered);
                Some(false)
            }
        }
    }

    fn forget(&self, covered: &Covered) {
        if let Err(error) = self.live.deleted(covered.epoch, &covered.segments) {
            tracing::error!(epoch = %covered.epoch, %error, "segments were deleted that this process did not know as covered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(n: u64, segments: u64) -> Covered {
        Covered { epoch: EpochId::new(0, [0; 12]), segments: (n..n + segments).collect() }
    }

    #[test]
    fn what_waits_is_bounded_and_a_single_commit_always_has_a_place() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.push(covered(0, 200), 100), None);
        assert_eq!(waiting.push(covered(200, 1), 100), Some(covered(200, 1)));
        assert_eq!(waiting.pop(), Some(covered(0, 200)));
        assert_eq!(waiting.push(covered(0, 60), 100), None);
        assert_eq!(waiting.push(covered(60, 40), 100), None);
        assert_eq!(waiting.push(covered(100, 1), 100), Some(covered(100, 1)));
        assert_eq!(
            (waiting.pop(), waiting.pop(), waiting.pop()),
            (Some(covered(0, 60)), Some(covered(60, 40)), None)
        );
        assert_eq!(waiting.segments, 0);
    }
}
