//! Series of one kind, by the values of their labels; bounded.

use crate::room::Room;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// What a series takes in the index and in the list, bytes: both may be half empty.
const PLACE: usize = 64;

/// What is counted in a series.
pub(crate) trait Counted: Default {
    /// Bytes that it holds elsewhere from the beginning.
    const LEAST_BYTES: usize;

    /// Bytes that it has taken beyond those.
    fn bytes(&self) -> usize;
}

/// One series.
#[derive(Debug)]
pub(crate) struct Series<T> {
    /// The values of its labels, each of which ends with a byte that no text has: see [`end_value`].
    pub(crate) key: Box<[u8]>,
    /// When it was last counted in, [`crate::Now::ms`].
    pub(crate) touched: u64,
    pub(crate) value: T,
}

impl<T> Series<T> {
    /// The values of its labels, in order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let values = self.key.split(|b| *b == END);
        values.map(|value| std::str::from_utf8(value).unwrap_or_default())
    }
}

/// Stands behind each value in a key; never in UTF-8.
const END: u8 = 0xff;

/// Ends a value in a key that is being made.
pub(crate) fn end_value(key: &mut Vec<u8>) {
    key.push(END);
}

/// All series of one kind. A series keeps its number while it is there.
#[derive(Debug)]
pub(crate) struct SeriesTable<T> {
    slots: Vec<Option<Box<Series<T>>>>,
    free: Vec<u32>,
    index: HashTable<u32>,
}

impl<T> Default for SeriesTable<T> {
    fn default() -> Self {
        SeriesTable { slots: Vec::new(), free: Vec::new(), index: HashTable::new() }
    }
}

fn hash(key: &[u8]) -> u64 {
    FixedState::default().hash_one(key)
}

/// The memory of a series with this key.
fn bytes_of<T: Counted>(key: &[u8]) -> usize {
    size_of::<Series<T>>() + T::LEAST_BYTES + key.len() + PLACE
}

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// By number.
    pub(crate) most: usize,
    /// The part of the room that they may fill, in eighths.
    pub(crate) eighths: usize,
}

impl<T: Counted> SeriesTable<T> {
    /// Number of series.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The numbers that series have or had, from 0.
    pub(crate) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn get(&self, number: usize) -> Option<&Series<T>> {
        self.slots.get(number)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Series<T>> {
        self.slots.get_mut(number as usize)?.as_deref_mut()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Series<T>> {
        self.slots.iter().flatten().map(|series| &**series)
    }

    /// The number of the series with this key, a new one if there may be one more. None when not.
    pub(crate) fn find_or_add(&mut self, key: &[u8], bound: Bound, room: &mut Room) -> Option<u32> {
        let SeriesTable { slots, free, index } = self;
        let key_of = |number: u32| {
            slots.get(number as usize).and_then(Option::as_ref).map_or(&[][..], |s| &s.key)
        };
        let hashed = hash(key);
        if let Some(found) = index.find(hashed, |&number| key_of(number) == key) {
            return Some(*found);
        }
        if index.len() >= bound.most || !room.take(bytes_of::<T>(key), bound.eighths) {
            return None;
        }
        let new = Some(Box::new(Series { key: key.into(), touched: 0, value: T::default() }));
        let number = match free.pop() {
            Some(number) => number,
            None => u32::try_from(slots.len()).ok()?,
        };
        index.insert_unique(hashed, number, |&number| hash(key_of(number)));
        match slots.get_mut(number as usize) {
            Some(slot) => *slot = new,
            None => slots.push(new),
        }
        Some(number)
    }

    /// Drops those that were not counted in since `before`.
    pub(crate) fn drop_stale(&mut self, before: u64, room: &mut Room) {
        for (number, slot) in (0u32..).zip(&mut self.slots) {
            let Some(series) = slot.take_if(|series| series.touched < before) else { continue };
            let found = self.index.find_entry(hash(&series.key), |&own| own == number);
            if let Ok(entry) = found {
                entry.remove();
            }
            room.give_back(bytes_of::<T>(&series.key) + series.value.bytes());
            self.free.push(number);
        }
        if self.index.is_empty() {
            *self = SeriesTable::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    impl Counted for u64 {
        const LEAST_BYTES: usize = 0;

        fn bytes(&self) -> usize {
            0
        }
    }

    const ALL: Bound = Bound { most: 3, eighths: 8 };

    #[test]
    fn a_series_keeps_its_number_and_gives_its_room_back() {
        let (mut table, mut room) = (SeriesTable::<u64>::default(), Room::new(8 << 10));
        let mut add = |table: &mut SeriesTable<u64>, key: &str| {
            let number = table.find_or_add(key.as_bytes(), ALL, &mut room)?;
            table.get_mut(number)?.touched = key.len() as u64;
            Some(number)
        };
        assert_eq!(add(&mut table, "a"), Some(0));
        assert_eq!(add(&mut table, "bb"), Some(1));
        assert_eq!(add(&mut table, "a"), Some(0));
        assert_eq!(add(&mut table, "ccc"), Some(2));
        assert_eq!(add(&mut table, "dddd"), None, "three at most");
        let used = room.used();
        table.drop_stale(3, &mut room);
        assert!(room.used() < used);
        assert_eq!((table.len(), table.slots()), (1, 3));
        let number = table.find_or_add(b"ccc", ALL, &mut room);
        assert_eq!(number, Some(2));
        table.drop_stale(u64::MAX, &mut room);
        assert_eq!((room.used(), table.slots()), (0, 0));
    }

    #[test]
    fn numbers_are_as_a_map_would_have_them() {
        let (mut table, mut room) = (SeriesTable::<u64>::default(), Room::new(1 << 20));
        let bound = Bound { most: 500, eighths: 8 };
        let mut known: BTreeMap<String, u32> = BTreeMap::new();
        for n in 0..5000u64 {
            let key = format!("{}", n * n % 701);
            let number = table.find_or_add(key.as_bytes(), bound, &mut room).unwrap();
            table.get_mut(number).unwrap().touched = n;
            assert_eq!(*known.entry(key).or_insert(number), number);
            if n % 997 == 0 {
                table.drop_stale(n.saturating_sub(300), &mut room);
                known.retain(|_, number| table.get(*number as usize).is_some());
            }
            assert_eq!(known.len(), table.len());
        }
    }

    #[test]
    fn bytes_bound_them_too() {
        let (mut table, mut room) = (SeriesTable::<u64>::default(), Room::new(2048));
        let bound = Bound { most: 1000, eighths: 4 };
        let added = (0..100u8).filter(|n| table.find_or_add(&[*n], bound, &mut room).is_some());
        let added = added.count();
        assert!(added > 2 && added < 20 && room.used() <= 1024, "{added}");
    }
}
