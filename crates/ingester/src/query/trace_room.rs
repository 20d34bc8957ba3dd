//! What traces that are shown may take.

use super::room::Room;
use crate::limits::Limit;
use crate::memory::{LargeReads, Reading};
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory for each look-up that may go on.
const BYTES_A_LOOK: usize = 96 << 20;
/// How long a look-up waits for its turn, and then for room for what it found.
const PATIENCE: Duration = Duration::from_secs(30);

/// What traces that are shown may take.
pub(crate) struct TraceRoom {
    looks: Arc<Semaphore>,
    large: LargeReads,
    columns: Room,
}

/// The turn of a look-up, until what it found has room of its own.
pub(super) struct Look {
    _turn: OwnedSemaphorePermit,
    /// Counts what it reads.
    pub(super) reading: Reading,
}

impl TraceRoom {
    /// For an ingester with `memory` bytes.
    pub(crate) fn new(memory: usize) -> TraceRoom {
        let looks = (memory / BYTES_A_LOOK).clamp(2, 32);
        let columns = Room::new(memory / 4, Limit::TraceRoom);
        let large = LargeReads::new(memory);
        TraceRoom { looks: Arc::new(Semaphore::new(looks)), large, columns }
    }

    /// Waits for the turn of a look-up; none when that takes too long.
    pub(super) async fn look(&self, metrics: &Metrics) -> Option<Look> {
        let reading = self.large.reading();
        if let Ok(turn) = self.looks.clone().try_acquire_owned() {
            return Some(Look { _turn: turn, reading });
        }
        metrics.limited(Limit::TraceRoom);
        let turn = tokio::time::timeout(PATIENCE, self.looks.clone().acquire_owned()).await;
        Some(Look { _turn: turn.ok()?.ok()?, reading })
    }

    /// All that columns may take, bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.columns.bytes()
    }

    /// Waits for room for so many bytes of columns, or for all of it; none when that takes too long:
    /// readers of other traces hold it, and looks that wait for them are not to hold up all others.
    pub(super) async fn take(&self, bytes: u64, metrics: &Metrics) -> Option<OwnedSemaphorePermit> {
        tokio::time::timeout(PATIENCE, self.columns.take(bytes, metrics)).await.ok()?
    }
}
