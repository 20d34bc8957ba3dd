//! Ids that no other process gives: of epochs, segments, slots, blocks. Clock and randomness enter
//! the journal here and nowhere else; no rule compares the clock with anything.
//!
//! An epoch is filed under the hour that the clock shows, or under the first one above the floor if
//! the clock is behind that: below it no slot of the epoch would count, and what it holds would be
//! logged again and again and never become a block.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tributary_journal::collect::first_second_above;
use tributary_journal::{EpochId, Uid};
use tributary_store::{StoreError, random};

/// Where new ids come from, and the time that is in some of them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct IdGenerator {
    source: Source,
    /// No epoch begins before this second.
    earliest: Arc<AtomicU32>,
}

#[derive(Clone, Default)]
enum Source {
    /// The operating system's randomness and clock.
    #[default]
    System,
    /// Bytes that are handed in; the clock is that of the runtime.
    Given(Arc<Mutex<dyn FnMut() -> u8 + Send>>, tokio::time::Instant),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::System => "System",
            Source::Given(..) => "Given",
        })
    }
}

impl IdGenerator {
    /// Ids made of these bytes, for simulations: never for data that is to last.
    pub fn of_bytes(bytes: impl FnMut() -> u8 + Send + 'static) -> IdGenerator {
        let now = tokio::time::Instant::now();
        let source = Source::Given(Arc::new(Mutex::new(bytes)), now);
        IdGenerator { source, earliest: Arc::default() }
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        match &self.source {
            Source::System => random(),
            Source::Given(bytes, _) => {
                let mut next = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(std::array::from_fn(|_| next()))
            }
        }
    }

    fn since_1970(&self) -> Duration {
        match &self.source {
            Source::System => {
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
            }
            Source::Given(_, begun) => Duration::from_secs(1_795_442_400) + begun.elapsed(),
        }
    }

    /// A new epoch that begins now.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn epoch(&self) -> Result<EpochId, StoreError> {
        self.epoch_at(self.unix_seconds())
    }

    /// A new epoch that begins at so many seconds since 1970, or at the first one above the floor.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) fn epoch_at(&self, seconds: u32) -> Result<EpochId, StoreError> {
        let begins = seconds.max(self.earliest.load(Ordering::Relaxed));
        Ok(EpochId::new(begins, self.random()?))
    }

    /// When an epoch would begin now, in seconds since 1970.
    pub(crate) fn epoch_seconds(&self) -> u32 {
        self.unix_seconds().max(self.earliest.load(Ordering::Relaxed))
    }

    /// Epochs begin above this floor from now on. Whether the clock would have had them begin below.
    pub fn stay_above(&self, floor: Option<&str>) -> bool {
        let earliest = floor.and_then(first_second_above).unwrap_or_default();
        self.earliest.fetch_max(earliest, Ordering::Relaxed);
        self.unix_seconds() < earliest
    }

    /// Seconds since 1970.
    pub(crate) fn unix_seconds(&self) -> u32 {
        u32::try_from(self.since_1970().as_secs()).unwrap_or(u32::MAX)
    }

    /// A random id.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn uid(&self) -> Result<Uid, StoreError> {
        Ok(Uid(self.random()?))
    }

    /// The random part of a block's id.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) fn block(&self) -> Result<[u8; 6], StoreError> {
        self.random()
    }

    /// Milliseconds since 1970, for people.
    pub fn unix_ms(&self) -> u64 {
        u64::try_from(self.since_1970().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn epochs_begin_above_the_floor_however_wrong_the_clock_is() {
        let ids = IdGenerator::of_bytes(|| 7);
        let now = ids.unix_seconds();
        let hour = |seconds| EpochId::new(seconds, [0; 12]).hour();
        // Hours by which the floor is ahead of the clock, and whether the clock is behind it.
        for (ahead, behind) in
            [(-30, false), (-1, false), (0, true), (3, true), (30, true), (2, true)]
        {
            let floor = hour(now.checked_add_signed(ahead * 3600).unwrap());
            assert_eq!(ids.stay_above(Some(&floor)), behind, "{ahead}");
            assert!(ids.epoch().unwrap().hour() > floor, "{ahead}");
            assert_eq!(ids.unix_seconds(), now, "nothing else goes by it");
        }
        assert!(!ids.stay_above(None));
        assert_eq!(ids.epoch().unwrap().hour(), hour(now + 31 * 3600), "it only rises");
    }
}
