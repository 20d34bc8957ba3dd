//! Carrying out a commit: each step of [`CommitRun`] is one or a few requests to the store, taken
//! again until they succeed.

use super::retry::{Retries, retry_until_done};
use super::{BlockBuilder, BuiltBlocks, CommitError, Relogger};
use crate::group::Generation;
use crate::metrics::Metrics;
use std::collections::BTreeSet;
use std::sync::Arc;
use tributary_journal::commit::{CommitRun, Done, Ended, Step};
use tributary_journal::{Journal, JournalError, Slot};
use tributary_store::Created;
use tributary_telemetry::ErrorChain;

/// What the steps of a commit are taken with.
#[derive(Clone)]
pub(crate) struct Committer {
    /// Where slots go.
    pub journal: Journal,
    /// Stores the data of blocks.
    pub builder: BlockBuilder,
    /// Logs spans again whose blocks the store does not take.
    pub relogger: Relogger,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// What is done with tenants whose blocks the store refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRefusal {
    /// Their spans are logged again. It is the owner's way: generations that come after this one
    /// are not to wait.
    Relog,
    /// The same, unless no block of the slot was taken. It is the adopter's way: what was logged
    /// again before stays where it is.
    RelogSome,
}

/// So often in a row the store has refused a block when it is believed.
const REFUSALS: u32 = 3;

impl Committer {
    /// Takes steps until the blocks are visible or the slot is lost. Blocks that the store refuses are
    /// taken out of `built`, and out of the slot, when the spans in them, which are those of
    /// `generation`, are durable elsewhere.
    ///
    /// # Errors
    /// When the slot breaks its own rules, which trying again does not cure; or all of its blocks
    /// are refused.
    pub(crate) async fn until_visible(
        &self,
        run: &mut CommitRun,
        built: &mut BuiltBlocks,
        generation: &Generation,
        on_refusal: OnRefusal,
    ) -> Result<Ended, CommitError> {
        let chance = run.slot().uid.0[0];
        loop {
            let done = match run.step() {
                Step::StoreData(_) => {
                    let refused = self.store(built, chance, on_refusal).await?;
                    if !refused.is_empty() {
                        self.relogger.relog(generation, &refused).await?;
                        *run = CommitRun::new(built.leave_out(&refused, run.slot()));
                    }
                    Done::Stored
                }
                Step::CreateSlot(slot) => Done::Slot(self.create(slot).await?),
                Step::ListFloor => {
                    let epoch = run.slot().epoch;
                    let ask = || self.journal.is_below_floor(&epoch);
                    Done::Floor { covered: retry_until_done("read the floor", chance, ask).await }
                }
                Step::WriteMetas(blocks) => {
                    let write = || self.journal.write_metas(blocks);
                    retry_until_done("write the metas of blocks", chance, write).await;
                    Done::Shown
                }
                Step::Delete(_) => return Ok(Ended::Won),
                Step::Ended(ended) => return Ok(ended),
            };
            run.done(done)?;
        }
    }

    /// Stores the data of blocks, until all of it is there but that of the tenants in the answer,
    /// whose blocks the store refuses.
    async fn store(
        &self,
        built: &BuiltBlocks,
        chance: u8,
        on_refusal: OnRefusal,
    ) -> Result<BTreeSet<String>, CommitError> {
        let mut failed = self.builder.store_data(&built.blocks).await;
        let mut refusals = 0;
        let mut retries = Retries::new(chance);
        while let Some((block, error)) = failed.first() {
            self.metrics.flushes_failed.inc();
            if let Some(times) = retries.failed() {
                tracing::warn!(
                    tenant = block.meta.tenant_id, blocks = failed.len(), times,
                    error = %ErrorChain(error),
                    "the data of blocks could not be stored yet; it is tried again"
                );
            }
            let refused = failed.iter().all(|(_, error)| error.is_refusal());
            refusals = if refused { refusals + 1 } else { 0 };
            if refusals == REFUSALS {
                if failed.len() == built.blocks.len() && on_refusal == OnRefusal::RelogSome {
                    return Err(failed.swap_remove(0).1.into());
                }
                return Ok(failed.iter().map(|(b, _)| b.meta.tenant_id.clone()).collect());
            }
            retries.pause().await;
            failed = self.builder.store_data(failed.iter().map(|(block, _)| *block)).await;
        }
        Ok(BTreeSet::new())
    }

    async fn create(&self, slot: &Slot) -> Result<Created, CommitError> {
        let mut retries = Retries::new(slot.uid.0[0]);
        loop {
            match self.journal.put_slot(slot).await {
                Ok(created) => return Ok(created),
                Err(error @ JournalError::Slot { .. }) => return Err(error.into()),
                Err(error) => {
                    self.metrics.flushes_failed.inc();
                    if let Some(times) = retries.failed() {
                        tracing::warn!(epoch = %slot.epoch, k = slot.k, times, error = %ErrorChain(&error), "a commit slot could not be written yet");
                    }
                    retries.pause().await;
                }
            }
        }
    }
}
