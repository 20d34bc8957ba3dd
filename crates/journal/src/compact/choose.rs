//! Which blocks of a window are merged: a plain function, so that what it costs can be reckoned.
//!
//! While a window still gets blocks, only those of about the same size are merged, and only when
//! there are several: a span is then written again once for each fourfold growth of its block, and
//! not with each block that joins. When nothing joins any more, everything that fits into one job is
//! merged, so that the spans of a trace that went to several ingesters, and those that came twice,
//! meet in one block. A merge always leaves fewer blocks than it takes, so that a window comes to rest.

use uuid::Uuid;

/// A block that is visible, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Its id.
    pub id: Uuid,
    /// Bytes of its data.
    pub bytes: u64,
    /// Traces in it.
    pub traces: u64,
}

/// How much is merged at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Most blocks: of each, a row group is held in memory.
    pub most: usize,
    /// Fewest blocks of about the same size that are worth it before the window is quiet.
    pub fewest: usize,
    /// Most bytes of all of them.
    pub bytes: u64,
    /// Size at which a block that comes out is closed and another begun.
    pub block: u64,
    /// The same for its traces, whose ids are held until then.
    pub traces: u64,
}

/// Blocks up to this size are of the same class: they cost a request each, not their bytes.
const SMALLEST: u64 = 256 << 10;

/// The blocks to merge now, if any are worth it; the smallest first, so that most blocks go.
pub fn choose(candidates: &[Candidate], limits: &Limits, quiet: bool) -> Option<Vec<Uuid>> {
    let mut sorted: Vec<&Candidate> = candidates.iter().collect();
    sorted.sort_by_key(|c| (c.bytes, c.id));
    if quiet {
        return fitting(&sorted, limits, 2);
    }
    let mut classes = sorted.chunk_by(|a, b| class(a.bytes) == class(b.bytes));
    classes.find_map(|class| fitting(class, limits, limits.fewest.max(2)))
}

/// Sizes of one class are within a factor of four.
fn class(bytes: u64) -> u32 {
    bytes.div_ceil(SMALLEST).max(1).ilog2() / 2
}

/// As many of the smallest as one job takes, if they become fewer blocks by it.
fn fitting(sorted: &[&Candidate], limits: &Limits, fewest: usize) -> Option<Vec<Uuid>> {
    let (fewest, most) = (fewest, limits.most.min(sorted.len()));
    let chosen = (fewest..=most).rev().find_map(|n| {
        let chosen = sorted.get(..n)?;
        let bytes = chosen.iter().fold(0u64, |sum, c| sum.saturating_add(c.bytes));
        let traces = chosen.iter().fold(0u64, |sum, c| sum.saturating_add(c.traces));
        // One is closed by its bytes, another by its traces.
        let blocks = become_at_most(bytes, limits.block) + traces / limits.traces.max(1);
        (bytes <= limits.bytes && blocks < n as u64).then_some(chosen)
    });
    chosen.map(|chosen| chosen.iter().map(|candidate| candidate.id).collect())
}

/// Blocks that so many bytes become, with room for smaller row groups being packed less well.
fn become_at_most(bytes: u64, block: u64) -> u64 {
    bytes.saturating_add(bytes / 4).div_ceil(block.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u64 = 1 << 10;

    fn candidates(sizes: &[u64]) -> Vec<Candidate> {
        let numbered = (0u128..).zip(sizes);
        numbered.map(|(n, &bytes)| Candidate { id: Uuid::from_u128(n), bytes, traces: 1 }).collect()
    }

    #[test]
    fn several_of_a_size_or_all_in_the_end() {
        let limits =
            Limits { most: 5, fewest: 3, bytes: 8192 * KIB, block: 6000 * KIB, traces: 1000 };
        let table: [(&[u64], bool, &[u128]); 12] = [
            (&[], true, &[]),
            (&[KIB], true, &[]),
            (&[KIB, KIB], false, &[]),
            (&[KIB, KIB], true, &[0, 1]),
            // The small ones; the large one is of another class.
            (&[900 * KIB, KIB, 200 * KIB, 2 * KIB], false, &[1, 3, 2]),
            (&[900 * KIB, KIB, 200 * KIB, 2 * KIB], true, &[1, 3, 2, 0]),
            // No class has enough.
            (&[KIB, KIB, 1500 * KIB, 1600 * KIB], false, &[]),
            // A higher class has.
            (&[KIB, 1500 * KIB, 1600 * KIB, 1700 * KIB], false, &[1, 2, 3]),
            // Not more at once than is held in memory, by number and by bytes.
            (&[KIB, KIB, KIB, KIB, KIB, KIB], true, &[0, 1, 2, 3, 4]),
            (&[5000 * KIB, 5000 * KIB], true, &[]),
            // Two that would be two again, and three that become two.
            (&[4000 * KIB, 4000 * KIB], true, &[]),
            (&[4000 * KIB, 4000 * KIB, KIB], true, &[2, 0, 1]),
        ];
        for (sizes, quiet, expected) in table {
            let chosen = choose(&candidates(sizes), &limits, quiet).unwrap_or_default();
            let chosen: Vec<u128> = chosen.iter().map(Uuid::as_u128).collect();
            assert_eq!(chosen, expected, "{sizes:?} {quiet}");
        }
    }

    #[test]
    fn blocks_that_traces_close_are_reckoned_with() {
        let limits = Limits { most: 8, fewest: 2, bytes: KIB, block: KIB, traces: 1000 };
        // Traces of each of two blocks, and whether one comes out.
        for (traces, one) in [(1, true), (499, true), (500, false), (5000, false)] {
            let pair = [1, 2].map(|n| Candidate { id: Uuid::from_u128(n), bytes: 1, traces });
            assert_eq!(choose(&pair, &limits, true).is_some(), one, "{traces}");
        }
    }

    #[test]
    fn a_window_comes_to_rest() {
        // Blocks join one after the other; each is written again a few times, and in the end one
        // is left.
        let limits = Limits { most: 8, fewest: 4, bytes: 64 << 20, block: 64 << 20, traces: 1000 };
        let (mut blocks, mut written, mut next) = (Vec::new(), 0, 0u128);
        let mut run = |blocks: &mut Vec<Candidate>, quiet| {
            while let Some(chosen) = choose(blocks, &limits, quiet) {
                let bytes = blocks.iter().filter(|b| chosen.contains(&b.id)).map(|b| b.bytes).sum();
                blocks.retain(|b| !chosen.contains(&b.id));
                next += 1;
                blocks.push(Candidate { id: Uuid::from_u128(next << 64), bytes, traces: 1 });
                written += bytes;
            }
        };
        for n in 1..=120u128 {
            blocks.push(Candidate { id: Uuid::from_u128(n), bytes: 300 * KIB, traces: 1 });
            run(&mut blocks, false);
        }
        run(&mut blocks, true);
        assert_eq!(blocks.len(), 1);
        assert!(written <= 4 * blocks[0].bytes, "{} times", written / blocks[0].bytes);
    }

    proptest::proptest! {
        #[test]
        fn a_merge_leaves_fewer_blocks(
            sizes in proptest::collection::vec(1u64..40 << 20, 0..40),
            quiet: bool,
        ) {
            let limits = Limits { most: 8, fewest: 4, bytes: 128 << 20, block: 16 << 20, traces: 1000 };
            let candidates = candidates(&sizes);
            let chosen = choose(&candidates, &limits, quiet).unwrap_or_default();
            let bytes: u64 =
                candidates.iter().filter(|c| chosen.contains(&c.id)).map(|c| c.bytes).sum();
            proptest::prop_assert!(chosen.len() <= limits.most && bytes <= limits.bytes);
            // Each block that comes out but the last one is as large as it may be.
            proptest::prop_assert!(chosen.is_empty() || bytes / limits.block + 1 < chosen.len() as u64 + 1);
        }
    }
}
