//! Carrying out a commit: each step of [`CommitRun`] is one or a few requests to the store, taken
//! again until they succeed.

use super::retry::{RETRY_PAUSE, retry_until_done};
use super::{BlockBuilder, BuiltBlocks, CommitError};
use crate::metrics::Metrics;
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
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Committer {
    /// Takes steps until the blocks are visible or the slot is lost.
    ///
    /// # Errors
    /// When the slot breaks its own rules, which trying again does not cure.
    pub(crate) async fn until_visible(
        &self,
        run: &mut CommitRun,
        built: &BuiltBlocks,
    ) -> Result<Ended, CommitError> {
        loop {
            let done = match run.step() {
                Step::StoreData(_) => {
                    retry_until_done("store the data of blocks", || async {
                        self.builder.store_data(&built.blocks).await.inspect_err(|_| {
                            self.metrics.flushes_failed.inc();
                        })
                    })
                    .await;
                    Done::Stored
                }
                Step::CreateSlot(slot) => Done::Slot(self.create(slot).await?),
                Step::ListFloor => {
                    let epoch = run.slot().epoch;
                    let ask = || self.journal.is_below_floor(&epoch);
                    Done::Floor { covered: retry_until_done("read the floor", ask).await }
                }
                Step::WriteMetas(blocks) => {
                    let write = || self.journal.write_metas(blocks);
                    retry_until_done("write the metas of blocks", write).await;
                    Done::Shown
                }
                Step::Delete(_) => return Ok(Ended::Won),
                Step::Ended(ended) => return Ok(ended),
            };
            run.done(done)?;
        }
    }

    async fn create(&self, slot: &Slot) -> Result<Created, CommitError> {
        loop {
            match self.journal.put_slot(slot).await {
                Ok(created) => return Ok(created),
                Err(error @ JournalError::Slot { .. }) => return Err(error.into()),
                Err(error) => {
                    self.metrics.flushes_failed.inc();
                    tracing::warn!(epoch = %slot.epoch, k = slot.k, error = %ErrorChain(&error), "a commit slot could not be written yet");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
            }
        }
    }
}
