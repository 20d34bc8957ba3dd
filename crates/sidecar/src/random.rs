//! Randomness: the operating system's, once, and cheap numbers from a seed after that.

use std::hash::{BuildHasher, RandomState};

/// 16 random bytes. They come from the keys that the standard library draws from the operating
/// system for its hash maps, which cannot fail.
pub(crate) fn incarnation() -> [u8; 16] {
    let keys = RandomState::new();
    let mut bytes = [0; 16];
    let halves = [keys.hash_one(0_u8), keys.hash_one(1_u8)];
    bytes
        .iter_mut()
        .zip(halves.iter().flat_map(|half| half.to_le_bytes()))
        .for_each(|(to, from)| *to = from);
    bytes
}

/// Numbers that spread retries over time (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The same seed gives the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// Seeded by the operating system.
    pub(crate) fn from_os() -> Self {
        Rng(RandomState::new().hash_one(0_u8))
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Evenly spread over `from..=to`; `from` when the range is empty.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        match to.checked_sub(from) {
            None | Some(0) => from,
            Some(u64::MAX) => self.next_u64(),
            Some(span) => from + self.next_u64() % (span + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incarnations_differ() {
        assert_ne!(incarnation(), incarnation());
    }

    #[test]
    fn ranges_are_kept_and_used() {
        let mut rng = Rng::new(1);
        let drawn: Vec<_> = (0..1000).map(|_| rng.between(3, 6)).collect();
        for n in 3..=6 {
            assert!(drawn.contains(&n));
        }
        assert!(drawn.iter().all(|n| (3..=6).contains(n)));
        assert_eq!(rng.between(5, 5), 5);
        assert_eq!(rng.between(5, 4), 5);
        assert!(rng.between(0, u64::MAX) != rng.between(0, u64::MAX));
    }
}
