//! The blocks that are known: what this ingester wrote, and what a poll of the bucket found.

use crate::flush::Built;
use crate::metrics::Metrics;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::{BlockError, BlockMeta, FolderSource, Object};
use tributary_journal::layout;
use tributary_query::api::Window;
use tributary_query::blocks::{Blocklist, Cache, InBlocks, find};
use tributary_span::TraceId;
use tributary_store::{Store, StoreError};
use uuid::Uuid;

/// Blocks of one query that are read at a time.
const PARALLEL: usize = 8;

/// All known blocks, and how to read them.
pub struct Blocks {
    store: Store,
    cache: Cache,
    list: Mutex<Blocklist>,
    /// Blocks that this ingester wrote, until every other one has surely seen them.
    recent: Mutex<VecDeque<(Instant, Arc<BlockMeta>)>>,
    poll: Duration,
    metrics: Arc<Metrics>,
}

impl Blocks {
    /// No block known yet. `cache` bounds the bytes kept of footers and filters.
    pub fn new(store: Store, cache: usize, poll: Duration, metrics: Arc<Metrics>) -> Self {
        let cache = Cache::new(cache);
        Blocks { store, cache, list: Mutex::default(), recent: Mutex::default(), poll, metrics }
    }

    fn list(&self) -> MutexGuard<'_, Blocklist> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This ingester has made blocks visible.
    pub fn written(&self, built: &Built) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for block in &built.blocks {
            self.list().insert(block.meta.clone());
            recent.push_back((now, Arc::new(block.meta.clone())));
        }
        // Two polls: one may have been under way when the block appeared.
        let seen = self.poll * 3;
        while recent.front().is_some_and(|(then, _)| now.duration_since(*then) > seen) {
            recent.pop_front();
        }
        self.metrics.blocks_known.set(i64::try_from(self.list().len()).unwrap_or(i64::MAX));
    }

    /// What blocks hold of a trace. Blocks that could not be read stand in the answer too.
    pub async fn find(&self, tenant: &str, trace: &TraceId, window: Window) -> InBlocks {
        let candidates = self.list().candidates(tenant, window);
        let found = self.find_in(candidates, trace).await;
        let is_gone = |(_, error): &(_, BlockError)| matches!(error, BlockError::Missing(_));
        if !found.failed.iter().any(is_gone) {
            return found;
        }
        // Deleted while it was asked: what it held stands in a newer block.
        if let Err(error) = self.poll_once().await {
            tracing::warn!(%error, "blocks could not be listed");
            return found;
        }
        let candidates = self.list().candidates(tenant, window);
        self.find_in(candidates, trace).await
    }

    /// The same for the blocks that only this ingester may know of.
    pub async fn find_recent(&self, tenant: &str, trace: &TraceId) -> InBlocks {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let metas = recent.into_iter().map(|(_, meta)| meta).filter(|m| m.tenant_id == tenant);
        self.find_in(metas.collect(), trace).await
    }

    async fn find_in(&self, metas: Vec<Arc<BlockMeta>>, trace: &TraceId) -> InBlocks {
        find(&self.cache, metas, |meta| self.source(meta), trace, PARALLEL).await
    }

    fn source(&self, meta: &BlockMeta) -> FolderSource {
        FolderSource::new(self.store.clone(), layout::block(&meta.tenant_id, &meta.block_id))
    }

    /// Looks the bucket up until `stop`, once at once.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            if let Err(error) = self.poll_once().await {
                tracing::warn!(%error, "blocks could not be listed");
            }
            if stop.run_until_cancelled(tokio::time::sleep(self.poll)).await.is_none() {
                return;
            }
        }
    }

    /// Lists all tenants' blocks and reads the metas of those not known yet.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub async fn poll_once(&self) -> Result<(), StoreError> {
        let mut tenants = self.store.list_folders(layout::BLOCKS).await?;
        tenants.extend(self.list().tenants().map(str::to_owned));
        tenants.sort();
        tenants.dedup();
        for tenant in tenants {
            let before = self.list().ids(&tenant);
            let folder = format!("{}/{tenant}", layout::BLOCKS);
            let names = self.store.list_folders(&folder).await?;
            let listed = names.iter().filter_map(|name| Uuid::try_parse(name).ok()).collect();
            let settled = self.list().settle(&tenant, &before, &listed);
            settled.gone.iter().for_each(|block| self.cache.forget(&tenant, block));
            for block in settled.unknown {
                self.learn(&tenant, &block).await;
            }
        }
        self.metrics.blocks_known.set(i64::try_from(self.list().len()).unwrap_or(i64::MAX));
        Ok(())
    }

    /// Reads a block's meta. One without is not visible yet, or was compacted away.
    async fn learn(&self, tenant: &str, block: &Uuid) {
        let path = layout::block_object(tenant, block, &Object::Meta.name());
        match self.store.get(&path).await {
            Ok(json) => match BlockMeta::parse(&json) {
                Ok(meta) if meta.tenant_id == tenant && meta.block_id == *block => {
                    self.list().insert(meta);
                }
                Ok(_) => tracing::warn!(
                    path,
                    "a block's meta names another tenant or block; it is left out"
                ),
                Err(error) => {
                    tracing::warn!(path, %error, "a block's meta cannot be read; it is left out")
                }
            },
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => tracing::warn!(path, %error, "a block's meta could not be had"),
        }
    }
}
