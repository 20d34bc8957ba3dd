//! Memory that questions share.

use crate::limits::Limit;
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this many bytes.
const UNIT: u64 = 64 << 10;

/// So many bytes. Those that wait for some have them in the order in which they came.
pub(super) struct Room {
    units: Arc<Semaphore>,
    all: u32,
    limit: Limit,
}

impl Room {
    /// So many bytes; what has to wait for them is counted as this limit.
    pub(super) fn new(bytes: usize, limit: Limit) -> Room {
        let all = u32::try_from(bytes as u64 / UNIT).unwrap_or(u32::MAX).max(1);
        Room { units: Arc::new(Semaphore::new(all as usize)), all, limit }
    }

    /// Bytes that there are.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.all) * UNIT
    }

    /// Waits for bytes, for all of them at most.
    pub(super) async fn take(&self, bytes: u64, metrics: &Metrics) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.all);
        if let Ok(permit) = self.units.clone().try_acquire_many_owned(units) {
            return Some(permit);
        }
        metrics.limited(self.limit);
        self.units.clone().acquire_many_owned(units).await.ok()
    }
}
