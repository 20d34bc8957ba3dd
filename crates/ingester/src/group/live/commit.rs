//! Generations on their way into blocks: committed by this process, or lost to an adopter and
//! adopted.

use super::{Generation, LiveSpans};
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_journal::epoch::EpochError;
use tributary_journal::{Commit, EpochId, SegmentInfo};

/// A commit to carry out.
#[derive(Debug, Clone)]
pub(crate) struct CommitJob {
    /// The epoch.
    pub epoch: EpochId,
    /// Slot and segments.
    pub commit: Commit,
    /// The spans of those segments; without any when the slot only closes the epoch.
    pub generation: Arc<Generation>,
}

impl CommitJob {
    /// Whether the spans are those of exactly the segments that the slot is to cover.
    ///
    /// # Errors
    /// When they are not: a fault in this program. Nothing may be committed then, or segments would
    /// go whose spans are in no block.
    pub(crate) fn check(&self) -> Result<(), EpochError> {
        match self.generation.segments == self.commit.generation.segments {
            true => Ok(()),
            false => Err(EpochError::OutOfTurn("the spans are not those of the commit's segments")),
        }
    }
}

impl LiveSpans {
    /// The next commit, if there is one. One at a time in each epoch.
    pub(crate) fn begin_commit(&self) -> Option<CommitJob> {
        let mut inner = self.lock();
        inner.writers.iter_mut().find_map(|writer| {
            let commit = writer.core.begin_commit()?;
            let generation = match writer.frozen.front() {
                Some(frozen) if !commit.generation.segments.is_empty() => frozen.clone(),
                _ => Arc::default(),
            };
            Some(CommitJob { epoch: writer.core.id(), commit, generation })
        })
    }

    /// The slot is this process's and its blocks are visible: their spans leave memory. The segments
    /// that may go.
    ///
    /// Won, shown and gone from memory is one step under one lock. Between two of them the
    /// generation would count as one that waits and could be evicted, or shift the places of those
    /// behind it, and a later slot would name segments whose spans are not in its blocks. So the
    /// caller makes the blocks visible first: a query then finds a span twice, never not at all.
    ///
    /// # Errors
    /// When the slot was not being committed.
    pub(crate) fn committed(&self, job: &CommitJob) -> Result<Vec<u64>, EpochError> {
        self.with(job.epoch, |writer| {
            writer.core.slot_won(job.commit.slot)?;
            let deletable = writer.core.metas_written(job.commit.slot)?;
            writer.frozen.retain(|g| !Arc::ptr_eq(g, &job.generation));
            Ok(deletable)
        })
    }

    /// Segments were deleted, or are left to be deleted by another process; an older epoch that has
    /// nothing left is forgotten. One that is forgotten already keeps no account of its segments.
    ///
    /// # Errors
    /// When they were not deletable.
    pub(crate) fn deleted(&self, epoch: EpochId, segments: &[u64]) -> Result<(), EpochError> {
        let mut inner = self.lock();
        let writer = inner.writers.iter_mut().find(|writer| writer.core.id() == epoch);
        writer.map_or(Ok(()), |writer| writer.core.deleted(segments))?;
        inner.forget_drained();
        Ok(())
    }

    /// The slot is an adopter's: the epoch is lost, with all its generations in memory. Their
    /// segments are live until a slot covers them.
    ///
    /// # Errors
    /// When it was not being committed.
    pub(crate) fn slot_lost(&self, job: &CommitJob) -> Result<(), EpochError> {
        let left = self.with(job.epoch, |writer| {
            writer.core.slot_lost(job.commit.slot)?;
            let mut left: Vec<_> = std::mem::take(&mut writer.frozen).into();
            left.push(Arc::new(std::mem::take(&mut writer.active)));
            Ok(left)
        })?;
        self.lock().lost.entry(job.epoch).or_default().extend(left);
        Ok(())
    }

    /// Epochs that this process has lost and that are to be adopted like those of another process,
    /// each with the number of its generations in memory.
    pub(crate) fn lost_epochs(&self) -> Vec<(EpochId, usize)> {
        self.lock().lost.iter().map(|(epoch, spans)| (*epoch, spans.len())).collect()
    }

    /// A lost epoch has been adopted, with the first `generations` of what was in memory of it.
    pub(crate) fn forget_lost(&self, epoch: EpochId, generations: usize) {
        let mut adopted = Vec::new();
        {
            let mut inner = self.lock();
            if let Some(left) = inner.lost.get_mut(&epoch) {
                adopted.extend(left.drain(..generations.min(left.len())));
                if left.is_empty() {
                    inner.lost.remove(&epoch);
                }
            }
            inner.forget_drained();
        }
        // They give their bytes back, which wakes what waits for some: not under our lock.
        drop(adopted);
    }

    /// Spans were logged again in an epoch of their own: they are read from there, and adopted.
    pub(crate) fn add_relogged(&self, epoch: EpochId, segments: BTreeMap<u64, SegmentInfo>) {
        self.lock().relogged.insert(epoch, segments);
    }

    /// Epochs in which spans were logged again that are in no block yet, the oldest first.
    pub(crate) fn relogged(&self) -> Vec<EpochId> {
        self.lock().relogged.keys().copied().collect()
    }

    /// The epoch has been adopted.
    pub(crate) fn forget_relogged(&self, epoch: &EpochId) {
        self.lock().relogged.remove(epoch);
    }

    /// Makes spans readable that were rebuilt from segments of an epoch whose owner is gone.
    pub(crate) fn add_adopted(&self, generation: Arc<Generation>) {
        self.lock().adopted.push(generation);
    }

    /// Forgets adopted spans whose blocks are visible.
    pub(crate) fn forget_adopted(&self, generation: &Arc<Generation>) {
        self.lock().adopted.retain(|g| !Arc::ptr_eq(g, generation));
    }
}
