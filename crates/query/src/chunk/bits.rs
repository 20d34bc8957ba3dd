//! A set of elements: one bit each.

use std::ops::Range;

/// A set of elements of one level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// None of `len` elements.
    pub fn none(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    /// All of `len` elements.
    pub fn all(len: usize) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; len.div_ceil(64)], len };
        bits.trim();
        bits
    }

    fn trim(&mut self) {
        let rest = self.len % 64;
        if let Some(last) = self.words.last_mut().filter(|_| rest > 0) {
            *last &= (1 << rest) - 1;
        }
    }

    /// The elements for which `is` holds.
    pub fn from_fn(len: usize, mut is: impl FnMut(usize) -> bool) -> Bits {
        let word = |w: usize| {
            let from = w * 64;
            (from..len.min(from + 64)).fold(0u64, |word, i| word | u64::from(is(i)) << (i - from))
        };
        Bits { words: (0..len.div_ceil(64)).map(word).collect(), len }
    }

    /// Number of elements that the set is about.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is about no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether an element is in it.
    #[inline]
    pub fn has(&self, i: usize) -> bool {
        self.words.get(i / 64).is_some_and(|word| word >> (i % 64) & 1 == 1)
    }

    /// Puts an element in.
    #[inline]
    pub fn insert(&mut self, i: usize) {
        if let Some(word) = self.words.get_mut(i / 64) {
            *word |= 1 << (i % 64);
        }
    }

    /// Takes elements out.
    pub fn remove_range(&mut self, range: Range<usize>) {
        self.each_word(range, |word, bits| *word &= !bits);
    }

    /// Puts elements in.
    pub fn insert_range(&mut self, range: Range<usize>) {
        self.each_word(range, |word, bits| *word |= bits);
    }

    /// Does something with each word of a range, and the bits of it that are in the range.
    fn each_word(&mut self, range: Range<usize>, change: impl Fn(&mut u64, u64)) {
        if range.is_empty() {
            return;
        }
        let (first, last) = (range.start / 64, (range.end - 1) / 64);
        let low = u64::MAX << (range.start % 64);
        let high = u64::MAX >> (63 - (range.end - 1) % 64);
        for (w, word) in (first..=last).zip(self.words.iter_mut().skip(first)) {
            let from = if w == first { low } else { u64::MAX };
            let to = if w == last { high } else { u64::MAX };
            change(word, from & to);
        }
    }

    /// Keeps what is in both.
    pub fn and(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Adds what is in the other one.
    pub fn or(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// Takes out what is in the other one.
    pub fn minus(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// Number of elements in it.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether no element is in it.
    pub fn has_none(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Number of elements of a range that are in it.
    pub fn count_in(&self, range: Range<usize>) -> usize {
        let (first, last) = (range.start / 64, range.end / 64);
        let low = u64::MAX << (range.start % 64);
        let high = !(u64::MAX << (range.end % 64));
        let word = |w: usize| self.words.get(w).copied().unwrap_or_default();
        if first == last {
            return (word(first) & low & high).count_ones() as usize;
        }
        let middle: u32 = (first + 1..last).map(|w| word(w).count_ones()).sum();
        ((word(first) & low).count_ones() + middle + (word(last) & high).count_ones()) as usize
    }

    /// The elements in it, rising.
    pub fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(w, &word)| Ones(word).map(move |i| w * 64 + i))
    }

    /// The elements of a range that are in it, rising.
    pub fn ones_in(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let first = range.start / 64;
        let words = self.words.iter().enumerate().skip(first);
        let words = words.take(range.end.div_ceil(64).saturating_sub(first));
        words
            .flat_map(|(w, &word)| Ones(word).map(move |i| w * 64 + i))
            .filter(move |i| range.contains(i))
    }
}

/// Numbers of the bits of a word.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_of_bits_is_a_set(
            len in 0usize..300,
            a in proptest::collection::btree_set(0usize..300, 0..60),
            b in proptest::collection::btree_set(0usize..300, 0..60),
            from in 0usize..300,
            to in 0usize..300,
        ) {
            let within = |set: &BTreeSet<usize>| -> BTreeSet<usize> {
                set.iter().copied().filter(|i| *i < len).collect()
            };
            let (a, b) = (within(&a), within(&b));
            let bits = |set: &BTreeSet<usize>| Bits::from_fn(len, |i| set.contains(&i));
            let (x, y) = (bits(&a), bits(&b));
            prop_assert_eq!(x.ones().collect::<BTreeSet<_>>(), a.clone());
            prop_assert_eq!(x.count(), a.len());
            let range = from.min(to).min(len)..to.max(from).min(len);
            prop_assert_eq!(x.count_in(range.clone()), a.range(range.clone()).count());
            let mut with = x.clone();
            with.insert_range(range.clone());
            prop_assert_eq!(with, Bits::from_fn(len, |i| a.contains(&i) || range.contains(&i)));
            let mut without = x.clone();
            without.remove_range(range.clone());
            prop_assert_eq!(without, Bits::from_fn(len, |i| a.contains(&i) && !range.contains(&i)));
            prop_assert!(x.ones_in(range.clone()).eq(a.range(range).copied()));
            let mut and = x.clone();
            and.and(&y);
            prop_assert_eq!(and, bits(&a.intersection(&b).copied().collect()));
            let mut or = x.clone();
            or.or(&y);
            prop_assert_eq!(or, bits(&a.union(&b).copied().collect()));
            let mut minus = x.clone();
            minus.minus(&y);
            prop_assert_eq!(minus, bits(&a.difference(&b).copied().collect()));
            prop_assert_eq!(Bits::all(len).count(), len);
            prop_assert_eq!(Bits::none(len).has_none(), true);
        }
    }
}
