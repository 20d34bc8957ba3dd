//! Looking at a bucket: listings and slots.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::audit::{BlockFound, BlockKey, EpochView, Finding, SegmentFound, strays};
use tributary_journal::cluster::Cluster;
use tributary_journal::id::{BlockOrigin, block_origin};
use tributary_journal::layout::{self, Place};
use tributary_journal::slot::{MAX_SLOT, Slot, SlotError};
use tributary_journal::{EpochId, Journal, JournalError};
use tributary_store::{ObjectInfo, Store, StoreError};

/// A bucket, and what was listed of it at the beginning.
pub(crate) struct Bucket {
    journal: Journal,
    cluster: Cluster,
    epochs: Vec<EpochId>,
    owners: BTreeMap<EpochId, String>,
    copies: BTreeMap<EpochId, BTreeSet<u64>>,
    /// Blocks that were minted for an epoch, by the part of the epoch's id that they tell.
    minted: BTreeMap<[u8; 7], BTreeMap<BlockKey, BlockFound>>,
    compacted_tenants: BTreeSet<String>,
}

impl Bucket {
    /// Lists blocks first and epochs after them, so that each block's epoch is listed.
    pub(crate) async fn open(store: Store) -> Result<Bucket> {
        let cluster = match store.get(layout::CLUSTER).await {
            Err(StoreError::NotFound { .. }) => {
                let text = format!(
                    "{}: there is no {} here, so no ingester has used it; is the URL right?",
                    store.url(),
                    layout::CLUSTER
                );
                return Err(StoreError::Config(text).into());
            }
            found => Cluster::decode(&found?)?,
        };
        let mut bucket = Bucket {
            journal: Journal::new(store),
            cluster,
            epochs: Vec::new(),
            owners: BTreeMap::new(),
            copies: BTreeMap::new(),
            minted: BTreeMap::new(),
            compacted_tenants: BTreeSet::new(),
        };
        for tenant in bucket.store().list_folders(layout::BLOCKS).await? {
            bucket.list_blocks(&tenant).await.with_context(|| format!("blocks of {tenant}"))?;
        }
        for object in bucket.store().list(QUARANTINE).await? {
            if let Some((epoch, n)) = quarantined(&object.path) {
                bucket.copies.entry(epoch).or_default().insert(n);
            }
        }
        for beat in bucket.journal.heartbeats().await? {
            let name = match beat.live.instance.is_empty() {
                true => beat.live.process.to_string(),
                false => beat.live.instance,
            };
            bucket.owners.extend(beat.live.epochs.into_iter().map(|epoch| (epoch, name.clone())));
        }
        bucket.epochs = bucket.journal.epochs().await?;
        Ok(bucket)
    }

    pub(crate) fn store(&self) -> &Store {
        self.journal.store()
    }

    pub(crate) fn cluster(&self) -> String {
        self.cluster.cluster.to_string()
    }

    pub(crate) fn epochs(&self) -> &[EpochId] {
        &self.epochs
    }

    async fn list_blocks(&mut self, tenant: &str) -> Result<()> {
        for object in self.store().list(&format!("{}/{tenant}", layout::BLOCKS)).await? {
            let Some(Place::Block { tenant, block, object: name }) = layout::parse(&object.path)
            else {
                continue;
            };
            match block_origin(&block) {
                Some(BlockOrigin { epoch_prefix, .. }) => {
                    let blocks = self.minted.entry(epoch_prefix).or_default();
                    blocks.entry((tenant, block)).or_default().add(&name, object.size);
                }
                None => {
                    self.compacted_tenants.insert(tenant);
                }
            }
        }
        Ok(())
    }

    /// The first look at an epoch. Its blocks are taken out of what was listed at the beginning.
    pub(crate) async fn look(&mut self, epoch: &EpochId) -> Result<EpochView> {
        let mut view = self.slots_and_segments(epoch).await?;
        let mut prefix = [0; 7];
        prefix.iter_mut().zip(epoch.bytes()).for_each(|(to, from)| *to = from);
        view.blocks = self.minted.get(&prefix).cloned().unwrap_or_default();
        // What seems to be incomplete may have been finished since it was listed.
        let complete = |key: &BlockKey| {
            view.blocks.get(key).is_some_and(|b| b.compacted || (b.meta && b.data.is_some()))
        };
        let named: Vec<_> = named(&view).filter(|key| !complete(key)).collect();
        for key in named {
            let block = self.look_at_block(&key).await?;
            view.blocks.insert(key, block);
        }
        Ok(view)
    }

    /// A later look at the same epoch, for which everything is listed anew.
    pub(crate) async fn look_again(&self, first: &EpochView) -> Result<EpochView> {
        let mut view = self.slots_and_segments(&first.epoch).await?;
        let keys: BTreeSet<BlockKey> = named(&view).chain(first.blocks.keys().cloned()).collect();
        for key in keys {
            let block = self.look_at_block(&key).await?;
            view.blocks.insert(key, block);
        }
        Ok(view)
    }

    async fn slots_and_segments(&self, epoch: &EpochId) -> Result<EpochView> {
        let mut slots = BTreeMap::new();
        for object in self.store().list(&layout::slots(epoch)).await? {
            if let Some(Place::Slot(_, k)) = layout::parse(&object.path)
                && let Some(slot) = self.slot(epoch, k, &object).await?
            {
                slots.insert(k, slot);
            }
        }
        let listed = self.store().list(&layout::segments(epoch)).await?;
        let segments = listed.iter().filter_map(|object| match layout::parse(&object.path) {
            Some(Place::Segment(_, n)) => {
                Some((n, SegmentFound { len: object.size, modified: object.modified }))
            }
            _ => None,
        });
        Ok(EpochView {
            epoch: *epoch,
            owner: self.owners.get(epoch).cloned(),
            slots,
            segments: segments.collect(),
            copies: self.copies.get(epoch).cloned().unwrap_or_default(),
            blocks: BTreeMap::new(),
            compacted_tenants: self.compacted_tenants.clone(),
        })
    }

    async fn slot(
        &self,
        epoch: &EpochId,
        k: u32,
        object: &ObjectInfo,
    ) -> Result<Option<Result<Slot, SlotError>>> {
        // Nothing is taken into memory because it is there.
        if object.size > MAX_SLOT as u64 {
            return Ok(Some(Err(SlotError::Damaged("longer than any slot"))));
        }
        match self.journal.get_slot(epoch, k).await {
            Ok(slot) => Ok(Some(Ok(slot))),
            Err(JournalError::Slot { source, .. }) => Ok(Some(Err(source))),
            // Removed since it was listed, which is for the check to judge.
            Err(JournalError::Store(StoreError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn look_at_block(&self, (tenant, id): &BlockKey) -> Result<BlockFound> {
        let mut block = BlockFound::default();
        for object in self.store().list(&layout::block(tenant, id)).await? {
            if let Some(Place::Block { object: name, .. }) = layout::parse(&object.path) {
                block.add(&name, object.size);
            }
        }
        Ok(block)
    }

    /// Blocks that were minted for an epoch which is not in the journal.
    pub(crate) fn strays(&self) -> Vec<Finding> {
        let known =
            |prefix: &[u8; 7]| self.epochs.iter().any(|epoch| epoch.bytes().starts_with(prefix));
        let unknown = self.minted.iter().filter(|(prefix, _)| !known(prefix));
        unknown.flat_map(|(_, blocks)| strays(blocks)).collect()
    }
}

fn named(view: &EpochView) -> impl Iterator<Item = BlockKey> + '_ {
    let slots = view.slots.values().flatten();
    slots.flat_map(|slot| slot.blocks.iter().map(|block| (block.tenant.clone(), block.id)))
}

const QUARANTINE: &str = "journal/quar";

fn quarantined(path: &str) -> Option<(EpochId, u64)> {
    let (epoch, n) = path.strip_prefix(QUARANTINE)?.strip_prefix('/')?.split_once('-')?;
    Some((epoch.parse().ok()?, n.parse().ok()?))
}
