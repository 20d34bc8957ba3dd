//! Which traces were acknowledged, and what is still to be seen of each: decisions, no I/O.

use super::stage::Stage;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long after a look that found too little the next one follows: from so much to so much.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// What one look saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// All of it, as it was written.
    Whole,
    /// Too little: so many spans are missing.
    Missing { spans: usize, told: String },
    /// Something that must not be; `passes` where waiting may mend it.
    Wrong { outcome: Outcome, passes: bool, told: String },
    /// There was no whole answer.
    Unanswered(String),
    /// Who asks may not see it: nothing is known of it.
    Denied(String),
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Fine,
    Late,
    Missing,
    Double,
    Different,
    Unanswered,
    Denied,
}

impl Outcome {
    pub(crate) const ALL: [Outcome; 7] = [
        Outcome::Fine,
        Outcome::Late,
        Outcome::Missing,
        Outcome::Double,
        Outcome::Different,
        Outcome::Unanswered,
        Outcome::Denied,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Outcome::Fine => "fine",
            Outcome::Late => "late",
            Outcome::Missing => "missing",
            Outcome::Double => "double",
            Outcome::Different => "different",
            Outcome::Unanswered => "unanswered",
            Outcome::Denied => "denied",
        }
    }
}

/// The end of one look at one trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) slot: u64,
    pub(crate) stage: &'static str,
    pub(crate) outcome: Outcome,
    /// Spans that are missing.
    pub(crate) spans: usize,
    /// How old the trace is, from its acknowledgement.
    pub(crate) age: Duration,
    /// How much later than it could first have been seen it was, where it was.
    pub(crate) took: Option<Duration>,
    /// What is wrong, in words.
    pub(crate) told: String,
}

/// A trace that was acknowledged.
#[derive(Debug, Clone)]
struct Entry {
    /// When, since 1970.
    acknowledged: Duration,
    /// The number of the next look.
    stage: usize,
    /// When it was due, since 1970.
    since: Duration,
    /// Not before then.
    next: Duration,
    /// The pause after the look before.
    pause: Duration,
    /// It is being looked at.
    is_asked: bool,
}

/// All traces that are not done with.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    stages: Vec<Stage>,
    entries: BTreeMap<u64, Entry>,
}

impl Ledger {
    /// No trace yet.
    pub(crate) fn new(stages: Vec<Stage>) -> Ledger {
        Ledger { stages, entries: BTreeMap::new() }
    }

    /// Traces that are not done with.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The trace of a slot was acknowledged then. Of one that was acknowledged before `now`, by an
    /// earlier run, only those looks follow whose time has not come.
    pub(crate) fn add(&mut self, slot: u64, acknowledged: Duration, is_past: bool, now: Duration) {
        let age = now.saturating_sub(acknowledged);
        let passed = |stage: &&Stage| is_past && stage.after < age;
        let stage = self.stages.iter().take_while(passed).count();
        // The past is looked at once at least.
        let stage = stage.min(self.stages.len().saturating_sub(1));
        let after = self.stages.get(stage).map_or(Duration::ZERO, |stage| stage.after);
        let since = if is_past { now.max(acknowledged + after) } else { acknowledged + after };
        let pause = AGAIN.0;
        let entry = Entry { acknowledged, stage, since, next: since, pause, is_asked: false };
        self.entries.entry(slot).or_insert(entry);
    }

    /// At most `most` looks that are due now; each must be told of by [`Ledger::seen`].
    pub(crate) fn due(&mut self, now: Duration, most: usize) -> Vec<(u64, Stage)> {
        let mut due: Vec<(Duration, u64)> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.is_asked && entry.next <= now)
            .map(|(slot, entry)| (entry.next, *slot))
            .collect();
        due.sort_unstable();
        due.truncate(most);
        let mut looks = Vec::new();
        for (_, slot) in due {
            if let Some(entry) = self.entries.get_mut(&slot)
                && let Some(stage) = self.stages.get(entry.stage)
            {
                entry.is_asked = true;
                looks.push((slot, *stage));
            }
        }
        looks
    }

    /// What a look saw, and how it ended; none when the same look follows again.
    pub(crate) fn seen(&mut self, slot: u64, now: Duration, seen: Seen) -> Option<Finding> {
        let entry = self.entries.get_mut(&slot)?;
        let stage = *self.stages.get(entry.stage)?;
        entry.is_asked = false;
        let age = now.saturating_sub(entry.acknowledged);
        let took = now.saturating_sub(entry.since);
        let may_come = took < stage.in_time + stage.patience;
        let (outcome, spans, took, told) = match seen {
            Seen::Whole if took <= stage.in_time => (Outcome::Fine, 0, Some(took), String::new()),
            Seen::Whole => {
                (Outcome::Late, 0, Some(took), format!("seen after {:.1} s", took.as_secs_f64()))
            }
            Seen::Missing { .. } | Seen::Unanswered(_) | Seen::Wrong { passes: true, .. }
                if may_come =>
            {
                entry.next = now + entry.pause;
                entry.pause = (entry.pause * 2).min(AGAIN.1);
                return None;
            }
            Seen::Wrong { outcome, told, .. } => (outcome, 0, None, told),
            Seen::Missing { spans, told } => (Outcome::Missing, spans, None, told),
            Seen::Unanswered(why) => (Outcome::Unanswered, 0, None, why),
            // Waiting gives no rights.
            Seen::Denied(why) => (Outcome::Denied, 0, None, why),
        };
        entry.stage += 1;
        entry.pause = AGAIN.0;
        match self.stages.get(entry.stage) {
            Some(next) => {
                entry.since = entry.acknowledged + next.after;
                entry.next = entry.since;
            }
            None => {
                self.entries.remove(&slot);
            }
        }
        Some(Finding { slot, stage: stage.name, outcome, spans, age, took, told })
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::stages;
    use super::*;

    const T: Duration = Duration::from_secs(1_000_000);

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn ledger() -> Ledger {
        Ledger::new(stages(second(100), second(1000), second(60)))
    }

    fn missing() -> Seen {
        Seen::Missing { spans: 2, told: "2 spans missing".to_owned() }
    }

    #[test]
    fn a_trace_is_looked_at_in_each_way_and_forgotten() {
        let mut ledger = ledger();
        ledger.add(7, T, false, T);
        let mut told = Vec::new();
        for age in 0..1100 {
            let now = T + second(age);
            for (slot, stage) in ledger.due(now, 9) {
                assert!(ledger.due(now, 9).is_empty(), "one look at a time");
                let finding = ledger.seen(slot, now, Seen::Whole).unwrap();
                assert_eq!((finding.outcome, finding.stage), (Outcome::Fine, stage.name));
                told.push((age, finding.stage));
            }
        }
        let expected = [
            (0, "id"),
            (1, "search"),
            (2, "metrics"),
            (100, "block"),
            (101, "block_search"),
            (1000, "merged"),
            (1001, "merged_search"),
        ];
        assert_eq!(told, expected);
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn what_a_look_sees_decides_how_it_ends() {
        let wrong =
            |passes| Seen::Wrong { outcome: Outcome::Double, passes, told: "twice".to_owned() };
        let away = || Seen::Unanswered("no answer".to_owned());
        // What is seen from which second on.
        type Row<'r> = (&'r [(u64, Seen)], Outcome, u64);
        let table: [Row<'_>; 12] = [
            (&[(0, Seen::Whole)], Outcome::Fine, 0),
            (&[(0, missing()), (4, Seen::Whole)], Outcome::Fine, 4),
            (&[(0, missing()), (6, Seen::Whole)], Outcome::Late, 6),
            (&[(0, missing()), (40, Seen::Whole)], Outcome::Late, 40),
            (&[(0, missing())], Outcome::Missing, 65),
            (&[(0, away())], Outcome::Unanswered, 65),
            (&[(0, away()), (30, missing())], Outcome::Missing, 65),
            (&[(0, missing()), (2, wrong(false))], Outcome::Double, 2),
            (&[(0, wrong(true)), (30, Seen::Whole)], Outcome::Late, 30),
            (&[(0, wrong(true))], Outcome::Double, 65),
            (&[(0, Seen::Denied("403".to_owned()))], Outcome::Denied, 0),
            (&[(0, missing()), (3, Seen::Denied("401".to_owned()))], Outcome::Denied, 3),
        ];
        for (sights, outcome, at) in table {
            let mut ledger = ledger();
            ledger.add(7, T, false, T);
            let found = (0..400).find_map(|quarter: u64| {
                let age = Duration::from_millis(250 * quarter);
                let (slot, stage) = ledger.due(T + age, 9).pop()?;
                assert_eq!((slot, stage.name), (7, "id"));
                let sight = sights.iter().rev().find(|(from, _)| second(*from) <= age);
                ledger.seen(slot, T + age, sight.unwrap().1.clone())
            });
            let found = found.unwrap();
            assert_eq!(found.outcome, outcome, "{sights:?}");
            let late = found.age.saturating_sub(second(at));
            assert!(found.age >= second(at) && late <= AGAIN.1, "{sights:?}: {:?}", found.age);
            assert_eq!(found.spans, if outcome == Outcome::Missing { 2 } else { 0 });
            assert_eq!(ledger.len(), 1, "the next look follows");
        }
    }

    #[test]
    fn of_the_past_only_what_is_due_follows_and_one_look_at_least() {
        let table = [
            (0, "id", 7),
            (50, "block", 4),
            (100, "block", 4),
            (999, "merged", 2),
            (1001, "merged_search", 1),
            (9999, "merged_search", 1),
        ];
        for (age, first, looks) in table {
            let mut ledger = ledger();
            let now = T + second(age);
            ledger.add(7, T, true, now);
            let mut told = Vec::new();
            for at in 0..1100 {
                let at = now + second(at);
                for (slot, _) in ledger.due(at, 1) {
                    told.extend(ledger.seen(slot, at, Seen::Whole));
                }
            }
            assert_eq!((told[0].stage, told.len()), (first, looks), "{age}");
            assert!(told.iter().all(|f| f.outcome == Outcome::Fine), "{told:?}");
        }
    }

    #[test]
    fn few_looks_go_on_at_a_time_and_the_longest_due_first() {
        let mut ledger = ledger();
        for slot in [3, 1, 2] {
            ledger.add(slot, T + second(10 - slot), false, T);
        }
        let slots: Vec<_> = ledger.due(T + second(60), 2).iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots, [3, 2]);
        assert_eq!(ledger.due(T + second(60), 2).len(), 1);
    }
}
