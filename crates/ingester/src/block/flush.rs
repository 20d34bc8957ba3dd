//! From generations to visible blocks.
//!
//! Order, which the journal's invariants rest on: data and filters → the create-only slot that
//! names blocks and segments → `meta.json` of each block → deletion of the segments
//! ([`tributary_journal::commit`]). What a crash between any two of these leaves is finished by the
//! process that adopts the epoch (`crate::upkeep`).

use super::retry::retry_until_done;
use super::{
    BlockBuilder, BuiltBlocks, CommitError, Committer, KnownBlocks, OnRefusal, Rebuilder,
    SegmentDeleter,
};
use crate::group::{CommitJob, FreezeAt, Generation, LiveSpans};
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::Slot;
use tributary_journal::commit::{CommitRun, Ended};

/// The task that writes blocks, and what it works with.
pub(crate) struct Flusher {
    /// Builds blocks.
    pub builder: BlockBuilder,
    /// Takes the steps of commits.
    pub committer: Committer,
    /// Deletes segments once their blocks are visible.
    pub deleter: Arc<SegmentDeleter>,
    /// Brings back what had to leave memory.
    pub rebuilder: Rebuilder,
    /// Where generations are.
    pub live: Arc<LiveSpans>,
    /// The blocks that this ingester knows: new ones join them.
    pub blocks: Arc<KnownBlocks>,
    /// When a generation is frozen.
    pub freeze_at: FreezeAt,
    /// Told when one may be due.
    pub flush_due: Arc<Notify>,
    /// Wakes the task that adopts, for an epoch that this process has lost.
    pub epoch_lost: Arc<Notify>,
}

/// The blocks of a commit, the spans that they are made of, and the slot for them.
pub(crate) struct Made {
    pub(crate) generation: Arc<Generation>,
    pub(crate) built: BuiltBlocks,
    pub(crate) slot: Slot,
}

impl Flusher {
    /// Writes generations as they become due. After `drain` it writes all there is and returns;
    /// `stop` ends it where it stands.
    ///
    /// # Errors
    /// What trying again cannot cure: the process must end, and the next one replays the segments.
    pub(crate) async fn run(
        self,
        drain: CancellationToken,
        stop: CancellationToken,
    ) -> Result<(), CommitError> {
        loop {
            let draining = drain.is_cancelled();
            self.live.freeze((!draining).then_some(self.freeze_at), Instant::now());
            while let Some(job) = self.live.begin_commit() {
                match stop.run_until_cancelled(self.carry_out(&job)).await {
                    None => return Ok(()),
                    Some(result) => result?,
                }
            }
            if draining {
                return Ok(());
            }
            let by_age = self.live.due_by_age(self.freeze_at.age);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = drain.cancelled() => {}
                () = self.flush_due.notified() => {}
                // Without spans there is nothing to wake up for: the journal tells.
                () = sleep_until(by_age), if by_age.is_some() => {}
            }
        }
    }

    async fn carry_out(&self, job: &CommitJob) -> Result<(), CommitError> {
        let begun = Instant::now();
        job.check()?;
        let Some(made) = self.build(job).await? else { return self.lose(job) };
        let Made { generation, mut built, mut slot } = made;
        slot.closed = job.commit.closes;
        let set_aside = slot.quarantined.clone();
        let mut run = CommitRun::new(slot);
        let commit =
            self.committer.until_visible(&mut run, &mut built, &generation, OnRefusal::Relog);
        if commit.await? == Ended::Lost {
            return self.lose(job);
        }
        self.blocks.written(built.metas());
        // Before they are told as covered: where none waits any more, all are counted.
        built.count(&self.committer.metrics);
        let mut deletable = self.live.committed(job)?;
        // What the slot sets aside stays where it is; the core takes all of the generation for covered.
        deletable.retain(|n| !set_aside.contains(n));
        if !set_aside.is_empty() {
            self.live.deleted(job.epoch, &set_aside)?;
        }
        self.committer.metrics.flush_seconds.observe(begun.elapsed().as_secs_f64());
        self.deleter.delete(job.epoch, deletable);
        Ok(())
    }

    /// What is to be committed. `None` when it cannot be made of all the segments whose spans are not
    /// in memory. One is gone: only a slot that names it can be the reason, and so an adopter's. Or one
    /// cannot be read at this time: then the epoch is given up, since an adoption can leave a segment
    /// as it is and go on with the others, and its owner cannot.
    pub(crate) async fn build(&self, job: &CommitJob) -> Result<Option<Made>, CommitError> {
        let (epoch, k) = (job.epoch, job.commit.slot);
        let segments = &job.commit.generation.segments;
        if !job.generation.evicted {
            let built = self.builder.build(epoch, k, &job.generation).await?;
            let slot = built.slot(epoch, k, segments.values().copied().collect());
            return Ok(Some(Made { generation: job.generation.clone(), built, slot }));
        }
        let read = || self.rebuilder.read(&epoch, segments.keys().copied(), usize::MAX);
        let rebuilt = retry_until_done("read segments back", epoch.bytes()[15], read).await;
        let Some(rebuilt) = rebuilt.filter(|rebuilt| rebuilt.left.is_empty()) else {
            return Ok(None);
        };
        self.committer.metrics.generations_rebuilt.inc();
        let built = self.builder.build(epoch, k, &rebuilt.generation).await?;
        let slot = built.slot_of(epoch, k, &rebuilt);
        Ok(Some(Made { generation: Arc::new(rebuilt.generation), built, slot }))
    }

    pub(crate) fn lose(&self, job: &CommitJob) -> Result<(), CommitError> {
        let (epoch, k) = (job.epoch, job.commit.slot);
        self.committer.metrics.slots_lost.inc();
        tracing::warn!(%epoch, k, "an adopter has committed in this epoch, or a segment of it cannot be read; what is left of it will be adopted, and a new one begins");
        self.live.slot_lost(job)?;
        self.epoch_lost.notify_one();
        Ok(())
    }
}

async fn sleep_until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
