//! Looking the bucket up for blocks: from time to time all of it, and a tenant's when a query needs
//! to know.

use super::{KnownBlocks, LastPolls};
use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard, PoisonError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::BlockMeta;
use tributary_journal::window::compacted_origin;
use tributary_journal::{CompactionWindow, JournalError, layout};
use tributary_store::StoreError;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// Polls between two looks at what has been merged: until then a block is asked beside the one that
/// it went into, which costs time and no more.
const SUPERSEDED_EVERY: u32 = 4;

/// Blocks may be there that are not known.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// They could not be listed.
    #[error("they could not be listed")]
    List(#[from] StoreError),
    /// What has been merged could not be read.
    #[error("what has been merged could not be read")]
    Superseded(#[from] JournalError),
    /// Some are listed, but what they hold is not known.
    #[error("the metas of {0} of them could not be had")]
    Metas(usize),
}

impl KnownBlocks {
    fn polled(&self) -> MutexGuard<'_, LastPolls> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look-up that began then or later is young enough as long as all others answer: they tell
    /// what they wrote in the last three periods ([`KnownBlocks::find_recent`]).
    pub(crate) fn fresh_since(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.poll * 2).unwrap_or(now)
    }

    /// Sees to it that a tenant's blocks were looked up at `since` or later.
    ///
    /// # Errors
    /// When they could not be.
    pub(crate) async fn look_up_since(
        &self,
        tenant: &str,
        since: Instant,
    ) -> Result<(), LookUpError> {
        let is_done = || {
            let polled = self.polled();
            polled.all.max(polled.tenants.get(tenant).copied()).is_some_and(|begun| begun >= since)
        };
        if is_done() {
            return Ok(());
        }
        let Ok(_turn) = self.turn.acquire().await else {
            unreachable!("the semaphore is never closed")
        };
        if is_done() {
            return Ok(());
        }
        self.poll_tenant(tenant).await
    }

    /// Looks the bucket up until `stop`, once at once.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        for n in (0..SUPERSEDED_EVERY).cycle() {
            if let Err(error) = self.poll_blocks(n == 0).await {
                tracing::warn!(error = %ErrorChain(&error), "blocks could not be listed");
            }
            if stop.run_until_cancelled(tokio::time::sleep(self.poll)).await.is_none() {
                return;
            }
        }
    }

    /// Lists all tenants' blocks, reads the metas of those not known yet, and forgets what has been
    /// merged into others.
    ///
    /// # Errors
    /// When the bucket cannot be listed, or a meta cannot be had.
    pub async fn poll_once(&self) -> Result<(), LookUpError> {
        self.poll_blocks(true).await
    }

    async fn poll_blocks(&self, superseded_too: bool) -> Result<(), LookUpError> {
        let begun = Instant::now();
        if superseded_too {
            self.superseded.refresh().await?;
        }
        let mut tenants = self.store.list_folders(layout::BLOCKS).await?;
        tenants.extend(self.list().tenants().map(str::to_owned));
        tenants.sort();
        tenants.dedup();
        let mut unknown = 0;
        for tenant in tenants {
            match self.poll_tenant(&tenant).await {
                Ok(()) => {}
                Err(LookUpError::Metas(n)) => unknown += n,
                Err(error) => return Err(error),
            }
        }
        if unknown > 0 {
            return Err(LookUpError::Metas(unknown));
        }
        self.polled().all = Some(begun);
        Ok(())
    }

    /// The same for one tenant.
    async fn poll_tenant(&self, tenant: &str) -> Result<(), LookUpError> {
        let begun = Instant::now();
        let before = self.list().ids(tenant);
        let folder = format!("{}/{tenant}", layout::BLOCKS);
        let names = self.store.list_folders(&folder).await?;
        let listed: BTreeSet<Uuid> =
            names.iter().filter_map(|name| Uuid::try_parse(name).ok()).collect();
        let settled = self.list().settle(tenant, &before, &listed);
        settled.gone.iter().for_each(|block| self.cache.forget(tenant, block));
        // What came out of a merge first: then it is known what need not be read.
        let is_made = |id: &Uuid| compacted_origin(id).is_some();
        let (made, fresh): (Vec<_>, Vec<_>) = settled.unknown.into_iter().partition(is_made);
        let mut unknown = 0;
        let mut replaced = BTreeSet::new();
        for blocks in [made, fresh] {
            replaced = self.forget_replaced(tenant);
            for block in blocks.iter().filter(|block| !replaced.contains(block)) {
                unknown += usize::from(!self.learn(tenant, block).await);
            }
        }
        self.metrics.blocks_known.set(i64::try_from(self.list().len()).unwrap_or(i64::MAX));
        let left = replaced.intersection(&listed).copied().collect();
        let mut all = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(tenant.to_owned(), left);
        if unknown > 0 {
            return Err(LookUpError::Metas(unknown));
        }
        let mut polled = self.polled();
        polled.tenants.retain(|_, then| begun.duration_since(*then) < self.poll * 2);
        polled.tenants.insert(tenant.to_owned(), begun);
        Ok(())
    }

    /// Reads a block's meta. Whether all is known that can be: one without is not visible yet. One
    /// that was merged away since the blocks were listed counts, since what it went into need not
    /// be among those that were listed.
    async fn learn(&self, tenant: &str, block: &Uuid) -> bool {
        let mut known = true;
        for name in [layout::META, layout::META_COMPACTED] {
            let path = layout::block_object(tenant, block, name);
            match self.store.get(&path).await {
                Ok(json) => match BlockMeta::parse(&json) {
                    Ok(meta) if meta.tenant_id == tenant && meta.block_id == *block => {
                        self.list().insert(meta);
                    }
                    Ok(_) => tracing::warn!(
                        path,
                        "a block's meta names another tenant or block; it is left out"
                    ),
                    Err(error) => tracing::warn!(
                        path,
                        error = %ErrorChain(&error),
                        "a block's meta cannot be read; it is left out"
                    ),
                },
                Err(StoreError::NotFound { .. })
                    if CompactionWindow::of(tenant, block).is_some() =>
                {
                    continue;
                }
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => {
                    tracing::warn!(path, error = %ErrorChain(&error), "a block's meta could not be had");
                    known = false;
                }
            }
            break;
        }
        known
    }
}

#[cfg(test)]
mod tests;
