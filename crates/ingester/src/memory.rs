//! The one budget for spans in memory.
//!
//! A [`Permit`] is taken before a frame is decoded, by an estimate, is set right once the columns
//! are there, and travels with them until their block is committed. Policy when nothing is left:
//! wait. The stream that waits is not read, its sidecar gets no acknowledgement and keeps its
//! spans; nothing is shed.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in units of this many bytes, so that a semaphore's count holds them.
const UNIT: usize = 1024;

/// The budget. Clones share it.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    units: usize,
}

/// Bytes held. Dropping it gives them back.
#[derive(Debug)]
pub struct Permit(OwnedSemaphorePermit);

impl Memory {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Memory { free: Arc::new(Semaphore::new(units)), units }
    }

    /// Bytes in all.
    pub fn limit(&self) -> usize {
        self.units * UNIT
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.units.saturating_sub(self.free.available_permits()) * UNIT
    }

    /// Waits for `bytes`. More than the whole budget counts as the whole budget, so that nothing
    /// waits for ever; what a frame may claim is bounded before.
    pub async fn take(&self, bytes: usize) -> Permit {
        let units = u32::try_from(bytes.div_ceil(UNIT).min(self.units)).unwrap_or(u32::MAX);
        match self.free.clone().acquire_many_owned(units).await {
            Ok(permit) => Permit(permit),
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// Sets a permit right to `bytes`. Giving back is immediate; what is missing is taken only if
    /// it is free, since the columns are there already and the estimate was meant to be high.
    pub fn adjust(&self, permit: &mut Permit, bytes: usize) {
        let wanted = bytes.div_ceil(UNIT).min(self.units);
        let held = permit.0.num_permits();
        if wanted < held {
            drop(permit.0.split(held - wanted));
        } else if wanted > held {
            let more = u32::try_from(wanted - held).unwrap_or(u32::MAX);
            if let Ok(more) = self.free.clone().try_acquire_many_owned(more) {
                permit.0.merge(more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn permits_are_counted_and_come_back() {
        let memory = Memory::new(100 * UNIT);
        let mut a = memory.take(50 * UNIT).await;
        assert_eq!(memory.used(), 50 * UNIT);
        memory.adjust(&mut a, 20 * UNIT);
        assert_eq!(memory.used(), 20 * UNIT);
        memory.adjust(&mut a, 30 * UNIT);
        assert_eq!(memory.used(), 30 * UNIT);
        let b = memory.take(usize::MAX);
        drop(a);
        let b = b.await;
        assert_eq!(memory.used(), memory.limit());
        drop(b);
        assert_eq!(memory.used(), 0);
    }
}
