//! From generations to visible blocks.
//!
//! Order, which the journal's invariants rest on: data and filters → the create-only slot that
//! names blocks and segments → `meta.json` of each block → deletion of the segments. A crash
//! between any two of these is finished by [`crate::replay`] at the next start.

mod build;

pub use build::{Builder, Built};

use crate::blocks::Blocks;
use crate::chain::Chain;
use crate::group::{FreezeAt, Live, Work};
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tributary_block::BlockError;
use tributary_journal::epoch::EpochError;
use tributary_journal::{EpochId, Journal, JournalError, Slot};
use tributary_store::{Created, StoreError};

/// Pause before something that the store did not take is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

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
    /// The task that builds blocks panicked.
    #[error("building a block panicked")]
    Panicked(#[from] tokio::task::JoinError),
    /// A fault in this program: the journal's core was told something that cannot be.
    #[error("the journal's core was used out of turn")]
    Core(#[from] EpochError),
}

/// The task that writes blocks, and what it works with.
pub struct Flush {
    /// Where slots go.
    pub journal: Journal,
    /// Builds blocks and stores their data.
    pub builder: Builder,
    /// Where generations are.
    pub live: Arc<Live>,
    /// Who is told of new blocks.
    pub blocks: Arc<Blocks>,
    /// When a generation is frozen.
    pub freeze_at: FreezeAt,
    /// Told when one may be due.
    pub due: Arc<Notify>,
    /// Counters.
    pub metrics: Arc<Metrics>,
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
        let (epoch, k) = (work.epoch, work.commit.slot);
        let built = self.builder.build(epoch, k, &work.generation).await?;
        let covers = work.commit.generation.segments.values().copied().collect();
        let mut slot = built.slot(epoch, k, covers);
        slot.closed = work.commit.closes;
        let created = commit(&self.journal, &self.builder, &built, &slot, &self.metrics).await?;
        if created == Created::Lost {
            self.metrics.slots_lost.inc();
            tracing::error!(%epoch, k, "the commit slot was taken by another process; its segments are left to recovery");
            return Ok(self.live.slot_lost(work)?);
        }
        self.live.slot_won(work)?;
        until_done("a block could not be made visible yet", || {
            self.journal.write_metas(&slot.blocks)
        })
        .await;
        self.blocks.written(&built);
        let deletable = self.live.shown(work)?;
        built.count(&self.metrics);
        self.metrics.flush_seconds.observe(begun.elapsed().as_secs_f64());
        // What is not deleted now is deleted at the next start: the slot names it.
        match self.journal.delete_segments(&epoch, &deletable).await {
            Ok(()) => self.live.deleted(epoch, &deletable)?,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "covered segments could not be deleted")
            }
        }
        Ok(())
    }
}

/// Stores the data of blocks and then their slot, however often the store has to be asked.
///
/// # Errors
/// When the slot breaks its own rules, which trying again does not cure.
pub async fn commit(
    journal: &Journal,
    builder: &Builder,
    built: &Built,
    slot: &Slot,
    metrics: &Metrics,
) -> Result<Created, FlushError> {
    until_done("a block could not be stored yet; its segments stay", || async {
        builder.store_data(built).await.inspect_err(|_| {
            metrics.flushes_failed.inc();
        })
    })
    .await;
    loop {
        match journal.put_slot(slot).await {
            Ok(created) => return Ok(created),
            Err(error @ JournalError::Slot { .. }) => return Err(error.into()),
            Err(error) => {
                metrics.flushes_failed.inc();
                tracing::warn!(error = %Chain(&error), "a commit slot could not be written yet");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// Repeats what must happen in the end.
pub async fn until_done<E, F>(what: &str, work: impl Fn() -> F)
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<(), E>>,
{
    while let Err(error) = work().await {
        tracing::warn!(error = %Chain(&error), "{what}");
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

async fn sleep_until(then: Option<Instant>) {
    match then {
        Some(then) => tokio::time::sleep_until(then.into()).await,
        None => std::future::pending().await,
    }
}
