//! Heartbeats that are there and cannot be read: which of them may be those of living processes.
//!
//! An ingester writes its heartbeat anew each period, and never twice the same. So an object that
//! is seen to change belongs to a process that lives, whatever it says, and one that stands still
//! for long enough does not: it is damaged, denied or another program's, and would otherwise make
//! every answer partial for ever. "Long enough" is more than a suspicion takes, since a process that
//! is dead may have left segments, and its epochs are not known: the sweep, which comes once in
//! [`Patience::unknown_after`], has looked for them by then.

use super::Patience;
use crate::heartbeat::{Mark, Unreadable};
use crate::id::Uid;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was seen of them, by process.
#[derive(Debug, Clone, Default)]
pub(super) struct Unread(BTreeMap<Uid, Sighting>);

#[derive(Debug, Clone)]
struct Sighting {
    mark: Mark,
    changed: Duration,
    /// It has stood still for so long that no process lives that writes it. What was established
    /// once holds until it changes, however well we are ourselves meanwhile.
    stands_still: bool,
}

impl Unread {
    /// Takes in what a round could not read; the processes whose objects have changed since the
    /// round before. All rounds since `healthy` have succeeded.
    pub(super) fn round(
        &mut self,
        now: Duration,
        healthy: Duration,
        patience: &Patience,
        unreadable: Vec<Unreadable>,
    ) -> Vec<Uid> {
        let mut before = std::mem::take(&mut self.0);
        let mut changed = Vec::new();
        for Unreadable { process, mark, .. } in unreadable {
            let fresh = |mark| Sighting { mark, changed: now, stands_still: false };
            let sighting = match before.remove(&process) {
                None => fresh(mark),
                Some(earlier) if mark.has_changed_since(&earlier.mark) => {
                    changed.push(process);
                    fresh(mark)
                }
                Some(earlier) => {
                    let still = now.saturating_sub(earlier.changed.max(healthy));
                    let enough = patience.suspect_after + patience.unknown_after;
                    Sighting {
                        mark,
                        changed: earlier.changed,
                        stands_still: earlier.stands_still || still >= enough,
                    }
                }
            };
            self.0.insert(process, sighting);
        }
        changed
    }

    /// Those that may live.
    pub(super) fn may_live(&self) -> impl Iterator<Item = &Uid> {
        self.0.iter().filter(|(_, sighting)| !sighting.stands_still).map(|(process, _)| process)
    }
}
