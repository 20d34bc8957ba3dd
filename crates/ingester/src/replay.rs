//! At the start: what a process before this one left in the journal.
//!
//! Epochs that no living process names are gone through: commits that a crash cut off are
//! finished, segments that a block covers are deleted, and segments that no block covers are read,
//! built into blocks and committed in a slot of their own epoch. Being wrong about who lives costs
//! work and never data: the slot decides (journal I6).

use crate::blocks::Blocks;
use crate::chain::Chain;
use crate::flush::{Builder, FlushError, commit, until_done};
use crate::group::{Batch, Generation, Live};
use crate::metrics::Metrics;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tributary_journal::segment::Group;
use tributary_journal::{EpochId, Journal, JournalError, Segment, SegmentInfo, recover};
use tributary_store::Created;
use tributary_wire::frame::{DecodeLimits, Decoder};

/// Bytes of segments that are rebuilt and committed together: some ten times as much in memory.
const PIECE: u64 = 4 << 20;
/// How often an epoch is listed anew because somebody else committed in it meanwhile.
const ATTEMPTS: usize = 5;

/// What replay works with.
pub struct Replay {
    /// The journal.
    pub journal: Journal,
    /// Builds blocks.
    pub builder: Builder,
    /// Where rebuilt spans are readable until their block is.
    pub live: Arc<Live>,
    /// Who is told of new blocks.
    pub blocks: Arc<Blocks>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Replay {
    /// Goes through all epochs but those that `living` processes name.
    ///
    /// # Errors
    /// When the journal cannot be listed. A single epoch that cannot be gone through is logged and
    /// left as it is: nothing in it is lost, and the next start tries again.
    pub async fn run(&self, living: &BTreeSet<EpochId>) -> Result<(), JournalError> {
        for epoch in self.journal.epochs().await? {
            if living.contains(&epoch) {
                continue;
            }
            if let Err(error) = self.epoch(&epoch).await {
                tracing::error!(%epoch, error = %Chain(&error), "an epoch could not be replayed; its segments stay");
            }
        }
        Ok(())
    }

    /// Goes through one epoch.
    async fn epoch(&self, epoch: &EpochId) -> Result<(), FlushError> {
        for _ in 0..ATTEMPTS {
            if self.attempt(epoch).await? {
                return Ok(());
            }
        }
        tracing::warn!(%epoch, "another process is committing in this epoch; it is left to that one");
        Ok(())
    }

    /// Whether the epoch is done: `false` when a slot was lost and it must be listed anew.
    async fn attempt(&self, epoch: &EpochId) -> Result<bool, FlushError> {
        let listing = self.journal.listing(epoch).await?;
        let states = self.journal.block_states(&recover::blocks_to_look_at(&listing)).await?;
        let plan = recover::plan(&listing, &states);
        for n in &plan.unproven {
            tracing::error!(%epoch, n, "a commit slot covers this segment, but its block is gone or its length differs; it is left alone");
        }
        self.journal.write_metas(&plan.finish).await?;
        self.journal.delete_segments(epoch, &plan.deletable).await?;
        self.journal.delete_segments(epoch, &plan.deletable_after_finish).await?;
        let mut k = plan.next_slot;
        for piece in recover::pieces(&plan.uncovered, PIECE) {
            match self.piece(epoch, k, &piece).await? {
                Some(Created::Won) => k += 1,
                Some(Created::Lost) => return Ok(false),
                None => {}
            }
        }
        Ok(true)
    }

    /// Rebuilds some segments and commits them in slot `k`; `None` when none of them is readable.
    async fn piece(
        &self,
        epoch: &EpochId,
        k: u32,
        numbers: &[u64],
    ) -> Result<Option<Created>, FlushError> {
        let mut generation = Generation::default();
        let mut covers: Vec<SegmentInfo> = Vec::new();
        for &n in numbers {
            match self.journal.get_segment(epoch, n).await {
                Ok(segment) => {
                    if let Some(batches) = decode(&segment) {
                        generation.add(batches, Instant::now());
                        covers.push(segment.info());
                        continue;
                    }
                    tracing::error!(%epoch, n, "frames of a segment cannot be decoded; it stays");
                }
                Err(error @ JournalError::Segment { .. }) => {
                    tracing::error!(error = %Chain(&error), "a segment cannot be read; it stays");
                }
                Err(error) => return Err(error.into()),
            }
            self.metrics.segments_unreadable.inc();
        }
        if covers.is_empty() {
            return Ok(None);
        }
        let (segments, spans) = (covers.len(), generation.spans);
        let generation = Arc::new(generation);
        self.live.adopt(generation.clone());
        let built = self.builder.build(*epoch, k, &generation).await?;
        let mut slot = built.slot(*epoch, k, covers);
        slot.adopted = true;
        let created = commit(&self.journal, &self.builder, &built, &slot, &self.metrics).await?;
        if created == Created::Won {
            until_done("a block could not be made visible yet", || {
                self.journal.write_metas(&slot.blocks)
            })
            .await;
            self.blocks.written(&built);
            built.count(&self.metrics);
            self.metrics.segments_replayed.inc_by(segments as u64);
            tracing::info!(%epoch, segments, spans, "segments of an earlier process are in a block now");
        }
        self.live.forget_adopted(&generation);
        if created == Created::Won {
            self.journal.delete_segments(epoch, numbers_of(&slot.covers).as_slice()).await?;
        }
        Ok(Some(created))
    }
}

/// The spans of a segment; `None` when a frame cannot be decoded, which was checked before the
/// frame was logged.
fn decode(segment: &Segment) -> Option<Vec<Batch>> {
    let mut batches = Vec::new();
    for group in segment.groups() {
        let mut decoder = decoder(group)?;
        for frame in &group.frames {
            let columns = Arc::new(decoder.decode(group.dict, &frame.payload).ok()?.columns);
            batches.push(Batch { tenant: group.tenant.as_str().into(), columns, permit: None });
        }
    }
    Some(batches)
}

fn decoder(group: &Group) -> Option<Decoder> {
    let mut decoder = Decoder::new(DecodeLimits::default());
    for definitions in &group.definitions {
        decoder.define(group.dict, definitions).ok()?;
    }
    Some(decoder)
}

fn numbers_of(segments: &[SegmentInfo]) -> Vec<u64> {
    segments.iter().map(|segment| segment.n).collect()
}
