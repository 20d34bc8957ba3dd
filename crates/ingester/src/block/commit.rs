//! Carrying out a commit: each step of [`CommitRun`] is one or a few requests to the store, taken
//! again until they succeed.

use super::{AGAIN_AFTER, Builder, Built, FlushError, until_done};
use crate::metrics::Metrics;
use std::sync::Arc;
use tributary_journal::commit::{CommitRun, Done, Ended, Step};
use tributary_journal::{Journal, JournalError, Slot};
use tributary_store::Created;
use tributary_telemetry::ErrorChain;

/// What the steps of a commit are taken with.
#[derive(Clone)]
pub struct Steps {
    /// Where slots go.
    pub journal: Journal,
    /// Stores the data of blocks.
    pub builder: Builder,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Steps {
    /// Takes steps until the blocks are visible or the slot is lost.
    ///
    /// # Errors
    /// When the slot breaks its own rules, which trying again does not cure.
    pub async fn until_visible(
        &self,
        run: &mut CommitRun,
        built: &Built,
    ) -> Result<Ended, FlushError> {
        loop {
            let done = match run.step() {
                Step::StoreData(_) => {
                    until_done("a block could not be stored yet; its segments stay", || async {
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
                    Done::Floor {
                        covered: until_done("the floor could not be read yet", ask).await,
                    }
                }
                Step::WriteMetas(blocks) => {
                    let write = || self.journal.write_metas(blocks);
                    until_done("a block could not be made visible yet", write).await;
                    Done::Shown
                }
                Step::Delete(_) => return Ok(Ended::Won),
                Step::Ended(ended) => return Ok(ended),
            };
            run.done(done)?;
        }
    }

    /// Deletes the segments of a commit whose blocks are visible.
    ///
    /// # Errors
    /// When they are not: a fault of the caller.
    pub async fn finish(&self, run: &mut CommitRun) -> Result<(), FlushError> {
        if let Step::Delete(numbers) = run.step() {
            let epoch = run.slot().epoch;
            let delete = || self.journal.delete_segments(&epoch, &numbers);
            until_done("covered segments could not be deleted yet", delete).await;
            run.done(Done::Deleted)?;
        }
        Ok(())
    }

    async fn create(&self, slot: &Slot) -> Result<Created, FlushError> {
        loop {
            match self.journal.put_slot(slot).await {
                Ok(created) => return Ok(created),
                Err(error @ JournalError::Slot { .. }) => return Err(error.into()),
                Err(error) => {
                    self.metrics.flushes_failed.inc();
                    tracing::warn!(error = %ErrorChain(&error), "a commit slot could not be written yet");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
}
