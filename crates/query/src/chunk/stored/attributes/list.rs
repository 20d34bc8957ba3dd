//! The generic list of attributes, as it is decoded.

use crate::chunk::{Cell, Cells};
use std::cell::{Cell as Slot, OnceCell};
use std::sync::Arc;
use tributary_block::{Dictionary, Leaf};
use tributary_span::columns::owned;

/// An attribute that was looked for: its owner, and its place in the list.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) owner: u32,
    pub(super) place: u32,
}

/// An attribute of those owners that have it, rising.
pub(super) struct Sparse {
    pub(super) owners: Vec<u32>,
    pub(super) cells: Cells,
}

impl Sparse {
    /// The same with one cell for each owner; none when there are owners beyond the last.
    pub(super) fn spread(self, owners: usize) -> Option<Cells> {
        let mut all = vec![Cell::Nil; owners];
        for (owner, cell) in self.owners.iter().zip(&self.cells.cells) {
            *all.get_mut(*owner as usize)? = *cell;
        }
        Some(Cells { cells: all, ..self.cells })
    }
}

/// Each attribute with the number of its key, by the levels of the list's keys.
fn walk(keys: &Leaf<u32>, depth: u8, mut found: impl FnMut(u32, Hit)) {
    let (mut owners, mut place) = (0u32, 0u32);
    let mut values = keys.values.iter();
    for (&rep, &def) in keys.rep.iter().zip(&keys.def) {
        owners += u32::from(rep < depth && def + 1 >= depth);
        if def >= depth {
            if let Some(&key) = values.next() {
                found(key, Hit { owner: owners.wrapping_sub(1), place });
            }
            place += 1;
        }
    }
}

/// The attributes with one of these keys.
pub(super) fn hits(keys: &Leaf<u32>, depth: u8, wanted: &[u32]) -> Vec<Hit> {
    let mut hits = Vec::new();
    walk(keys, depth, |key, hit| {
        if wanted.contains(&key) {
            hits.push(hit);
        }
    });
    hits
}

/// All attributes by the number of their key, of which there are `distinct`.
pub(super) fn all_hits(keys: &Leaf<u32>, depth: u8, distinct: usize) -> Vec<Vec<Hit>> {
    let mut by_key: Vec<Vec<Hit>> = Vec::new();
    by_key.resize_with(distinct, Vec::new);
    walk(keys, depth, |key, hit| {
        if let Some(hits) = by_key.get_mut(key as usize) {
            hits.push(hit);
        }
    });
    by_key
}

/// The values of a list's attributes from one of its leaves: where those of each end.
#[derive(Debug)]
pub(super) struct Placed<T> {
    ends: Vec<u32>,
    values: Vec<T>,
}

impl<T> Placed<T> {
    pub(super) fn new(leaf: Leaf<T>, depth: u8) -> Placed<T> {
        let mut ends: Vec<u32> = Vec::with_capacity(leaf.def.len());
        let mut count = 0u32;
        for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
            let has_value = def == leaf.max_def;
            count += u32::from(has_value);
            if rep <= depth && def >= depth {
                ends.push(count);
            } else if has_value && let Some(end) = ends.last_mut() {
                *end = count;
            }
        }
        Placed { ends, values: leaf.values }
    }

    pub(super) fn of(&self, place: u32) -> &[T] {
        self.values.get(owned(&self.ends, place as usize)).unwrap_or_default()
    }
}

/// What was decoded of a list of attributes: it serves all keys that a query asks for.
#[derive(Debug, Default)]
pub(in crate::chunk::stored) struct List {
    pub(super) texts: OnceCell<(Placed<u32>, Arc<Dictionary>)>,
    pub(super) ints: OnceCell<Placed<i64>>,
    pub(super) doubles: OnceCell<Placed<u64>>,
    pub(super) bools: OnceCell<Placed<bool>>,
    pub(super) is_array: OnceCell<Vec<bool>>,
    /// Attributes by the number of their key, once several keys were asked for.
    pub(super) by_key: OnceCell<Vec<Vec<Hit>>>,
    pub(super) asked: Slot<u32>,
}
