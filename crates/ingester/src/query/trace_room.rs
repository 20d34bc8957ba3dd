//! What traces that are shown may take.

use super::room::Room;
use crate::limits::Limit;
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory for each look-up that may go on.
const BYTES_A_LOOK: usize = 64 << 20;
/// How long a look-up waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// What traces that are shown may take.
pub(crate) struct TraceRoom {
    looks: Arc<Semaphore>,
    pub(super) columns: Room,
}

impl TraceRoom {
    /// For an ingester with `memory` bytes.
    pub(crate) fn new(memory: usize) -> TraceRoom {
        let looks = (memory / BYTES_A_LOOK).clamp(2, 32);
        let columns = Room::new(memory / 4, Limit::TraceRoom);
        TraceRoom { looks: Arc::new(Semaphore::new(looks)), columns }
    }

    /// Waits for the turn of a look-up; none when that takes too long.
    pub(super) async fn look(&self, metrics: &Metrics) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.looks.clone().try_acquire_owned() {
            return Some(permit);
        }
        metrics.limited(Limit::TraceRoom);
        let permit = tokio::time::timeout(PATIENCE, self.looks.clone().acquire_owned()).await;
        permit.ok()?.ok()
    }
}
