//! Which ingester gets which trace: rendezvous hashing, as pure functions.
//!
//! A trace falls into one of a few groups, a group belongs to one member. Every sidecar with the
//! same list of members, in whatever order, comes to the same answer without asking another.
//!
//! Invariants
//! 1. The results are frozen: sidecars of different versions send a trace to one place. The hash is
//!    XXH3 (64 bits, its specification 0.1.1), pinned by the tests.
//! 2. Only groups of a member that left move, and only to a member that came move any: on average
//!    one in `members`.

use tributary_span::TraceId;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The group of a trace: 0 to `groups - 1`; 0 when `groups` is 0.
pub fn group(trace: &TraceId, groups: u32) -> u32 {
    // The upper half of a product spreads 64 hashed bits evenly over any number of groups.
    let group = (u128::from(xxh3_64(&trace.0)) * u128::from(groups)) >> 64;
    u32::try_from(group).unwrap_or(0)
}

/// Index of the member that owns a group: the one with the highest weight, the lexically first
/// among equals. `None` without members.
pub fn owner(group: u32, members: &[&str]) -> Option<usize> {
    let weight = |member: &str| xxh3_64_with_seed(member.as_bytes(), u64::from(group));
    let best = |(_, a): &(usize, &&str), (_, b): &(usize, &&str)| {
        weight(a).cmp(&weight(b)).then_with(|| b.cmp(a))
    };
    members.iter().enumerate().max_by(best).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("10.0.{}.{}:4319", i / 200, i % 200)).collect()
    }

    fn owners(groups: u32, members: &[String]) -> Vec<&str> {
        let members: Vec<_> = members.iter().map(String::as_str).collect();
        (0..groups).map(|g| members[owner(g, &members).unwrap()]).collect()
    }

    #[test]
    fn results_never_change() {
        let traces = [[0x00; 16], [0x01; 16], [0xff; 16], *b"0123456789abcdef"];
        let found: Vec<_> =
            traces.iter().flat_map(|t| [8, 5].map(|n| group(&TraceId(*t), n))).collect();
        assert_eq!(found, [6, 4, 5, 3, 3, 2, 3, 1]);
        let members = ["10.0.0.1:4319", "10.0.0.2:4319", "10.0.0.3:4319"];
        let found: Vec<_> = (0..8).map(|g| owner(g, &members).unwrap()).collect();
        assert_eq!(found, [1, 0, 2, 0, 2, 1, 1, 2]);
    }

    #[test]
    fn nothing_to_choose_from() {
        assert_eq!(group(&TraceId([7; 16]), 0), 0);
        assert_eq!(group(&TraceId([7; 16]), 1), 0);
        assert_eq!(owner(3, &[]), None);
        assert_eq!(owner(3, &["a"]), Some(0));
    }

    #[test]
    fn order_and_repeats_do_not_matter() {
        let forward = names(9);
        let mut other: Vec<_> = forward.iter().rev().cloned().collect();
        other.extend(forward.iter().cloned());
        assert_eq!(owners(1000, &forward), owners(1000, &other));
    }

    #[test]
    fn only_groups_of_the_lost_member_move() {
        let all = names(10);
        let before = owners(10_000, &all);
        for lost in 0..all.len() {
            let mut rest = all.clone();
            rest.remove(lost);
            let after = owners(10_000, &rest);
            for (was, is) in before.iter().zip(&after) {
                assert!(was == is || **was == all[lost], "{was} moved to {is}");
            }
            let moved = before.iter().filter(|was| **was == all[lost]).count();
            assert!((800..1200).contains(&moved), "{moved} of 10000 groups belonged to one of ten");
        }
    }

    #[test]
    fn groups_are_even() {
        let mut counts = [0u32; 8];
        for n in 0..80_000u64 {
            // Counters, as bad clients make them.
            let mut id = [0; 16];
            id[8..].copy_from_slice(&n.to_be_bytes());
            counts[group(&TraceId(id), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    }
}
