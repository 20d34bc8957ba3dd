//! From generations to visible blocks.
//!
//! Order, which the journal's invariants rest on: data and filters → the create-only slot that
//! names blocks and segments → `meta.json` of each block → deletion of the segments
//! ([`tributary_journal::commit`]). What a crash between any two of these leaves is finished by
//! whoever adopts the epoch ([`crate::upkeep`]).

use super::{Blocks, Builder, Built, Rebuilder, Steps};
use crate::group::{FreezeAt, Live, Work};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::BlockError;
use tributary_journal::commit::{CommitRun, Ended};
use tributary_journal::epoch::EpochError;
use tributary_journal::{CompactionWindow, EpochId, JournalError, Slot, adopt, commit, compact};
use tributary_store::StoreError;
use tributary_telemetry::ErrorChain;

/// Pause before something that the store did not take is tried again.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why spans are not in a visible block.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The store did not take something: try again, all of it is repeatable.
    #[error("the store did not take a block")]
    Store(#[from] StoreError),
    /// The journal did not take something.
    #[error("the journal did not take a commit")]
    Journal(#[from] JournalError),
    /// The block could not be built: a fault in this program.
    #[error("the block could not be built")]
    Block(#[from] BlockError),
    /// The epoch has no slot left.
    #[error("epoch {0} has no commit slot left")]
    NoSlotLeft(EpochId),
    /// The window has no record left.
    #[error("window {} of tenant {} has no record left", .0.hour_name(), .0.tenant)]
    NoRecordLeft(CompactionWindow),
    /// The task that builds blocks panicked.
    #[error("building a block panicked")]
    Panicked(#[from] tokio::task::JoinError),
    /// A fault in this program: the journal's core was told something that cannot be.
    #[error("the journal's core was used out of turn")]
    Core(#[from] EpochError),
    /// The same, in a commit.
    #[error("a commit's steps were taken out of turn")]
    Commit(#[from] commit::OutOfTurn),
    /// The same, in an adoption.
    #[error("an adoption's steps were taken out of turn")]
    Adoption(#[from] adopt::OutOfTurn),
    /// The same, in a compaction.
    #[error("a compaction's steps were taken out of turn")]
    Compaction(#[from] compact::OutOfTurn),
}

/// The task that writes blocks, and what it works with.
pub struct Flush {
    /// Builds blocks.
    pub builder: Builder,
    /// Takes the steps of commits.
    pub steps: Steps,
    /// Brings back what had to leave memory.
    pub rebuilder: Rebuilder,
    /// Where generations are.
    pub live: Arc<Live>,
    /// Who is told of new blocks.
    pub blocks: Arc<Blocks>,
    /// When a generation is frozen.
    pub freeze_at: FreezeAt,
    /// Told when one may be due.
    pub due: Arc<Notify>,
    /// Wakes whoever adopts what this process has lost.
    pub lost: Arc<Notify>,
}

impl Flush {
    /// Writes generations as they become due. After `drain` it writes all there is and returns;
    /// `stop` ends it where it stands.
    ///
    /// # Errors
    /// What trying again cannot cure: the process must end, and the next one replays the segments.
    pub async fn run(
        self,
        drain: CancellationToken,
        stop: CancellationToken,
    ) -> Result<(), FlushError> {
        loop {
            let draining = drain.is_cancelled();
            self.live.freeze((!draining).then_some(self.freeze_at), Instant::now());
            while let Some(work) = self.live.begin_commit() {
                match stop.run_until_cancelled(self.carry_out(&work)).await {
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
                () = self.due.notified() => {}
                // Without spans there is nothing to wake up for: the journal tells.
                () = sleep_until(by_age), if by_age.is_some() => {}
            }
        }
    }

    async fn carry_out(&self, work: &Work) -> Result<(), FlushError> {
        let begun = Instant::now();
        let epoch = work.epoch;
        let Some((built, mut slot)) = self.build(work).await? else { return self.lose(work) };
        slot.closed = work.commit.closes;
        let mut run = CommitRun::new(slot);
        if self.steps.until_visible(&mut run, &built).await? == Ended::Lost {
            return self.lose(work);
        }
        self.live.slot_won(work)?;
        self.blocks.written(built.metas());
        let deletable = self.live.shown(work)?;
        built.count(&self.steps.metrics);
        self.steps.metrics.flush_seconds.observe(begun.elapsed().as_secs_f64());
        self.steps.finish(&mut run).await?;
        Ok(self.live.deleted(epoch, &deletable)?)
    }

    /// The blocks of a commit and the slot for them. `None` when a segment whose spans are not in
    /// memory is gone: only a slot that names it can be the reason, and so somebody else's.
    async fn build(&self, work: &Work) -> Result<Option<(Built, Slot)>, FlushError> {
        let (epoch, k) = (work.epoch, work.commit.slot);
        let segments = &work.commit.generation.segments;
        if !work.generation.evicted {
            let built = self.builder.build(epoch, k, &work.generation).await?;
            let slot = built.slot(epoch, k, segments.values().copied().collect());
            return Ok(Some((built, slot)));
        }
        let read = || self.rebuilder.read(&epoch, segments.keys().copied());
        let rebuilt = until_done("segments could not be read back yet", read).await;
        let Some(rebuilt) = rebuilt else { return Ok(None) };
        self.steps.metrics.generations_rebuilt.inc();
        let built = self.builder.build(epoch, k, &rebuilt.generation).await?;
        let slot = built.slot_of(epoch, k, &rebuilt);
        Ok(Some((built, slot)))
    }

    fn lose(&self, work: &Work) -> Result<(), FlushError> {
        let (epoch, k) = (work.epoch, work.commit.slot);
        self.steps.metrics.slots_lost.inc();
        tracing::warn!(%epoch, k, "somebody else has committed in this epoch; what is left of it will be adopted, and a new one begins");
        self.live.slot_lost(work)?;
        self.lost.notify_one();
        Ok(())
    }
}

/// Repeats what must happen in the end.
pub async fn until_done<T, E, F>(what: &str, work: impl Fn() -> F) -> T
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match work().await {
            Ok(done) => return done,
            Err(error) => tracing::warn!(error = %ErrorChain(&error), "{what}"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn sleep_until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then).await,
        None => std::future::pending().await,
    }
}
