//! RLE / bit-packing hybrid, see [`crate::encode::hybrid`].

use super::short;
use crate::error::BlockError;
use tributary_span::protobuf::take_varint;

/// Hands out `count` values of `width` bits, in runs: value and how often.
pub(crate) fn hybrid(
    mut bytes: &[u8],
    width: u32,
    count: usize,
    mut run: impl FnMut(u32, usize) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    if width > 32 {
        return Err(BlockError::corrupt("a bit width beyond 32"));
    }
    let mut left = count;
    while left > 0 {
        let header = take_varint(&mut bytes).map_err(|_| short())?;
        let length = usize::try_from(header >> 1).map_err(|_| short())?;
        if header & 1 == 0 {
            let (value, rest) =
                bytes.split_at_checked(width.div_ceil(8) as usize).ok_or_else(short)?;
            bytes = rest;
            let value = value.iter().rev().fold(0u32, |value, &byte| value << 8 | u32::from(byte));
            let repeats = length.min(left);
            if repeats == 0 {
                return Err(BlockError::corrupt("a run of nothing"));
            }
            run(value, repeats)?;
            left -= repeats;
        } else {
            // A group of eight values takes as many bytes as a value has bits; the last group may
            // be cut short where no more values are due.
            let values = length.checked_mul(8).ok_or_else(short)?.min(left);
            let needed = values.checked_mul(width as usize).ok_or_else(short)?.div_ceil(8);
            let packed = bytes.get(..needed).ok_or_else(short)?;
            if values == 0 {
                return Err(BlockError::corrupt("a run of nothing"));
            }
            unpack(packed, width, values, &mut run)?;
            left -= values;
            let whole = length.saturating_mul(width as usize).min(bytes.len());
            bytes = bytes.get(whole..).unwrap_or_default();
        }
    }
    Ok(())
}

/// A level or a number of a dictionary entry.
pub(crate) trait Narrow: Copy {
    /// The value, cut to the type's width: callers know that it fits.
    fn narrow(value: u64) -> Self;
}

impl Narrow for u8 {
    #[expect(clippy::cast_possible_truncation, reason = "levels have at most 8 bits")]
    fn narrow(value: u64) -> u8 {
        value as u8
    }
}

impl Narrow for u32 {
    #[expect(clippy::cast_possible_truncation, reason = "cut to 32 bits by the mask before")]
    fn narrow(value: u64) -> u32 {
        value as u32
    }
}

/// Appends values `skip..count` of `width` bits: what [`hybrid`] hands out, several times faster.
pub(crate) fn hybrid_into<T: Narrow>(
    mut bytes: &[u8],
    width: u32,
    count: usize,
    mut skip: usize,
    out: &mut Vec<T>,
) -> Result<(), BlockError> {
    if width as usize > size_of::<T>() * 8 {
        return Err(BlockError::corrupt("a bit width beyond what is possible"));
    }
    let mut left = count;
    let mut padded = Vec::new();
    while left > 0 {
        let header = take_varint(&mut bytes).map_err(|_| short())?;
        let length = usize::try_from(header >> 1).map_err(|_| short())?;
        let values;
        if header & 1 == 0 {
            let (value, rest) =
                bytes.split_at_checked(width.div_ceil(8) as usize).ok_or_else(short)?;
            bytes = rest;
            let value = value.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
            values = length.min(left);
            out.resize(out.len() + values.saturating_sub(skip), T::narrow(value));
        } else {
            // As in `hybrid`: the last group may be cut short where no more values are due.
            values = length.checked_mul(8).ok_or_else(short)?.min(left);
            let needed = values.checked_mul(width as usize).ok_or_else(short)?.div_ceil(8);
            padded.clear();
            padded.extend_from_slice(bytes.get(..needed).ok_or_else(short)?);
            padded.extend_from_slice(&[0; 8]);
            unpack_into(&padded, width as usize, skip.min(values)..values, out);
            let whole = length.saturating_mul(width as usize).min(bytes.len());
            bytes = bytes.get(whole..).unwrap_or_default();
        }
        if values == 0 {
            return Err(BlockError::corrupt("a run of nothing"));
        }
        skip -= skip.min(values);
        left -= values;
    }
    Ok(())
}

/// Appends packed values, which eight more bytes follow, so that each can be read as one word.
fn unpack_into<T: Narrow>(
    padded: &[u8],
    width: usize,
    values: std::ops::Range<usize>,
    out: &mut Vec<T>,
) {
    let mask = (1u64 << width) - 1;
    out.extend(values.map(|i| {
        let bit = i * width;
        let word = padded.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>());
        T::narrow(u64::from_le_bytes(word.copied().unwrap_or_default()) >> (bit % 8) & mask)
    }));
}

/// Hands out `count` values packed from the lowest bit on.
fn unpack(
    packed: &[u8],
    width: u32,
    count: usize,
    run: &mut impl FnMut(u32, usize) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let mask = u64::MAX.checked_shr(64 - width).unwrap_or(0);
    let (mut held, mut bits) = (0u64, 0u32);
    let mut words = packed.chunks(4);
    for _ in 0..count {
        if bits < width {
            let mut word = [0; 4];
            let chunk = words.next().unwrap_or_default();
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            held |= u64::from(u32::from_le_bytes(word)) << bits;
            bits += 32;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits by the mask")]
        run((held & mask) as u32, 1)?;
        held >>= width;
        bits -= width;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_ways_read_the_same(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            width in 0u32..33,
            count in 0usize..200,
            skip in 0usize..60,
        ) {
            let mut slow = Vec::new();
            let read = hybrid(&bytes, width, count, |value, repeats| {
                slow.resize(slow.len() + repeats, value);
                Ok(())
            });
            let mut fast: Vec<u32> = vec![7];
            let fast_read = hybrid_into(&bytes, width, count, skip.min(count), &mut fast);
            prop_assert_eq!(read.is_ok(), fast_read.is_ok());
            if read.is_ok() {
                prop_assert_eq!(&fast[1..], &slow[skip.min(count)..]);
            }
        }
    }
}
