//! Object storage is where spans wait: what waits for its commit leaves memory when that runs short.
//!
//! Spans come faster than blocks can be written, or blocks cannot be written at all while segments
//! still can. Then the newest generation that waits leaves memory: it is the last to be committed.
//! Its permits come back, so that sidecars get credit again. Its segments are in the store; it is
//! split into pieces of them, each of which is rebuilt and committed by itself when its turn comes.
//!
//! Rebuilding never waits for the memory that spans on their way in compete for: one piece at a time
//! is rebuilt, in memory of its own, a tenth of the budget. So however full memory is, what was let
//! go becomes blocks as soon as blocks can be written.
//!
//! What is left out of account are spans on their way to a segment: when they are durable they are
//! in a generation, and that is the time to look again.

use super::{Live, Place, Relieved};
use crate::memory::{Account, Memory};
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A generation in memory that waits.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// Bytes of its columns.
    pub bytes: usize,
    /// Whether its epoch was lost: it is adopted from its segments, whether it is in memory or not.
    pub lost: bool,
    /// Where it is.
    pub place: Place,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relief {
    /// Nothing: there is room, or nothing that could make any.
    None,
    /// Let go of the waiting generation with this index.
    Evict(usize),
    /// Freeze the active generation, so that it can be written, or let go.
    Freeze,
}

/// Memory is short when more than three quarters of it are taken or waited for, and spans in
/// generations are the cause: they have more than half of it. `waiting` are generations, the oldest
/// first; `active` are the bytes of the one that still grows.
pub fn relief(account: Account, live: usize, waiting: &[Waiting], active: usize) -> Relief {
    let Account { limit, used, wanted } = account;
    // However many wait, no single one waits for more than half of the budget.
    let short = used.saturating_add(wanted.min(limit / 2)) > limit / 4 * 3 && live > limit / 2;
    if !short {
        return Relief::None;
    }
    let lost = waiting.iter().rposition(|generation| generation.lost);
    match lost.or(waiting.len().checked_sub(1)) {
        Some(index) => Relief::Evict(index),
        // Not by crumbs: each becomes a block.
        None if active >= limit / 16 => Relief::Freeze,
        None => Relief::None,
    }
}

/// The task that looks after memory, and what it works with.
pub struct Evictor {
    /// The budget.
    pub memory: Memory,
    /// Where generations are.
    pub live: Arc<Live>,
    /// Bytes of segments that are rebuilt together.
    pub piece_bytes: u64,
    /// Wakes the task that writes blocks.
    pub due: Arc<Notify>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Evictor {
    /// Relieves memory whenever it may have become short, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(self.memory.looked_after()).await.is_some() {
            while let Some(relieved) = self.live.relieve(self.memory.account(), self.piece_bytes) {
                match relieved {
                    Relieved::Frozen => self.due.notify_one(),
                    Relieved::Evicted(parts, generation) => {
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

#[cfg(test)]
mod tests;
