//! A map that is bounded in bytes and forgets what was used longest ago.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The map. Its entries' sizes are what the caller says.
#[derive(Debug)]
pub struct Lru<K, V> {
    limit: usize,
    used: usize,
    /// Counts uses; an entry's place in the order of use.
    clock: u64,
    entries: HashMap<K, Entry<V>>,
    order: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used_at: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Lru<K, V> {
    /// An empty map of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Lru { limit, used: 0, clock: 0, entries: HashMap::new(), order: BTreeMap::new() }
    }

    /// The value, which now is the last used.
    pub fn get(&mut self, key: &K) -> Option<V> {
        let entry = self.entries.get_mut(key)?;
        self.clock += 1;
        let key = self.order.remove(&entry.used_at)?;
        entry.used_at = self.clock;
        self.order.insert(self.clock, key);
        Some(entry.value.clone())
    }

    /// Puts a value in; others go until it fits. One larger than the limit is not kept.
    pub fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        if bytes > self.limit {
            return;
        }
        while self.used + bytes > self.limit {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            if let Some(entry) = self.entries.remove(&oldest) {
                self.used -= entry.bytes;
            }
        }
        self.clock += 1;
        self.used += bytes;
        self.order.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { value, bytes, used_at: self.clock });
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.used -= entry.bytes;
            self.order.remove(&entry.used_at);
        }
    }

    /// Takes out what `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.entries.keys().filter(|key| !keep(key)).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    /// Bytes in use.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut lru = Lru::new(10);
        lru.insert("a", 1, 4);
        lru.insert("b", 2, 4);
        assert_eq!(lru.get(&"a"), Some(1));
        lru.insert("c", 3, 4);
        assert_eq!((lru.get(&"a"), lru.get(&"b"), lru.get(&"c")), (Some(1), None, Some(3)));
    }

    #[test]
    fn sizes_are_counted_through_all_changes() {
        let mut lru = Lru::new(10);
        lru.insert("a", 1, 4);
        lru.insert("a", 2, 6);
        assert_eq!((lru.bytes(), lru.get(&"a")), (6, Some(2)));
        lru.insert("too large", 3, 11);
        assert_eq!((lru.bytes(), lru.get(&"too large")), (6, None));
        lru.insert("b", 4, 4);
        lru.retain(|key| *key == "b");
        assert_eq!((lru.bytes(), lru.get(&"a")), (4, None));
        lru.remove(&"b");
        assert_eq!(lru.bytes(), 0);
    }

    proptest! {
        #[test]
        fn the_limit_holds(steps in proptest::collection::vec((0u8..8, 0usize..12, any::<bool>()), 0..60)) {
            let mut lru = Lru::new(20);
            for (key, bytes, insert) in steps {
                if insert { lru.insert(key, (), bytes) } else { lru.get(&key); }
                prop_assert!(lru.bytes() <= 20);
                prop_assert_eq!(lru.bytes(), lru.entries.values().map(|e| e.bytes).sum::<usize>());
                prop_assert!(lru.order.iter().all(|(at, key)| lru.entries[key].used_at == *at));
                prop_assert_eq!(lru.order.len(), lru.entries.len());
            }
        }
    }
}
