//! Which segments there are in epochs: queries that come together share a listing.

use crate::group::EpochSegments;
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tributary_journal::{EpochId, Journal};
use tributary_telemetry::ErrorChain;

/// Epochs of one query that are listed at a time.
const AT_ONCE: usize = 8;

type Listed = Arc<Vec<(u64, u64)>>;

/// What was listed last.
pub(super) struct Listings {
    /// Of each epoch, and when that began.
    listed: Mutex<BTreeMap<EpochId, (Instant, Listed)>>,
    /// Queries that need a listing take turns: one lists, and those that came before it began
    /// take what it found.
    turn: Semaphore,
}

impl Default for Listings {
    fn default() -> Self {
        Listings { listed: Mutex::default(), turn: Semaphore::new(1) }
    }
}

impl Listings {
    fn listed(&self) -> MutexGuard<'_, BTreeMap<EpochId, (Instant, Listed)>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The segments of these epochs by a listing that began at `since` or later; a message for each
    /// epoch that could not be listed.
    pub(super) async fn list(
        &self,
        journal: &Journal,
        epochs: &BTreeSet<EpochId>,
        since: Instant,
    ) -> (Vec<EpochSegments>, Vec<String>) {
        let Ok(_turn) = self.turn.acquire().await else {
            unreachable!("the semaphore is never closed")
        };
        let known = |epoch: &EpochId| {
            let found = self.listed().get(epoch).filter(|(begun, _)| *begun >= since).cloned();
            found.map(|(_, segments)| segments)
        };
        let list = |epoch: EpochId| async move {
            if let Some(segments) = known(&epoch) {
                return (epoch, Ok(segments));
            }
            let begun = Instant::now();
            let found = journal.segments(&epoch).await;
            let segments = found.map(|found| Arc::new(found.into_iter().collect::<Vec<_>>()));
            if let Ok(segments) = &segments {
                self.listed().insert(epoch, (begun, segments.clone()));
            }
            (epoch, segments)
        };
        let lists = epochs.iter().copied().map(list).collect::<Vec<_>>();
        let answers: Vec<_> = stream::iter(lists).buffered(AT_ONCE).collect().await;
        self.listed().retain(|epoch, _| epochs.contains(epoch));
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (epoch, answer) in answers {
            match answer {
                Ok(segments) => found.push((epoch, segments.to_vec())),
                Err(error) => {
                    let why = ErrorChain(&error);
                    missing.push(format!("segments of epoch {epoch} could not be listed: {why}"));
                }
            }
        }
        (found, missing)
    }
}
