//! One pass over one window: each step is taken here, and what it found goes into the next one.

use super::Compactor;
use super::history::{History, Visible};
use crate::block::{CommitError, Retries, metas_of};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tributary_journal::compact::{Compaction, Done, Known, Step, Summary};
use tributary_journal::record::Expiry;
use tributary_journal::{BlockEntry, CompactionWindow, JournalError, Record};
use tributary_store::Created;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

impl Compactor {
    /// One pass over one window; the blocks that came out of it. `expiry` is what is told of those
    /// that expire in it, if that is what it is for.
    pub(super) async fn carry_out(
        &self,
        window: &CompactionWindow,
        mut pass: Compaction,
        expiry: Expiry,
        visible: &Visible,
        history: &mut History,
    ) -> Result<Vec<BlockEntry>, CommitError> {
        let mut made = Vec::new();
        let mut youngest = None;
        loop {
            let done = match pass.step() {
                Step::ReadRecords => {
                    let (records, newest) = self.records(window, history).await?;
                    youngest = newest;
                    Done::Records(records)
                }
                Step::ListFloor => {
                    Done::Floor { covered: self.journal.is_below(&window.hour_name()).await? }
                }
                Step::LookAtBlocks(blocks) => {
                    let of = |id: Uuid| (window.tenant.clone(), id);
                    Done::Blocks(self.journal.states(blocks.into_iter().map(of).collect()).await?)
                }
                Step::WriteMetas(blocks) => {
                    self.journal.write_metas(&blocks).await?;
                    self.blocks.written(metas_of(&blocks));
                    made.extend(blocks);
                    Done::Shown
                }
                Step::Hide(blocks) => {
                    self.journal.hide(&window.tenant, &blocks).await?;
                    Done::Hidden
                }
                Step::Delete(blocks) => {
                    self.journal.delete_blocks(&window.tenant, &blocks).await?;
                    Done::Deleted
                }
                Step::Build { k, inputs } => {
                    let last = pass.is_quiet();
                    let merge = self.merge(window, (k, last), &inputs, visible, history);
                    match Box::pin(merge).await? {
                        Some(record) => Done::Built(Box::new(record)),
                        None => Done::OutOfDate,
                    }
                }
                Step::Expire { k, blocks } => {
                    let uid = self.builder.ids.uid()?;
                    Done::Built(Box::new(Record::expiring(uid, window, k, blocks, expiry)))
                }
                Step::CreateRecord(record) => {
                    let created = self.create(&record).await?;
                    if created == Created::Won {
                        self.blocks.superseded().learn(&record);
                        if record.expiry.is_some() {
                            self.blocks.forget_replaced(&window.tenant);
                        }
                    }
                    Done::Created(created)
                }
                Step::Ended(summary) => {
                    self.report(window, &summary);
                    history.pass_ended(&summary, youngest, self.period, self.keep, Instant::now());
                    return Ok(if summary.merged > 0 { made } else { Vec::new() });
                }
            };
            pass.done(done)?;
        }
    }

    /// Creates a record, however long it takes to know how that ended.
    async fn create(&self, record: &Record) -> Result<Created, CommitError> {
        let mut retries = Retries::new(record.uid.0[0]);
        loop {
            match self.journal.put_record(record).await {
                Ok(created) => return Ok(created),
                // Trying again does not cure a record that breaks its own rules.
                Err(error @ JournalError::Record { .. }) => return Err(error.into()),
                Err(error) => {
                    if let Some(times) = retries.failed() {
                        tracing::warn!(times, error = %ErrorChain(&error), "a window's record could not be written yet");
                    }
                    retries.pause().await;
                }
            }
        }
    }

    /// The window's records, and when the youngest of those with something left to delete will be
    /// old.
    async fn records(
        &self,
        window: &CompactionWindow,
        history: &mut History,
    ) -> Result<(BTreeMap<u32, Known>, Option<Duration>), JournalError> {
        let records = self.journal.records(window).await?;
        let now = match records.is_empty() {
            true => SystemTime::UNIX_EPOCH,
            false => self.journal.store_time().await?,
        };
        let mut next: Option<Duration> = None;
        let known = records.into_iter().map(|(k, (record, written)): (u32, (Record, _))| {
            let age = now.duration_since(written).unwrap_or_default();
            let seen = history.seen(k, record.uid);
            let old = age >= self.keep;
            if !old {
                let wait = self.keep - age;
                next = Some(next.map_or(wait, |next| next.min(wait)));
            }
            (k, Known { record, old, seen })
        });
        Ok((known.collect(), next))
    }

    fn report(&self, window: &CompactionWindow, summary: &Summary) {
        let metrics = &self.metrics;
        metrics.blocks_merged.add(summary.merged);
        metrics.blocks_superseded_deleted.add(summary.deleted);
        metrics.blocks_expired.add(summary.expired);
        metrics.compactions.add(u64::from(summary.merged > 0));
        metrics.compactions_lost.add(u64::from(summary.lost));
        let (hour, tenant) = (window.hour_name(), &window.tenant);
        for block in &summary.missing {
            tracing::error!(%block, hour, tenant, "a window's record names this block, but nothing of it is in the store; what it was made of is left alone");
        }
        let Summary { merged, made, finished, hidden, deleted, expired, .. } = summary;
        if *expired > 0 {
            tracing::info!(hour, tenant, expired, "the blocks of a window have expired");
        }
        if merged + finished + hidden + deleted > 0 {
            tracing::debug!(hour, tenant, merged, made, finished, hidden, deleted, "compacted");
        }
    }
}
