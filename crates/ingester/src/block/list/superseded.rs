//! What compaction has superseded, as readers need it: a block is left out of answers as soon as
//! everything that it was merged into is known; one that has expired, at once.
//!
//! Records never change, so each is read once. What one that cannot be read has merged stays listed.
//! Nothing depends on how fresh this view is: a block that was superseded and is read all the same
//! says what others say too.

use super::{AT_ONCE, PAUSES};
use crate::block::Unreadable;
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tributary_journal::{CompactionWindow, Journal, JournalError, Record, RecordListing};
use tributary_telemetry::{ErrorChain, Repeated};
use uuid::Uuid;

/// The records that were read.
pub(crate) struct Superseded {
    journal: Journal,
    known: Mutex<BTreeMap<CompactionWindow, BTreeMap<u32, Replaced>>>,
    unreadable: Mutex<Unreadable<(CompactionWindow, u32)>>,
    /// When it was told that they cannot be listed.
    pub(super) unlisted: Repeated,
}

/// Which blocks one record puts in place of which; none in place of those that expire.
#[derive(Debug, Clone, Default)]
struct Replaced {
    inputs: Vec<Uuid>,
    outputs: Vec<Uuid>,
}

impl Replaced {
    fn is_expiry(&self) -> bool {
        self.outputs.is_empty() && !self.inputs.is_empty()
    }
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
        let unreadable = Mutex::new(Unreadable::new(PAUSES));
        Superseded { journal, known: Mutex::default(), unreadable, unlisted: Repeated::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<CompactionWindow, BTreeMap<u32, Replaced>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> MutexGuard<'_, Unreadable<(CompactionWindow, u32)>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records there are that cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        self.failed().len()
    }

    /// Reads records that are new, and forgets those that are no more; each request takes one of
    /// `requests`.
    ///
    /// # Errors
    /// When the store cannot be listed.
    pub(super) async fn refresh(&self, requests: &Semaphore) -> Result<(), JournalError> {
        let listed = {
            let _request = requests.acquire().await;
            self.journal.list_records().await?
        };
        let new = self.settle(&listed);
        let reads = new.into_iter().map(|(window, k)| async move {
            let _request = requests.acquire().await;
            let read = self.journal.get_record(&window, k).await;
            (window, k, read)
        });
        let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
        while let Some((window, k, read)) = reads.next().await {
            match read {
                Ok(record) => self.learn(&record),
                Err(JournalError::Store(error)) if error.is_not_found() => {}
                Err(error) => self.could_not_read(window, k, &error),
            }
        }
        Ok(())
    }

    /// Forgets what is listed no more; the records that are to be read.
    fn settle(&self, listed: &RecordListing) -> Vec<(CompactionWindow, u32)> {
        let (mut known, mut failed, now) = (self.known(), self.failed(), Instant::now());
        let is_listed = |window: &CompactionWindow, k: &u32| {
            listed.get(window).is_some_and(|numbers| numbers.contains_key(k))
        };
        known.retain(|window, _| listed.contains_key(window));
        failed.retain(|(window, k)| is_listed(window, k));
        let mut new = Vec::new();
        for (window, numbers) in listed {
            let records = known.entry(window.clone()).or_default();
            records.retain(|k, _| numbers.contains_key(k));
            let unknown = numbers.keys().filter(|k| !records.contains_key(k));
            new.extend(
                unknown.map(|k| (window.clone(), *k)).filter(|unit| failed.is_due(unit, now)),
            );
        }
        new
    }

    fn could_not_read(&self, window: CompactionWindow, k: u32, error: &JournalError) {
        let (hour, tenant) = (window.hour_name(), window.tenant.clone());
        let why = ErrorChain(error).to_string();
        if self.failed().failed((window, k), why, Instant::now()) {
            tracing::warn!(
                hour, tenant, k, error = %ErrorChain(error),
                "a merge's record cannot be read: what was merged stays listed; it is tried again"
            );
        }
    }

    /// Takes in a record.
    pub(crate) fn learn(&self, record: &Record) {
        self.known().entry(record.window()).or_default().insert(record.k, record.into());
        self.failed().forget(&(record.window(), record.k));
    }

    /// The windows that have records.
    pub(crate) fn all(&self) -> BTreeSet<CompactionWindow> {
        self.known().keys().cloned().collect()
    }

    /// Whether blocks of a window have expired.
    pub(crate) fn has_expired(&self, window: &CompactionWindow) -> bool {
        let known = self.known();
        known.get(window).is_some_and(|records| records.values().any(Replaced::is_expiry))
    }

    /// Blocks of a tenant that have expired.
    pub(super) fn expired(&self, tenant: &str) -> BTreeSet<Uuid> {
        let known = self.known();
        let windows = known.iter().filter(|(window, _)| window.tenant == tenant);
        let expiries = windows.flat_map(|(_, all)| all.values()).filter(|r| r.is_expiry());
        expiries.flat_map(|record| &record.inputs).copied().collect()
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
            (3, Replaced { inputs: ids(&[7]), outputs: ids(&[]) }),
        ];
        assert!(!superseded.has_expired(&window));
        superseded.known().insert(window.clone(), records.into());
        assert!(superseded.has_expired(&window));
        assert_eq!(superseded.expired("t").into_iter().collect::<Vec<_>>(), ids(&[7]));
        let table: [(&[u128], &[u128]); 4] = [
            (&[], &[7]),
            (&[10], &[7]),
            // The first output is in another one.
            (&[11], &[1, 2, 7]),
            (&[11, 20], &[1, 2, 3, 7, 10]),
        ];
        for (visible, expected) in table {
            let visible = ids(visible);
            let replaced = superseded.replaced("t", |id| visible.contains(id));
            assert_eq!(replaced.into_iter().collect::<Vec<_>>(), ids(expected), "{visible:?}");
        }
        assert!(superseded.replaced("other", |_| true).is_empty());
    }
}
