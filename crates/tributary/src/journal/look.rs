//! Looking at a bucket: listings and slots.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use tributary_journal::audit::{
    BlockFound, BlockKey, EpochView, Finding, SegmentFound, WindowView, strays,
};
use tributary_journal::cluster::Cluster;
use tributary_journal::id::{BlockOrigin, block_origin};
use tributary_journal::layout::{self, Place};
use tributary_journal::record::{MAX_RECORD, RecordError};
use tributary_journal::slot::{MAX_SLOT, Slot, SlotError};
use tributary_journal::window::compacted_origin;
use tributary_journal::{CompactionWindow, EpochId, Journal, JournalError};
use tributary_store::{ObjectInfo, Store, StoreError};
use uuid::Uuid;

/// Whose bucket it is: one that ingesters have used.
pub(crate) async fn cluster(store: &Store) -> Result<Cluster> {
    match store.get(layout::CLUSTER).await {
        Err(StoreError::NotFound { .. }) => {
            let text = format!(
                "{}: there is no {} here, so no ingester has used it; is the URL right?",
                store.url(),
                layout::CLUSTER
            );
            Err(StoreError::Config(text).into())
        }
        found => Ok(Cluster::decode(&found?)?),
    }
}

/// A bucket, and what was listed of it at the beginning.
pub(crate) struct Bucket {
    journal: Journal,
    cluster: Cluster,
    epochs: Vec<EpochId>,
    owners: BTreeMap<EpochId, String>,
    copies: BTreeMap<EpochId, BTreeSet<u64>>,
    /// Blocks that were minted for an epoch, by the part of the epoch's id that they tell.
    minted: BTreeMap<[u8; 7], BTreeMap<BlockKey, BlockFound>>,
    /// Blocks that were minted for a window.
    merged: BTreeMap<CompactionWindow, BTreeSet<Uuid>>,
    compacted_tenants: BTreeSet<String>,
}

impl Bucket {
    /// Lists blocks first and epochs after them, so that each block's epoch is listed.
    pub(crate) async fn open(store: Store) -> Result<Bucket> {
        let cluster = cluster(&store).await?;
        let mut bucket = Bucket {
            journal: Journal::new(store),
            cluster,
            epochs: Vec::new(),
            owners: BTreeMap::new(),
            copies: BTreeMap::new(),
            minted: BTreeMap::new(),
            merged: BTreeMap::new(),
            compacted_tenants: BTreeSet::new(),
        };
        for tenant in bucket.store().list_folders(layout::BLOCKS).await? {
            bucket.list_blocks(&tenant).await.with_context(|| format!("blocks of {tenant}"))?;
        }
        for object in bucket.store().list(layout::QUARANTINE).await? {
            if let Some(Place::Copy(epoch, n)) = layout::parse(&object.path) {
                bucket.copies.entry(epoch).or_default().insert(n);
            }
        }
        for beat in bucket.journal.heartbeats().await?.read {
            let name = match beat.instance.is_empty() {
                true => beat.process.to_string(),
                false => beat.instance,
            };
            bucket.owners.extend(beat.epochs.into_iter().map(|epoch| (epoch, name.clone())));
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

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Copies of segments that were set aside.
    pub(crate) fn copies(&self) -> impl Iterator<Item = (EpochId, u64)> {
        self.copies.iter().flat_map(|(epoch, numbers)| numbers.iter().map(|n| (*epoch, *n)))
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
                None if compacted_origin(&block).is_some() => {
                    if let Some(window) = CompactionWindow::of(&tenant, &block) {
                        self.merged.entry(window).or_default().insert(block);
                    }
                }
                None => {
                    self.compacted_tenants.insert(tenant);
                }
            }
        }
        Ok(())
    }

    /// The windows that have records, or blocks that were minted for one.
    pub(crate) async fn windows(&self) -> Result<BTreeSet<CompactionWindow>> {
        let listed = self.journal.list_records().await?;
        Ok(listed.into_keys().chain(self.merged.keys().cloned()).collect())
    }

    /// A look at a window: records, then blocks, then the floor.
    pub(crate) async fn look_at_window(&self, window: &CompactionWindow) -> Result<WindowView> {
        let mut view = WindowView {
            window: window.clone(),
            retired: false,
            records: BTreeMap::new(),
            blocks: BTreeMap::new(),
        };
        for object in self.store().list(&layout::records(window)).await? {
            let Some(Place::Record(_, k)) = layout::parse(&object.path) else { continue };
            // Nothing is taken into memory because it is there.
            let record = match object.size > MAX_RECORD as u64 {
                true => Err(RecordError::Damaged("longer than any record")),
                false => match self.journal.get_record(window, k).await {
                    Ok(record) => Ok(record),
                    Err(JournalError::Record { source, .. }) => Err(source),
                    Err(JournalError::Store(StoreError::NotFound { .. })) => continue,
                    Err(error) => return Err(error.into()),
                },
            };
            view.records.insert(k, record);
        }
        let mut blocks = self.merged.get(window).cloned().unwrap_or_default();
        for record in view.records.values().flatten() {
            blocks.extend(record.inputs.iter().map(|input| input.id));
            blocks.extend(record.outputs.iter().map(|output| output.id));
        }
        for id in blocks {
            let found = self.look_at_block(&(window.tenant.clone(), id)).await?;
            view.blocks.insert(id, found);
        }
        view.retired = self.journal.is_below(&window.hour_name()).await?;
        Ok(view)
    }

    /// Which of the blocks that are not there, as far as was seen, have been merged into others.
    async fn superseded(&self, view: &EpochView) -> Result<BTreeSet<BlockKey>> {
        let is_there = |key: &BlockKey| view.blocks.get(key).is_some_and(|b| b.meta || b.compacted);
        let missing = named(view).filter(|key| !is_there(key));
        let windows: BTreeSet<CompactionWindow> =
            missing.filter_map(|(t, id)| CompactionWindow::of(&t, &id)).collect();
        let mut superseded = BTreeSet::new();
        for window in windows {
            let found = self.look_at_window(&window).await?.superseded();
            superseded.extend(found.into_iter().map(|id| (window.tenant.clone(), id)));
        }
        Ok(superseded)
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
        view.superseded = self.superseded(&view).await?;
        // Last, since a slot counts only if the floor was below it after it was read.
        view.retired = self.journal.is_below_floor(&view.epoch).await?;
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
        view.superseded = self.superseded(&view).await?;
        // Last, since a slot counts only if the floor was below it after it was read.
        view.retired = self.journal.is_below_floor(&view.epoch).await?;
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
            retired: false,
            slots,
            segments: segments.collect(),
            copies: self.copies.get(epoch).cloned().unwrap_or_default(),
            blocks: BTreeMap::new(),
            superseded: BTreeSet::new(),
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
    pub(crate) async fn strays(&self) -> Result<Vec<Finding>> {
        let floor = self.journal.floor().await?;
        let known =
            |prefix: &[u8; 7]| self.epochs.iter().any(|epoch| epoch.bytes().starts_with(prefix));
        let unknown = self.minted.iter().filter(|(prefix, _)| !known(prefix));
        Ok(unknown.flat_map(|(_, blocks)| strays(blocks, floor.as_deref())).collect())
    }
}

fn named(view: &EpochView) -> impl Iterator<Item = BlockKey> + '_ {
    let slots = view.slots.values().flatten();
    slots.flat_map(|slot| slot.blocks.iter().map(|block| (block.tenant.clone(), block.id)))
}
