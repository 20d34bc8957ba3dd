//! What known blocks hold of a trace.

use super::KnownBlocks;
use std::sync::{Arc, PoisonError};
use tributary_block::{BlockError, BlockMeta, FolderSource};
use tributary_journal::layout;
use tributary_query::api;
use tributary_query::blocks::{InBlocks, find};
use tributary_span::TraceId;
use tributary_telemetry::ErrorChain;

/// Blocks of one query that are read at a time.
const PARALLEL: usize = 8;

impl KnownBlocks {
    /// What blocks hold of a trace. Blocks that could not be read stand in the answer too.
    pub async fn find(&self, tenant: &str, trace: &TraceId, time: api::TimeRange) -> InBlocks {
        let candidates = self.list().candidates(tenant, time);
        let found = self.find_in(candidates, trace).await;
        let is_gone = |(_, error): &(_, BlockError)| matches!(error, BlockError::Missing(_));
        if !found.failed.iter().any(is_gone) {
            return found;
        }
        // Deleted while it was asked: what it held stands in a newer block.
        if let Err(error) = self.poll_once().await {
            tracing::warn!(error = %ErrorChain(&error), "blocks could not be listed");
            return found;
        }
        let candidates = self.list().candidates(tenant, time);
        self.find_in(candidates, trace).await
    }

    /// The same for the blocks that only this ingester may know of.
    pub(crate) async fn find_recent(&self, tenant: &str, trace: &TraceId) -> InBlocks {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let metas = recent.into_iter().map(|(_, meta)| meta).filter(|m| m.tenant_id == tenant);
        let mut found = self.find_in(metas.collect(), trace).await;
        // What was merged and is gone by now stands in the block that it went into.
        let replaced = {
            let list = self.list();
            self.superseded.replaced(tenant, |id| list.get(tenant, id).is_some())
        };
        found.failed.retain(|(meta, error)| {
            !(matches!(error, BlockError::Missing(_)) && replaced.contains(&meta.block_id))
        });
        found
    }

    async fn find_in(&self, metas: Vec<Arc<BlockMeta>>, trace: &TraceId) -> InBlocks {
        find(&self.cache, metas, |meta| self.source(meta), trace, PARALLEL).await
    }

    fn source(&self, meta: &BlockMeta) -> FolderSource {
        FolderSource::new(self.store.clone(), layout::block(&meta.tenant_id, &meta.block_id))
    }
}
