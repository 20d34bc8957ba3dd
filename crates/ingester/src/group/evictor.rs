//! The task that makes room in memory.

use super::{LiveSpans, MadeRoom};
use crate::memory::MemoryBudget;
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The task, and what it works with.
pub(crate) struct Evictor {
    /// The budget.
    pub memory: MemoryBudget,
    /// Where generations are.
    pub live: Arc<LiveSpans>,
    /// Bytes in memory that are rebuilt together.
    pub piece: usize,
    /// Wakes the task that writes blocks.
    pub flush_due: Arc<Notify>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Evictor {
    /// Makes room whenever memory may have become short, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(self.memory.check_requested()).await.is_some() {
            while let Some(made) = self.live.make_room(self.memory.usage(), self.piece) {
                match made {
                    MadeRoom::Frozen => self.flush_due.notify_one(),
                    MadeRoom::Evicted { parts, generation } => {
                        let (spans, bytes) = (generation.spans, generation.bytes);
                        tracing::info!(
                            spans,
                            bytes,
                            "memory is short: spans that wait for their blocks are left to their segments"
                        );
                        self.metrics.generations_spilled.add(parts as u64);
                    }
                }
            }
        }
    }
}
