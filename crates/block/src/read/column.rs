//! One column of some rows of a row group: its levels and values.

mod levels;

use super::dictionary;
use super::footer::{Column, Physical};
use super::page::{self, PageType};
use crate::decode;
use crate::error::BlockError;
use bytes::Bytes;
use parquet::basic::CompressionCodec;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a chunk that have been read: pages in order, one after the other. All of its
/// dictionary, and at least the data pages of the rows that are asked for.
#[derive(Debug, Clone)]
pub(super) struct ChunkBytes {
    pub(super) codec: CompressionCodec,
    pub(super) pieces: Vec<Bytes>,
    /// Row of the row group that the first data page starts with.
    pub(super) first_row: usize,
}

/// Levels of the entries of some rows, and the values of those that have one.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) rep: Vec<u8>,
    pub(crate) def: Vec<u8>,
    pub(crate) values: Vec<T>,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Decoded { rep: Vec::new(), def: Vec::new(), values: Vec::new() }
    }
}

// Encodings by number (`parquet.thrift`, `Encoding`).
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const DELTA_BINARY_PACKED: i64 = 5;
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;
const RLE_DICTIONARY: i64 = 8;

/// Values of one data page that are wanted.
struct Part<'a> {
    encoding: i64,
    bytes: &'a [u8],
    skip: usize,
    count: usize,
}

fn unsupported(encoding: i64, what: &str) -> BlockError {
    BlockError::Unsupported(format!("{what} in encoding {encoding}"))
}

fn beyond() -> BlockError {
    BlockError::corrupt("an index beyond the dictionary")
}

impl Part<'_> {
    fn is_dictionary(&self) -> bool {
        matches!(self.encoding, RLE_DICTIONARY | PLAIN_DICTIONARY)
    }

    /// Hands out the byte strings of a page without dictionary.
    fn byte_strings(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        match self.encoding {
            PLAIN => decode::byte_arrays(self.bytes, self.skip, self.count, take),
            DELTA_LENGTH_BYTE_ARRAY => {
                decode::delta_lengths(self.bytes, self.skip, self.count, &mut take)
            }
            DELTA_BYTE_ARRAY => decode::delta_strings(self.bytes, self.skip, self.count, take),
            other => Err(unsupported(other, "byte strings")),
        }
    }

    /// Appends the indices of a dictionary-encoded page.
    fn indices(&self, to: &mut Vec<u32>) -> Result<(), BlockError> {
        if self.count == 0 {
            return Ok(());
        }
        let (&width, bytes) = self.bytes.split_first().ok_or_else(decode::short)?;
        decode::hybrid_into(bytes, u32::from(width), self.skip + self.count, self.skip, to)
    }

    /// Appends the dictionary's values that a page has.
    fn looked_up<T: Copy>(&self, dictionary: &[T], values: &mut Vec<T>) -> Result<(), BlockError> {
        let mut indices = Vec::new();
        self.indices(&mut indices)?;
        values.reserve(indices.len());
        for index in indices {
            values.push(*dictionary.get(index as usize).ok_or_else(beyond)?);
        }
        Ok(())
    }
}

/// A dictionary whose entries are turned into what is wanted when they are first met.
struct Dictionary<T> {
    bytes: Vec<u8>,
    /// End of each entry in `bytes`.
    ends: Vec<usize>,
    known: Vec<Option<T>>,
}

impl<T: Copy> Dictionary<T> {
    fn get(
        &mut self,
        index: usize,
        convert: &mut dyn FnMut(&[u8]) -> Result<T, BlockError>,
    ) -> Result<T, BlockError> {
        let known = self.known.get_mut(index).ok_or_else(beyond)?;
        if let Some(known) = known {
            return Ok(*known);
        }
        let end = self.ends.get(index).copied().ok_or_else(beyond)?;
        let start = index.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0);
        let entry = convert(self.bytes.get(start..end).unwrap_or_default())?;
        *known = Some(entry);
        Ok(entry)
    }
}

/// Byte strings, each made into a `T`; those of a dictionary once.
pub(super) fn bytes<T: Copy>(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
    convert: &mut dyn FnMut(&[u8]) -> Result<T, BlockError>,
) -> Result<Decoded<T>, BlockError> {
    expect(column, Physical::Bytes)?;
    let mut decoded = Decoded::default();
    let mut dictionary = Dictionary { bytes: Vec::new(), ends: Vec::new(), known: Vec::new() };
    pages(column, chunk, rows, &mut decoded, |page, values: &mut Vec<T>| match page {
        Found::Dictionary { bytes, count } => {
            // An entry takes four bytes at least.
            dictionary.ends.reserve(count.min(bytes.len() / 4));
            decode::byte_arrays(bytes, 0, count, |entry| {
                dictionary.bytes.extend_from_slice(entry);
                dictionary.ends.push(dictionary.bytes.len());
                Ok(())
            })?;
            dictionary.known = vec![None; dictionary.ends.len()];
            Ok(())
        }
        Found::Values(part) => {
            if part.is_dictionary() {
                let mut indices = Vec::new();
                part.indices(&mut indices)?;
                for index in indices {
                    values.push(dictionary.get(index as usize, convert)?);
                }
                return Ok(());
            }
            part.byte_strings(|value| {
                values.push(convert(value)?);
                Ok(())
            })
        }
    })?;
    Ok(decoded)
}

/// Byte strings as numbers of dictionary entries.
pub(crate) struct IndexedTexts {
    pub(crate) decoded: Decoded<u32>,
    pub(crate) dictionary: Arc<dictionary::Dictionary>,
    /// Whether it is the chunk's own dictionary, the same for all of its pages.
    pub(super) is_shared: bool,
}

fn entries(
    bytes: &[u8],
    count: usize,
    dictionary: &mut dictionary::Dictionary,
) -> Result<(), BlockError> {
    // An entry takes four bytes at least.
    dictionary.ends.reserve(count.min(bytes.len() / 4));
    dictionary.bytes.reserve(bytes.len());
    decode::byte_arrays(bytes, 0, count, |entry| {
        dictionary.push(entry);
        Ok(())
    })
}

/// The dictionary of a chunk, whose bytes end with it.
pub(super) fn dictionary(
    column: &Column,
    chunk: &ChunkBytes,
) -> Result<dictionary::Dictionary, BlockError> {
    expect(column, Physical::Bytes)?;
    let mut dictionary = dictionary::Dictionary::default();
    for piece in &chunk.pieces {
        let mut piece = &piece[..];
        while !piece.is_empty() {
            let page = page::take(&mut piece)?;
            if page.header.page_type == PageType::Dictionary {
                entries(&page.open(chunk.codec)?.values, page.header.entries, &mut dictionary)?;
            }
        }
    }
    Ok(dictionary)
}

/// Byte strings as numbers. `known` is the chunk's dictionary, if it was decoded before: the
/// chunk's bytes may then lack it. Values of pages without dictionary become entries behind its own.
pub(super) fn indexed(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
    known: Option<Arc<dictionary::Dictionary>>,
) -> Result<IndexedTexts, BlockError> {
    expect(column, Physical::Bytes)?;
    let mut decoded = Decoded::default();
    let mut dictionary = known.unwrap_or_default();
    let is_known = !dictionary.is_empty();
    let mut is_shared = true;
    pages(column, chunk, rows, &mut decoded, |page, values: &mut Vec<u32>| match page {
        Found::Dictionary { .. } if is_known => Ok(()),
        Found::Dictionary { bytes, count } => entries(bytes, count, Arc::make_mut(&mut dictionary)),
        Found::Values(part) if part.is_dictionary() => {
            let from = values.len();
            part.indices(values)?;
            let found = values.get(from..).unwrap_or_default();
            let highest = found.iter().fold(0, |highest, n| highest.max(*n));
            match found.is_empty() || (highest as usize) < dictionary.len() {
                true => Ok(()),
                false => Err(beyond()),
            }
        }
        Found::Values(part) => {
            is_shared = false;
            let dictionary = Arc::make_mut(&mut dictionary);
            part.byte_strings(|value| {
                values.push(dictionary.push(value));
                Ok(())
            })
        }
    })?;
    Ok(IndexedTexts { decoded, dictionary, is_shared })
}

/// The levels alone.
pub(super) fn levels_of(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
) -> Result<Decoded<()>, BlockError> {
    let mut decoded = Decoded::default();
    pages(column, chunk, rows, &mut decoded, |_, _| Ok(()))?;
    Ok(decoded)
}

/// Integers of 32 (sign-extended) or 64 bits.
pub(super) fn ints(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
) -> Result<Decoded<i64>, BlockError> {
    let narrow = column.physical == Physical::Int32;
    if !narrow {
        expect(column, Physical::Int64)?;
    }
    let plain = |bytes: &[u8], skip, count, push: &mut dyn FnMut(i64) -> Result<(), BlockError>| {
        if narrow {
            decode::fixed(bytes, skip, count, |n| push(i64::from(i32::from_le_bytes(n))))
        } else {
            decode::fixed(bytes, skip, count, |n| push(i64::from_le_bytes(n)))
        }
    };
    let mut decoded = Decoded::default();
    let mut dictionary = Vec::new();
    pages(column, chunk, rows, &mut decoded, |page, values: &mut Vec<i64>| match page {
        Found::Dictionary { bytes, count } => plain(bytes, 0, count, &mut |n| {
            dictionary.push(n);
            Ok(())
        }),
        Found::Values(part) if part.is_dictionary() => part.looked_up(&dictionary, values),
        Found::Values(part) => match part.encoding {
            PLAIN => plain(part.bytes, part.skip, part.count, &mut |n| {
                values.push(n);
                Ok(())
            }),
            DELTA_BINARY_PACKED => {
                let mut skip = part.skip;
                values.reserve(part.count);
                decode::delta(part.bytes, part.skip + part.count, narrow, |some| {
                    let skipped = skip.min(some.len());
                    skip -= skipped;
                    values.extend_from_slice(some.get(skipped..).unwrap_or_default());
                    Ok(())
                })
                .map(|_| ())
            }
            other => Err(unsupported(other, "integers")),
        },
    })?;
    Ok(decoded)
}

/// Doubles, as their bits.
pub(super) fn doubles(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
) -> Result<Decoded<u64>, BlockError> {
    expect(column, Physical::Double)?;
    let mut decoded = Decoded::default();
    let mut dictionary = Vec::new();
    pages(column, chunk, rows, &mut decoded, |page, values: &mut Vec<u64>| match page {
        Found::Dictionary { bytes, count } => decode::fixed(bytes, 0, count, |n| {
            dictionary.push(u64::from_le_bytes(n));
            Ok(())
        }),
        Found::Values(part) if part.is_dictionary() => part.looked_up(&dictionary, values),
        Found::Values(Part { encoding: PLAIN, bytes, skip, count }) => {
            decode::fixed(bytes, skip, count, |n| {
                values.push(u64::from_le_bytes(n));
                Ok(())
            })
        }
        Found::Values(part) => Err(unsupported(part.encoding, "doubles")),
    })?;
    Ok(decoded)
}

/// Booleans.
pub(super) fn bools(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
) -> Result<Decoded<bool>, BlockError> {
    expect(column, Physical::Bool)?;
    let mut decoded = Decoded::default();
    pages(column, chunk, rows, &mut decoded, |page, values: &mut Vec<bool>| match page {
        Found::Values(Part { encoding: PLAIN, bytes, skip, count }) => {
            decode::bits(bytes, skip, count, |value| {
                values.push(value);
                Ok(())
            })
        }
        Found::Values(Part { encoding: RLE, bytes, skip, count }) => {
            let mut skip = skip;
            let bytes = bytes.get(4..).unwrap_or_default();
            decode::hybrid(bytes, 1, skip + count, |value, repeats| {
                let skipped = skip.min(repeats);
                skip -= skipped;
                values.resize(values.len() + repeats - skipped, value != 0);
                Ok(())
            })
        }
        Found::Values(part) => Err(unsupported(part.encoding, "booleans")),
        Found::Dictionary { .. } => Err(BlockError::corrupt("a dictionary of booleans")),
    })?;
    Ok(decoded)
}

fn expect(column: &Column, physical: Physical) -> Result<(), BlockError> {
    if column.physical == physical {
        return Ok(());
    }
    Err(BlockError::Unsupported(format!("column {} is of another type", column.path)))
}

/// What a page gives to a reader of values.
enum Found<'a> {
    Dictionary { bytes: &'a [u8], count: usize },
    Values(Part<'a>),
}

/// Walks the pages of a chunk: levels go to `decoded`, values to `found`.
fn pages<T>(
    column: &Column,
    chunk: &ChunkBytes,
    rows: &Range<usize>,
    decoded: &mut Decoded<T>,
    mut found: impl FnMut(Found<'_>, &mut Vec<T>) -> Result<(), BlockError>,
) -> Result<(), BlockError> {
    let mut row = chunk.first_row;
    for piece in &chunk.pieces {
        let mut piece = &piece[..];
        while !piece.is_empty() && row < rows.end {
            let page = page::take(&mut piece)?;
            let entries = page.header.entries;
            let parts = match page.header.page_type {
                PageType::Other => continue,
                PageType::Dictionary => {
                    let parts = page.open(chunk.codec)?;
                    let dictionary = Found::Dictionary { bytes: &parts.values, count: entries };
                    found(dictionary, &mut decoded.values)?;
                    continue;
                }
                _ => page.open(chunk.codec)?,
            };
            let (of_rep, of_def) = (decoded.rep.len(), decoded.def.len());
            let (reps, defs, at) = levels::places(column, &parts)?;
            levels::append(reps, column.max_rep, entries, &mut decoded.rep)?;
            let rep = decoded.rep.get(of_rep..).unwrap_or_default();
            if column.max_rep > 0 && rep.first().is_some_and(|r| *r != 0) {
                return Err(BlockError::corrupt("a page starts inside a row"));
            }
            // The entries of the wanted rows, and the row after the page.
            let (start, end, next) = wanted(column, rep, entries, row, rows);
            row = next;
            let end = end.max(start);
            // What comes behind the wanted rows is not looked at.
            levels::append(defs, column.max_def, end, &mut decoded.def)?;
            let def = decoded.def.get(of_def..).unwrap_or_default();
            let present = |range: Range<usize>| match column.max_def {
                0 => range.len(),
                max => count(def.get(range).unwrap_or_default(), max),
            };
            let part = Part {
                encoding: page.header.encoding,
                bytes: parts.values.get(at..).ok_or_else(decode::short)?,
                skip: present(0..start),
                count: present(start..end),
            };
            for (levels, from, max) in [
                (&mut decoded.rep, of_rep, column.max_rep),
                (&mut decoded.def, of_def, column.max_def),
            ] {
                if max == 0 {
                    levels.resize(from + end - start, 0);
                } else {
                    levels.truncate(from + end);
                    levels.drain(from..from + start);
                }
            }
            if part.count > 0 {
                found(Found::Values(part), &mut decoded.values)?;
            }
        }
    }
    if row < rows.end {
        return Err(BlockError::corrupt(format!("column {} has too few rows", column.path)));
    }
    Ok(())
}

/// How many of the levels are `level`.
fn count(levels: &[u8], level: u8) -> usize {
    // In bytes, no more than one can count: so sixteen and more are compared at a time.
    let one = |some: &[u8]| some.iter().fold(0u8, |n, l| n.wrapping_add(u8::from(*l == level)));
    levels.chunks(255).map(|some| usize::from(one(some))).sum()
}

/// The entries of a page that belong to `rows`, and the row after the page, which starts with
/// `row`.
fn wanted(
    column: &Column,
    rep: &[u8],
    entries: usize,
    row: usize,
    rows: &Range<usize>,
) -> (usize, usize, usize) {
    if column.max_rep == 0 {
        let start = rows.start.saturating_sub(row).min(entries);
        let end = rows.end.saturating_sub(row).min(entries);
        return (start, end, row + entries);
    }
    let next = row + count(rep, 0);
    if row >= rows.start && next <= rows.end {
        return (0, entries, next);
    }
    let start = rows.start.checked_sub(row).map_or(0, |n| start_of(rep, n));
    let end = rows.end.checked_sub(row).map_or(0, |n| start_of(rep, n));
    (start, end, next)
}

/// Where row `n` of a page starts; its end when there is no such row.
fn start_of(rep: &[u8], mut n: usize) -> usize {
    /// Levels that are counted at a time.
    const SOME: usize = 255;
    for (number, some) in rep.chunks(SOME).enumerate() {
        let rows = count(some, 0);
        if n < rows {
            let mut starts = some.iter().enumerate().filter(|(_, r)| **r == 0);
            return number * SOME + starts.nth(n).map_or(some.len(), |(at, _)| at);
        }
        n -= rows;
    }
    rep.len()
}
