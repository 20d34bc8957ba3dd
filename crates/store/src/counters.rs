//! What was asked of the store, counted, because requests are what a bucket bills.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Running totals since the store was opened, shared by all clones of it.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) puts: AtomicU64,
    pub(crate) gets: AtomicU64,
    pub(crate) heads: AtomicU64,
    pub(crate) lists: AtomicU64,
    pub(crate) deletes: AtomicU64,
    pub(crate) bytes_written: AtomicU64,
    pub(crate) bytes_read: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) create_retries: AtomicU64,
    pub(crate) create_read_backs: AtomicU64,
    pub(crate) create_lost: AtomicU64,
    pub(crate) hedges: AtomicU64,
    pub(crate) names_left_out: AtomicU64,
    pub(crate) misreads: AtomicU64,
    pub(crate) credential_renewals: AtomicU64,
    pub(crate) credential_failures: AtomicU64,
    credential_ends: Mutex<Option<Instant>>,
}

/// The totals at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Operations {
    /// Writes tried, each attempt and each part of a large object counted.
    pub puts: u64,
    /// Reads of objects or ranges.
    pub gets: u64,
    /// Questions for size and time.
    pub heads: u64,
    /// Listings asked for. A cloud answers, and bills, 1000 names at a time.
    pub lists: u64,
    /// Objects whose deletion was asked for.
    pub deletes: u64,
    /// Bytes of bodies sent, attempts that failed included.
    pub bytes_written: u64,
    /// Bytes of bodies received.
    pub bytes_read: u64,
    /// Operations that ended with an error other than "not found".
    pub errors: u64,
    /// Attempts of create-only writes after the first.
    pub create_retries: u64,
    /// Create-only writes whose outcome had to be read back.
    pub create_read_backs: u64,
    /// Create-only writes that found another's bytes.
    pub create_lost: u64,
    /// Second copies of a slow create-only write that were sent.
    pub hedges: u64,
    /// Names that listings left out because they can be no object's, or because they may not be looked
    /// at; by each listing anew.
    pub names_left_out: u64,
    /// Objects that were damaged when they were read, and other bytes when they were read again.
    pub misreads: u64,
    /// Credentials with an end that were given, the first one included.
    pub credential_renewals: u64,
    /// Exchanges for a credential that failed.
    pub credential_failures: u64,
}

impl Counters {
    /// How long the store's credential is good for at `now`: zero once it has ended, `None` if there is
    /// none that ends.
    pub fn credential_left(&self, now: Instant) -> Option<Duration> {
        let ends = *self.credential_ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.map(|end| end.saturating_duration_since(now))
    }

    #[cfg(feature = "cloud")]
    pub(crate) fn credential_ends(&self, end: Instant) {
        *self.credential_ends.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }

    /// The totals now.
    pub fn snapshot(&self) -> Operations {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Operations {
            puts: read(&self.puts),
            gets: read(&self.gets),
            heads: read(&self.heads),
            lists: read(&self.lists),
            deletes: read(&self.deletes),
            bytes_written: read(&self.bytes_written),
            bytes_read: read(&self.bytes_read),
            errors: read(&self.errors),
            create_retries: read(&self.create_retries),
            create_read_backs: read(&self.create_read_backs),
            create_lost: read(&self.create_lost),
            hedges: read(&self.hedges),
            names_left_out: read(&self.names_left_out),
            misreads: read(&self.misreads),
            credential_renewals: read(&self.credential_renewals),
            credential_failures: read(&self.credential_failures),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
