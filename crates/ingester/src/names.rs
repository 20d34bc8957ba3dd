//! Names that nobody else gives: epochs, segments, slots, blocks. Clock and randomness enter the
//! journal here and nowhere else; no rule compares the clock with anything.

use std::time::{Duration, SystemTime};
use tributary_journal::{EpochId, Uid};
use tributary_store::{StoreError, random};

/// The source of names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names;

impl Names {
    /// A new epoch.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn epoch(self) -> Result<EpochId, StoreError> {
        Ok(EpochId::new(Names::seconds(), random()?))
    }

    /// Seconds since 1970.
    pub fn seconds() -> u32 {
        u32::try_from(since_1970().as_secs()).unwrap_or(u32::MAX)
    }

    /// A random id.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn uid(self) -> Result<Uid, StoreError> {
        Ok(Uid(random()?))
    }

    /// The random part of a block's id.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn block(self) -> Result<[u8; 6], StoreError> {
        random()
    }

    /// Milliseconds since 1970, for people.
    pub fn now_ms(self) -> u64 {
        u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
