//! `DELTA_BINARY_PACKED` and `DELTA_LENGTH_BYTE_ARRAY`, see [`crate::encode::delta`].

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

/// Hands out the first `count` integers and returns what follows all of them. Integers of 32 bits
/// (`narrow`) come sign-extended.
pub(crate) fn delta(
    mut bytes: &[u8],
    count: usize,
    narrow: bool,
    mut value: impl FnMut(i64) -> Result<(), BlockError>,
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
    let mut give = |last: i64| -> Result<(), BlockError> {
        if wanted > 0 {
            wanted -= 1;
            value(last)?;
        }
        Ok(())
    };
    if left > 0 {
        left -= 1;
        give(last)?;
    }
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
            let miniblock = bytes.get(..packed.min(bytes.len())).unwrap_or_default();
            if miniblock.len() < needed {
                return Err(short());
            }
            let mut bits = Bits::new(miniblock);
            for _ in 0..values {
                let difference = bits.take(u32::from(width)).cast_signed().wrapping_add(smallest);
                last = last.wrapping_add(difference);
                if narrow {
                    #[expect(clippy::cast_possible_truncation, reason = "32-bit sums wrap")]
                    let cut = last as i32;
                    last = i64::from(cut);
                }
                give(last)?;
            }
            bytes = bytes.get(packed..).unwrap_or_default();
        }
    }
    Ok(bytes)
}

/// Takes values of up to 64 bits from the lowest bit on; zeros when the bytes are at their end.
struct Bits<'a> {
    words: std::slice::Chunks<'a, u8>,
    held: u64,
    bits: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Bits { words: bytes.chunks(8), held: 0, bits: 0 }
    }

    #[inline]
    fn take(&mut self, width: u32) -> u64 {
        if width == 0 {
            return 0;
        }
        let mask = u64::MAX >> (64 - width);
        if self.bits >= width {
            let value = self.held & mask;
            self.held = self.held.checked_shr(width).unwrap_or(0);
            self.bits -= width;
            return value;
        }
        let chunk = self.words.next().unwrap_or_default();
        let word = match <[u8; 8]>::try_from(chunk) {
            Ok(word) => u64::from_le_bytes(word),
            Err(_) => chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
        };
        let value = (self.held | word.checked_shl(self.bits).unwrap_or(0)) & mask;
        let used = width - self.bits;
        self.held = word.checked_shr(used).unwrap_or(0);
        self.bits = 64 - used;
        value
    }
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
    let data = delta(bytes, skip + count, true, |length| {
        let length = usize::try_from(length).map_err(|_| short())?;
        if number < skip {
            skipped = skipped.checked_add(length).ok_or_else(short)?;
        } else {
            lengths.push(length);
        }
        number += 1;
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
