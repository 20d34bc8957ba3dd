//! The ways in which a slot came to name segments whose spans are in no block, put back, and what
//! the exploration of the engine (`crate::engine`) needs to know of the inside.

use super::*;
use std::hash::{DefaultHasher, Hash, Hasher};

impl LiveSpans {
    /// The slot is won, and its generation stays in memory.
    pub(crate) fn slot_won_alone(&self, job: &CommitJob) -> Result<(), EpochError> {
        self.with(job.epoch, |writer| writer.core.slot_won(job.commit.slot))
    }

    /// The blocks of a slot that was won before are visible.
    pub(crate) fn shown_alone(&self, job: &CommitJob) -> Result<Vec<u64>, EpochError> {
        self.with(job.epoch, |writer| {
            let deletable = writer.core.metas_written(job.commit.slot)?;
            writer.frozen.retain(|generation| !Arc::ptr_eq(generation, &job.generation));
            Ok(deletable)
        })
    }

    /// The oldest generation that waits leaves memory, and the core is told its place in the line, and
    /// not its segments. `counted`: whether what is being committed is taken off.
    pub(crate) fn evict_by_place(&self, counted: bool) {
        let mut inner = self.lock();
        let Some(writer) = inner.writers.last_mut() else { return };
        writer.freeze();
        let waits = |(at, g): &(usize, &Arc<Generation>)| *at > 0 && !g.evicted;
        let Some((at, _)) = writer.frozen.iter().enumerate().find(waits) else { return };
        let committing = usize::from(counted && writer.core.is_committing());
        let segments = waiting(&writer.core).into_iter().nth(at - committing).unwrap_or_default();
        let parts = writer.core.split(&segments, 1);
        if !parts.is_empty() {
            writer.frozen.remove(at);
        }
        for part in parts.into_iter().rev() {
            writer.frozen.insert(at, Arc::new(Generation::evicted(part.segments, None)));
        }
    }

    /// A number that two of these share when all that is to be asked of them gives the same.
    pub(crate) fn fingerprint(&self) -> u64 {
        let inner = self.lock();
        let mut hasher = DefaultHasher::new();
        let generation = |g: &Generation| (g.segments.clone(), g.evicted, g.spans);
        for writer in &inner.writers {
            (&writer.core, generation(&writer.active)).hash(&mut hasher);
            writer.frozen.iter().for_each(|g| generation(g).hash(&mut hasher));
        }
        inner.adopted.iter().for_each(|g| generation(g).hash(&mut hasher));
        for (epoch, left) in &inner.lost {
            (epoch, left.iter().map(|g| generation(g)).collect::<Vec<_>>()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The generations that wait in the core, in their order.
fn waiting(core: &WriterEpoch) -> Vec<BTreeMap<u64, SegmentInfo>> {
    let (mut core, mut found) = (core.clone(), Vec::new());
    // One that is under way is not among them.
    (0..16).find(|slot| core.slot_won(*slot).is_ok());
    while let Some(commit) = core.begin_commit() {
        core.slot_won(commit.slot).unwrap();
        found.push(commit.generation.segments);
    }
    found
}
