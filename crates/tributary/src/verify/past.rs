//! What an earlier run of the verifier wrote, told by its own traces.
//!
//! The verifier keeps nothing. But each trace carries notes: since which slot the run that wrote it had
//! been writing, and which of the slots before were not acknowledged. A trace that is found after a restart
//! thereby vouches for those before it: what it says was acknowledged must be there. For what lies after
//! the last trace that is found none vouches: that is not looked at again.

use super::case::NOTE;
use super::span::{Attributes, Value};
use std::collections::BTreeSet;
use tributary_span::Columns;
use tributary_span::columns::ValueType;

/// How many slots back a trace says what was not acknowledged.
pub(crate) const REMEMBERED: u64 = 500;

/// What a trace says of those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The first slot of the run that wrote it.
    pub(crate) since: u64,
    /// Slots that were not acknowledged when it was written, in rising order.
    pub(crate) not_acknowledged: BTreeSet<u64>,
}

impl Notes {
    /// As attributes of the root of slot `slot`.
    pub(crate) fn attributes(&self, slot: u64) -> Attributes {
        let number = |slot: u64| Value::Int(i64::try_from(slot).unwrap_or(i64::MAX));
        let first = slot.saturating_sub(REMEMBERED);
        let missing: Vec<String> =
            self.not_acknowledged.range(first..slot).map(u64::to_string).collect();
        vec![
            ("verify.note.since", number(self.since.max(first))),
            ("verify.note.not_acknowledged", Value::Str(missing.join(" "))),
        ]
    }

    /// The notes of a trace that was found.
    pub(crate) fn of(columns: &Columns) -> Option<Notes> {
        let (mut since, mut not_acknowledged) = (None, None);
        for row in 0..columns.len() {
            for attr in columns.attrs_of_span(row) {
                let Some(key) = columns.texts.str(attr.key).strip_prefix(NOTE) else { continue };
                let text = || columns.texts.str(attr.text());
                let number = match attr.value_type {
                    ValueType::Int => Some(attr.value),
                    ValueType::Str => text().parse().ok(),
                    _ => None,
                };
                match key {
                    "since" => since = number,
                    "not_acknowledged" if attr.value_type == ValueType::Str => {
                        let slots = text().split_whitespace().map(|slot| slot.parse().ok());
                        not_acknowledged = slots.collect::<Option<BTreeSet<u64>>>();
                    }
                    _ => {}
                }
            }
        }
        Some(Notes { since: since?, not_acknowledged: not_acknowledged? })
    }

    /// The slots that a trace of slot `slot` vouches for. Itself is among them where it was written at
    /// once: half of one that is written in two halves says nothing of the other.
    pub(crate) fn vouches_for(&self, slot: u64, at_once: bool) -> impl Iterator<Item = u64> + '_ {
        let first = self.since.max(slot.saturating_sub(REMEMBERED));
        let before = (first..slot).filter(|at| !self.not_acknowledged.contains(at));
        before.chain(at_once.then_some(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::super::plan::{Plan, Protocol};
    use super::super::send::otlp;
    use super::*;
    use std::time::Duration;
    use tributary_span::columns::Builder;
    use tributary_span::otlp::{Limits, decode};

    fn notes(since: u64, missing: &[u64]) -> Notes {
        Notes { since, not_acknowledged: missing.iter().copied().collect() }
    }

    #[test]
    fn what_a_trace_vouches_for() {
        let table: [(Notes, u64, bool, &[u64]); 5] = [
            (notes(5, &[]), 5, true, &[5]),
            (notes(5, &[]), 7, true, &[5, 6, 7]),
            (notes(5, &[6]), 7, true, &[5, 7]),
            (notes(5, &[6]), 7, false, &[5]),
            (notes(9, &[]), 7, false, &[]),
        ];
        for (notes, slot, at_once, expected) in table {
            let slots: Vec<_> = notes.vouches_for(slot, at_once).collect();
            assert_eq!(slots, expected, "{notes:?}");
        }
        assert_eq!(notes(0, &[]).vouches_for(10_000, true).count() as u64, REMEMBERED + 1);
    }

    #[test]
    fn notes_travel_in_traces_and_are_not_compared() {
        let plan = Plan::new("v", Duration::from_secs(10), &[Protocol::Zipkin]);
        let mut case = Case::of(&plan, 1000);
        let plain = case.clone();
        // Of what is longer ago nothing is said.
        let said = notes(20, &[30, 700, 1000]);
        case.note(said.attributes(1000));
        let mut columns = Builder::new();
        decode::append_all(&mut columns, &otlp::request(&case.spans), &Limits::default()).unwrap();
        let columns = columns.take();
        assert_eq!(Notes::of(&columns), Some(notes(500, &[700])));
        assert!(super::super::compare::compare(&plain, &columns).is_empty());
        assert_eq!(Notes::of(&Columns::default()), None);
    }
}
