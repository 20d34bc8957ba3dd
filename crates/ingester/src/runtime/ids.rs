//! Ids that no other process gives: of epochs, segments, slots, blocks. Clock and randomness enter
//! the journal here and nowhere else; no rule compares the clock with anything.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tributary_journal::{EpochId, Uid};
use tributary_store::{StoreError, random};

/// Where new ids come from, and the time that is in some of them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct IdGenerator(Source);

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
        IdGenerator(Source::Given(Arc::new(Mutex::new(bytes)), tokio::time::Instant::now()))
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        match &self.0 {
            Source::System => random(),
            Source::Given(bytes, _) => {
                let mut next = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(std::array::from_fn(|_| next()))
            }
        }
    }

    fn since_1970(&self) -> Duration {
        match &self.0 {
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
    pub(crate) fn epoch(&self) -> Result<EpochId, StoreError> {
        self.epoch_at(self.unix_seconds())
    }

    /// A new epoch that begins at so many seconds since 1970.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(crate) fn epoch_at(&self, seconds: u32) -> Result<EpochId, StoreError> {
        Ok(EpochId::new(seconds, self.random()?))
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
    pub(crate) fn unix_ms(&self) -> u64 {
        u64::try_from(self.since_1970().as_millis()).unwrap_or(u64::MAX)
    }
}
