//! What a merge takes of memory: reckoned before it begins, and taken from the budget.
//!
//! Measured with blocks of 36 MB of recorded spans, live bytes at the peak of a whole merge leaf by leaf:
//! 93 MB for eight with row groups of 32k spans, 104 with 64k, 110 for four with 256k.

use tributary_block::BlockMeta;
use tributary_span::TraceId;

/// Of an input: the bytes of two row groups of a fresh block, the ids of their traces, and the footer.
const INPUT: u64 = 7 << 20;
/// Of the output: a span's levels and values of one leaf, as they are read and as they are written, and
/// its part of the finished pages.
const SPAN: u64 = 300;
/// The same for a row group, however few its spans.
const GROUP: u64 = 24 << 20;
/// Bytes of a span in a block, at least.
const STORED_SPAN: u64 = 40;
/// What no merge has to ask for: the promise on the process's memory has this much beside the budget
/// for it.
const FREE: u64 = 48 << 20;

/// Bytes that are to be set aside for a merge of these blocks into row groups of so many spans.
pub(super) fn beside_what_is_free<'a>(
    inputs: impl IntoIterator<Item = &'a BlockMeta>,
    group_spans: usize,
) -> u64 {
    let (mut held, mut bytes, mut traces) = (0, 0u64, 0u64);
    for meta in inputs {
        held += meta.size.min(INPUT);
        bytes = bytes.saturating_add(meta.size);
        traces = traces.saturating_add(meta.total_objects);
    }
    let spans = (bytes / STORED_SPAN).min(group_spans as u64);
    let ids = traces.saturating_mul(size_of::<TraceId>() as u64);
    let written = spans.saturating_mul(SPAN).saturating_add(ids);
    written.saturating_add(held + GROUP).saturating_sub(FREE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_merges_ask_for_nothing_and_large_ones_for_what_they_take() {
        let (kib, mib) = (1 << 10, 1 << 20);
        let table = [
            // blocks, bytes and traces of each, spans of a row group, MiB to be set aside
            (0, 0, 0, 32 * kib, 0),
            (4, 512 * kib as u64, 1000, 21_845, 0),
            (4, 4 * mib, 10_000, 21_845, 0),
            (4, 36 * mib, 32_000, 32 * kib, 15),
            (8, 36 * mib, 32_000, 32 * kib, 45),
            (8, 64 * mib, 64_000, 64 * kib, 58),
            (32, 16 * mib, 20_000, 64 * kib, 228),
        ];
        for (blocks, size, total_objects, group, expected) in table {
            let meta = BlockMeta { size, total_objects, ..BlockMeta::default() };
            let asked = beside_what_is_free(std::iter::repeat_n(&meta, blocks), group);
            assert_eq!(asked / mib, expected, "{blocks} {size} {group}");
        }
        let all = BlockMeta { size: u64::MAX, total_objects: u64::MAX, ..BlockMeta::default() };
        assert!(beside_what_is_free([&all, &all], usize::MAX) > 1 << 60);
    }
}
