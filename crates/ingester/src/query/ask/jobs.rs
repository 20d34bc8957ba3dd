//! Row groups as jobs: on the pool's threads, within the memory for questions.

use super::{Asker, NotAnswered};
use crate::block::KnownBlocks;
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tributary_block::{Block, BlockError, BlockMeta, FolderSource};
use tributary_query::ScanError;
use tributary_query::chunk::Field;
use tributary_telemetry::ErrorChain;

/// Permits are counted in units of this many bytes.
const UNIT: u64 = 64 << 10;

/// Memory for what questions read.
pub(super) struct Room {
    units: Arc<Semaphore>,
    all: u32,
}

impl Room {
    /// So many bytes, shared by all questions.
    pub(super) fn new(bytes: usize) -> Room {
        let all = u32::try_from(bytes as u64 / UNIT).unwrap_or(u32::MAX).max(1);
        Room { units: Arc::new(Semaphore::new(all as usize)), all }
    }

    /// Bytes that there are.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.all) * UNIT
    }

    /// Waits for bytes, for all of them at most.
    async fn take(&self, bytes: u64) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.all);
        self.units.clone().acquire_many_owned(units).await.ok()
    }
}

/// A row group to be read.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) block: Block,
    pub(super) source: FolderSource,
    pub(super) group: usize,
}

/// A job whose block could not be read.
#[derive(Debug)]
pub(super) enum Failed {
    /// It was deleted meanwhile: what it held stands in a newer block.
    IsGone,
    /// Why it could not be read.
    Unreadable(String),
    /// The question itself is at fault.
    Refused(NotAnswered),
}

impl Failed {
    fn of(meta: &BlockMeta, error: &ScanError) -> Failed {
        match error {
            ScanError::Block(BlockError::Missing(_)) => Failed::IsGone,
            ScanError::Query(why) => Failed::Refused(NotAnswered::Query(why.clone())),
            ScanError::Stopped => Failed::Refused(NotAnswered::TooLong),
            error => {
                let (tenant, block) = (&meta.tenant_id, meta.block_id);
                tracing::warn!(tenant, %block, error = %ErrorChain(error), "a block could not be searched");
                Failed::Unreadable(format!("block {block} could not be read: {error}"))
            }
        }
    }
}

impl Asker {
    /// The row groups of blocks, in their order. Footers are read many at a time.
    pub(super) async fn row_groups(
        &self,
        blocks: &KnownBlocks,
        metas: Vec<Arc<BlockMeta>>,
    ) -> (Vec<Job>, Vec<Failed>) {
        let opened = metas.into_iter().map(|meta| async move {
            let opened = blocks.open(&meta).await;
            (meta, opened)
        });
        let opened: Vec<_> = opened.collect();
        let opened: Vec<_> = stream::iter(opened).buffered(self.pool.threads()).collect().await;
        let (mut jobs, mut failed) = (Vec::new(), Vec::new());
        for (meta, opened) in opened {
            match opened {
                Ok((block, source)) => {
                    let groups = 0..block.row_groups();
                    jobs.extend(groups.map(|group| Job {
                        block: block.clone(),
                        source: source.clone(),
                        group,
                    }));
                }
                Err(error) => failed.push(Failed::of(&meta, &ScanError::Block(error))),
            }
        }
        (jobs, failed)
    }

    /// Does something with each row group, several at a time, and hands the outcomes to `take` in
    /// order, until that says that it is enough.
    pub(super) async fn each<T, F>(
        &self,
        jobs: Vec<Job>,
        fields: &[Field],
        work: impl Fn(Job) -> F,
        mut take: impl FnMut(Result<T, Failed>) -> bool,
    ) where
        T: Send + 'static,
        F: FnOnce(&tokio::runtime::Handle, &Job) -> Result<T, ScanError> + Send + 'static,
    {
        let jobs: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let work = work(job.clone());
                async move {
                    let bytes = tributary_query::estimate(&job.block, job.group, fields);
                    let _room = self.room.take(bytes).await;
                    let meta = job.block.meta().clone();
                    let done = self.pool.run(move |handle| work(handle, &job)).await;
                    match done {
                        Ok(Ok(outcome)) => Ok(outcome),
                        Ok(Err(error)) => Err(Failed::of(&meta, &error)),
                        Err(gone) => Err(Failed::Unreadable(gone.to_string())),
                    }
                }
            })
            .collect();
        let mut outcomes = stream::iter(jobs).buffered(self.pool.threads());
        while let Some(outcome) = outcomes.next().await {
            if !take(outcome) {
                return;
            }
        }
    }
}
