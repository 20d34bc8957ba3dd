//! Which processes are alive, which are suspected, and which epochs are this one's to adopt now.
//!
//! Pure: readings of heartbeats go in, with the time of this process's own monotonic clock. No
//! clock of another machine is compared (I9): a process is suspected when its heartbeat has not
//! been seen to change for [`Patience::suspect_after`], all of which this process must have been
//! healthy for itself, which is to say writing its own heartbeat and reading all others in time.
//! After an outage of the store, or after this process was frozen, all heartbeats look old, and
//! that must not start a mass adoption.
//!
//! A process of our own name is most likely the one before us in our place, and gone. Its name alone
//! does not prove that: two machines may have been given one name. So it shortens the wait for a
//! heartbeat that stands still and does away with none; one that goes on beside ours is that of a
//! living process like any other, and [`FailureDetector::namesakes`] tells of it.
//!
//! Suspicion is a hint: adopting the epoch of a living process costs work and never data.

use crate::heartbeat::{Heartbeat, Heartbeats};
use crate::id::{EpochId, Uid};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

mod others;
mod patience;
#[cfg(test)]
mod tests;
mod unread;

pub use others::Others;
pub use patience::Patience;
use unread::Unread;

#[derive(Debug, Clone)]
struct Seen {
    heartbeat: Heartbeat,
    changed: Duration,
    /// How often it has been seen to change.
    changes: u32,
    /// When it was read last: later it may have been there and not be readable.
    read: Duration,
}

/// A heartbeat that has changed so often since it was first seen is that of a process that lives
/// beside this one: what a process that is gone had set out to write can arrive once.
const LIVES_BESIDE: u32 = 2;

/// What this process knows of the others, by their heartbeats.
#[derive(Debug, Clone)]
pub struct FailureDetector {
    ours: Uid,
    instance: String,
    patience: Patience,
    seen: BTreeMap<Uid, Seen>,
    /// Those that are there and could not be read in the last round.
    unread: Unread,
    /// Since when every round has succeeded in time.
    healthy_since: Option<Duration>,
    /// The last round that succeeded.
    last_round: Option<Duration>,
    /// Epochs of the store that no heartbeat names, and since when they have been seen so.
    unknown: BTreeMap<EpochId, Duration>,
    /// Epochs of suspects that have been adopted and in which nothing was left.
    done: BTreeSet<EpochId>,
    /// See [`Others::unnamed`].
    unnamed: BTreeSet<EpochId>,
    /// Epochs that have been adopted but for segments that could not be read.
    left: BTreeSet<EpochId>,
    /// See [`FailureDetector::moved`].
    moved: Option<Duration>,
}

impl FailureDetector {
    /// Nothing seen yet. `instance` is this process's name: a heartbeat of another process under
    /// the same name is most likely that of its predecessor, which is waited for less long.
    pub fn new(ours: Uid, instance: &str, patience: Patience) -> Self {
        FailureDetector {
            ours,
            instance: instance.to_owned(),
            patience,
            seen: BTreeMap::new(),
            unread: Unread::default(),
            healthy_since: None,
            last_round: None,
            unknown: BTreeMap::new(),
            done: BTreeSet::new(),
            unnamed: BTreeSet::new(),
            left: BTreeSet::new(),
            moved: None,
        }
    }

    /// A round: our heartbeat was written and all heartbeats were looked at, or (`None`) it failed.
    pub fn round(&mut self, now: Duration, beats: Option<Heartbeats>) {
        let Some(Heartbeats { read, mut unreadable }) = beats else {
            self.healthy_since = None;
            return;
        };
        let late = self.is_late(now);
        let healthy = *self.healthy_since.get_or_insert(now);
        let healthy = if late { now } else { healthy };
        (self.healthy_since, self.last_round) = (Some(healthy), Some(now));
        let ours = self.ours;
        unreadable.retain(|object| object.process != ours);
        // A process that has taken its heartbeat away has left in good order; if something of it is
        // left all the same, no heartbeat names it any more.
        let there: BTreeSet<Uid> = read.iter().map(|heartbeat| heartbeat.process).collect();
        let dark: BTreeSet<Uid> = unreadable.iter().map(|object| object.process).collect();
        let before = self.seen.len();
        self.seen.retain(|process, _| there.contains(process) || dark.contains(process));
        let had_left = self.unread.may_live().any(|p| !there.contains(p) && !dark.contains(p));
        if self.seen.len() < before || had_left {
            self.moved = Some(now);
        }
        for heartbeat in read.into_iter().filter(|heartbeat| heartbeat.process != ours) {
            self.read(heartbeat, now);
        }
        // What cannot be read and is written anew says one thing all the same: its process lives.
        for process in self.unread.round(now, healthy, &self.patience, unreadable) {
            if let Some(seen) = self.seen.get_mut(&process) {
                seen.changed = now;
                seen.changes = seen.changes.saturating_add(1);
                self.done.retain(|epoch| !seen.heartbeat.epochs.contains(epoch));
            }
        }
        let named: BTreeSet<EpochId> = self.named();
        self.done.retain(|epoch| named.contains(epoch));
        self.unknown.retain(|epoch, _| !named.contains(epoch));
        self.unnamed.retain(|epoch| !named.contains(epoch));
    }

    /// A heartbeat of another process was read.
    fn read(&mut self, heartbeat: Heartbeat, now: Duration) {
        match self.seen.get_mut(&heartbeat.process) {
            Some(seen) if seen.heartbeat.counter == heartbeat.counter => seen.read = now,
            Some(seen) => {
                // It lives: what it does from now on has not been adopted.
                self.done.retain(|epoch| !heartbeat.epochs.contains(epoch));
                let changes = seen.changes.saturating_add(1);
                *seen = Seen { heartbeat, changed: now, changes, read: now };
            }
            None => {
                let process = heartbeat.process;
                let seen = Seen { heartbeat, changed: now, changes: 0, read: now };
                self.seen.insert(process, seen);
            }
        }
    }

    /// Whether the last round that succeeded is longer ago than a living process may be silent.
    fn is_late(&self, now: Duration) -> bool {
        let late = |last| now.saturating_sub(last) > self.patience.suspect_after;
        self.last_round.is_none_or(late)
    }

    /// For how long this heartbeat has stood still, as far as we can tell: only the time in which
    /// we were healthy ourselves counts.
    fn still_for(&self, seen: &Seen, now: Duration) -> Duration {
        match self.healthy_since {
            Some(since) => now.saturating_sub(seen.changed.max(since)),
            None => Duration::ZERO,
        }
    }

    fn has_our_name(&self, seen: &Seen) -> bool {
        !self.instance.is_empty() && seen.heartbeat.instance == self.instance
    }

    /// Whether this may be the heartbeat of a process before us in our own place.
    fn may_be_predecessor(&self, seen: &Seen) -> bool {
        self.has_our_name(seen) && seen.changes < LIVES_BESIDE
    }

    /// Whether it is not to be counted upon. That costs a reader a look at segments and no more, so
    /// under our own name it begins at once and lasts until the heartbeat is seen to go on.
    fn is_suspect(&self, seen: &Seen, now: Duration) -> bool {
        let patience = match self.may_be_predecessor(seen) {
            true if seen.changes == 0 => return true,
            true => self.patience.predecessor_after,
            false => self.patience.suspect_after,
        };
        self.still_for(seen, now) >= patience
    }

    /// Other processes that live and have our name, which each process needs for itself.
    pub fn namesakes(&self, now: Duration) -> Vec<&Heartbeat> {
        let living = self.seen.values().filter(|seen| !self.is_suspect(seen, now));
        let beside = living.filter(|s| self.has_our_name(s) && !self.may_be_predecessor(s));
        beside.map(|seen| &seen.heartbeat).collect()
    }

    /// Whether a round has succeeded yet.
    pub fn has_listened(&self) -> bool {
        self.last_round.is_some()
    }

    /// Whether this process has a heartbeat, ours apart.
    pub fn has_heartbeat(&self, process: &Uid) -> bool {
        self.seen.contains_key(process)
    }

    /// Epochs that the heartbeats of other processes name, of suspects too.
    pub fn named(&self) -> BTreeSet<EpochId> {
        self.seen.values().flat_map(|seen| seen.heartbeat.epochs.iter().copied()).collect()
    }

    /// The other processes that count as alive.
    pub fn living(&self, now: Duration) -> Vec<&Heartbeat> {
        let seen = self.seen.values();
        seen.filter(|seen| !self.is_suspect(seen, now)).map(|seen| &seen.heartbeat).collect()
    }

    /// The last time that a process was seen to be gone, or an epoch to be done with: what was
    /// there is in blocks, whose list must have been looked up since. To be asked after whatever may
    /// have been there.
    pub fn moved(&self) -> Option<Duration> {
        self.moved
    }

    /// Epochs of suspects that are ours to adopt now.
    pub fn abandoned(&self, now: Duration) -> Vec<EpochId> {
        let mut epochs = Vec::new();
        for seen in self.seen.values().filter(|seen| self.is_suspect(seen, now)) {
            let still = self.still_for(seen, now);
            for epoch in seen.heartbeat.epochs.iter().filter(|epoch| !self.done.contains(epoch)) {
                let wait = match self.may_be_predecessor(seen) {
                    true => self.patience.predecessor_after,
                    false => self.patience.suspect_after + self.rank_wait(epoch.bytes(), now),
                };
                if still >= wait {
                    epochs.push(*epoch);
                }
            }
        }
        epochs
    }

    /// These epochs, apart from `ours`, hold segments. Those that no heartbeat names and that have
    /// been so for long enough are answered, for adoption. One that was adopted before has got a
    /// late segment and will be again.
    pub fn unknown(
        &mut self,
        now: Duration,
        with_segments: &BTreeSet<EpochId>,
        ours: &[EpochId],
    ) -> Vec<EpochId> {
        let named = self.named();
        self.done.retain(|epoch| !with_segments.contains(epoch));
        self.left.retain(|epoch| with_segments.contains(epoch));
        let candidates: BTreeSet<EpochId> = with_segments
            .iter()
            .filter(|epoch| !named.contains(epoch) && !ours.contains(epoch))
            .copied()
            .collect();
        self.unknown.retain(|epoch, _| candidates.contains(epoch));
        for epoch in &candidates {
            self.unknown.entry(*epoch).or_insert(now);
        }
        self.unnamed = candidates;
        let Some(healthy) = self.healthy_since else { return Vec::new() };
        let due = |epoch: &EpochId, since: Duration| {
            let wait = self.patience.unknown_after + self.rank_wait(epoch.bytes(), now);
            now.saturating_sub(since.max(healthy)) >= wait
        };
        self.unknown.iter().filter(|(e, since)| due(e, **since)).map(|(e, _)| *e).collect()
    }

    /// Another process sweeps: what it finds, it tells the readers that ask it.
    pub fn swept_by_another(&mut self) {
        self.unnamed.clear();
        self.left.clear();
    }

    /// Nothing is left to do in this epoch as long as its heartbeat stands still.
    pub fn adopted(&mut self, epoch: EpochId, now: Duration) {
        self.left.remove(&epoch);
        self.unnamed.remove(&epoch);
        self.done.insert(epoch);
        self.moved = Some(now);
    }

    /// An epoch has been adopted, but for segments that could not be read. It is done with until the
    /// next sweep finds it again; what is left there is told to readers like the segments of an
    /// epoch that no heartbeat names, so that an answer says what it may lack.
    pub fn adopted_in_part(&mut self, epoch: EpochId, now: Duration) {
        self.left.insert(epoch);
        self.done.insert(epoch);
        self.moved = Some(now);
    }

    /// Suspects whose epochs are all done with and whose heartbeats may be removed.
    pub fn forgettable(&self, now: Duration) -> Vec<Uid> {
        let all_done = |seen: &Seen| seen.heartbeat.epochs.iter().all(|e| self.done.contains(e));
        let old = |seen: &Seen| {
            let patience = match self.may_be_predecessor(seen) {
                true => self.patience.suspect_after,
                false => self.patience.forget_after,
            };
            self.still_for(seen, now) >= patience
        };
        let seen = self.seen.iter().filter(|(_, seen)| old(seen) && all_done(seen));
        seen.map(|(process, _)| *process).collect()
    }

    /// Whether work that one process is enough for is ours: of all that live, the first in the
    /// order that `key` gives.
    pub fn is_first(&self, key: [u8; 16], now: Duration) -> bool {
        self.healthy_since.is_some() && self.rank(key, now) == 0
    }

    fn rank_wait(&self, key: [u8; 16], now: Duration) -> Duration {
        self.patience.rank_step * u32::try_from(self.rank(key, now)).unwrap_or(u32::MAX)
    }

    /// How many living processes stand before us: rendezvous hashing, so that work spreads over
    /// all and moves little when they come and go.
    fn rank(&self, key: [u8; 16], now: Duration) -> usize {
        let weight = |process: &Uid| {
            let mut hasher = crc32fast::Hasher::new();
            hasher.update(&key);
            hasher.update(&process.0);
            // A CRC is linear; mixing makes the order of two processes depend on the key.
            let mixed = u64::from(hasher.finalize()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed ^ mixed >> 29, *process)
        };
        let ours = weight(&self.ours);
        self.living(now).iter().filter(|heartbeat| weight(&heartbeat.process) > ours).count()
    }
}
