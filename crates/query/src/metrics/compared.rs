//! Counts of the values of all attributes, bounded.

use super::labels::Key;
use crate::answer::Label;
use crate::chunk::NONE;
use std::collections::{BTreeMap, HashMap};

/// More values than this of one attribute are not told apart.
const TOO_MANY: usize = 10_000;
/// So many values are held of all attributes together while they are counted; then the rarest of the
/// attribute that has the most are let go.
const HELD: usize = 64 << 10;
/// Counts of a chunk stand in one table of at most so many numbers.
const TABLE: usize = 1 << 16;

/// A step, and whether the span is selected: twice the step, and one more if it is.
pub(super) type Slot = u32;

/// The slot of a step.
pub(super) fn slot_of(step: usize, is_selected: bool) -> Slot {
    u32::try_from(step * 2 + usize::from(is_selected)).unwrap_or(NONE)
}

/// Spans by slot, rising.
#[derive(Debug, Clone, Default)]
struct Counts(Vec<(Slot, u64)>);

impl Counts {
    fn add(&mut self, slot: Slot, spans: u64) {
        match self.0.last_mut() {
            Some((last, n)) if *last == slot => *n += spans,
            Some((last, _)) if *last > slot => match self.0.binary_search_by_key(&slot, |c| c.0) {
                Ok(at) => self.0.get_mut(at).into_iter().for_each(|(_, n)| *n += spans),
                Err(at) => self.0.insert(at, (slot, spans)),
            },
            _ => self.0.push((slot, spans)),
        }
    }

    fn merge(&mut self, other: &Counts) {
        other.0.iter().for_each(|(slot, n)| self.add(*slot, *n));
    }

    fn of(&self, is_selected: bool) -> impl Iterator<Item = (usize, u64)> + '_ {
        let side = self.0.iter().filter(move |(slot, _)| (slot % 2 == 1) == is_selected);
        side.map(|(slot, n)| (*slot as usize / 2, *n))
    }

    fn all(&self) -> u64 {
        self.0.iter().map(|(_, n)| n).sum()
    }
}

/// Attributes by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Compared(BTreeMap<String, Attribute>);

/// Spans by value of one attribute.
#[derive(Debug, Clone, Default)]
pub(super) struct Attribute {
    values: HashMap<Key, Counts>,
    /// Those of values that were let go, and of those that are none.
    rest: Counts,
    /// Whether there were too many values, among the others and among the selected.
    too_many: [bool; 2],
}

/// What is said of an attribute, for one of the two.
pub(super) struct Side<'c> {
    /// Spans by step and value.
    pub(super) values: Vec<(&'c Label, Vec<u64>)>,
    /// Spans by step that have the attribute.
    pub(super) total: Vec<u64>,
    /// Whether there were more values than are told apart.
    pub(super) too_many: bool,
}

impl Compared {
    pub(super) fn attribute(&mut self, name: String) -> &mut Attribute {
        self.0.entry(name).or_default()
    }

    /// All attributes by name.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(name, attribute)| (name.as_str(), attribute))
    }

    /// Adds what others counted.
    pub(super) fn merge(&mut self, other: Compared) {
        for (name, other) in other.0 {
            let own = self.attribute(name);
            for (value, counts) in other.values {
                own.values.entry(value).or_default().merge(&counts);
            }
            own.rest.merge(&other.rest);
            own.too_many.iter_mut().zip(other.too_many).for_each(|(own, is)| *own |= is);
        }
        self.bound();
    }

    /// Lets values go while there are too many.
    pub(super) fn bound(&mut self) {
        let mut held: usize = self.0.values().map(|attribute| attribute.values.len()).sum();
        while held > HELD {
            let most = self.0.values_mut().max_by_key(|attribute| attribute.values.len());
            let Some(most) = most else { return };
            let before = most.values.len();
            most.keep(before / 2);
            held -= before - most.values.len();
        }
    }
}

impl Attribute {
    /// Adds spans of a chunk: number of the value in `labels`, slot, and how many. [`NONE`] in one of
    /// the first two is no span.
    pub(super) fn add(
        &mut self,
        labels: Vec<Label>,
        spans: impl Iterator<Item = (u32, Slot, u64)> + Clone,
    ) {
        let spans = spans.filter(|(number, slot, _)| *number != NONE && *slot != NONE);
        let slots = spans.clone().map(|(_, slot, _)| slot as usize + 1).max().unwrap_or_default();
        let mut counts = vec![Counts::default(); labels.len()];
        if labels.len().saturating_mul(slots) <= TABLE {
            let mut table = vec![0u64; labels.len() * slots];
            for (number, slot, n) in spans {
                if let Some(count) = table.get_mut(number as usize * slots + slot as usize) {
                    *count += n;
                }
            }
            for (counts, row) in counts.iter_mut().zip(table.chunks(slots.max(1))) {
                let some = (0..).zip(row).filter(|(_, n)| **n > 0);
                counts.0.extend(some.map(|(slot, n)| (slot, *n)));
            }
        } else {
            for (number, slot, n) in spans {
                if let Some(counts) = counts.get_mut(number as usize) {
                    counts.add(slot, n);
                }
            }
        }
        let mut all: Vec<(Label, Counts)> =
            labels.into_iter().zip(counts).filter(|(_, counts)| !counts.0.is_empty()).collect();
        if all.len() > TOO_MANY {
            all.sort_unstable_by_key(|(_, counts)| std::cmp::Reverse(counts.all()));
            all.split_off(TOO_MANY).iter().for_each(|(_, counts)| self.let_go(counts));
        }
        for (value, counts) in all {
            match value {
                Label::Nil => self.rest.merge(&counts),
                value => self.values.entry(Key(vec![value])).or_default().merge(&counts),
            }
        }
    }

    /// Keeps the most frequent values.
    fn keep(&mut self, values: usize) {
        let mut all: Vec<(Key, Counts)> = self.values.drain().collect();
        all.sort_unstable_by_key(|(_, counts)| std::cmp::Reverse(counts.all()));
        all.split_off(values).iter().for_each(|(_, counts)| self.let_go(counts));
        self.values.extend(all);
    }

    /// Counts a value for the total alone.
    fn let_go(&mut self, counts: &Counts) {
        self.rest.merge(counts);
        for (too_many, is_selected) in self.too_many.iter_mut().zip([false, true]) {
            *too_many |= counts.of(is_selected).next().is_some();
        }
    }

    fn has_too_many(&self, is_selected: bool) -> bool {
        let having = self.values.values().filter(|counts| counts.of(is_selected).next().is_some());
        self.too_many.get(usize::from(is_selected)) == Some(&true) || having.count() > TOO_MANY
    }

    /// What is said of the selected spans, or of the others.
    pub(super) fn side(&self, is_selected: bool, steps: usize) -> Side<'_> {
        let mut total = vec![0; steps];
        let mut values = Vec::new();
        for (value, counts) in &self.values {
            let [value] = value.0.as_slice() else { continue };
            let mut by_step = vec![0; steps];
            for (step, n) in counts.of(is_selected) {
                by_step.get_mut(step).into_iter().chain(total.get_mut(step)).for_each(|c| *c += n);
            }
            if by_step.iter().any(|n| *n > 0) {
                values.push((value, by_step));
            }
        }
        for (step, n) in self.rest.of(is_selected) {
            total.get_mut(step).into_iter().for_each(|c| *c += n);
        }
        Side { values, total, too_many: self.has_too_many(is_selected) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(n: usize) -> Label {
        Label::Str(n.to_string())
    }

    #[test]
    fn counts_add_up_in_any_order() {
        let spans = [(0, 3, 2), (1, 0, 1), (0, 1, 1), (NONE, 0, 9), (2, NONE, 9), (2, 2, 4)];
        let labels = || vec![label(0), label(1), Label::Nil];
        let mut once = Compared::default();
        once.attribute("a".to_owned()).add(labels(), spans.into_iter());
        let mut parts = Compared::default();
        for some in spans.chunks(2).rev() {
            let mut part = Compared::default();
            part.attribute("a".to_owned()).add(labels(), some.iter().copied());
            parts.merge(part);
        }
        for compared in [once, parts] {
            let (name, attribute) = compared.attributes().next().unwrap();
            assert_eq!(name, "a");
            let selected = attribute.side(true, 2);
            assert_eq!(selected.values, [(&label(0), vec![1, 2])]);
            assert_eq!((selected.total, selected.too_many), (vec![1, 2], false));
            let others = attribute.side(false, 2);
            assert_eq!(others.values, [(&label(1), vec![1, 0])]);
            assert_eq!(others.total, [1, 4]);
        }
    }

    #[test]
    fn of_many_attributes_the_one_with_the_most_values_is_cut() {
        let mut compared = Compared::default();
        let few = || (0..9).map(label).collect();
        let spans = |n: u32| (0..n).map(|i| (i, slot_of(0, true), 1));
        compared.attribute("few".to_owned()).add(few(), spans(9));
        for part in 0..10 {
            let from = part * TOO_MANY;
            let labels = (from..from + TOO_MANY).map(label).collect();
            compared.attribute("many".to_owned()).add(labels, spans(10_000));
            compared.bound();
        }
        let held: usize = compared.attributes().map(|(_, a)| a.values.len()).sum();
        assert!(held <= HELD, "{held}");
        let sides: Vec<_> = compared.attributes().map(|(_, a)| a.side(true, 1)).collect();
        let said: Vec<_> =
            sides.iter().map(|s| (s.values.len() == 9, s.total.clone(), s.too_many)).collect();
        assert_eq!(said, [(true, vec![9], false), (false, vec![100_000], true)]);
    }

    #[test]
    fn too_many_values_are_bounded_and_the_frequent_stay() {
        let mut compared = Compared::default();
        let many = 2 * TOO_MANY + 5;
        let numbers: Vec<usize> = (0..many).collect();
        for some in numbers.chunks(many.div_ceil(4)) {
            let spans = some
                .iter()
                .zip(0u32..)
                .map(|(n, i)| (i, slot_of(0, false), if n % TOO_MANY == 7 { 3 } else { 1 }));
            let mut part = Compared::default();
            part.attribute("id".to_owned()).add(some.iter().map(|n| label(*n)).collect(), spans);
            compared.merge(part);
        }
        let attribute = compared.attributes().next().unwrap().1;
        assert!(attribute.values.len() <= many);
        let others = attribute.side(false, 1);
        assert!(others.too_many && !attribute.side(true, 1).too_many);
        let frequent = others.values.iter().filter(|(_, n)| n[..] == [3]);
        assert_eq!(frequent.count(), 2);
        assert_eq!(others.total, [many as u64 + 2 * 2]);
    }
}
