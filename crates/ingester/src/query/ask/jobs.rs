//! Blocks as jobs: one row group at a time, on the pool's threads, within the memory for questions.

use super::{Asker, NotAnswered};
use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tokio::runtime::Handle;
use tributary_block::{Block, BlockError, BlockMeta, FolderSource};
use tributary_query::{Reads, ScanError};
use tributary_telemetry::ErrorChain;

/// A row group to be read.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) block: Block,
    pub(super) source: FolderSource,
    pub(super) group: usize,
}

/// A job that came to nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// Its block was deleted meanwhile: what it held stands in a newer one.
    IsGone,
    /// Why the block could not be read.
    Unreadable(String),
    /// The question itself is at fault.
    Refused(NotAnswered),
}

impl Failed {
    pub(super) fn of(meta: &BlockMeta, error: &ScanError) -> Failed {
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
    /// Does something with each row group of these blocks, several at a time. Hands what comes of a
    /// block to `take`, in the order of the blocks, until that says that it is enough. Blocks are
    /// opened when their turn comes: few at first, since the first ones often suffice, then as many as
    /// there are threads to wait for the store.
    pub(super) async fn each<T, F>(
        &self,
        blocks: &[Arc<BlockMeta>],
        reads: &Reads,
        is_enough: impl Fn(&T) -> bool,
        work: impl Fn() -> F,
        mut take: impl FnMut(Result<Vec<T>, Failed>) -> bool,
    ) where
        T: Send + 'static,
        F: FnOnce(&Handle, &Job) -> Result<T, ScanError> + Send + 'static,
    {
        let (work, is_enough) = (&work, &is_enough);
        let (mut rest, mut at_once) = (blocks, self.pool.computing() + 1);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(at_once.min(rest.len()));
            let jobs = now.iter().map(|meta| self.block(meta, reads, is_enough, work));
            let jobs: Vec<_> = jobs.collect();
            let mut outcomes = stream::iter(jobs).buffered(at_once);
            while let Some(outcome) = outcomes.next().await {
                if !take(outcome) {
                    return;
                }
            }
            rest = later;
            at_once = at_once.saturating_mul(2).min(self.pool.threads());
        }
    }

    /// Does something with each row group of a block, until what comes of one is enough.
    async fn block<T, F>(
        &self,
        meta: &BlockMeta,
        reads: &Reads,
        is_enough: &impl Fn(&T) -> bool,
        work: &impl Fn() -> F,
    ) -> Result<Vec<T>, Failed>
    where
        T: Send + 'static,
        F: FnOnce(&Handle, &Job) -> Result<T, ScanError> + Send + 'static,
    {
        let failed = |error: ScanError| Failed::of(meta, &error);
        let opened = self.traces.blocks.open(meta).await;
        let (block, source) = opened.map_err(|error| failed(error.into()))?;
        let groups = (0..block.row_groups()).map(|group| {
            let job = Job { block: block.clone(), source: source.clone(), group };
            let work = work();
            async move {
                let bytes = tributary_query::estimate(&job.block, group, reads);
                let _room = self.room.take(bytes, &self.metrics).await;
                self.pool.run(move |handle| work(handle, &job)).await
            }
        });
        let groups: Vec<_> = groups.collect();
        let mut outcomes = stream::iter(groups).buffered(self.pool.computing() + 1);
        let mut all = Vec::new();
        while let Some(done) = outcomes.next().await {
            let outcome = done.map_err(|gone| Failed::Unreadable(gone.to_string()))?;
            let outcome = outcome.map_err(failed)?;
            let is_enough = is_enough(&outcome);
            all.push(outcome);
            if is_enough {
                break;
            }
        }
        Ok(all)
    }
}
