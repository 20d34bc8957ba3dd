//! Object storage is where spans wait: what waits for its commit leaves memory when that runs
//! short.
//!
//! Spans come faster than blocks can be written, or blocks cannot be written at all while segments
//! still can. Then the newest generation that waits leaves memory: it is the last to be committed.
//! Its permits come back, so that sidecars get credit again. Its segments are in the store; it is
//! split into pieces of them, each of which is rebuilt and committed by itself when its turn comes.
//!
//! Rebuilding never waits for the memory that spans on their way in compete for: one piece at a
//! time is rebuilt, in memory of its own, a tenth of the budget. So however full memory is, what
//! was let go becomes blocks as soon as blocks can be written.
//!
//! What is left out of account are spans on their way to a segment: when they are durable they are
//! in a generation, and that is the time to look again.

use crate::memory::MemoryUsage;

/// A generation in memory that waits for its commit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// Whether its epoch was lost: it is adopted from its segments, whether it is in memory or not.
    pub(super) lost: bool,
}

/// What makes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvictionStep {
    /// Let go of the candidate with this index.
    Evict(usize),
    /// Freeze the active generation, so that it can be written, or let go.
    Freeze,
}

/// What to do now, if memory is short and there is anything that makes room. It is short when more
/// than three quarters of it are taken or waited for, and spans in generations are the cause: they
/// have more than half of it (`live` bytes). Candidates come oldest first; `active` are the bytes
/// of the generation that still grows.
pub(super) fn next_step(
    usage: MemoryUsage,
    live: usize,
    candidates: &[Candidate],
    active: usize,
) -> Option<EvictionStep> {
    let MemoryUsage { limit, used, wanted } = usage;
    // However many wait, no single one waits for more than half of the budget.
    let short = used.saturating_add(wanted.min(limit / 2)) > limit / 4 * 3 && live > limit / 2;
    if !short {
        return None;
    }
    let lost = candidates.iter().rposition(|generation| generation.lost);
    match lost.or(candidates.len().checked_sub(1)) {
        Some(index) => Some(EvictionStep::Evict(index)),
        // Not by crumbs: each becomes a block.
        None => (active >= limit / 16).then_some(EvictionStep::Freeze),
    }
}

#[cfg(test)]
mod tests;
