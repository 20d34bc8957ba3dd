//! Looking one tenant's blocks up: for the poll of all of them, and when a query needs to know.
//!
//! A tenant is looked up by one at a time, and those that came before that began are served by it:
//! a query joins the poll that is reading the tenant's metas already. What was read stays known also
//! when the query that read it gives up, so that no meta is read twice.

use super::meta::{self, Meta};
use super::{AT_ONCE, KnownBlocks};
use futures_util::{StreamExt, stream};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, timeout_at};
use tributary_journal::layout;
use tributary_journal::window::compacted_origin;
use tributary_store::StoreError;
use uuid::Uuid;

/// Blocks of one look-up that the log names when their metas cannot be read; of more it tells how
/// many they are.
const NAMED: usize = 8;

/// Blocks may be there that are not known.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// They could not be listed.
    #[error("they could not be listed")]
    List(#[from] StoreError),
    /// They are still being read.
    #[error("they are still being read")]
    StillReading,
    /// Some are there, but what they hold is not known.
    #[error("{tenants} tenants could not be listed, and {blocks} blocks are not known")]
    Incomplete {
        /// Tenants whose folders could not be listed.
        tenants: usize,
        /// Blocks whose metas are there and cannot be read.
        blocks: usize,
    },
}

/// Which look-up it is: each kind has its own number of requests to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    Poll,
    Query,
}

impl KnownBlocks {
    /// A look-up that began then or later is young enough as long as all others answer: they tell
    /// what they wrote in the last three periods ([`KnownBlocks::find_recent`]).
    pub(crate) fn fresh_since(&self) -> Instant {
        let now = Instant::now();
        now.checked_sub(self.poll * 2).unwrap_or(now)
    }

    /// Sees to it that a tenant's blocks were looked up at `since` or later, but waits no longer than
    /// until `deadline`. Blocks that cannot be read are no error of it: [`KnownBlocks::not_known`].
    ///
    /// # Errors
    /// When they could not be listed, or not be read in time.
    pub(crate) async fn look_up_since(
        &self,
        tenant: &str,
        since: Instant,
        deadline: Instant,
    ) -> Result<(), LookUpError> {
        let look = async {
            if self.is_looked_up(tenant, since) {
                return Ok(());
            }
            let turn = self.turn(tenant);
            let _turn = turn.lock().await;
            if self.is_looked_up(tenant, since) {
                return Ok(());
            }
            Ok(self.look_up(tenant, For::Query).await?)
        };
        timeout_at(deadline, look).await.unwrap_or(Err(LookUpError::StillReading))
    }

    /// Whether a look-up that began at `since` or later has told what there is, and none of what
    /// could not be read is to be tried again by now.
    fn is_looked_up(&self, tenant: &str, since: Instant) -> bool {
        let begun = self.polled().looked_up(tenant);
        if begun.is_none_or(|begun| begun < since) {
            return false;
        }
        let unreadable = self.unreadable();
        !unreadable.get(tenant).is_some_and(|blocks| blocks.has_due(Instant::now()))
    }

    /// Why blocks of a tenant may hold what no answer has: their metas are there and cannot be read.
    pub(crate) fn not_known(&self, tenant: &str) -> Option<String> {
        let unreadable = self.unreadable();
        let blocks = unreadable.get(tenant)?;
        let (block, why) = blocks.first()?;
        Some(match blocks.len() {
            1 => format!("block {block} of tenant {tenant} is not known: {why}"),
            n => {
                format!("{n} blocks of tenant {tenant} are not known, the first is {block}: {why}")
            }
        })
    }

    /// What looks a tenant up holds this.
    pub(super) fn turn(&self, tenant: &str) -> Arc<Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(tenant.to_owned()).or_default().clone()
    }

    fn requests(&self, of: For) -> &Semaphore {
        match of {
            For::Poll => &self.poll_requests,
            For::Query => &self.query_requests,
        }
    }

    /// Lists a tenant's blocks and reads the metas of those not known yet. To be done in
    /// [`KnownBlocks::turn`].
    ///
    /// # Errors
    /// When they cannot be listed.
    pub(super) async fn look_up(&self, tenant: &str, of: For) -> Result<(), StoreError> {
        let begun = Instant::now();
        let before = self.list().ids(tenant);
        let listed = {
            let _request = self.requests(of).acquire().await;
            let folder = format!("{}/{tenant}", layout::BLOCKS);
            let names = self.store.list_folders(&folder).await?;
            names.iter().filter_map(|name| Uuid::try_parse(name).ok()).collect::<BTreeSet<Uuid>>()
        };
        let settled = self.list().settle(tenant, &before, &listed);
        settled.gone.iter().for_each(|block| self.cache.forget(tenant, block));
        // What came out of a merge first: then it is known what need not be read.
        let is_made = |id: &Uuid| compacted_origin(id).is_some();
        let (made, fresh): (Vec<_>, Vec<_>) = settled.unknown.into_iter().partition(is_made);
        let mut replaced = BTreeSet::new();
        for mut blocks in [made, fresh] {
            replaced = self.forget_replaced(tenant);
            blocks.retain(|block| !replaced.contains(block));
            self.learn(tenant, blocks, of).await;
        }
        self.looked_up(tenant, begun, &listed, replaced);
        Ok(())
    }

    /// Reads the metas of these blocks, as far as they are due.
    async fn learn(&self, tenant: &str, mut blocks: Vec<Uuid>, of: For) {
        {
            let (unreadable, now) = (self.unreadable(), Instant::now());
            let failed = unreadable.get(tenant);
            blocks.retain(|block| failed.is_none_or(|failed| failed.is_due(block, now)));
        }
        let counts = of == For::Poll && !self.first.is_through();
        if counts {
            self.first.list(blocks.len());
        }
        let reads = blocks.into_iter().map(|block| async move {
            let _request = self.requests(of).acquire().await;
            (block, meta::read(&self.store, tenant, &block).await)
        });
        let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
        let mut new = 0;
        while let Some((block, meta)) = reads.next().await {
            if counts {
                self.first.try_one();
            }
            match meta {
                Meta::Read(meta) => self.list().insert(Arc::new(*meta)),
                Meta::Absent => {}
                Meta::Unreadable(why) => {
                    new += usize::from(self.failed(tenant, block, why, new < NAMED));
                    continue;
                }
            }
            if let Some(failed) = self.unreadable().get_mut(tenant) {
                failed.forget(&block);
            }
        }
        if new > NAMED {
            let more = new - NAMED;
            tracing::warn!(tenant, more, "metas of more blocks cannot be read");
        }
    }

    /// A meta cannot be read. Whether that is new; the log is told so if it is `named`.
    fn failed(&self, tenant: &str, block: Uuid, why: String, named: bool) -> bool {
        let mut unreadable = self.unreadable();
        let of_tenant = unreadable.entry(tenant.to_owned()).or_insert_with(super::none_unreadable);
        let told = why.clone();
        let new = of_tenant.failed(block, why, Instant::now());
        if new && named {
            tracing::warn!(
                tenant, %block, why = told,
                "a block's meta cannot be read: what it holds is not known, and answers for its tenant say so; it is tried again"
            );
        }
        new
    }

    /// A look-up that began then is through; `replaced` is what was merged into others.
    fn looked_up(
        &self,
        tenant: &str,
        begun: Instant,
        listed: &BTreeSet<Uuid>,
        replaced: BTreeSet<Uuid>,
    ) {
        let known = self.list().ids(tenant);
        let unreadable = {
            let mut all = self.unreadable();
            if let Some(of_tenant) = all.get_mut(tenant) {
                let is_wanted = |id: &Uuid| {
                    listed.contains(id) && !replaced.contains(id) && !known.contains(id)
                };
                of_tenant.retain(is_wanted);
            }
            all.retain(|_, blocks| blocks.len() > 0);
            all.values().map(super::Unreadable::len).sum::<usize>()
        };
        self.metrics.blocks_unreadable.set(i64::try_from(unreadable).unwrap_or(i64::MAX));
        self.metrics.blocks_known.set(i64::try_from(self.list().len()).unwrap_or(i64::MAX));
        let left = replaced.intersection(listed).copied().collect();
        self.replaced_by_tenant().insert(tenant.to_owned(), left);
        self.polled().succeeded(tenant, begun, self.poll * 2);
    }
}
