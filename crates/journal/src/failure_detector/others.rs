//! What a reader of traces is told of the other processes.

use super::{FailureDetector, Seen};
use crate::heartbeat::Heartbeat;
use crate::id::EpochId;
use std::collections::BTreeSet;
use std::time::Duration;

/// Where spans may be that this process does not have itself, as far as heartbeats tell. A reader of
/// a trace asks the living, reads what the others left in segments, and then looks at blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    /// Processes that count as alive and answer queries: what they hold is in their memory.
    pub living: Vec<Heartbeat>,
    /// Epochs of processes that are not to be asked: of suspects, whether adopted or not, since a
    /// suspect may be a zombie that still writes; and of those that answer no queries.
    pub unattended: BTreeSet<EpochId>,
    /// Epochs that no heartbeat names and that had segments when the store was last swept, if this
    /// is the process that sweeps; and those that this process has adopted but for segments that could
    /// not be read.
    pub unnamed: BTreeSet<EpochId>,
    /// There may be others: no round has succeeded for so long, or there is a heartbeat that cannot be
    /// read and may be that of a process that lives.
    pub in_the_dark: bool,
}

impl FailureDetector {
    /// Where spans may be that this process does not have.
    pub fn others(&self, now: Duration) -> Others {
        let named = self.named();
        let unnamed = self.unnamed.union(&self.left).filter(|epoch| !named.contains(epoch));
        let mut others = Others {
            unnamed: unnamed.copied().collect(),
            in_the_dark: self.is_late(now) || self.misses_one(now),
            ..Others::default()
        };
        for seen in self.seen.values() {
            if self.is_suspect(seen, now) || seen.heartbeat.query_address.is_empty() {
                others.unattended.extend(&seen.heartbeat.epochs);
            } else {
                others.living.push(seen.heartbeat.clone());
            }
        }
        others
    }

    /// Whether a process may live whose heartbeat cannot be read: one that was never read, or that
    /// has not been for longer than a living process may be silent, so that what it said then says
    /// too little.
    fn misses_one(&self, now: Duration) -> bool {
        let recent = |seen: &Seen| now.saturating_sub(seen.read) <= self.patience.suspect_after;
        self.unread.may_live().any(|process| !self.seen.get(process).is_some_and(recent))
    }

    /// How many epochs are left to adopt, by this process or another one, as far as is known: those
    /// of suspects, and those that no heartbeat names.
    pub fn left(&self, now: Duration) -> usize {
        let suspects = self.seen.values().filter(|seen| self.is_suspect(seen, now));
        let named = suspects.flat_map(|seen| &seen.heartbeat.epochs);
        let left: BTreeSet<_> = named.filter(|epoch| !self.done.contains(epoch)).collect();
        left.union(&self.unnamed.iter().collect()).count()
    }
}
