//! The blocks that are known.

use crate::api::TimeRange;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tributary_block::BlockMeta;
use uuid::Uuid;

/// All known blocks by tenant. A block is known by its meta, read or written.
#[derive(Debug, Clone, Default)]
pub struct Blocklist {
    tenants: BTreeMap<String, BTreeMap<Uuid, Arc<BlockMeta>>>,
}

impl Blocklist {
    /// Adds a block, or puts a newer meta of it in place of the older one.
    pub fn insert(&mut self, meta: Arc<BlockMeta>) {
        let blocks = self.tenants.entry(meta.tenant_id.clone()).or_default();
        blocks.insert(meta.block_id, meta);
    }

    /// Forgets a block. Says whether it was known.
    pub fn remove(&mut self, tenant: &str, block: &Uuid) -> bool {
        let Some(blocks) = self.tenants.get_mut(tenant) else { return false };
        let known = blocks.remove(block).is_some();
        if blocks.is_empty() {
            self.tenants.remove(tenant);
        }
        known
    }

    /// The block's meta, when it is known.
    pub fn get(&self, tenant: &str, block: &Uuid) -> Option<&Arc<BlockMeta>> {
        self.tenants.get(tenant)?.get(block)
    }

    /// All blocks of all tenants.
    pub fn all(&self) -> impl Iterator<Item = &Arc<BlockMeta>> {
        self.tenants.values().flat_map(BTreeMap::values)
    }

    /// The tenants that have blocks.
    pub fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(String::as_str)
    }

    /// Number of blocks of all tenants.
    pub fn len(&self) -> usize {
        self.tenants.values().map(BTreeMap::len).sum()
    }

    /// Whether no block is known.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// The ids of a tenant's blocks: to be taken before the bucket is listed, for
    /// [`Blocklist::settle`].
    pub fn ids(&self, tenant: &str) -> BTreeSet<Uuid> {
        self.tenants.get(tenant).map(|blocks| blocks.keys().copied().collect()).unwrap_or_default()
    }

    /// Takes in a listing of a tenant's folder. Blocks that were known `before` the listing began
    /// and are not `listed` are gone; one that became known while it ran stays, since the listing
    /// may have passed its place already.
    pub fn settle(
        &mut self,
        tenant: &str,
        before: &BTreeSet<Uuid>,
        listed: &BTreeSet<Uuid>,
    ) -> Settled {
        let gone: Vec<Uuid> = before.difference(listed).copied().collect();
        let gone = gone.into_iter().filter(|block| self.remove(tenant, block)).collect();
        let unknown = listed.iter().filter(|block| self.get(tenant, block).is_none()).copied();
        Settled { unknown: unknown.collect(), gone }
    }

    /// The tenant's blocks that may hold spans of the time, the newest first.
    pub fn candidates(&self, tenant: &str, time: TimeRange) -> Vec<Arc<BlockMeta>> {
        let within = time.nanoseconds();
        let blocks = self.tenants.get(tenant).into_iter().flat_map(BTreeMap::values);
        let mut found: Vec<_> =
            blocks.filter(|meta| meta.overlaps(within.0, within.1)).cloned().collect();
        found.sort_by_key(|meta| std::cmp::Reverse((meta.extent().1, meta.block_id)));
        found
    }
}

/// What a listing changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Listed, but not known: read their `meta.json` and [`Blocklist::insert`] them.
    pub unknown: Vec<Uuid>,
    /// No longer listed, and forgotten now: their cached bytes can go too.
    pub gone: Vec<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(tenant: &str, id: u128, start: u64, end: u64) -> Arc<BlockMeta> {
        Arc::new(BlockMeta {
            tenant_id: tenant.to_owned(),
            block_id: Uuid::from_u128(id),
            start_time: start * 1_000_000_000,
            end_time: end * 1_000_000_000 + 999,
            ..BlockMeta::default()
        })
    }

    fn ids(numbers: &[u128]) -> BTreeSet<Uuid> {
        numbers.iter().map(|&n| Uuid::from_u128(n)).collect()
    }

    #[test]
    fn the_time_prunes_and_the_newest_comes_first() {
        let mut list = Blocklist::default();
        for (id, start, end) in [(1, 10, 20), (2, 20, 30), (3, 40, 50)] {
            list.insert(meta("a", id, start, end));
        }
        list.insert(meta("b", 9, 10, 90));
        let found = |tenant, time| -> Vec<u128> {
            list.candidates(tenant, time).iter().map(|m| m.block_id.as_u128()).collect()
        };
        assert_eq!(found("a", TimeRange::ALL), [3, 2, 1]);
        assert_eq!(found("a", TimeRange { start: 0, end: 9 }), [0u128; 0]);
        assert_eq!(found("a", TimeRange { start: 20, end: 20 }), [2, 1]);
        assert_eq!(found("a", TimeRange { start: 31, end: 40 }), [3]);
        assert_eq!(found("b", TimeRange { start: 31, end: 40 }), [9]);
        assert_eq!(found("c", TimeRange::ALL), [0u128; 0]);
    }

    #[test]
    fn a_listing_adds_and_removes() {
        let mut list = Blocklist::default();
        list.insert(meta("a", 1, 0, 1));
        list.insert(meta("a", 2, 0, 1));
        let before = list.ids("a");
        assert_eq!(before, ids(&[1, 2]));
        // Written while the listing ran, and passed by it.
        list.insert(meta("a", 3, 0, 1));
        let settled = list.settle("a", &before, &ids(&[2, 4]));
        assert_eq!(settled.unknown, [Uuid::from_u128(4)]);
        assert_eq!(settled.gone, [Uuid::from_u128(1)]);
        assert_eq!(list.ids("a"), ids(&[2, 3]));
        // Listed next time, it is neither unknown nor gone.
        let settled = list.settle("a", &list.ids("a"), &ids(&[2, 3]));
        assert_eq!(settled, Settled::default());
    }

    #[test]
    fn a_tenant_without_blocks_is_none() {
        let mut list = Blocklist::default();
        list.insert(meta("a", 1, 0, 1));
        assert_eq!((list.len(), list.tenants().collect::<Vec<_>>()), (1, vec!["a"]));
        assert!(list.remove("a", &Uuid::from_u128(1)));
        assert!(!list.remove("a", &Uuid::from_u128(1)));
        assert!(list.is_empty() && list.tenants().next().is_none());
    }
}
