//! RLE / bit-packing hybrid, see [`crate::encode::hybrid`].

use super::short;
use crate::error::BlockError;
use std::ops::Range;
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

/// A level, a number of a dictionary entry, or a difference.
pub(crate) trait Narrow: Copy + Default {
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

impl Narrow for i64 {
    fn narrow(value: u64) -> i64 {
        value.cast_signed()
    }
}

/// Appends values `skip..count` of `width` bits: what [`hybrid`] hands out, many times faster.
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
            repeat(T::narrow(value), values.saturating_sub(skip), out);
        } else {
            // As in `hybrid`: the last group may be cut short where no more values are due.
            values = length.checked_mul(8).ok_or_else(short)?.min(left);
            let needed = values.checked_mul(width as usize).ok_or_else(short)?.div_ceil(8);
            let packed = bytes.get(..needed).ok_or_else(short)?;
            unpack_some(packed, width as usize, skip.min(values)..values, out);
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

/// Appends a value so many times. Most runs are short: a copy of a fixed length is one store, where a
/// fill of any length is a call.
fn repeat<T: Narrow>(value: T, times: usize, out: &mut Vec<T>) {
    if times <= SHORT {
        let end = out.len() + times;
        out.extend_from_slice(&[value; SHORT]);
        out.truncate(end);
    } else {
        out.resize(out.len() + times, value);
    }
}

/// Longest run that is copied as a whole.
const SHORT: usize = 8;

/// Appends some of the packed values: whole groups of eight at once, the first and the last group,
/// of which some values are not wanted or not there, by a copy.
fn unpack_some<T: Narrow>(packed: &[u8], width: usize, values: Range<usize>, out: &mut Vec<T>) {
    if width == 0 {
        out.resize(out.len() + values.len(), T::default());
        return;
    }
    let one_group = |number: usize| {
        let mut eight = Vec::with_capacity(8);
        let mut group = [0; 32];
        let from = packed.get(number * width..).unwrap_or_default();
        group.iter_mut().zip(from.iter().take(width)).for_each(|(to, from)| *to = *from);
        unpack_groups(group.get(..width).unwrap_or_default(), width, &mut eight);
        eight
    };
    let (mut at, end) = (values.start, values.end);
    if at % 8 > 0 && at < end {
        let eight: Vec<T> = one_group(at / 8);
        let stop = end.min(at / 8 * 8 + 8);
        out.extend(eight.into_iter().skip(at % 8).take(stop - at));
        at = stop;
    }
    let whole = end.saturating_sub(at) / 8;
    let groups = packed.get(at / 8 * width..(at / 8 + whole) * width);
    unpack_groups(groups.unwrap_or_default(), width, out);
    at += whole * 8;
    if at < end {
        out.extend(one_group(at / 8).into_iter().take(end - at));
    }
}

/// Widths that [`unpack_groups`] knows.
pub(super) const WIDEST: usize = 48;

/// Appends groups of eight values, each of as many bytes as a value has bits: at most [`WIDEST`].
pub(super) fn unpack_groups<T: Narrow>(groups: &[u8], width: usize, out: &mut Vec<T>) {
    // A loop for each width, of which the compiler knows all shifts.
    macro_rules! by_width {
        ($($width:literal)*) => {
            match width {
                $($width => of_width::<$width, T>(groups, out),)*
                _ => {}
            }
        };
    }
    match size_of::<T>() {
        1 => by_width!(1 2 3 4 5 6 7 8),
        4 => by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
            29 30 31 32),
        _ => by_width!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
            29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48),
    }
}

fn of_width<const WIDTH: usize, T: Narrow>(groups: &[u8], out: &mut Vec<T>) {
    let mask = (1u64 << WIDTH) - 1;
    let from = out.len();
    let (groups, _) = groups.as_chunks::<WIDTH>();
    out.resize(from + groups.len() * 8, T::default());
    let (eights, _) = out.get_mut(from..).unwrap_or_default().as_chunks_mut::<8>();
    for (eight, group) in eights.iter_mut().zip(groups) {
        if WIDTH <= 8 {
            let mut word = [0; 8];
            word.iter_mut().zip(group).for_each(|(to, from)| *to = *from);
            let word = u64::from_le_bytes(word);
            for (i, value) in eight.iter_mut().enumerate() {
                *value = T::narrow(word >> (i * WIDTH) & mask);
            }
        } else {
            // Eight more bytes, so that each value can be read as one word.
            let mut padded = [0; WIDEST + 8];
            padded.iter_mut().zip(group).for_each(|(to, from)| *to = *from);
            for (i, value) in eight.iter_mut().enumerate() {
                let bit = i * WIDTH;
                let word = padded.get(bit / 8..).and_then(|rest| rest.first_chunk::<8>());
                let word = u64::from_le_bytes(word.copied().unwrap_or_default());
                *value = T::narrow(word >> (bit % 8) & mask);
            }
        }
    }
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
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
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
