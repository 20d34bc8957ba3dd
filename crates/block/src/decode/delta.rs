//! `DELTA_BINARY_PACKED`, `DELTA_LENGTH_BYTE_ARRAY` and `DELTA_BYTE_ARRAY`, see
//! [`crate::encode::delta`].

use super::hybrid::{WIDEST, unpack_groups};
use super::short;
use crate::error::BlockError;
use tributary_span::protobuf::take_varint;

/// Most values a block of any known writer has.
const MAX_BLOCK: u64 = 1 << 16;

fn varint(bytes: &mut &[u8]) -> Result<u64, BlockError> {
    take_varint(bytes).map_err(|_| short())
}

fn zigzag(bytes: &mut &[u8]) -> Result<i64, BlockError> {
    let n = varint(bytes)?;
    Ok((n >> 1).cast_signed() ^ -((n & 1).cast_signed()))
}

/// Hands out the first `count` integers, some at a time, and returns what follows all of them.
/// Integers of 32 bits (`narrow`) come sign-extended.
pub(crate) fn delta(
    mut bytes: &[u8],
    count: usize,
    narrow: bool,
    mut take: impl FnMut(&[i64]) -> Result<(), BlockError>,
) -> Result<&[u8], BlockError> {
    let block = varint(&mut bytes)?;
    let miniblocks = varint(&mut bytes)?;
    let total = varint(&mut bytes)?;
    let mut last = zigzag(&mut bytes)?;
    if block > MAX_BLOCK
        || miniblocks == 0
        || miniblocks > block
        || !block.is_multiple_of(miniblocks)
    {
        return Err(BlockError::corrupt("impossible blocks of differences"));
    }
    if (count as u64) > total {
        return Err(short());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_BLOCK")]
    let (miniblocks, per_miniblock) = (miniblocks as usize, (block / miniblocks) as usize);
    let mut left = total;
    let mut wanted = count;
    let mut give = |some: &[i64]| {
        let some = some.get(..some.len().min(wanted)).unwrap_or_default();
        wanted -= some.len();
        if some.is_empty() { Ok(()) } else { take(some) }
    };
    if left > 0 {
        left -= 1;
        give(&[last])?;
    }
    let mut some = Vec::with_capacity(per_miniblock);
    while left > 0 {
        let smallest = zigzag(&mut bytes)?;
        let (widths, rest) = bytes.split_at_checked(miniblocks).ok_or_else(short)?;
        bytes = rest;
        for &width in widths {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(BlockError::corrupt("a difference of more than 64 bits"));
            }
            let values =
                usize::try_from(left).map_or(per_miniblock, |left| left.min(per_miniblock));
            left -= values as u64;
            let packed = (per_miniblock * usize::from(width)).div_ceil(8);
            // The last miniblock of a page may be cut short.
            let needed = (values * usize::from(width)).div_ceil(8);
            if bytes.len() < needed {
                return Err(short());
            }
            some.clear();
            unpack(bytes, usize::from(width), values, &mut some);
            for difference in &mut some {
                last = last.wrapping_add(*difference).wrapping_add(smallest);
                *difference = last;
            }
            if narrow {
                #[expect(clippy::cast_possible_truncation, reason = "32-bit sums wrap")]
                some.iter_mut().for_each(|n| *n = i64::from(*n as i32));
            }
            give(&some)?;
            bytes = bytes.get(packed..).unwrap_or_default();
        }
    }
    Ok(bytes)
}

/// Appends values of up to 64 bits, packed from the lowest bit on; bytes that are not there are
/// zeros.
fn unpack(packed: &[u8], width: usize, count: usize, out: &mut Vec<i64>) {
    if width == 0 {
        out.resize(out.len() + count, 0);
        return;
    }
    let whole = packed.get(..count / 8 * width).unwrap_or_default();
    if width <= WIDEST && count.is_multiple_of(8) && !whole.is_empty() {
        unpack_groups(whole, width, out);
        return;
    }
    let mask = u64::MAX >> (64 - width);
    out.extend((0..count).map(|i| {
        let bit = i * width;
        let rest = packed.get(bit / 8..).unwrap_or_default();
        let low = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        let mut value = low >> (bit % 8);
        if bit % 8 + width > 64 {
            // Up to seven bits stand in a ninth byte.
            let high = rest.get(8).copied().unwrap_or_default();
            value |= u64::from(high) << (64 - bit % 8);
        }
        (value & mask).cast_signed()
    }));
}

/// Hands out byte strings `skip..skip + count` of a `DELTA_LENGTH_BYTE_ARRAY` page.
pub(crate) fn delta_lengths(
    bytes: &[u8],
    skip: usize,
    count: usize,
    mut value: impl FnMut(&[u8]) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let mut lengths = Vec::with_capacity(count.min(bytes.len()));
    let mut skipped = 0usize;
    let mut number = 0;
    let data = delta(bytes, skip + count, true, |some| {
        for &length in some {
            let length = usize::try_from(length).map_err(|_| short())?;
            if number < skip {
                skipped = skipped.checked_add(length).ok_or_else(short)?;
            } else {
                lengths.push(length);
            }
            number += 1;
        }
        Ok(())
    })?;
    let mut data = data.get(skipped..).ok_or_else(short)?;
    for length in lengths {
        let (first, rest) = data.split_at_checked(length).ok_or_else(short)?;
        data = rest;
        value(first)?;
    }
    Ok(())
}

/// Hands out byte strings `skip..skip + count` of a `DELTA_BYTE_ARRAY` page.
pub(crate) fn delta_strings(
    bytes: &[u8],
    skip: usize,
    count: usize,
    mut value: impl FnMut(&[u8]) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let end = skip.checked_add(count).ok_or_else(short)?;
    let mut shared = Vec::with_capacity(end.min(bytes.len().saturating_mul(32)));
    let rests = delta(bytes, end, true, |some| {
        shared.extend_from_slice(some);
        Ok(())
    })?;
    let mut shared = shared.into_iter();
    let (mut last, mut number) = (Vec::new(), 0);
    delta_lengths(rests, 0, end, |rest| {
        let same = shared.next().and_then(|n| usize::try_from(n).ok()).ok_or_else(short)?;
        if same > last.len() {
            return Err(BlockError::corrupt("more in common than there is"));
        }
        last.truncate(same);
        last.extend_from_slice(rest);
        number += 1;
        if number > skip { value(&last) } else { Ok(()) }
    })
}
