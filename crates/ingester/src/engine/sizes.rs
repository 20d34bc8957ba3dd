//! How large each part may be: shares of the memory budget, and what is beside it.

use crate::config::Config;
use crate::group::FreezeAt;
use tributary_block::WriterSettings;
use tributary_journal::compact::Limits;
use tributary_span::TraceId;

/// Frames between the streams and the journal, counted beside their bytes, which memory bounds.
pub(super) const JOURNAL_QUEUE: usize = 1024;
/// What a span takes, beside its columns, while its row group is written.
const WRITTEN_SPAN: usize = 3 << 10;
/// The share of memory that goes to a span of the row group that is merged: several times what it
/// takes there.
const MERGED_SPAN: usize = 4 << 10;

/// Segments that exist as bytes beside their spans: those on their way to the store, and the open one.
const SEGMENTS: usize = crate::journal::IN_FLIGHT + 1;

/// The budget for spans: what is left of `memory` when every segment that may be on its way and all
/// messages that may be arriving are taken off, but three quarters of it at least; and of that, what
/// metrics from spans take where they are on.
pub(super) fn spans(config: &Config) -> usize {
    let segments = SEGMENTS.saturating_mul(config.segment_bytes);
    let beside = segments.saturating_add(messages(config.memory));
    let counted = config.span_metrics.as_ref().map_or(0, |_| 3 * span_metrics(config.memory));
    config.memory - beside.min(config.memory / 4) - counted
}

/// Memory for each of three parts of metrics from spans: series, sides of calls that wait, and frames
/// that are to be counted.
pub(super) fn span_metrics(memory: usize) -> usize {
    memory / 32
}

/// The budget for messages that arrive: one of the largest for every 128 MiB of `memory`.
pub(super) fn messages(memory: usize) -> usize {
    memory / 8
}

/// When a generation is frozen: a quarter of the budget grows while others are written, and room is
/// left for what comes in.
pub(super) fn freeze_at(config: &Config) -> FreezeAt {
    FreezeAt { age: config.block_age, bytes: config.block_bytes.min(config.memory / 4) }
}

/// Spans of a row group. What is gathered and encoded for one is beside the budget: of a small budget
/// it would be a good part. Merging puts larger ones together.
pub(super) fn row_group_spans(memory: usize) -> usize {
    (memory / WRITTEN_SPAN).clamp(8 << 10, WriterSettings::default().row_group_spans)
}

/// Fresh blocks that are built at a time: one of this process's own spans, and one of spans that it
/// adopts, where there is memory for two row groups.
pub(super) fn built_at_once(memory: usize) -> usize {
    (memory / (512 << 20)).clamp(1, 2)
}

/// Spans of a row group of a merged block. The larger it is, the less its dictionaries and its part of
/// the footer weigh: of 256k spans a block is a twentieth smaller. But a trace found by its id takes
/// twice the time there. With little memory there are as many as in a fresh block.
pub(super) fn merged_group_spans(memory: usize) -> usize {
    (memory / MERGED_SPAN).clamp(row_group_spans(memory).min(32 << 10), 64 << 10)
}

/// Whether blocks are made small that are not merged again: trying encodings takes memory.
pub(super) fn packs(memory: usize) -> bool {
    row_group_spans(memory) >= WriterSettings::default().row_group_spans
}

/// The largest block that merging makes, with so much memory or more.
const LARGE_BLOCK: usize = 512 << 20;
const LARGE_FROM: usize = 256 << 20;

/// Memory for footers and filters of blocks.
pub(super) fn block_cache(memory: usize) -> usize {
    (memory / 8).min(256 << 20)
}

/// Memory for segments that queries read.
pub(super) fn segment_reads(memory: usize) -> usize {
    (memory / 8).min(64 << 20)
}

/// Memory, beside the budget, that remembers durable frames.
pub(super) fn dedup(memory: usize) -> usize {
    memory / 64
}

/// What is rebuilt together takes in memory, and the spans of one segment: a tenth of the budget is for
/// adoption, and another one for this process's own spans that had to leave memory. Spans take sixteen
/// to thirty-two times their segments there, more when what is sent repeats itself, so the segments'
/// bytes do not tell.
pub(super) fn piece(memory: usize) -> usize {
    memory / 10
}

/// How much is merged at a time. Of each block that is merged a row group is in memory, three megabytes
/// as a rule, and of the block that comes out the ids of its traces; its bytes go to the store as they
/// come. A merge of large blocks takes 50 to 100 MiB of the budget for minutes: of a small budget that
/// would be most.
pub(super) fn merge_limits(memory: usize) -> Limits {
    let (bytes, block) = match memory < LARGE_FROM {
        true => ((memory / 2).max(32 << 20), (memory / 16).max(4 << 20)),
        // What comes out is packed better than what goes in.
        false => (LARGE_BLOCK / 4 * 5, LARGE_BLOCK),
    };
    Limits {
        most: (memory / (32 << 20)).clamp(4, 32),
        fewest: 4,
        bytes: bytes as u64,
        block: block as u64,
        traces: (memory / 16 / size_of::<TraceId>()) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span_metrics::SpanMetricsSettings;
    use std::time::Duration;
    use tributary_settings::Asked;
    use tributary_span_metrics::Dimensions;

    #[test]
    fn parts_grow_with_memory_within_bounds() {
        let (kib, mib) = (1 << 10, 1 << 20);
        let table = [
            // memory, spans of a row group and of a merged one, cache, segments read, frames known,
            // blocks merged, one's bytes and traces
            (32 * kib, (8 * kib, 8 * kib), 4 * kib, 4 * kib, 512, 4, 4 * mib as u64, 128),
            (
                64 * mib,
                (21_845, 21_845),
                8 * mib,
                8 * mib,
                mib,
                4,
                4 * mib as u64,
                256 * kib as u64,
            ),
            (
                256 * mib,
                (64 * kib, 64 * kib),
                32 * mib,
                32 * mib,
                4 * mib,
                8,
                512 * mib as u64,
                mib as u64,
            ),
            (
                4096 * mib,
                (64 * kib, 64 * kib),
                256 * mib,
                64 * mib,
                64 * mib,
                32,
                512 * mib as u64,
                16 * mib as u64,
            ),
        ];
        for (memory, group, cache, reads, remembered, most, block, traces) in table {
            assert_eq!((row_group_spans(memory), merged_group_spans(memory)), group, "{memory}");
            assert_eq!((block_cache(memory), segment_reads(memory)), (cache, reads));
            assert_eq!(dedup(memory), remembered);
            let limits = merge_limits(memory);
            assert_eq!(
                (limits.most, limits.block, limits.traces),
                (most, block, traces),
                "{memory}"
            );
            assert!(limits.bytes > limits.block);
        }
    }

    #[test]
    fn what_is_rebuilt_and_built_beside_the_budget_grows_with_memory() {
        let mib = 1 << 20;
        let table = [
            // memory, bytes rebuilt together, blocks built at a time
            (32 << 10, 3_276, 1),
            (64 * mib, 6_710_886, 1),
            (256 * mib, 26_843_545, 1),
            (1023 * mib, 107_269_324, 1),
            (1024 * mib, 107_374_182, 2),
            (4096 * mib, 429_496_729, 2),
        ];
        for (memory, rebuilt, built) in table {
            assert_eq!((piece(memory), built_at_once(memory)), (rebuilt, built), "{memory}");
        }
    }

    #[test]
    fn segments_and_messages_on_their_way_are_taken_off_the_memory_for_spans() {
        let (kib, mib) = (1 << 10, 1 << 20);
        let Ok(Asked::Run(config)) = Config::gather([], [], |_| unreachable!("no file is named"))
        else {
            panic!("the defaults are fine")
        };
        let table = [
            (32 * kib, 4 * mib, 24 * kib),
            (64 * mib, 4 * mib, 48 * mib),
            (192 * mib, 4 * mib, 148 * mib),
            (192 * mib, mib, 163 * mib),
            (1024 * mib, 4 * mib, 876 * mib),
        ];
        for (memory, segment_bytes, expected) in table {
            let config = Config { memory, segment_bytes, ..(*config).clone() };
            assert_eq!(spans(&config), expected, "{memory}");
            let counting = SpanMetricsSettings {
                dimensions: Dimensions::default(),
                series: 1,
                wait: Duration::ZERO,
                target_info: false,
            };
            let config = Config { span_metrics: Some(counting), ..config };
            assert_eq!(spans(&config), expected - memory / 32 * 3, "{memory}");
        }
    }
}
