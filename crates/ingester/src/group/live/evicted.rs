//! Generations that leave memory when it runs short.

use super::{Generation, Inner, LiveSpans};
use crate::group::evict::{Candidate, EvictionStep, next_step};
use crate::memory::MemoryUsage;
use std::collections::BTreeMap;
use std::sync::Arc;
use tributary_journal::EpochId;

/// Segments of an epoch, by number and length.
pub(crate) type EpochSegments = (EpochId, Vec<(u64, u64)>);

/// What was done to make room in memory.
#[derive(Debug)]
pub(crate) enum MadeRoom {
    /// A generation left memory. Its memory comes back when this is dropped.
    Evicted {
        /// In so many parts it is to be committed.
        parts: usize,
        /// What left.
        generation: Arc<Generation>,
    },
    /// The active generation was frozen before its time.
    Frozen,
}

impl LiveSpans {
    /// Takes one step to make room, if memory is short and there is one. What leaves is to be
    /// rebuilt in parts that take about `piece` bytes of memory at most, or one segment.
    pub(crate) fn make_room(&self, usage: MemoryUsage, piece: usize) -> Option<MadeRoom> {
        let mut inner = self.lock();
        let (places, candidates): (Vec<_>, Vec<_>) = inner.candidates().into_iter().unzip();
        let live = inner.all().map(|generation| generation.bytes).sum();
        let active = inner.writers.last().map_or(0, |w| w.active.bytes);
        match next_step(usage, live, &candidates, active)? {
            EvictionStep::Freeze => {
                inner.writers.last_mut()?.freeze();
                Some(MadeRoom::Frozen)
            }
            EvictionStep::Evict(index) => {
                let (parts, generation) = inner.evict(*places.get(index)?, piece)?;
                Some(MadeRoom::Evicted { parts, generation })
            }
        }
    }

    /// Whether generations wait for their commit that had to leave memory.
    pub(crate) fn is_behind(&self) -> bool {
        let inner = self.lock();
        inner.writers.iter().any(|writer| writer.frozen.iter().any(|g| g.evicted))
    }

    /// Segments of this process whose spans have left memory and are not in a block yet. To be
    /// asked for after memory: spans leave it for here.
    pub fn evicted(&self) -> Vec<EpochSegments> {
        let inner = self.lock();
        let own = inner.writers.iter().map(|w| (w.core.id(), w.frozen.iter().collect::<Vec<_>>()));
        let lost = inner.lost.iter().map(|(epoch, left)| (*epoch, left.iter().collect()));
        let evicted = own.chain(lost).map(|(epoch, generations)| {
            let evicted = generations.iter().filter(|generation| generation.evicted);
            (epoch, evicted.map(|generation| &generation.segments).collect::<Vec<_>>())
        });
        let relogged = inner.relogged.iter().map(|(epoch, segments)| (*epoch, vec![segments]));
        let named = evicted.chain(relogged).map(|(epoch, all)| {
            let segments = all.into_iter().flat_map(BTreeMap::values);
            (epoch, segments.map(|segment| (segment.n, segment.len)).collect::<Vec<_>>())
        });
        named.filter(|(_, segments)| !segments.is_empty()).collect()
    }
}

/// Where a generation stands that may leave memory.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// The writer, and the generation's place among its frozen ones.
    Frozen(usize, usize),
    /// Of an epoch that was lost: the epoch, and its place among those left of it.
    Lost(EpochId, usize),
}

impl Inner {
    /// Generations in memory that are not being committed, the oldest first. While no commit is
    /// under way the first of them is left out: it is begun at once.
    fn candidates(&self) -> Vec<(Place, Candidate)> {
        let mut candidates = Vec::new();
        let mut busy = false;
        for (w, writer) in self.writers.iter().enumerate() {
            let committing = usize::from(writer.core.is_committing()).min(writer.frozen.len());
            busy |= writer.core.is_committing();
            for (at, generation) in writer.frozen.iter().enumerate().skip(committing) {
                let first = !std::mem::replace(&mut busy, true);
                if !first && !generation.evicted {
                    let candidate = Candidate { lost: false };
                    candidates.push((Place::Frozen(w, at), candidate));
                }
            }
        }
        for (epoch, left) in &self.lost {
            for (at, _) in left.iter().enumerate().filter(|(_, g)| g.bytes > 0) {
                candidates.push((Place::Lost(*epoch, at), Candidate { lost: true }));
            }
        }
        candidates
    }

    /// Puts a generation without spans in the place of this one, or several that make it up.
    fn evict(&mut self, place: Place, piece: usize) -> Option<(usize, Arc<Generation>)> {
        match place {
            Place::Lost(epoch, at) => {
                let place = self.lost.get_mut(&epoch)?.get_mut(at)?;
                let empty = Generation::evicted(place.segments.clone(), place.since);
                // It is adopted like the epoch of another process, in parts that adoption decides.
                Some((1, std::mem::replace(place, Arc::new(empty))))
            }
            Place::Frozen(w, at) => {
                let writer = self.writers.get_mut(w)?;
                let whole = writer.frozen.get(at)?;
                let parts = writer.core.split(&whole.segments, whole.spans_in(piece));
                if parts.is_empty() {
                    return None;
                }
                let left = writer.frozen.remove(at)?;
                for part in parts.iter().rev() {
                    let empty = Generation::evicted(part.segments.clone(), left.since);
                    writer.frozen.insert(at, Arc::new(empty));
                }
                Some((parts.len(), left))
            }
        }
    }
}
