//! Levels of a page's entries.

use crate::decode;
use crate::error::BlockError;
use crate::read::footer::Column;
use crate::read::page::{Levels, Parts};

/// The bytes of a page's repetition and of its definition levels, none where there is but one level;
/// and where its values start.
pub(super) fn places<'p>(
    column: &Column,
    parts: &'p Parts<'_>,
) -> Result<(&'p [u8], &'p [u8], usize), BlockError> {
    if let Levels::Apart(reps, defs) = parts.levels {
        return Ok((reps, defs, 0));
    }
    let mut at = 0;
    let mut place = |max| -> Result<&'p [u8], BlockError> {
        if max == 0 {
            return Ok(&[]);
        }
        let rest = parts.values.get(at..).unwrap_or_default();
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(decode::short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| decode::short())?;
        at += 4 + length;
        rest.get(..length).ok_or_else(decode::short)
    };
    let (reps, defs) = (place(column.max_rep)?, place(column.max_def)?);
    Ok((reps, defs, at))
}

/// Appends the levels of the first `entries` entries, of which the highest is `max`.
pub(super) fn append(
    bytes: &[u8],
    max: u8,
    entries: usize,
    to: &mut Vec<u8>,
) -> Result<(), BlockError> {
    if max == 0 {
        return Ok(());
    }
    let width = crate::encode::bit_width(max.into());
    let from = to.len();
    decode::hybrid_into(bytes, width, entries, 0, to)?;
    let highest = to.get(from..).unwrap_or_default().iter().fold(0, |highest, n| highest.max(*n));
    match highest > max {
        true => Err(BlockError::corrupt("a level beyond the highest")),
        false => Ok(()),
    }
}
