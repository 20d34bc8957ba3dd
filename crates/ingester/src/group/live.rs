//! All generations in memory, bound to the epochs that this process writes: segments become durable
//! and join them here. How they are committed, read and evicted stands in the files below.

use super::{Batch, FreezeAt, Generation, is_due};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_journal::epoch::EpochError;
use tributary_journal::heartbeat::MAX_EPOCHS;
use tributary_journal::segment::SegmentInfo;
use tributary_journal::{EpochId, WriterEpoch};
use upcoming::Upcoming;

mod commit;
mod evicted;
mod read;
mod upcoming;

pub(crate) use commit::CommitJob;
pub(crate) use evicted::EpochSegments;
pub(crate) use evicted::MadeRoom;
pub use read::LiveTotals;
pub(crate) use read::spans_of_trace;

#[cfg(test)]
mod tests;

/// An epoch is followed by another one after this time, should the clock's hour not have changed.
pub(crate) const ROLL_AFTER: Duration = Duration::from_secs(3600);

/// Generations and the epochs they belong to. All of it under one lock, so that a generation in
/// memory always is exactly the set of segments that the core says it is.
#[derive(Debug)]
pub struct LiveSpans {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// The epochs after those of `writers`.
    upcoming: Upcoming,
    /// Epochs that this process writes; the last one takes new segments.
    writers: Vec<Writer>,
    /// Rebuilt from the segments of epochs whose owner is gone.
    adopted: Vec<Arc<Generation>>,
    /// Of epochs of this process that an adopter has committed in: durable segments that no slot
    /// covers may be left there. Their spans stay readable until they are adopted.
    lost: BTreeMap<EpochId, Vec<Arc<Generation>>>,
    /// Segments of spans that were logged again, since the store did not take their blocks: in an
    /// epoch for each time. They are not in memory.
    relogged: BTreeMap<EpochId, BTreeMap<u64, SegmentInfo>>,
}

#[derive(Debug)]
struct Writer {
    core: WriterEpoch,
    active: Generation,
    /// In the order of the core's frozen generations; the first may be the one being committed.
    frozen: VecDeque<Arc<Generation>>,
    opened: Instant,
}

impl Writer {
    fn freeze(&mut self) {
        if self.core.freeze().is_some() {
            self.frozen.push_back(Arc::new(std::mem::take(&mut self.active)));
        }
    }
}

impl LiveSpans {
    /// Nothing in memory. `first` is the id of the first epoch.
    pub(crate) fn new(first: EpochId) -> Self {
        let inner = Inner {
            upcoming: Upcoming::new(first),
            writers: Vec::new(),
            adopted: Vec::new(),
            lost: BTreeMap::new(),
            relogged: BTreeMap::new(),
        };
        LiveSpans { inner: Mutex::new(inner) }
    }

    /// Makes sure that epochs of this hour and of the next one are ready, so that heartbeats name
    /// them before they are in use. To be called at every heartbeat; `mint` makes the id of an
    /// epoch that begins at so many seconds since 1970, as `now` is.
    ///
    /// # Errors
    /// When `mint` fails.
    pub(crate) fn prepare_epochs<E>(
        &self,
        now: u32,
        mint: impl FnMut(u32) -> Result<EpochId, E>,
    ) -> Result<(), E> {
        self.lock().upcoming.prepare(now, mint)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No change under this lock is left half done: nothing in them panics.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epochs that this process has spans of in memory and those it is going to write, newest
    /// first. One that it has lost, or logged spans again in, is named until it is adopted, so that
    /// others know where to look when this process does not answer.
    pub fn epochs(&self) -> Vec<EpochId> {
        let inner = self.lock();
        let writers = inner.writers.iter().rev().filter(|w| !w.core.is_lost());
        let own = inner.upcoming.ids().chain(writers.map(|w| w.core.id()));
        let lost = inner.lost.keys().rev().chain(inner.relogged.keys().rev());
        own.chain(lost.copied()).take(MAX_EPOCHS).collect()
    }

    /// The number of the next segment and its epoch. A new epoch begins when there is none yet, or
    /// the last one is of an earlier hour, old, full or lost. `spare` is an id that was minted just
    /// now, and so tells the hour.
    ///
    /// Epochs begin with the hours of the clock and not when a process happens to have written one
    /// for an hour: all ingesters file what they take at the same time under the same hour, and so
    /// into the same windows. And an epoch is of the hour in which its first segment is written,
    /// never of an earlier one, whose slots may have been retired while no spans came: what is
    /// acknowledged into such an hour has to be logged again before it can become a block.
    ///
    /// # Errors
    /// When the new epoch takes no segment: a fault of this program.
    pub(crate) fn reserve(
        &self,
        spare: EpochId,
        now: Instant,
    ) -> Result<(EpochId, u64), EpochError> {
        let mut inner = self.lock();
        if let Some(writer) = inner.writers.last_mut() {
            let is_old = writer.core.id().hours() < spare.hours()
                || now.saturating_duration_since(writer.opened) >= ROLL_AFTER;
            if !is_old && let Ok(n) = writer.core.reserve() {
                return Ok((writer.core.id(), n));
            }
            writer.core.close();
        }
        let new = inner.upcoming.take(spare);
        let mut core = WriterEpoch::new(new);
        let n = core.reserve()?;
        inner.writers.push(Writer {
            core,
            active: Generation::default(),
            frozen: VecDeque::new(),
            opened: now,
        });
        Ok((new, n))
    }

    /// A segment is in the store: its spans are readable from now on. Whether the task that writes
    /// blocks must look: a generation has begun or is due.
    ///
    /// # Errors
    /// When the segment was not reserved.
    pub(crate) fn durable(
        &self,
        epoch: EpochId,
        segment: SegmentInfo,
        batches: Vec<Batch>,
        at: FreezeAt,
        now: Instant,
    ) -> Result<bool, EpochError> {
        let mut inner = self.lock();
        let newest = inner.writers.last().map(|w| w.core.id());
        let Some(writer) = inner.writers.iter_mut().find(|w| w.core.id() == epoch) else {
            return Err(EpochError::OutOfTurn("the epoch is not written by this process"));
        };
        if writer.core.durable(segment)?.is_some() {
            // The first segment of a generation starts its time.
            let begins = writer.active.since.is_none();
            writer.active.add(segment, batches, now);
            return Ok(begins || newest != Some(epoch) || is_due(&writer.active, at, now));
        }
        // The segment of a lost epoch: live, and to be adopted.
        let mut generation = Generation::default();
        generation.add(segment, batches, now);
        inner.lost.entry(epoch).or_default().push(Arc::new(generation));
        Ok(true)
    }

    /// When the newest epoch's active generation will be due by its age.
    pub(crate) fn due_by_age(&self, age: Duration) -> Option<Instant> {
        self.lock().writers.last().and_then(|w| w.active.since).map(|since| since + age)
    }

    /// Freezes what is due; without `at` everything, and no segment comes after.
    pub(crate) fn freeze(&self, at: Option<FreezeAt>, now: Instant) {
        let mut inner = self.lock();
        let last = inner.writers.len().saturating_sub(1);
        for (i, writer) in inner.writers.iter_mut().enumerate() {
            if at.is_none() {
                writer.core.close();
            }
            // An older epoch has only segments that were on their way when it was closed.
            if i < last || at.is_none_or(|at| is_due(&writer.active, at, now)) {
                writer.freeze();
            }
        }
    }

    fn with<T>(
        &self,
        epoch: EpochId,
        change: impl FnOnce(&mut Writer) -> Result<T, EpochError>,
    ) -> Result<T, EpochError> {
        let mut inner = self.lock();
        let writer = inner.writers.iter_mut().find(|w| w.core.id() == epoch);
        writer.map_or(Err(EpochError::OutOfTurn("not an epoch of this process")), change)
    }
}

impl Inner {
    fn forget_drained(&mut self) {
        let newest = self.writers.last().map(|w| w.core.id());
        self.writers.retain(|w| Some(w.core.id()) == newest || !w.core.is_drained());
    }

    fn all(&self) -> impl Iterator<Item = &Generation> {
        let own = self.writers.iter();
        let own = own.flat_map(|w| w.frozen.iter().map(Arc::as_ref).chain([&w.active]));
        let lost = self.lost.values().flatten();
        self.adopted.iter().chain(lost).map(Arc::as_ref).chain(own)
    }
}
