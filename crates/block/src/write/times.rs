//! When the spans of a block were: a range, and single hours apart from it.
//!
//! One pod with a broken clock must not make every block reach from 1970 to 2554, so that every
//! search opens it. A few spans that are far from all others do not widen the range; the hours in
//! which they are stand beside it, and searches for those hours open the block all the same.

use crate::meta::HOUR;
use std::collections::BTreeMap;

const DAY: u64 = 24 * HOUR;
/// Spans that are closer than this to others are theirs.
const APART: u64 = DAY;
/// A span that is longer has a clock that was set while it ran: between its ends nothing is known.
const LONGEST: u64 = 31 * DAY;
/// What is further away is odd unless it is a third of all, and not only a tenth.
const FAR: u64 = 400 * DAY;
/// Most hours that are told apart while spans come. Beyond that the nearest takes the next one in.
const MOST_HOURS: usize = 4096;
/// Most stretches of odd hours that a block notes.
const MOST_ODD: usize = 16;

/// Takes in spans.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// By the hour of the earliest.
    hours: BTreeMap<u64, Stretch>,
}

/// Spans next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    first: u64,
    last: u64,
    spans: u64,
}

/// When the spans were, in nanoseconds since the epoch, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Settled {
    pub(super) start: u64,
    pub(super) end: u64,
    /// First and last hour since the epoch of each stretch of odd ones, in order.
    pub(super) odd_hours: Vec<(u32, u32)>,
}

impl Times {
    /// Takes in one span.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if (start..=start.saturating_add(LONGEST)).contains(&end) {
            self.put(Stretch { first: start, last: end, spans: 1 });
        } else {
            self.put(Stretch { first: start, last: start, spans: 1 });
            self.put(Stretch { first: end, last: end, spans: 1 });
        }
    }

    fn put(&mut self, new: Stretch) {
        let hour = new.first / HOUR;
        let full = self.hours.len() >= MOST_HOURS;
        let near = match self.hours.contains_key(&hour) || !full {
            true => hour,
            false => {
                let before = self.hours.range(..hour).next_back().map(|(hour, _)| *hour);
                let after = self.hours.range(hour..).next().map(|(hour, _)| *hour);
                let near = [before, after].into_iter().flatten().min_by_key(|h| h.abs_diff(hour));
                near.unwrap_or(hour)
            }
        };
        self.hours.entry(near).and_modify(|known| known.join(new)).or_insert(new);
    }

    /// Decides what belongs together.
    pub(super) fn settle(&self) -> Settled {
        let mut all: Vec<Stretch> = self.hours.values().copied().collect();
        all.sort_unstable_by_key(|stretch| stretch.first);
        let groups = join(all, |gap| gap <= APART);
        let spans: u64 = groups.iter().map(|group| group.spans).sum();
        // Of two that are alike the later, which is not later than what Tempo can note.
        let weight = |group: &&Stretch| (group.spans, group.last <= i64::MAX as u64, group.first);
        let Some(main) = groups.iter().max_by_key(weight).copied() else {
            return Settled::default();
        };
        let is_odd = |group: &Stretch| {
            let share = if group.gap(&main) > FAR { 3 } else { 10 };
            *group != main && group.spans.saturating_mul(share) < spans
        };
        let (odd, ranged): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_odd);
        let range = join(ranged, |_| true).first().copied().unwrap_or(main);
        // What lies between two parts of the range is in it.
        let odd: Vec<Stretch> = odd.into_iter().filter(|group| group.gap(&range) > 0).collect();
        let hours = |group: Stretch| (hour(group.first), hour(group.last));
        let odd_hours = fewer(odd).into_iter().map(hours).collect();
        Settled { start: range.first, end: range.last, odd_hours }
    }
}

impl Stretch {
    fn join(&mut self, other: Stretch) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.spans += other.spans;
    }

    /// How far from each other two of them are.
    fn gap(&self, other: &Stretch) -> u64 {
        let (one, two) =
            (other.first.saturating_sub(self.last), self.first.saturating_sub(other.last));
        one.max(two)
    }
}

/// Joins neighbours, of some that stand in order, where `together` says so of the gap between them.
fn join(all: Vec<Stretch>, together: impl Fn(u64) -> bool) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in all {
        match joined.last_mut() {
            Some(last) if together(last.gap(&next)) => last.join(next),
            _ => joined.push(next),
        }
    }
    joined
}

/// At most [`MOST_ODD`] of them: those with the smallest gaps between them become one.
fn fewer(odd: Vec<Stretch>) -> Vec<Stretch> {
    let mut gaps: Vec<u64> =
        odd.windows(2).filter_map(|w| Some(w.first()?.gap(w.last()?))).collect();
    gaps.sort_unstable_by_key(|gap| std::cmp::Reverse(*gap));
    match gaps.get(MOST_ODD - 1) {
        // Gaps that are alike may leave fewer, never more.
        Some(&largest) => join(odd, |gap| gap <= largest),
        None => odd,
    }
}

fn hour(nanos: u64) -> u32 {
    // 2^64 ns are 5,124,095 hours.
    u32::try_from(nanos / HOUR).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29, midnight.
    const NOW: u64 = 1_795_910_400 * 1_000_000_000;
    const SECOND: u64 = 1_000_000_000;

    fn settled(spans: &[(u64, u64, usize)]) -> Settled {
        let mut times = Times::default();
        for &(start, end, count) in spans {
            for n in 0..count as u64 {
                times.add(start.saturating_add(n), end);
            }
        }
        times.settle()
    }

    fn of(start: u64, end: u64, odd_hours: &[(u32, u32)]) -> Settled {
        Settled { start, end, odd_hours: odd_hours.to_vec() }
    }

    #[test]
    fn a_few_odd_spans_do_not_widen_the_range() {
        let end = NOW + SECOND;
        let good = (NOW, end, 200);
        let (week, year) = (NOW - 7 * DAY, NOW - 500 * DAY);
        let at = |time: u64| (hour(time), hour(time));
        let table = [
            ("nothing", vec![], of(0, 0, &[])),
            ("one span", vec![(NOW, end, 1)], of(NOW, end, &[])),
            ("all well", vec![good], of(NOW, end, &[])),
            ("one in 1970", vec![good, (0, 5, 1)], of(NOW, end, &[(0, 0)])),
            ("a start that was not set", vec![good, (0, end, 3)], of(NOW, end, &[(0, 0)])),
            ("one of few", vec![(NOW, end, 3), (0, 5, 1)], of(NOW, end, &[(0, 0)])),
            ("one in 2554", vec![good, (u64::MAX - 9, u64::MAX, 3)], of(NOW, end, &[at(u64::MAX)])),
            ("it ends before it starts", vec![good, (NOW, 7, 1)], of(NOW, end, &[(0, 0)])),
            ("some from last week", vec![good, (week, week, 10)], of(NOW, end, &[at(week)])),
            ("a part from last week", vec![good, (week, week, 30)], of(week, end, &[])),
            (
                "mostly last week",
                vec![(NOW, end, 9), (week, week + 5, 200)],
                of(week, week + 199, &[at(NOW)]),
            ),
            ("a fifth from last year", vec![good, (year, year, 50)], of(NOW, end, &[at(year)])),
            ("half from last year", vec![good, (year, year, 190)], of(year, end, &[])),
            ("a day of work", vec![good, (NOW - 3 * DAY, end, 1)], of(NOW - 3 * DAY, end, &[])),
            ("an hour before", vec![good, (NOW - HOUR, NOW, 1)], of(NOW - HOUR, end, &[])),
        ];
        for (what, spans, expected) in table {
            assert_eq!(settled(&spans), expected, "{what}");
        }
    }

    #[test]
    fn odd_hours_are_bounded_and_cover_every_odd_span() {
        let odd: Vec<u64> = (0..5000_u64).map(|n| (n * 90 + n * n % 50) * HOUR).collect();
        let mut times = Times::default();
        (0..100_000).for_each(|n| times.add(NOW + n, NOW + n));
        odd.iter().for_each(|&start| times.add(start, start));
        assert!(times.hours.len() <= MOST_HOURS);
        let settled = times.settle();
        assert!(settled.odd_hours.len() <= MOST_ODD && !settled.odd_hours.is_empty());
        assert!(settled.odd_hours.is_sorted());
        for start in odd {
            let hours = |&(first, last): &(u32, u32)| (first..=last).contains(&hour(start));
            let covered = settled.odd_hours.iter().any(hours);
            assert!(covered || (settled.start..=settled.end).contains(&start), "{start}");
        }
    }
}
