//! The blocks that are known: what this ingester wrote, and what a poll of the bucket found, without
//! those that have been merged into others.

mod superseded;

use crate::metrics::Metrics;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use superseded::Superseded;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_block::{BlockError, BlockMeta, FolderSource};
use tributary_journal::window::compacted_origin;
use tributary_journal::{CompactionWindow, Journal, JournalError, layout};
use tributary_query::api;
use tributary_query::blocks::{Blocklist, Cache, InBlocks, find};
use tributary_span::TraceId;
use tributary_store::{Store, StoreError};
use uuid::Uuid;

/// Blocks of one query that are read at a time.
const PARALLEL: usize = 8;
/// Polls between two looks at what has been merged: until then a block is asked beside the one that
/// it went into, which costs time and no more.
const WINDOWS_EVERY: u32 = 4;

/// All known blocks, and how to read them.
pub struct Blocks {
    store: Store,
    cache: Cache,
    list: Mutex<Blocklist>,
    windows: Superseded,
    /// By tenant: what has been merged into other blocks and is still listed.
    replaced: Mutex<BTreeMap<String, BTreeSet<Uuid>>>,
    polls: AtomicU32,
    /// Blocks that this ingester wrote, until every other one has surely seen them.
    recent: Mutex<VecDeque<(Instant, Arc<BlockMeta>)>>,
    poll: Duration,
    polled: Mutex<Polled>,
    /// Queries that need a look-up take turns: one looks, and those that came before it began are
    /// served by it.
    turn: Semaphore,
    metrics: Arc<Metrics>,
}

/// When the last look-ups began of which nothing failed.
#[derive(Debug, Default)]
struct Polled {
    all: Option<Instant>,
    tenants: BTreeMap<String, Instant>,
}

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

impl Blocks {
    /// No block known yet. `cache` bounds the bytes kept of footers and filters.
    pub fn new(store: Store, cache: usize, poll: Duration, metrics: Arc<Metrics>) -> Self {
        Blocks {
            store: store.clone(),
            cache: Cache::new(cache),
            list: Mutex::default(),
            windows: Superseded::new(Journal::new(store)),
            replaced: Mutex::default(),
            polls: AtomicU32::new(0),
            recent: Mutex::default(),
            poll,
            polled: Mutex::default(),
            turn: Semaphore::new(1),
            metrics,
        }
    }

    /// What has been merged.
    pub fn windows(&self) -> &Superseded {
        &self.windows
    }

    /// The known blocks that fit, by window. Those that no ingester made belong to none.
    pub fn by_window(
        &self,
        fits: impl Fn(&BlockMeta) -> bool,
    ) -> BTreeMap<CompactionWindow, Vec<Arc<BlockMeta>>> {
        let mut windows: BTreeMap<CompactionWindow, Vec<Arc<BlockMeta>>> = BTreeMap::new();
        for meta in self.list().all().filter(|meta| fits(meta)) {
            if let Some(window) = CompactionWindow::of(&meta.tenant_id, &meta.block_id) {
                windows.entry(window).or_default().push(meta.clone());
            }
        }
        windows
    }

    /// Blocks of a window that were merged into others and of which something was still there at the
    /// last poll.
    pub fn replaced(&self, window: &CompactionWindow) -> impl Iterator<Item = Uuid> + use<> {
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = replaced.get(&window.tenant).cloned().unwrap_or_default();
        let window = window.clone();
        let is_in =
            move |id: &Uuid| CompactionWindow::of(&window.tenant, id).as_ref() == Some(&window);
        of_tenant.into_iter().filter(is_in)
    }

    fn list(&self) -> MutexGuard<'_, Blocklist> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This ingester has made blocks visible.
    pub fn written(&self, metas: impl IntoIterator<Item = BlockMeta>) {
        let now = Instant::now();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for meta in metas {
            self.list().insert(meta.clone());
            recent.push_back((now, Arc::new(meta)));
        }
        // Two polls: one may have been under way when the block appeared.
        let seen = self.poll * 3;
        while recent.front().is_some_and(|(then, _)| now.duration_since(*then) > seen) {
            recent.pop_front();
        }
        self.metrics.blocks_known.set(i64::try_from(self.list().len()).unwrap_or(i64::MAX));
    }

    fn polled(&self) -> MutexGuard<'_, Polled> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look-up that began then or later is young enough as long as all others answer: they tell
    /// what they wrote in the last three periods ([`Blocks::find_recent`]).
    pub fn young_enough(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.poll * 2).unwrap_or(now)
    }

    /// Sees to it that a tenant's blocks were looked up at `since` or later.
    ///
    /// # Errors
    /// When they could not be.
    pub async fn look_up_since(&self, tenant: &str, since: Instant) -> Result<(), LookUpError> {
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
            tracing::warn!(%error, "blocks could not be listed");
            return found;
        }
        let candidates = self.list().candidates(tenant, time);
        self.find_in(candidates, trace).await
    }

    /// The same for the blocks that only this ingester may know of.
    pub async fn find_recent(&self, tenant: &str, trace: &TraceId) -> InBlocks {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let metas = recent.into_iter().map(|(_, meta)| meta).filter(|m| m.tenant_id == tenant);
        let mut found = self.find_in(metas.collect(), trace).await;
        // What was merged and is gone by now stands in the block that it went into.
        let replaced = {
            let list = self.list();
            self.windows.replaced(tenant, |id| list.get(tenant, id).is_some())
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

    /// Looks the bucket up until `stop`, once at once.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let n = self.polls.fetch_add(1, Ordering::Relaxed);
            if let Err(error) = self.poll_blocks(n.is_multiple_of(WINDOWS_EVERY)).await {
                tracing::warn!(%error, "blocks could not be listed");
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

    async fn poll_blocks(&self, windows_too: bool) -> Result<(), LookUpError> {
        let begun = Instant::now();
        if windows_too {
            self.windows.refresh().await?;
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

    /// Leaves out of answers what has been merged into blocks that are known.
    pub fn forget_replaced(&self, tenant: &str) -> BTreeSet<Uuid> {
        let mut list = self.list();
        let replaced = self.windows.replaced(tenant, |id| list.get(tenant, id).is_some());
        for block in &replaced {
            if list.remove(tenant, block) {
                self.cache.forget(tenant, block);
            }
        }
        replaced
    }

    /// Reads a block's meta. Whether all is known that can be: one without is not visible yet. One
    /// that was merged away since the blocks were listed counts, since what it went into need not be
    /// among those that were listed.
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
                    Err(error) => {
                        tracing::warn!(path, %error, "a block's meta cannot be read; it is left out")
                    }
                },
                Err(StoreError::NotFound { .. })
                    if CompactionWindow::of(tenant, block).is_some() =>
                {
                    continue;
                }
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => {
                    tracing::warn!(path, %error, "a block's meta could not be had");
                    known = false;
                }
            }
            break;
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::memory::InMemory;

    #[tokio::test(start_paused = true)]
    async fn blocks_are_looked_up_when_the_list_is_too_old() {
        let store = Store::from_parts(Arc::new(InMemory::new()), "").unwrap();
        let poll = Duration::from_secs(10);
        let blocks = Blocks::new(store.clone(), 1 << 20, poll, Arc::default());
        let lists = || store.counters().snapshot().lists;
        blocks.poll_once().await.unwrap();
        assert_eq!(lists(), 2, "what was merged, and no tenant has any");
        blocks.look_up_since("a", blocks.young_enough()).await.unwrap();
        assert_eq!(lists(), 2, "the list is young enough");
        tokio::time::advance(Duration::from_secs(1)).await;
        let now = Instant::now();
        let both = tokio::join!(blocks.look_up_since("a", now), blocks.look_up_since("a", now));
        both.0.unwrap();
        both.1.unwrap();
        assert_eq!(lists(), 3, "one look-up serves both");
        blocks.look_up_since("b", now).await.unwrap();
        assert_eq!(lists(), 4, "but another tenant's is another one");
        tokio::time::advance(poll * 2 + Duration::from_millis(1)).await;
        blocks.look_up_since("a", blocks.young_enough()).await.unwrap();
        assert_eq!(lists(), 5, "its own look-ups have stopped");
    }
}
