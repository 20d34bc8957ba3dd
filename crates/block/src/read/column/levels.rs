//! Levels of a page's entries.

use crate::decode;
use crate::error::BlockError;
use crate::read::footer::Column;
use crate::read::page::{Levels, Parts};

/// Appends a page's levels; returns where its values start.
pub(super) fn levels(
    column: &Column,
    parts: &Parts<'_>,
    entries: usize,
    rep: &mut Vec<u8>,
    def: &mut Vec<u8>,
) -> Result<usize, BlockError> {
    match parts.levels {
        Levels::Apart(reps, defs) => {
            level(reps, column.max_rep, entries, rep)?;
            level(defs, column.max_def, entries, def)?;
            Ok(0)
        }
        Levels::Inside => {
            let mut at = 0;
            for (max, to) in [(column.max_rep, rep), (column.max_def, def)] {
                if max == 0 {
                    continue;
                }
                let rest = parts.values.get(at..).unwrap_or_default();
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(decode::short)?;
                let length =
                    usize::try_from(u32::from_le_bytes(*length)).map_err(|_| decode::short())?;
                level(rest.get(..length).ok_or_else(decode::short)?, max, entries, to)?;
                at += 4 + length;
            }
            Ok(at)
        }
    }
}

fn level(bytes: &[u8], max: u8, entries: usize, to: &mut Vec<u8>) -> Result<(), BlockError> {
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
