//! Definition and repetition levels, list by list.
//!
//! A [`Stream`] is what all required leaves of one list share: an entry for each element, and one
//! for each owner that has none, which says by its definition level how far down there is
//! something. `rep` says at which list the entry starts a new element: 0 starts a new row.

use super::attrs::{AttrTable, List, Stored};
use super::gather::NONE;
use super::texts::Gid;

/// Levels of one list's entries.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Stream {
    pub(super) rep: Vec<u8>,
    pub(super) def: Vec<u8>,
    /// How many lists deep it is: the definition level of an element.
    pub(super) depth: u8,
}

impl Stream {
    /// The entries of `rows` rows themselves.
    pub(super) fn rows(rows: usize) -> Self {
        Stream { rep: vec![0; rows], def: vec![0; rows], depth: 0 }
    }

    /// The entries of a list that this list's elements own by `ends`.
    pub(super) fn nest(&self, ends: &[u32]) -> Self {
        let depth = self.depth + 1;
        let total = ends.last().map_or(0, |&end| end as usize);
        let mut rep = Vec::with_capacity(total + self.rep.len());
        let mut def = Vec::with_capacity(total + self.rep.len());
        let mut ends = ends.iter();
        let mut start = 0;
        for (&r, &d) in self.rep.iter().zip(&self.def) {
            rep.push(r);
            let count = if d == self.depth {
                let end = ends.next().copied().unwrap_or(start);
                let count = end.saturating_sub(start) as usize;
                start = end;
                count
            } else {
                0
            };
            if count == 0 {
                def.push(d);
                continue;
            }
            rep.resize(rep.len() + count - 1, depth);
            def.resize(def.len() + count, depth);
        }
        Stream { rep, def, depth }
    }

    /// Definition levels of an optional leaf whose values stand in `column`, and the values.
    pub(super) fn optional(&self, column: &[Gid]) -> (Vec<u8>, Vec<Gid>) {
        let mut def = self.def.clone();
        let mut values = Vec::new();
        let mut column = column.iter();
        for d in def.iter_mut().filter(|d| **d == self.depth) {
            if let Some(&value) = column.next().filter(|&&value| value != NONE) {
                *d += 1;
                values.push(value);
            }
        }
        (def, values)
    }

    /// Levels of a leaf of values of an attribute list, and the values that are stored so.
    pub(super) fn values(
        &self,
        attrs: &AttrTable,
        stored: Stored,
        lists: &[List],
    ) -> (Stream, Vec<u64>) {
        let depth = self.depth + 1;
        let mut values = Vec::new();
        let mut def = self.def.clone();
        let mut all = attrs.stored.iter().zip(&attrs.value);
        let mut elements = 0;
        for d in def.iter_mut().filter(|d| **d == self.depth) {
            let Some((&found, &value)) = all.next() else { break };
            if found == stored {
                *d = depth;
                values.push(value);
            } else if found == Stored::List {
                let list = usize::try_from(value).ok().and_then(|n| lists.get(n));
                if let Some(list) = list.filter(|l| l.stored == stored && !l.values.is_empty()) {
                    *d = depth;
                    values.extend_from_slice(&list.values);
                    elements += list.values.len() - 1;
                }
            }
        }
        let mut stream = Stream { rep: self.rep.clone(), def, depth };
        if elements > 0 {
            stream = stream.spread(attrs, stored, lists, elements);
        }
        (stream, values)
    }

    /// Makes room for the further elements of arrays.
    fn spread(self, attrs: &AttrTable, stored: Stored, lists: &[List], elements: usize) -> Stream {
        let mut rep = Vec::with_capacity(self.rep.len() + elements);
        let mut def = Vec::with_capacity(self.rep.len() + elements);
        let mut all = attrs.stored.iter().zip(&attrs.value);
        for (&r, &d) in self.rep.iter().zip(&self.def) {
            rep.push(r);
            def.push(d);
            if d + 1 < self.depth {
                continue;
            }
            let Some((Stored::List, &value)) = all.next() else { continue };
            let list = usize::try_from(value).ok().and_then(|n| lists.get(n));
            if let Some(list) = list.filter(|l| l.stored == stored) {
                let further = list.values.len().saturating_sub(1);
                rep.resize(rep.len() + further, self.depth);
                def.resize(def.len() + further, self.depth);
            }
        }
        Stream { rep, def, depth: self.depth }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_lists() {
        // Three rows with 2, 0 and 1 elements; these have 0, 2 and 1 elements.
        let rows = Stream::rows(3);
        let outer = rows.nest(&[2, 2, 3]);
        assert_eq!((&outer.rep[..], &outer.def[..]), (&[0, 1, 0, 0][..], &[1, 1, 0, 1][..]));
        let inner = outer.nest(&[0, 2, 3]);
        assert_eq!((&inner.rep[..], &inner.def[..]), (&[0, 1, 2, 0, 0][..], &[1, 2, 2, 0, 2][..]));
        let (def, values) = inner.optional(&[7, NONE, 9]);
        assert_eq!((def, values), (vec![1, 3, 2, 0, 3], vec![7, 9]));
    }

    #[test]
    fn arrays_have_an_entry_for_each_element() {
        let attrs = AttrTable {
            key: vec![0; 4],
            stored: vec![Stored::List, Stored::Int, Stored::Text, Stored::List],
            value: vec![0, 5, 6, 1],
        };
        let lists = [
            List { stored: Stored::Int, values: vec![1, 2, 3] },
            List { stored: Stored::List, values: vec![] },
        ];
        let stream = Stream::rows(2).nest(&[3, 4]);
        let (ints, values) = stream.values(&attrs, Stored::Int, &lists);
        assert_eq!(values, [1, 2, 3, 5]);
        assert_eq!(
            (&ints.rep[..], &ints.def[..]),
            (&[0, 2, 2, 1, 1, 0][..], &[2, 2, 2, 2, 1, 1][..])
        );
        let (texts, values) = stream.values(&attrs, Stored::Text, &lists);
        assert_eq!((values, &texts.def[..]), (vec![6], &[1, 1, 2, 1][..]));
    }
}
