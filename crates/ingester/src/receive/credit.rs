//! How much a frame is counted for before it is decoded, and how much a stream may have in flight:
//! decisions, no I/O.

/// The largest message of a stream.
pub(super) const LARGEST_MESSAGE: usize = 16 << 20;

/// Columns take about this many times the bytes of the payload they are decoded from. Taken from
/// the memory budget before decoding and set right after; recorded traffic needs about ten.
pub(super) const EXPANSION: usize = 16;

/// Bytes to take for a frame before it is decoded, of a budget of `limit`.
pub(super) fn estimate(payload: usize, limit: usize) -> usize {
    payload.saturating_mul(EXPANSION).saturating_add(4096).min(limit / 2)
}

/// The most credit that any stream is given.
const MAX_CREDIT: usize = 4 << 20;

/// The share of one stream in half of the budget, in payload bytes, as long as there is room. No
/// stream gets more than [`MAX_CREDIT`], and none anything when the budget is nearly used up; one
/// with nothing in flight may send one frame all the same.
pub(super) fn credit_of(limit: usize, used: usize, streams: usize) -> usize {
    if used > limit / 10 * 9 {
        return 0;
    }
    (limit / 2 / EXPANSION / streams.max(1)).clamp(16 << 10, MAX_CREDIT)
}

/// What a stream may have in flight, whatever its sender makes of its credit: the credit of a
/// stream that is alone. A frame counts as its payload, or as its columns by [`EXPANSION`] if they
/// grew by more than that, so that a stream holds half of the budget at most.
pub(super) fn max_in_flight(limit: usize) -> usize {
    credit_of(limit, 0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_a_share_of_what_there_is() {
        let mib = 1 << 20;
        let table = [
            ((256 * mib, 0, 1), 4 * mib),
            ((256 * mib, 0, 8), mib),
            ((256 * mib, 0, 100_000), 16 << 10),
            ((256 * mib, 250 * mib, 1), 0),
        ];
        for ((limit, used, streams), expected) in table {
            assert_eq!(credit_of(limit, used, streams), expected);
        }
        assert_eq!([max_in_flight(64 * mib), max_in_flight(1024 * mib)], [2 * mib, 4 * mib]);
    }
}
