//! Booleans as bits (encoding 0), byte strings behind their lengths (encoding 6), and without what
//! each has in common with the one before it (encoding 7).

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

/// Appends byte strings as `DELTA_BYTE_ARRAY`: how many bytes each shares with the one before it,
/// then the rest of each as [`delta_lengths`].
pub(crate) fn delta_strings<'a>(
    out: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
) {
    let mut last: &[u8] = &[];
    let mut shared = Vec::with_capacity(values.len());
    let mut rests = Vec::with_capacity(values.len());
    for value in values {
        let same = value.iter().zip(last).take_while(|(a, b)| a == b).count();
        shared.push(i64::try_from(same).unwrap_or_default());
        rests.push(value.get(same..).unwrap_or_default());
        last = value;
    }
    delta(out, shared.into_iter(), true);
    delta_lengths(out, rests.iter().copied());
}
