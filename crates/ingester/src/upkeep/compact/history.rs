//! What was seen of a window at earlier passes, and when it is looked at again: decisions, no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::BlockMeta;
use tributary_journal::compact::{Candidate, Seen, Summary};
use uuid::Uuid;

/// A window in which nothing is left to do is looked at again after so long.
const NOTHING_TO_DO: Duration = Duration::from_secs(24 * 3600);

/// The visible blocks of a window.
pub(super) type Visible = BTreeMap<Uuid, Arc<BlockMeta>>;

/// What is remembered of a window, so that nothing is asked twice.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// Blocks that were visible at the last look.
    pub(super) visible: BTreeSet<Uuid>,
    /// When they last changed.
    pub(super) since: Instant,
    /// How far records are carried out.
    pub(super) seen: BTreeMap<u32, Seen>,
    /// Nothing is due before then, unless there is something to merge.
    pub(super) rest_until: Instant,
    /// Blocks that cannot be read: they are left alone.
    pub(super) unreadable: BTreeSet<Uuid>,
    /// Blocks that could not be read once. Bytes go wrong on their way too.
    suspected: BTreeSet<Uuid>,
    /// Whether the floor covers the window, so that it stays as it is.
    pub(super) retired: bool,
}

impl History {
    /// Nothing seen yet.
    pub(super) fn new(now: Instant) -> Self {
        History {
            visible: BTreeSet::new(),
            since: now,
            seen: BTreeMap::new(),
            rest_until: now,
            unreadable: BTreeSet::new(),
            suspected: BTreeSet::new(),
            retired: false,
        }
    }

    /// Takes in which blocks are visible; whether none has joined for `patience`.
    pub(super) fn is_quiet(&mut self, visible: &Visible, now: Instant, patience: Duration) -> bool {
        if !visible.keys().eq(&self.visible) {
            (self.visible, self.since) = (visible.keys().copied().collect(), now);
        }
        now.duration_since(self.since) >= patience
    }

    /// What may be merged.
    pub(super) fn candidates(&self, visible: &Visible) -> Vec<Candidate> {
        let readable = visible.values().filter(|meta| !self.unreadable.contains(&meta.block_id));
        readable.map(|meta| Candidate { id: meta.block_id, bytes: meta.size }).collect()
    }

    /// A block could not be read. Whether that is believed, and the block left alone from now on: the
    /// first time it is not, and the next pass reads it again.
    pub(super) fn could_not_read(&mut self, block: Uuid) -> bool {
        !self.suspected.insert(block) && self.unreadable.insert(block)
    }

    /// Takes in what a pass found, and when the next one is due. `next` is the time until the
    /// youngest record with something left to delete is old; passes follow each other after
    /// `period`, and what was superseded is kept for `keep`.
    pub(super) fn pass_ended(
        &mut self,
        summary: &Summary,
        next: Option<Duration>,
        period: Duration,
        keep: Duration,
        now: Instant,
    ) {
        self.seen.extend(summary.seen.iter().map(|(k, seen)| (*k, *seen)));
        // Deletions are seen to be done by another look, and a lost record to be another's.
        let soon = summary.lost || summary.deleted > 0;
        let all_gone = self.seen.values().all(|seen| *seen == Seen::Gone);
        let wait = match (soon, summary.merged > 0) {
            (true, _) => period,
            (false, true) => keep,
            (false, false) if all_gone => NOTHING_TO_DO,
            (false, false) => next.unwrap_or(keep).max(period),
        };
        self.rest_until = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_left_alone_when_it_could_not_be_read_twice() {
        let mut history = History::new(Instant::now());
        let [one, other] = [1, 2].map(Uuid::from_u128);
        assert!(!history.could_not_read(one));
        assert!(!history.could_not_read(other));
        assert!(history.unreadable.is_empty());
        assert!(history.could_not_read(one));
        assert_eq!(history.unreadable, [one].into());
    }

    #[test]
    fn a_window_is_looked_at_again_when_something_may_be_due() {
        let (period, keep, now) =
            (Duration::from_secs(60), Duration::from_secs(3600), Instant::now());
        let merged = Summary { merged: 2, ..Summary::default() };
        let lost = Summary { lost: true, merged: 2, ..Summary::default() };
        let deleted = Summary { deleted: 1, ..Summary::default() };
        let hidden = Summary { seen: [(0, Seen::Hidden)].into(), ..Summary::default() };
        let gone = Summary { seen: [(0, Seen::Gone)].into(), ..Summary::default() };
        let soon = Some(Duration::from_secs(5));
        let later = Some(Duration::from_secs(900));
        let table = [
            (&merged, None, keep, "what was merged is deleted then"),
            (&lost, None, period, "the record of another ingester is carried out"),
            (&deleted, None, period, "whether they are gone"),
            (&hidden, later, Duration::from_secs(900), "the youngest record is old then"),
            (&hidden, soon, period, "not before the next pass"),
            (&hidden, None, keep, "no record is young"),
            (&gone, None, NOTHING_TO_DO, "nothing is left"),
        ];
        for (summary, next, wait, why) in table {
            let mut history = History::new(now);
            history.pass_ended(summary, next, period, keep, now);
            assert_eq!(history.rest_until - now, wait, "{why}");
        }
    }
}
