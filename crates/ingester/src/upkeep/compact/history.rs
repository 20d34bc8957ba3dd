//! What was seen of a window at earlier passes, and when it is looked at again: decisions, no I/O.

use crate::block::{Pauses, Unreadable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tributary_block::BlockMeta;
use tributary_journal::Uid;
use tributary_journal::compact::{Candidate, Seen, Summary};
use uuid::Uuid;

/// A window in which nothing is left to do is looked at again after so long.
const NOTHING_TO_DO: Duration = Duration::from_secs(24 * 3600);

/// A block that cannot be merged, however often it was tried, is tried again after so long.
const RARELY: Duration = Duration::from_secs(24 * 3600);

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
    /// Which records that was said of: below the floor a number may be another's later.
    pub(super) records: BTreeMap<u32, Uid>,
    /// Nothing is due before then, unless there is something to merge.
    pub(super) rest_until: Instant,
    /// Blocks that could not be read: the others are merged without them.
    pub(super) unreadable: Unreadable<Uuid>,
    /// Whether the floor covers the window, so that it stays as it is.
    pub(super) retired: bool,
}

impl History {
    /// Nothing seen yet; passes follow each other after `period`.
    pub(super) fn new(now: Instant, period: Duration) -> Self {
        History {
            visible: BTreeSet::new(),
            since: now,
            seen: BTreeMap::new(),
            records: BTreeMap::new(),
            rest_until: now,
            unreadable: Unreadable::new(Pauses { first: period, longest: RARELY }),
            retired: false,
        }
    }

    /// Takes in which blocks are visible; whether none has joined for `patience`.
    pub(super) fn is_quiet(&mut self, visible: &Visible, now: Instant, patience: Duration) -> bool {
        self.unreadable.retain(|block| visible.contains_key(block));
        if !visible.keys().eq(&self.visible) {
            (self.visible, self.since) = (visible.keys().copied().collect(), now);
        }
        now.duration_since(self.since) >= patience
    }

    /// How far a record is carried out, as far as was seen.
    pub(super) fn seen(&mut self, k: u32, record: Uid) -> Seen {
        if self.records.insert(k, record).is_some_and(|before| before != record) {
            self.seen.remove(&k);
        }
        self.seen.get(&k).copied().unwrap_or_default()
    }

    /// What may be merged now.
    pub(super) fn candidates(&self, visible: &Visible, now: Instant) -> Vec<Candidate> {
        let readable = visible.values().filter(|m| self.unreadable.is_due(&m.block_id, now));
        readable.map(|meta| candidate(meta)).collect()
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
        let wait = match (soon, summary.merged + summary.expired > 0) {
            (true, _) => period,
            (false, true) => keep,
            (false, false) if all_gone => NOTHING_TO_DO,
            (false, false) => next.unwrap_or(keep).max(period),
        };
        self.rest_until = now + wait;
    }
}

/// A block, as far as it decides what is merged.
pub(super) fn candidate(meta: &BlockMeta) -> Candidate {
    Candidate { id: meta.block_id, bytes: meta.size, traces: meta.total_objects }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_looked_at_again_when_something_may_be_due() {
        let (period, keep, now) =
            (Duration::from_secs(60), Duration::from_secs(3600), Instant::now());
        let merged = Summary { merged: 2, ..Summary::default() };
        let lost = Summary { lost: true, merged: 2, ..Summary::default() };
        let deleted = Summary { deleted: 1, ..Summary::default() };
        let hidden = Summary { seen: [(0, Seen::Hidden)].into(), ..Summary::default() };
        let expired = Summary { expired: 3, ..Summary::default() };
        let gone = Summary { seen: [(0, Seen::Gone)].into(), ..Summary::default() };
        let soon = Some(Duration::from_secs(5));
        let later = Some(Duration::from_secs(900));
        let table = [
            (&merged, None, keep, "what was merged is deleted then"),
            (&expired, None, keep, "what has expired is deleted then"),
            (&lost, None, period, "the record of another ingester is carried out"),
            (&deleted, None, period, "whether they are gone"),
            (&hidden, later, Duration::from_secs(900), "the youngest record is old then"),
            (&hidden, soon, period, "not before the next pass"),
            (&hidden, None, keep, "no record is young"),
            (&gone, None, NOTHING_TO_DO, "nothing is left"),
        ];
        for (summary, next, wait, why) in table {
            let mut history = History::new(now, period);
            history.pass_ended(summary, next, period, keep, now);
            assert_eq!(history.rest_until - now, wait, "{why}");
        }
    }

    #[test]
    fn what_was_seen_of_a_record_says_nothing_of_another_with_its_number() {
        let mut history = History::new(Instant::now(), Duration::from_secs(60));
        let [one, other] = [Uid([1; 16]), Uid([2; 16])];
        history.seen.insert(0, Seen::Gone);
        let seen = [one, one, other, other].map(|record| history.seen(0, record));
        assert_eq!(seen, [Seen::Gone, Seen::Gone, Seen::Nothing, Seen::Nothing]);
    }

    #[test]
    fn a_block_that_cannot_be_read_is_left_out_and_tried_again_rarely() {
        let (minute, now) = (Duration::from_secs(60), Instant::now());
        let block = |n: u128| {
            let block_id = Uuid::from_u128(n);
            (block_id, Arc::new(BlockMeta { block_id, ..BlockMeta::default() }))
        };
        let mut visible: Visible = [1, 2, 3].map(block).into();
        let mut history = History::new(now, minute);
        let mut tries = Vec::new();
        for passed in 0..10_000 {
            let now = now + passed * minute;
            history.is_quiet(&visible, now, minute);
            let ids: Vec<u128> =
                history.candidates(&visible, now).iter().map(|c| c.id.as_u128()).collect();
            assert!(ids.contains(&1) && ids.contains(&3), "{ids:?}");
            if ids.contains(&2) {
                history.unreadable.failed(Uuid::from_u128(2), String::new(), now);
                tries.push(passed);
            }
        }
        let expected =
            [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2047, 3487, 4927, 6367, 7807, 9247];
        assert_eq!(tries, expected, "minutes: twice the pause each time, and daily in the end");
        visible.remove(&Uuid::from_u128(2));
        history.is_quiet(&visible, now, minute);
        assert_eq!(history.unreadable.len(), 0, "what is gone is forgotten");
    }
}
