//! Names that nobody else gives: epochs, segments, slots, blocks. Clock and randomness enter the
//! journal here and nowhere else; no rule compares the clock with anything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tributary_journal::{EpochId, Uid};
use tributary_store::{StoreError, random};

/// The source of names. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Names(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    /// The operating system's randomness and clock.
    #[default]
    System,
    /// A generator of the simulation's; its clock is that of the runtime.
    Seeded(Arc<Mutex<u64>>, tokio::time::Instant),
}

impl Names {
    /// Names that a seed decides, for simulations: never for data that is to last.
    pub fn seeded(seed: u64) -> Names {
        Names(Source::Seeded(Arc::new(Mutex::new(seed)), tokio::time::Instant::now()))
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], StoreError> {
        match &self.0 {
            Source::System => random(),
            Source::Seeded(state, _) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(std::array::from_fn(|_| {
                    // SplitMix64, a byte at a time.
                    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z.to_be_bytes()[0]
                }))
            }
        }
    }

    fn since_1970(&self) -> Duration {
        match &self.0 {
            Source::System => {
                SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
            }
            Source::Seeded(_, begun) => Duration::from_secs(1_795_442_400) + begun.elapsed(),
        }
    }

    /// A new epoch.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn epoch(&self) -> Result<EpochId, StoreError> {
        Ok(EpochId::new(self.seconds(), self.random()?))
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> u32 {
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
    pub fn block(&self) -> Result<[u8; 6], StoreError> {
        self.random()
    }

    /// Milliseconds since 1970, for people.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.since_1970().as_millis()).unwrap_or(u64::MAX)
    }
}
