//! What known blocks hold of a trace.

use super::{FILTERS, KnownBlocks};
use crate::memory::{Read, Reading};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::{Block, BlockError, BlockMeta, FolderSource};
use tributary_journal::layout;
use tributary_query::api;
use tributary_query::blocks::{AtOnce, InBlocks, find};
use tributary_span::TraceId;
use tributary_telemetry::ErrorChain;
use uuid::Uuid;

/// Blocks that one query asks at a time.
const AT_ONCE: AtOnce = AtOnce { filters: FILTERS, rows: 8 };
/// How long a query waits for blocks to be looked up: what is not known by then is told as missing.
const PATIENCE: Duration = Duration::from_secs(10);

impl KnownBlocks {
    /// Until when a query that comes now waits for what it needs to be looked up.
    pub(crate) fn patience() -> Instant {
        Instant::now() + PATIENCE
    }

    /// What blocks hold of a trace. Blocks that could not be read stand in the answer too. `by` counts
    /// what is read.
    pub async fn find(
        &self,
        tenant: &str,
        trace: &TraceId,
        time: api::TimeRange,
        by: Option<&Reading>,
    ) -> InBlocks {
        let candidates = self.list().candidates(tenant, time);
        let found = self.find_in(candidates, trace, by).await;
        let is_gone = |(_, error): &(_, BlockError)| matches!(error, BlockError::Missing(_));
        if !found.failed.iter().any(is_gone) {
            return found;
        }
        // Deleted while it was asked: what it held stands in a newer block.
        let look = self.look_up_since(tenant, Instant::now(), Self::patience());
        if let Err(error) = look.await {
            tracing::warn!(tenant, error = %ErrorChain(&error), "blocks could not be looked up");
            return found;
        }
        let candidates = self.list().candidates(tenant, time);
        self.find_in(candidates, trace, by).await
    }

    /// The same for the blocks that only this ingester may know of.
    pub(crate) async fn find_recent(&self, tenant: &str, trace: &TraceId) -> InBlocks {
        let mut found = self.find_in(self.recent.of(tenant), trace, None).await;
        // What was merged and is gone by now stands in the block that it went into.
        let replaced = self.replaced_in(&self.list(), tenant);
        found.failed.retain(|(meta, error)| {
            !(matches!(error, BlockError::Missing(_)) && replaced.contains(&meta.block_id))
        });
        found
    }

    /// The tenant's known blocks that may hold spans of the time, the newest first.
    pub(crate) fn candidates(&self, tenant: &str, time: api::TimeRange) -> Vec<Arc<BlockMeta>> {
        self.list().candidates(tenant, time)
    }

    /// Whether a block was merged into others that are known.
    pub(crate) fn is_replaced(&self, tenant: &str, block: &Uuid) -> bool {
        self.replaced_in(&self.list(), tenant).contains(block)
    }

    /// A tenant's blocks that only this ingester may know of.
    pub(crate) fn recent_of(&self, tenant: &str) -> Vec<Arc<BlockMeta>> {
        self.recent.of(tenant)
    }

    /// A block with its footer, and where its bytes come from.
    ///
    /// # Errors
    /// When it cannot be had.
    pub(crate) async fn open(&self, meta: &BlockMeta) -> Result<(Block, FolderSource), BlockError> {
        let source = self.source(meta);
        Ok((self.cache.open(&source, meta).await?, source))
    }

    /// Whether a block may have spans of a trace, by its filter.
    ///
    /// # Errors
    /// When the filter cannot be had.
    pub(crate) async fn may_contain(
        &self,
        meta: &BlockMeta,
        trace: &TraceId,
    ) -> Result<bool, BlockError> {
        self.cache.may_contain(&self.source(meta), meta, trace).await
    }

    async fn find_in(
        &self,
        metas: Vec<Arc<BlockMeta>>,
        trace: &TraceId,
        by: Option<&Reading>,
    ) -> InBlocks {
        let filters = &self.filter_reads;
        let source = |meta: &BlockMeta| Read { source: self.source(meta), by, filters };
        find(&self.cache, metas, source, trace, AT_ONCE).await
    }

    fn source(&self, meta: &BlockMeta) -> FolderSource {
        FolderSource::new(self.store.clone(), layout::block(&meta.tenant_id, &meta.block_id))
    }
}
