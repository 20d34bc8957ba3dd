//! Generations that leave memory when it runs short.

use super::{Generation, Inner, Live};
use crate::group::evict::{Relief, Waiting, relief};
use crate::memory::Account;
use std::sync::Arc;
use tributary_journal::EpochId;

/// Segments of an epoch whose spans are not in memory: number and length.
pub type Evicted = (EpochId, Vec<(u64, u64)>);

/// What was done to relieve memory.
#[derive(Debug)]
pub enum Relieved {
    /// A generation left memory, to be committed in so many parts. Its memory comes back when this
    /// is dropped.
    Evicted(usize, Arc<Generation>),
    /// The active generation was frozen before its time.
    Frozen,
}

impl Live {
    /// Takes one step to relieve memory, if it is short and there is one. What leaves is to be
    /// rebuilt in parts of at most `piece_bytes` of segments.
    pub fn relieve(&self, account: Account, piece_bytes: u64) -> Option<Relieved> {
        let mut inner = self.lock();
        let all: Vec<Waiting> = inner.waiting();
        let live = inner.all().map(|generation| generation.bytes).sum();
        let active = inner.writers.last().map_or(0, |w| w.active.bytes);
        match relief(account, live, &all, active) {
            Relief::None => None,
            Relief::Freeze => {
                inner.writers.last_mut()?.freeze();
                Some(Relieved::Frozen)
            }
            Relief::Evict(index) => {
                let place = all.get(index)?.place;
                let (parts, left) = inner.evict(place, piece_bytes)?;
                Some(Relieved::Evicted(parts, left))
            }
        }
    }

    /// Segments of this process whose spans have left memory and are not in a block yet. To be
    /// asked for after memory: spans leave it for here.
    pub fn evicted(&self) -> Vec<Evicted> {
        let inner = self.lock();
        let own = inner.writers.iter().map(|w| (w.core.id(), w.frozen.iter().collect::<Vec<_>>()));
        let lost = inner.lost.iter().map(|(epoch, left)| (*epoch, left.iter().collect()));
        let evicted = own.chain(lost).map(|(epoch, generations)| {
            let evicted = generations.iter().filter(|generation| generation.evicted);
            let segments = evicted.flat_map(|generation| generation.segments.values());
            (epoch, segments.map(|segment| (segment.n, segment.len)).collect::<Vec<_>>())
        });
        evicted.filter(|(_, segments)| !segments.is_empty()).collect()
    }
}

/// Where a generation stands that may leave memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The writer, and the generation's place among its frozen ones.
    Frozen(usize, usize),
    /// Of an epoch that was lost: the epoch, and its place among those left of it.
    Lost(EpochId, usize),
}

impl Inner {
    /// Generations in memory that nobody commits, the oldest first. While no commit is under way
    /// the first of them is left out: it is begun at once.
    fn waiting(&self) -> Vec<Waiting> {
        let mut waiting = Vec::new();
        let mut busy = false;
        for (w, writer) in self.writers.iter().enumerate() {
            let committing = usize::from(writer.core.is_committing()).min(writer.frozen.len());
            busy |= writer.core.is_committing();
            for (at, generation) in writer.frozen.iter().enumerate().skip(committing) {
                let first = !std::mem::replace(&mut busy, true);
                if !first && !generation.evicted {
                    let place = Place::Frozen(w, at);
                    waiting.push(Waiting { bytes: generation.bytes, lost: false, place });
                }
            }
        }
        for (epoch, left) in &self.lost {
            for (at, generation) in left.iter().enumerate().filter(|(_, g)| g.bytes > 0) {
                let place = Place::Lost(*epoch, at);
                waiting.push(Waiting { bytes: generation.bytes, lost: true, place });
            }
        }
        waiting
    }

    /// Puts a generation without spans in the place of this one, or several that make it up.
    fn evict(&mut self, place: Place, piece_bytes: u64) -> Option<(usize, Arc<Generation>)> {
        match place {
            Place::Lost(epoch, at) => {
                let place = self.lost.get_mut(&epoch)?.get_mut(at)?;
                let empty = Generation::evicted(place.segments.clone(), place.since);
                // It is adopted like anybody's, in parts that adoption decides.
                Some((1, std::mem::replace(place, Arc::new(empty))))
            }
            Place::Frozen(w, at) => {
                let writer = self.writers.get_mut(w)?;
                let committing = usize::from(writer.core.is_committing());
                let parts = writer.core.split(at.checked_sub(committing)?, piece_bytes);
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
