//! `PLAIN`: fixed-size numbers, booleans as bits, byte strings each behind its length.

use super::short;
use crate::error::BlockError;

/// Hands out numbers `skip..skip + count` of `N` bytes.
pub(crate) fn fixed<const N: usize>(
    bytes: &[u8],
    skip: usize,
    count: usize,
    mut value: impl FnMut([u8; N]) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let (all, _) = bytes.as_chunks::<N>();
    let end = skip.checked_add(count).ok_or_else(short)?;
    all.get(skip..end).ok_or_else(short)?.iter().try_for_each(|number| value(*number))
}

/// Hands out booleans `skip..skip + count`.
pub(crate) fn bits(
    bytes: &[u8],
    skip: usize,
    count: usize,
    mut value: impl FnMut(bool) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let end = skip.checked_add(count).ok_or_else(short)?;
    for bit in skip..end {
        value(bytes.get(bit / 8).ok_or_else(short)? >> (bit % 8) & 1 == 1)?;
    }
    Ok(())
}

/// Hands out byte strings `skip..skip + count`.
pub(crate) fn byte_arrays(
    mut bytes: &[u8],
    skip: usize,
    count: usize,
    mut value: impl FnMut(&[u8]) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let end = skip.checked_add(count).ok_or_else(short)?;
    for number in 0..end {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| short())?;
        let (first, rest) = rest.split_at_checked(length).ok_or_else(short)?;
        bytes = rest;
        if number >= skip {
            value(first)?;
        }
    }
    Ok(())
}
