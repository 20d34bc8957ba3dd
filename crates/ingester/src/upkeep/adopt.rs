//! Adopting epochs: what their owners left undone becomes blocks.
//!
//! The steps are [`tributary_journal::adopt`]'s; here they are taken. Being wrong about which
//! process lives costs work and never data: the slot decides (journal I6). One epoch at a time and
//! one piece of it at a time, so that the memory of it is bounded beside that of the spans that
//! come in.

use super::LeftSegments;
use crate::block::{
    BlockBuilder, BuiltBlocks, CommitError, Committer, Cure, KnownBlocks, OnRefusal, Rebuilder,
    metas_of,
};
use crate::group::{Generation, LiveSpans};
use crate::metrics::Metrics;
use std::sync::Arc;
use tokio::time::Instant;
use tributary_journal::adopt::{Adoption, Done, Step, Summary};
use tributary_journal::collect::is_below;
use tributary_journal::commit::{self, CommitRun, Ended};
use tributary_journal::recover::BlockState;
use tributary_journal::segment::Header;
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_telemetry::{ErrorChain, Repeated};

/// Bytes of segments that are rebuilt and committed together at most, however little memory they take:
/// what is committed need not be rebuilt again after the next crash.
const PIECE_BYTES: u64 = 4 << 20;

/// What adoption works with.
pub(crate) struct Adopter {
    /// The journal.
    pub journal: Journal,
    /// Reads segments back.
    pub rebuilder: Rebuilder,
    /// Builds blocks.
    pub builder: BlockBuilder,
    /// Takes the steps of commits.
    pub committer: Committer,
    /// Where rebuilt spans are readable until their block is.
    pub live: Arc<LiveSpans>,
    /// The blocks that this ingester knows: new ones join them.
    pub blocks: Arc<KnownBlocks>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Bytes in memory that are rebuilt and committed together.
    pub piece: usize,
    /// When a line of log is due about segments that cannot be deleted.
    pub told: Repeated,
    /// What it has left as it is, and is not to read and tell of at every look.
    pub left: LeftSegments,
}

/// Whether segments may be logged again: not when that is what the epoch was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relogging {
    Allowed,
    Done,
}

/// A piece of an epoch, rebuilt.
struct Piece {
    generation: Arc<Generation>,
    built: BuiltBlocks,
}

impl Adopter {
    /// Goes through one epoch.
    ///
    /// # Errors
    /// When the store fails, or a slot cannot be read. Nothing is lost by that: it can be adopted
    /// again at any time.
    pub(crate) async fn adopt(&self, epoch: &EpochId) -> Result<Summary, CommitError> {
        self.go_through(epoch, Relogging::Allowed).await
    }

    /// Learns of the blocks that adopters wrote of an epoch, as of those that this process wrote: the
    /// others may not know of them yet, and be told of them by this one alone.
    ///
    /// # Errors
    /// When the store fails, or a slot cannot be read.
    pub(super) async fn learn_blocks(&self, epoch: &EpochId) -> Result<(), JournalError> {
        let slots = self.journal.slots(epoch).await?.into_values();
        let mut blocks: Vec<_> = slots.filter(|slot| slot.adopted).flat_map(|s| s.blocks).collect();
        let states = self.journal.block_states(&blocks).await?;
        // One that was merged is readable for a while yet.
        let is_there =
            |state: &BlockState| matches!(state, BlockState::Visible | BlockState::Compacted);
        blocks.retain(|block| states.get(&block.id).is_some_and(is_there));
        self.blocks.written(metas_of(&blocks));
        Ok(())
    }

    async fn go_through(
        &self,
        epoch: &EpochId,
        relogging: Relogging,
    ) -> Result<Summary, CommitError> {
        let mut adoption = Adoption::new(PIECE_BYTES);
        let mut piece = None;
        loop {
            let done = match adoption.step() {
                Step::ReadSlots => Done::Slots(self.journal.slots(epoch).await?),
                Step::ListSegments => Done::Segments(self.journal.segments(epoch).await?),
                Step::LookAtBlocks(blocks) => {
                    Done::Blocks(self.journal.block_states(&blocks).await?)
                }
                Step::ListFloor => {
                    let floor = self.journal.floor().await?;
                    // What is logged again, and what comes from now on, must not come to lie below it.
                    self.builder.ids.stay_above(floor.as_deref());
                    Done::Floor { covered: is_below(floor.as_deref(), &epoch.hour()) }
                }
                Step::WriteMetas(blocks) => {
                    self.journal.write_metas(&blocks).await?;
                    Done::Shown
                }
                Step::Delete(numbers) => {
                    self.delete(epoch, &numbers).await;
                    Done::Deleted
                }
                Step::Build { k, segments } => self.build(epoch, k, &segments, &mut piece).await?,
                Step::Commit(run) => Done::Committed(self.commit(run, &mut piece).await?),
                Step::Relog(_) if relogging == Relogging::Done => {
                    return Err(CommitError::BornRetired(*epoch));
                }
                Step::Relog(n) => self.relog(epoch, n).await?,
                Step::Ended(summary) => {
                    self.report(epoch, &summary);
                    return Ok(summary);
                }
            };
            adoption.done(done)?;
        }
    }

    fn report(&self, epoch: &EpochId, summary: &Summary) {
        let now = Instant::now();
        for n in summary.unproven.iter().filter(|n| !self.left.rests(epoch, **n, now)) {
            self.left.leave(epoch, *n, now);
            tracing::error!(%epoch, n, "a commit slot covers this segment, but its block is gone or its length differs; it is left alone");
        }
        self.metrics.segments_adopted.add(summary.committed + summary.relogged);
        let Summary { committed, relogged, finished, lost, .. } = summary;
        let left = summary.left.len();
        if committed + relogged + finished > 0 {
            self.metrics.adoptions.inc();
            tracing::info!(%epoch, committed, relogged, finished, lost, left, "adopted an epoch");
        }
    }

    /// Rebuilds some segments for slot `k`.
    async fn build(
        &self,
        epoch: &EpochId,
        k: u32,
        numbers: &[u64],
        piece: &mut Option<Piece>,
    ) -> Result<Done, CommitError> {
        let now = Instant::now();
        let numbers = numbers.iter().copied().filter(|n| !self.left.rests(epoch, *n, now));
        let read = self.rebuilder.read(epoch, numbers, self.piece).await?;
        let Some(mut rebuilt) = read else { return Ok(Done::OutOfDate) };
        let rest = std::mem::take(&mut rebuilt.rest);
        for n in rebuilt.left.iter().filter(|(_, cure)| **cure == Cure::Change).map(|(n, _)| *n) {
            self.left.leave(epoch, n, now);
        }
        if rebuilt.generation.segments.is_empty() && rebuilt.quarantined.is_empty() {
            return Ok(Done::Built { slot: None, rest });
        }
        let built = self.builder.build(*epoch, k, &rebuilt.generation).await?;
        let mut slot = built.slot_of(*epoch, k, &rebuilt);
        slot.adopted = true;
        let generation = Arc::new(std::mem::take(&mut rebuilt.generation));
        self.live.add_adopted(generation.clone());
        *piece = Some(Piece { generation, built });
        Ok(Done::Built { slot: Some(slot), rest })
    }

    async fn commit(
        &self,
        mut run: CommitRun,
        piece: &mut Option<Piece>,
    ) -> Result<Ended, CommitError> {
        let Some(Piece { generation, mut built }) = piece.take() else { return Ok(Ended::Lost) };
        let on_refusal = OnRefusal::RelogSome;
        let commit = self.committer.until_visible(&mut run, &mut built, &generation, on_refusal);
        let ended = commit.await;
        if matches!(ended, Ok(Ended::Won)) {
            self.blocks.written(built.metas());
            built.count(&self.metrics);
        }
        self.live.forget_adopted(&generation);
        let ended = ended?;
        if let commit::Step::Delete(numbers) = run.step() {
            self.delete(&run.slot().epoch, &numbers).await;
        }
        Ok(ended)
    }

    /// Deletes covered segments. That it fails keeps no spans from becoming blocks: a later look at
    /// the epoch finds the segments covered, and deletes them.
    async fn delete(&self, epoch: &EpochId, numbers: &[u64]) {
        if let Err(error) = self.journal.delete_segments(epoch, numbers).await {
            self.metrics.deletions_failed.inc();
            if let Some(times) = self.told.due(Instant::now().into_std()) {
                tracing::warn!(%epoch, segments = numbers.len(), times, error = %ErrorChain(&error), "segments could not be deleted; the next look at the epoch tries again");
            }
        }
    }

    /// Logs a segment below the floor again, in an epoch of its own, and adopts that. No heartbeat
    /// names it, so no query would look for its segment: the old one is deleted after this, when
    /// the block is visible. One that cannot be read stays: no slot counts here that could set it aside.
    async fn relog(&self, epoch: &EpochId, n: u64) -> Result<Done, CommitError> {
        let now = Instant::now();
        if self.left.rests(epoch, n, now) {
            return Ok(Done::Left);
        }
        let ids = &self.builder.ids;
        let header = Header {
            epoch: ids.epoch()?,
            n: 0,
            uid: ids.uid()?,
            written_ms: ids.unix_ms(),
            instance: String::new(),
        };
        match self.journal.relog(epoch, n, &header).await {
            Ok(()) => {
                tracing::warn!(%epoch, n, to = %header.epoch, "a segment of a retired hour is logged again");
                Box::pin(self.go_through(&header.epoch, Relogging::Done)).await?;
                Ok(Done::Relogged)
            }
            Err(JournalError::Store(error)) if error.is_not_found() => Ok(Done::OutOfDate),
            Err(error @ JournalError::Segment { epoch: of, .. }) if of == *epoch => {
                self.left.leave(epoch, n, now);
                Ok(self.leave_below(epoch, n, &error))
            }
            Err(error @ JournalError::Unsteady { .. }) => Ok(self.leave_below(epoch, n, &error)),
            Err(error) => Err(error.into()),
        }
    }

    fn leave_below(&self, epoch: &EpochId, n: u64, error: &JournalError) -> Done {
        self.metrics.segments_left.inc();
        tracing::error!(%epoch, n, error = %ErrorChain(error), "a segment of a retired hour cannot be read and is not logged again; it stays");
        Done::Left
    }
}
