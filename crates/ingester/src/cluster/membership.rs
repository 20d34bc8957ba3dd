//! Which other ingesters there are, as the heartbeats tell it: shared between the task that reads
//! heartbeats, the one that adopts, the compactor and the queries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_journal::failure_detector::{FailureDetector, Others};

/// What is known of the others. Clones share it.
#[derive(Debug, Clone)]
pub struct Membership {
    detector: Arc<Mutex<FailureDetector>>,
    started: Instant,
}

impl Membership {
    /// Begins now.
    pub(crate) fn new(detector: FailureDetector) -> Self {
        Membership { detector: Arc::new(Mutex::new(detector)), started: Instant::now() }
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

    /// The last time that spans are known to have gone into blocks of others.
    pub fn moved(&self) -> Option<Instant> {
        self.with(|detector, _| detector.moved()).map(|moved| self.started + moved)
    }
}
