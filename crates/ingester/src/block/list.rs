//! The blocks that are known: what this ingester wrote, and what a poll of the bucket found
//! ([`poll`], [`tenant`]), without those that have been merged into others ([`superseded`]); and what
//! they hold of a trace ([`find`]).
//!
//! Each meta, record and tenant fails alone: one that cannot be read is not known, which is not the
//! same as not there, and answers say so.

mod find;
mod meta;
mod poll;
mod polled;
mod progress;
mod recent;
mod superseded;
mod tenant;

pub(crate) use progress::StillReading;
pub use tenant::LookUpError;

use super::unreadable::{Pauses, Unreadable};
use crate::metrics::Metrics;
use polled::LastPolls;
use progress::Progress;
use recent::Recent;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use superseded::Superseded;
use tokio::sync::Semaphore;
use tributary_block::BlockMeta;
use tributary_journal::{CompactionWindow, Journal};
use tributary_query::blocks::{Blocklist, Cache};
use tributary_store::Store;
use uuid::Uuid;

/// Requests to the store that the poll of all tenants has under way at most, listings, metas and
/// records together; and tenants, or metas of one, that wait for one of them.
const AT_ONCE: usize = 64;
/// The same for the look-ups of all queries together, which need not wait behind the poll.
const FOR_QUERIES: usize = 8;
/// Filters that all look-ups together read at a time, which bounds what they take; and so does one of them.
const FILTERS: usize = 64;
/// When a meta, a record or a tenant that could not be read is tried again.
const PAUSES: Pauses = Pauses { first: Duration::from_secs(1), longest: Duration::from_secs(600) };

/// Blocks of one tenant of which none has failed yet.
fn none_unreadable() -> Unreadable<Uuid> {
    Unreadable::new(PAUSES)
}

/// All known blocks, and how to read them.
pub struct KnownBlocks {
    store: Store,
    cache: Cache,
    list: Mutex<Blocklist>,
    superseded: Superseded,
    /// By tenant: what has been merged into other blocks and is still listed.
    replaced: Mutex<BTreeMap<String, BTreeSet<Uuid>>>,
    recent: Recent,
    poll: Duration,
    polled: Mutex<LastPolls>,
    /// By tenant: blocks whose metas are there and cannot be read.
    unreadable: Mutex<BTreeMap<String, Unreadable<Uuid>>>,
    /// By tenant that is being looked up: who does it holds this, and who needs it waits for it.
    turns: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
    poll_requests: Semaphore,
    query_requests: Semaphore,
    filter_reads: Semaphore,
    /// The first look-up of all blocks.
    first: Progress,
    metrics: Arc<Metrics>,
}

impl KnownBlocks {
    /// No block known yet. `cache` bounds the bytes kept of footers and filters.
    pub fn new(store: Store, cache: usize, poll: Duration, metrics: Arc<Metrics>) -> Self {
        KnownBlocks {
            store: store.clone(),
            cache: Cache::new(cache),
            list: Mutex::default(),
            superseded: Superseded::new(Journal::new(store)),
            replaced: Mutex::default(),
            recent: Recent::default(),
            poll,
            polled: Mutex::new(LastPolls::new(PAUSES)),
            unreadable: Mutex::default(),
            turns: Mutex::default(),
            poll_requests: Semaphore::new(AT_ONCE),
            query_requests: Semaphore::new(FOR_QUERIES),
            filter_reads: Semaphore::new(FILTERS),
            first: Progress::default(),
            metrics,
        }
    }

    /// What has been merged.
    pub(crate) fn superseded(&self) -> &Superseded {
        &self.superseded
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

    /// How many blocks of a tenant are known.
    pub(crate) fn count(&self, tenant: &str) -> usize {
        self.list().ids(tenant).len()
    }

    /// Blocks of a window that were merged into others and of which something was still there at
    /// the last poll.
    pub(crate) fn replaced(&self, window: &CompactionWindow) -> impl Iterator<Item = Uuid> + use<> {
        let of_tenant = self.replaced_by_tenant().get(&window.tenant).cloned().unwrap_or_default();
        let window = window.clone();
        let is_in =
            move |id: &Uuid| CompactionWindow::of(&window.tenant, id).as_ref() == Some(&window);
        of_tenant.into_iter().filter(is_in)
    }

    fn replaced_by_tenant(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<Uuid>>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> MutexGuard<'_, Blocklist> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn polled(&self) -> MutexGuard<'_, LastPolls> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeMap<String, Unreadable<Uuid>>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far the first look-up of all blocks has come; nothing when it is through.
    pub(crate) fn still_reading(&self) -> Option<StillReading> {
        self.first.left()
    }

    /// Blocks of a tenant that were merged into others that this list has. It comes with its lock, which
    /// is therefore never taken under that of what has been merged.
    fn replaced_in(&self, list: &Blocklist, tenant: &str) -> BTreeSet<Uuid> {
        self.superseded.replaced(tenant, |id| list.get(tenant, id).is_some())
    }

    /// Leaves out of answers what has been merged into blocks that are known.
    pub(crate) fn forget_replaced(&self, tenant: &str) -> BTreeSet<Uuid> {
        let replaced = {
            let mut list = self.list();
            let replaced = self.replaced_in(&list, tenant);
            for block in &replaced {
                if list.remove(tenant, block) {
                    self.cache.forget(tenant, block);
                }
            }
            replaced
        };
        // What was merged is told on for a while; what has expired is not.
        self.recent.forget(tenant, &self.superseded.expired(tenant));
        replaced
    }

    /// This ingester has made blocks visible.
    pub(crate) fn written(&self, metas: impl IntoIterator<Item = BlockMeta>) {
        let metas: Vec<Arc<BlockMeta>> = metas.into_iter().map(Arc::new).collect();
        let known = {
            let mut list = self.list();
            metas.iter().for_each(|meta| list.insert(meta.clone()));
            list.len()
        };
        // Two polls: one may have been under way when the block appeared.
        self.recent.wrote(metas, self.poll * 3);
        self.metrics.blocks_known.set(i64::try_from(known).unwrap_or(i64::MAX));
    }
}
