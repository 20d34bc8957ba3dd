//! What was acknowledged, and whether it is all there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tributary_journal::layout::{self, Place};
use tributary_journal::{Journal, id};

/// The rows that were acknowledged. A row is named after its tenant and itself: `tenant/row`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    acked: Arc<Mutex<BTreeSet<String>>>,
}

impl Ledger {
    pub(crate) fn ack(&self, rows: impl IntoIterator<Item = String>) {
        self.acked.lock().unwrap().extend(rows);
    }

    pub(crate) fn acked(&self) -> usize {
        self.acked.lock().unwrap().len()
    }

    /// The books balance: I1, I2, I4, I5, I6 as far as they can be seen from outside.
    pub(crate) async fn check(&self, journal: &Journal, story: &str) {
        let mut stored: BTreeMap<String, usize> = BTreeMap::new();
        let mut named = BTreeSet::new();
        let mut slots = BTreeSet::new();
        for epoch in journal.epochs().await.unwrap() {
            let slots_of = journal.slots(&epoch).await.unwrap();
            let segments = journal.segments(&epoch).await.unwrap();
            assert!(segments.is_empty(), "{story}: segments left: {segments:?}");
            for (k, slot) in slots_of {
                slots.insert((epoch, k));
                named.extend(slot.blocks.iter().map(|block| block.id));
            }
        }
        for object in journal.store().list("blocks").await.unwrap() {
            let Some(Place::Block { tenant, block, object: name }) = layout::parse(&object.path)
            else {
                panic!("{story}: a stray object {}", object.path)
            };
            if !named.contains(&block) {
                let origin = id::block_origin(&block).unwrap();
                let garbage =
                    slots.iter().any(|(epoch, k)| origin.is_of(epoch) && *k == origin.slot);
                assert!(garbage, "{story}: block {block} has no slot, nor one that leaves it out");
                assert_ne!(name, layout::META, "{story}: block {block} is visible without a slot");
            }
            if name != layout::META {
                continue;
            }
            let data = layout::block_object(&tenant, &block, "data.parquet");
            let data = journal.store().get(&data).await.unwrap();
            for row in std::str::from_utf8(&data).unwrap().lines() {
                *stored.entry(format!("{tenant}/{row}")).or_default() += 1;
            }
            named.remove(&block);
        }
        assert!(named.is_empty(), "{story}: a slot names blocks that are not visible: {named:?}");
        let acked = self.acked.lock().unwrap();
        let missing: Vec<_> = acked.iter().filter(|row| !stored.contains_key(*row)).collect();
        assert!(missing.is_empty(), "{story}: acknowledged and lost: {missing:?}");
        let twice: Vec<_> = stored.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{story}: covered more than once: {twice:?}");
    }
}
