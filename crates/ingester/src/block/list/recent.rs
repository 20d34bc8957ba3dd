//! The blocks that this ingester wrote, until every other one has surely seen them.
//!
//! Its lock is taken and given back in here, and nothing else is called while it is held: no order
//! of locks can be got wrong.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::BlockMeta;
use uuid::Uuid;

/// Blocks in the order in which they were written.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<(Instant, Arc<BlockMeta>)>>);

impl Recent {
    /// These are visible from now on; those that have been for longer than `kept` are recent no more.
    pub(super) fn wrote(&self, metas: Vec<Arc<BlockMeta>>, kept: Duration) {
        let now = Instant::now();
        let mut recent = self.lock();
        recent.extend(metas.into_iter().map(|meta| (now, meta)));
        while recent.front().is_some_and(|(then, _)| now.duration_since(*then) > kept) {
            recent.pop_front();
        }
    }

    /// These are no more.
    pub(super) fn forget(&self, tenant: &str, blocks: &BTreeSet<Uuid>) {
        self.lock().retain(|(_, m)| m.tenant_id != tenant || !blocks.contains(&m.block_id));
    }

    /// Those of a tenant.
    pub(super) fn of(&self, tenant: &str) -> Vec<Arc<BlockMeta>> {
        let recent = self.lock();
        recent.iter().map(|(_, meta)| meta.clone()).filter(|m| m.tenant_id == tenant).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, Arc<BlockMeta>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
