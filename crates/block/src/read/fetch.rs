//! Which bytes are read: footer, trace ids, and the pages of some rows, in few ranged reads.

use super::assemble::trace_id;
use super::column::{self, ChunkBytes};
use super::footer::{ChunkPlace, Footer, RowGroup};
use super::parts::Wanted;
use super::rows::{Rows, is_needed};
use super::source::Source;
use crate::dedicated::DedicatedColumn;
use crate::error::BlockError;
use crate::extras::{Extras, Place};
use crate::meta::{BlockMeta, Object};
use bytes::Bytes;
use futures_util::future::try_join_all;
use std::ops::Range;
use tributary_span::TraceId;

/// Read before it is known how long footer and index of pages are.
const TAIL: u64 = 64 << 10;
/// Two ranges with no more than this between them are read as one: on any store the bytes come
/// faster than a second answer.
const GAP: u64 = 256 << 10;
/// No single read is longer, so that long ones go side by side.
const LONGEST: u64 = 8 << 20;

fn bad(what: &str) -> BlockError {
    BlockError::corrupt(format!("data.parquet: {what}"))
}

/// The bytes `range` of a piece of the file that starts at `at`.
pub(super) fn part(piece: &Bytes, at: u64, range: &Range<u64>) -> Option<Bytes> {
    let start = usize::try_from(range.start.checked_sub(at)?).ok()?;
    let end = usize::try_from(range.end.checked_sub(at)?).ok()?;
    (start <= end && end <= piece.len()).then(|| piece.slice(start..end))
}

/// Reads a file's footer and where its pages are.
pub(super) async fn footer<S: Source>(source: &S, meta: &BlockMeta) -> Result<Footer, BlockError> {
    let size = meta.size;
    let guess = TAIL.max(u64::from(meta.footer_size).saturating_mul(2));
    let mut at = size.saturating_sub(guess);
    let mut tail = source.range(Object::Data, at..size).await?;
    let end = size.checked_sub(8).ok_or_else(|| bad("too short"))?;
    let last = part(&tail, at, &(end..size)).ok_or_else(|| bad("too short"))?;
    let Some((length, b"PAR1")) = last.split_first_chunk::<4>() else {
        return Err(bad("no magic at its end"));
    };
    let length = u64::from(u32::from_le_bytes(*length));
    let start = end.checked_sub(length).ok_or_else(|| bad("a footer longer than the file"))?;
    if start < at {
        tail = source.range(Object::Data, start..size).await?;
        at = start;
    }
    let thrift = part(&tail, at, &(start..end)).ok_or_else(|| bad("too short"))?;
    let mut footer = Footer::parse(&thrift, size)?;
    if let Some(range) = footer.index_range() {
        // A copy: the slice would keep the whole tail.
        let index = match part(&tail, at, &range) {
            Some(index) => Bytes::copy_from_slice(&index),
            None => source.range(Object::Data, range.clone()).await?,
        };
        (footer.index_at, footer.index) = (range.start, index);
    }
    Ok(footer)
}

/// The trace ids of a row group, in order.
pub(super) async fn trace_ids<S: Source>(
    source: &S,
    footer: &Footer,
    group: &RowGroup,
) -> Result<Vec<TraceId>, BlockError> {
    let number = footer.by_path.get("TraceID").copied();
    let column = number.and_then(|n| footer.columns.get(n));
    let chunk = number.and_then(|n| group.chunks.get(n));
    let missing = || BlockError::Unsupported("a block without the column TraceID".to_owned());
    let (column, chunk) = column.zip(chunk).ok_or_else(missing)?;
    let bytes = ChunkBytes {
        codec: chunk.codec,
        pieces: vec![source.range(Object::Data, chunk.bytes.clone()).await?],
        first_row: 0,
    };
    Ok(column::bytes(column, &bytes, &(0..group.rows), &mut trace_id)?.values)
}

/// Reads what some rows of a row group need.
pub(super) async fn rows<'a, S: Source>(
    source: &S,
    (footer, dedicated): (&'a Footer, &'a [DedicatedColumn]),
    group: &RowGroup,
    range: Range<usize>,
    leaves: &'a Wanted,
) -> Result<Rows<'a>, BlockError> {
    let all = range.start == 0 && range.end >= group.rows;
    let mut needs: Vec<Option<Need>> = Vec::with_capacity(group.chunks.len());
    for (column, chunk) in footer.columns.iter().zip(&group.chunks) {
        needs.push(match is_needed(column) && leaves.want(&column.path) {
            false => None,
            true if all => Some(Need { ranges: vec![chunk.bytes.clone()], first_row: 0 }),
            true => Some(need(footer, chunk, &range)?),
        });
    }
    // What a question looks at does not stand there, and it is told for a row group as a whole.
    let extras = group.extras.as_ref().filter(|place| place.length > 0 && leaves.rest);
    let ranges = needs.iter().flatten().flat_map(|need| need.ranges.iter().cloned());
    let pieces = read(source, ranges.chain(extras.map(|place| place.range())).collect()).await?;
    let chunks = needs.into_iter().zip(&group.chunks).map(|(need, chunk)| {
        let Some(need) = need else { return Ok(None) };
        let parts: Option<Vec<Bytes>> = need.ranges.iter().map(|range| pieces.get(range)).collect();
        let parts = parts.ok_or_else(|| bad("bytes that were not read"))?;
        Ok(Some(ChunkBytes { codec: chunk.codec, pieces: parts, first_row: need.first_row }))
    });
    let chunks = chunks.collect::<Result<Vec<_>, BlockError>>()?;
    let mut extras = decoded(extras, &pieces)?;
    if !leaves.links {
        extras.link_flags.clear();
    }
    Ok(Rows { footer, dedicated, chunks, range, extras, leaves })
}

/// Reads all columns of some rows of a row group, and what no column holds of the row group.
pub(super) async fn whole_rows<S: Source>(
    source: &S,
    footer: &Footer,
    group: &RowGroup,
    range: &Range<usize>,
) -> Result<(Vec<ChunkBytes>, Extras), BlockError> {
    let needs = group.chunks.iter().map(|chunk| need(footer, chunk, range));
    let needs = needs.collect::<Result<Vec<_>, _>>()?;
    let extras = group.extras.as_ref().filter(|place| place.length > 0);
    let ranges = needs.iter().flat_map(|need| need.ranges.iter().cloned());
    let pieces = read(source, ranges.chain(extras.map(Place::range)).collect()).await?;
    let chunks = needs.into_iter().zip(&group.chunks).map(|(need, chunk)| {
        let parts: Option<Vec<Bytes>> = need.ranges.iter().map(|range| pieces.get(range)).collect();
        let parts = parts.ok_or_else(|| bad("bytes that were not read"))?;
        Ok(ChunkBytes { codec: chunk.codec, pieces: parts, first_row: need.first_row })
    });
    let chunks = chunks.collect::<Result<Vec<_>, BlockError>>()?;
    Ok((chunks, decoded(extras, &pieces)?))
}

/// The extras of a row group, which were read.
fn decoded(place: Option<&Place>, pieces: &Pieces) -> Result<Extras, BlockError> {
    let Some(place) = place else { return Ok(Extras::default()) };
    let bytes = pieces.get(&place.range()).ok_or_else(|| bad("bytes that were not read"))?;
    Extras::decode(&bytes, place)
}

/// What of a chunk is needed.
pub(super) struct Need {
    pub(super) ranges: Vec<Range<u64>>,
    pub(super) first_row: usize,
}

/// Dictionary and data pages of some rows; without an index of pages the whole chunk.
pub(super) fn need(
    footer: &Footer,
    chunk: &ChunkPlace,
    rows: &Range<usize>,
) -> Result<Need, BlockError> {
    let Some(pages) = footer.pages(chunk)? else {
        return Ok(Need { ranges: vec![chunk.bytes.clone()], first_row: 0 });
    };
    let first = pages.partition_point(|(_, row)| *row <= rows.start).saturating_sub(1);
    let last = pages.partition_point(|(_, row)| *row < rows.end);
    let wanted = pages.get(first..last).unwrap_or_default();
    let dictionary = chunk.bytes.start..chunk.data;
    let mut ranges = Vec::new();
    if !dictionary.is_empty() {
        ranges.push(dictionary);
    }
    if let (Some((start, row)), Some((end, _))) = (wanted.first(), wanted.last()) {
        ranges.push(start.start..end.end);
        return Ok(Need { ranges, first_row: *row });
    }
    Err(bad("rows that no page has"))
}

/// Pieces of a file that have been read.
pub(super) struct Pieces(Vec<(u64, Bytes)>);

impl Pieces {
    /// Bytes that were read.
    pub(super) fn bytes(&self) -> u64 {
        self.0.iter().map(|(_, piece)| piece.len() as u64).sum()
    }

    pub(super) fn get(&self, range: &Range<u64>) -> Option<Bytes> {
        let at = self.0.partition_point(|(start, _)| *start <= range.start).checked_sub(1)?;
        let (start, piece) = self.0.get(at)?;
        part(piece, *start, range)
    }
}

/// Ranges that cover the given ones, near ones joined. Ascending.
fn coalesce(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|r| r.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            // What overlaps must be one, however long it gets.
            Some(last)
                if range.start < last.end
                    || (range.start - last.end <= GAP && range.end - last.start <= LONGEST) =>
            {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

pub(super) async fn read<S: Source>(
    source: &S,
    ranges: Vec<Range<u64>>,
) -> Result<Pieces, BlockError> {
    let reads = coalesce(ranges).into_iter().map(|range| async move {
        Ok::<_, BlockError>((range.start, source.range(Object::Data, range).await?))
    });
    Ok(Pieces(try_join_all(reads).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_read_as_one() {
        let far = GAP + 101;
        assert_eq!(coalesce(vec![far..far + 5, 0..100, 50..60, 100..100]), [0..100, far..far + 5]);
        let one = coalesce(vec![0..10, 20..30, 25..40]);
        assert_eq!((one.len(), one.first()), (1, Some(&(0..40))));
        assert_eq!(coalesce(vec![0..LONGEST, LONGEST..LONGEST + 1]).len(), 2);
        assert_eq!(coalesce(vec![]), []);
    }
}
