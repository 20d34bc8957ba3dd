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
