//! The task that looks how much of the store's disk is free.

use super::room::Mebibytes;
use super::{DiskRoom, Reserve, Shortage};
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tributary_store::{DiskSpace, Store};
use tributary_telemetry::ErrorChain;

/// Between two looks: what comes in meanwhile is far less than a reserve.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The task, and what it works with.
pub(crate) struct DiskWatch {
    /// Its folder's disk is looked at.
    pub store: Store,
    /// How much is kept free.
    pub reserve: Reserve,
    /// Told what was found.
    pub room: DiskRoom,
    /// Gauges.
    pub metrics: Arc<Metrics>,
    /// Whether the last look failed.
    pub failed: bool,
}

impl DiskWatch {
    /// Looks, every second until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let work = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                self.look().await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Looks once, and tells what was found. Whether there is a disk to look at.
    pub(crate) async fn look(&mut self) -> bool {
        match self.store.disk_space().await {
            Ok(None) => return false,
            Ok(Some(space)) => {
                self.failed = false;
                self.found(space);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failed, true) {
                    tracing::warn!(
                        error = %ErrorChain(&error),
                        "it cannot be told how much of the store's disk is free; it counts as enough"
                    );
                }
                self.tell(None);
            }
        }
        true
    }

    fn found(&self, space: DiskSpace) {
        let reserve = self.reserve.bytes(space.total);
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.disk_free_bytes.set(gauge(space.free));
        self.metrics.disk_reserve_bytes.set(gauge(reserve));
        let was_short = self.room.is_short();
        let is_short = self.reserve.is_short(space, was_short);
        match (was_short, is_short) {
            (false, true) => tracing::warn!(
                free = %Mebibytes(space.free), reserve = %Mebibytes(reserve),
                "the store's disk is nearly full: new spans wait, and what was taken becomes blocks; make room on it, or give the store a larger one"
            ),
            (true, false) => tracing::info!(
                free = %Mebibytes(space.free), reserve = %Mebibytes(reserve),
                "the store's disk has room again: new spans are taken"
            ),
            _ => {}
        }
        self.tell(is_short.then_some(Shortage { free: space.free, reserve }));
    }

    fn tell(&self, shortage: Option<Shortage>) {
        self.metrics.disk_short.set(i64::from(shortage.is_some()));
        self.room.found(shortage);
    }
}
