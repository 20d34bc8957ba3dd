//! The definitions that an encoder has made, each once.

use crate::frame::MAX_DEFINITIONS_BYTES;
use crate::frame::definition::{self, OVERHEAD};
use bytes::Bytes;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

/// Definitions by number, as bytes.
#[derive(Debug, Default)]
pub(super) struct Entries {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Entries {
    pub(super) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    fn get(&self, number: u32) -> &[u8] {
        let i = number as usize;
        let end = self.ends.get(i).map_or(0, |&e| e as usize);
        let start = i.checked_sub(1).and_then(|i| self.ends.get(i)).map_or(0, |&e| e as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The definitions `range` as a blob; `None` when there are fewer.
    pub(super) fn blob(&self, range: Range<u32>) -> Option<Bytes> {
        if range.end > self.len() {
            return None;
        }
        if range.is_empty() {
            return Some(Bytes::new());
        }
        Some(definition::blob(range.map(|number| (number, self.get(number)))).into())
    }
}

/// One dictionary in the making.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    entries: Entries,
    known: HashTable<u32>,
    /// Bytes that were not defined for want of room although they occur again and again.
    missed: usize,
    /// Fingerprints of what frames held without defining it; the place follows from the hash.
    seen: Vec<u32>,
}

const SEEN: usize = 4096;

/// A hash of a definition or of anything else that stands for its content, equal across frames.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

impl Dictionary {
    /// Number of the definition with exactly these bytes.
    pub(super) fn find(&self, entry: &[u8]) -> Option<u32> {
        let entries = &self.entries;
        self.known.find(fingerprint(entry), |&n| entries.get(n) == entry).copied()
    }

    /// The same; it is added if it is new and there is room.
    pub(super) fn find_or_add(&mut self, entry: &[u8]) -> Option<u32> {
        let hash = fingerprint(entry);
        let entries = &self.entries;
        if let Some(&found) = self.known.find(hash, |&n| entries.get(n) == entry) {
            return Some(found);
        }
        if self.used() + entry.len() + OVERHEAD > MAX_DEFINITIONS_BYTES {
            self.missed += entry.len();
            return None;
        }
        let number = self.entries.len();
        self.entries.bytes.extend_from_slice(entry);
        self.entries.ends.push(self.entries.bytes.len() as u32);
        let entries = &self.entries;
        self.known.insert_unique(hash, number, |&n| fingerprint(entries.get(n)));
        Some(number)
    }

    fn used(&self) -> usize {
        self.entries.bytes.len() + self.entries.ends.len() * OVERHEAD
    }

    /// Whether there is still so much room that what is likely to recur may be defined at once.
    pub(super) fn roomy(&self) -> bool {
        self.used() < MAX_DEFINITIONS_BYTES / 4
    }

    /// How often this fingerprint has been asked for before, up to 3 (or, rarely, less: another one
    /// has taken its place).
    pub(super) fn sightings(&mut self, fingerprint: u64) -> u32 {
        if self.seen.is_empty() {
            self.seen.resize(SEEN, 0);
        }
        let mark = (fingerprint >> 32) as u32 & !3;
        let Some(place) = self.seen.get_mut(fingerprint as usize % SEEN) else { return 0 };
        if *place & !3 != mark {
            *place = mark;
        }
        let before = *place & 3;
        *place = mark | (before + 1).min(3);
        before
    }

    /// Whether a fresh dictionary would by now have saved more than it costs.
    pub(super) fn is_useless(&self) -> bool {
        self.missed > MAX_DEFINITIONS_BYTES
    }

    pub(super) fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Gives up everything but the entries, which frames in flight may still need, and starts
    /// afresh.
    pub(super) fn restart(&mut self) -> Entries {
        self.known.clear();
        self.missed = 0;
        std::mem::take(&mut self.entries)
    }
}
