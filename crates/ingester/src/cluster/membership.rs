//! Which other ingesters there are, as the heartbeats tell it: shared between the task that reads
//! heartbeats, the one that adopts, the compactor and the queries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tributary_journal::failure_detector::{FailureDetector, Others};

/// What is known of the others. Clones share it.
#[derive(Debug, Clone)]
pub struct Membership {
    detector: Arc<Mutex<FailureDetector>>,
    started: Instant,
    /// The heartbeats were read.
    heard: Arc<Notify>,
}

impl Membership {
    /// Begins now.
    pub(crate) fn new(detector: FailureDetector) -> Self {
        let detector = Arc::new(Mutex::new(detector));
        Membership { detector, started: Instant::now(), heard: Arc::default() }
    }

    /// The detector, and the time on its clock.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut FailureDetector, Duration) -> T) -> T {
        let mut detector = self.detector.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut detector, self.started.elapsed())
    }

    /// Where spans may be that this process does not have.
    pub(crate) fn others(&self) -> Others {
        self.with(|detector, now| detector.others(now))
    }

    /// How many epochs of processes that are gone are left to adopt; nothing before the heartbeats
    /// were read.
    pub(crate) fn left(&self) -> Option<usize> {
        self.with(|detector, now| detector.has_listened().then(|| detector.left(now)))
    }

    /// Whether the heartbeats were read once.
    pub(crate) fn has_heard(&self) -> bool {
        self.with(|detector, _| detector.has_listened())
    }

    /// Those who wait for the heartbeats to be read look again.
    pub(crate) fn heard(&self) {
        self.heard.notify_waiters();
    }

    /// Waits until the heartbeats were read once, which is soon after the start; for so long at most.
    pub(crate) async fn first_heard(&self, patience: Duration) {
        let heard = async {
            loop {
                let heard = self.heard.notified();
                if self.has_heard() {
                    return;
                }
                heard.await;
            }
        };
        // What is not known by then, the detector says.
        drop(tokio::time::timeout(patience, heard).await);
    }

    /// The last time that spans are known to have gone into blocks of others.
    pub fn moved(&self) -> Option<Instant> {
        self.with(|detector, _| detector.moved()).map(|moved| self.started + moved)
    }
}
