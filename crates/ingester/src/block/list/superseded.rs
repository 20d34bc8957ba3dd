//! What compaction has superseded, as readers need it: a block is left out of answers as soon as
//! everything that it was merged into is known.
//!
//! Records never change, so each is read once. Nothing depends on how fresh this view is: a block
//! that was superseded and is read all the same says what others say too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tributary_journal::{CompactionWindow, Journal, JournalError, Record};
use uuid::Uuid;

/// The records that were read.
pub(crate) struct Superseded {
    journal: Journal,
    known: Mutex<BTreeMap<CompactionWindow, BTreeMap<u32, Replaced>>>,
}

/// Which blocks one record puts in place of which.
#[derive(Debug, Clone, Default)]
struct Replaced {
    inputs: Vec<Uuid>,
    outputs: Vec<Uuid>,
}

impl From<&Record> for Replaced {
    fn from(record: &Record) -> Self {
        Replaced {
            inputs: record.inputs.iter().map(|input| input.id).collect(),
            outputs: record.outputs.iter().map(|output| output.id).collect(),
        }
    }
}

impl Superseded {
    /// Nothing read yet.
    pub(crate) fn new(journal: Journal) -> Self {
        Superseded { journal, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<CompactionWindow, BTreeMap<u32, Replaced>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads records that are new, and forgets those that are no more.
    ///
    /// # Errors
    /// When the store cannot be listed or read.
    pub(crate) async fn refresh(&self) -> Result<(), JournalError> {
        let listed = self.journal.list_records().await?;
        let mut new = Vec::new();
        {
            let mut known = self.known();
            known.retain(|window, _| listed.contains_key(window));
            for (window, numbers) in &listed {
                let records = known.entry(window.clone()).or_default();
                records.retain(|k, _| numbers.contains_key(k));
                new.extend(
                    numbers.keys().filter(|k| !records.contains_key(k)).map(|k| (window, *k)),
                );
            }
        }
        for (window, k) in new {
            match self.journal.get_record(window, k).await {
                Ok(record) => self.learn(&record),
                Err(JournalError::Store(error)) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes in a record.
    pub(crate) fn learn(&self, record: &Record) {
        self.known().entry(record.window()).or_default().insert(record.k, record.into());
    }

    /// The windows that have records.
    pub(crate) fn all(&self) -> BTreeSet<CompactionWindow> {
        self.known().keys().cloned().collect()
    }

    /// Blocks of a tenant that are in others now, all of which are `visible` or in others in their
    /// turn.
    pub(crate) fn replaced(&self, tenant: &str, visible: impl Fn(&Uuid) -> bool) -> BTreeSet<Uuid> {
        let known = self.known();
        let windows = known.iter().filter(|(window, _)| window.tenant == tenant);
        let records: Vec<&Replaced> = windows.flat_map(|(_, records)| records.values()).collect();
        let inputs: BTreeSet<&Uuid> = records.iter().flat_map(|r| &r.inputs).collect();
        let stands = |id: &Uuid| visible(id) || inputs.contains(id);
        let whole = records.iter().filter(|record| record.outputs.iter().all(stands));
        whole.flat_map(|record| &record.inputs).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tributary_store::Store;

    fn ids(numbers: &[u128]) -> Vec<Uuid> {
        numbers.iter().map(|n| Uuid::from_u128(*n)).collect()
    }

    #[test]
    fn a_block_is_replaced_when_all_that_it_went_into_is_there() {
        let store = Store::from_parts(Arc::new(object_store::memory::InMemory::new()), "").unwrap();
        let superseded = Superseded::new(Journal::new(store));
        let window = CompactionWindow { hour: 1, tenant: "t".into() };
        let records = [
            (0, Replaced { inputs: ids(&[1, 2]), outputs: ids(&[10, 11]) }),
            (1, Replaced { inputs: ids(&[10, 3]), outputs: ids(&[20]) }),
            (2, Replaced::default()),
        ];
        superseded.known().insert(window, records.into());
        let table: [(&[u128], &[u128]); 4] = [
            (&[], &[]),
            (&[10], &[]),
            // The first output is in another one.
            (&[11], &[1, 2]),
            (&[11, 20], &[1, 2, 3, 10]),
        ];
        for (visible, expected) in table {
            let visible = ids(visible);
            let replaced = superseded.replaced("t", |id| visible.contains(id));
            assert_eq!(replaced.into_iter().collect::<Vec<_>>(), ids(expected), "{visible:?}");
        }
        assert!(superseded.replaced("other", |_| true).is_empty());
    }
}
