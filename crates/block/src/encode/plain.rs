//! Booleans as bits (encoding 0) and byte strings behind their lengths (encoding 6).

use super::delta::delta;
use super::hybrid::BitPacker;

/// Appends booleans, one bit each.
pub(crate) fn bits(out: &mut Vec<u8>, values: impl Iterator<Item = bool>) {
    let mut bits = BitPacker::default();
    values.for_each(|value| bits.push(out, u64::from(value), 1));
    bits.finish(out);
}

/// Appends byte strings as `DELTA_LENGTH_BYTE_ARRAY`: all lengths, then all bytes.
pub(crate) fn delta_lengths<'a>(
    out: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) {
    delta(out, values.clone().map(|v| i64::try_from(v.len()).unwrap_or(i64::MAX)), true);
    values.for_each(|value| out.extend_from_slice(value));
}
