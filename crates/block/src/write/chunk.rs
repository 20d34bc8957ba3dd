//! One column chunk: levels and values into pages.
//!
//! A chunk is an optional dictionary page and data pages of version 1: repetition levels,
//! definition levels (both RLE, each behind its length in four bytes) and values, compressed
//! together by zstd, with a CRC-32 of the compressed bytes in the page's header. Pages are cut
//! where a row starts. A chunk is dictionary-encoded as a whole or not at all, because Tempo asks
//! the dictionary alone whether a chunk can match.

use super::texts::{Gid, Interner};
use crate::encode;
use crate::error::BlockError;
use crate::schema::{Leaf, LeafType};
use crate::thrift;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;
use std::ops::Range;

/// Values longer than this have no place in the footer's statistics.
const MAX_STATISTIC: usize = 32;

/// A chunk's values, without nulls.
pub(super) enum Values<'v> {
    /// Texts by number, as a dictionary.
    Texts(&'v [Gid]),
    /// Byte strings, each on its own.
    Slices(&'v [&'v [u8]]),
    /// Integers of 32 or 64 bits, by the leaf's type.
    Ints(&'v [i64]),
    /// Doubles, as their bits.
    Doubles(&'v [u64]),
    Bools(&'v [bool]),
}

impl Values<'_> {
    fn len(&self) -> usize {
        match self {
            Values::Texts(v) => v.len(),
            Values::Slices(v) => v.len(),
            Values::Ints(v) => v.len(),
            Values::Doubles(v) => v.len(),
            Values::Bools(v) => v.len(),
        }
    }
}

/// A chunk's bytes and what the footer says of it; offsets count from the chunk's start.
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) close: ColumnCloseResult,
}

/// Writes chunks; keeps its memory from one to the next.
pub(super) struct ChunkWriter {
    compressor: zstd::bulk::Compressor<'static>,
    level: ZstdLevel,
    page_bytes: usize,
    page: Vec<u8>,
    compressed: Vec<u8>,
    /// For each text the chunk that it was last seen in, and its place in that dictionary.
    seen: Vec<(u32, u32)>,
    chunk: u32,
    indices: Vec<u32>,
}

/// Fields of a page's header (`parquet.thrift`, `PageHeader`).
enum Page {
    Dictionary { values: i32 },
    Data { levels: i32, encoding: Encoding },
}

fn internal(error: impl std::fmt::Display) -> BlockError {
    BlockError::Settings(error.to_string())
}

fn number(n: usize) -> Result<i32, BlockError> {
    i32::try_from(n).map_err(|_| BlockError::TooLarge("a page beyond 2 GiB"))
}

impl ChunkWriter {
    pub(super) fn new(zstd_level: i32, page_bytes: usize) -> Result<Self, BlockError> {
        Ok(ChunkWriter {
            compressor: zstd::bulk::Compressor::new(zstd_level).map_err(internal)?,
            level: ZstdLevel::try_new(zstd_level).map_err(internal)?,
            page_bytes: page_bytes.max(1 << 10),
            page: Vec::new(),
            compressed: Vec::new(),
            seen: Vec::new(),
            chunk: 0,
            indices: Vec::new(),
        })
    }

    /// Writes a chunk. `rep` and `def` are the levels of all entries, of which those at the leaf's
    /// highest definition level have a value.
    pub(super) fn write(
        &mut self,
        leaf: &Leaf,
        column: ColumnDescPtr,
        (rep, def): (&[u8], &[u8]),
        values: &Values<'_>,
        texts: &Interner<'_>,
    ) -> Result<Chunk, BlockError> {
        let mut chunk = Vec::new();
        let mut uncompressed = 0;
        let mut encoding = match values {
            Values::Texts(_) => Encoding::RLE_DICTIONARY,
            Values::Slices(_) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Values::Ints(_) => Encoding::DELTA_BINARY_PACKED,
            Values::Doubles(_) | Values::Bools(_) => Encoding::PLAIN,
        };
        let mut statistics = None;
        let mut dictionary_bytes = 0;
        let mut distinct = 0;
        if let Values::Texts(gids) = values {
            let dictionary = self.index(gids, texts);
            if dictionary.is_empty() {
                // Nulls alone need no dictionary; readers take an empty page of any encoding.
                encoding = Encoding::DELTA_LENGTH_BYTE_ARRAY;
            } else {
                distinct = dictionary.len();
                statistics = bounds(dictionary.iter().map(|&gid| texts.get(gid)));
                self.page.clear();
                for &gid in &dictionary {
                    let text = texts.get(gid);
                    self.page.extend_from_slice(&number(text.len())?.to_le_bytes());
                    self.page.extend_from_slice(text);
                }
                uncompressed +=
                    self.put_page(&mut chunk, &Page::Dictionary { values: number(distinct)? })?;
                dictionary_bytes = chunk.len();
            }
        }
        let width =
            encode::bit_width(u32::try_from(distinct.saturating_sub(1)).unwrap_or(u32::MAX)).max(1);
        let pages = self.cut(leaf, rep, values, width);
        let mut locations = Vec::with_capacity(pages.len());
        let (mut row, mut value) = (0usize, 0usize);
        for page in pages {
            let (rep, def) = (
                rep.get(page.clone()).unwrap_or_default(),
                def.get(page.clone()).unwrap_or_default(),
            );
            let present = if leaf.max_def == 0 { page.len() } else { count(def, leaf.max_def) };
            self.page.clear();
            levels(&mut self.page, rep, leaf.max_rep)?;
            levels(&mut self.page, def, leaf.max_def)?;
            match values {
                Values::Texts([]) => {
                    self.put_values(&Values::Slices(&[]), 0..0, width, leaf.leaf_type)
                }
                _ => self.put_values(values, value..value + present, width, leaf.leaf_type),
            }
            let offset = chunk.len();
            let header = Page::Data { levels: number(page.len())?, encoding };
            uncompressed += self.put_page(&mut chunk, &header)?;
            locations.push(PageLocation {
                offset: i64::try_from(offset).unwrap_or(i64::MAX),
                compressed_page_size: number(chunk.len() - offset)?,
                first_row_index: i64::try_from(row).unwrap_or(i64::MAX),
            });
            row += if leaf.max_rep == 0 { page.len() } else { count(rep, 0) };
            value += present;
        }
        debug_assert_eq!(value, values.len(), "levels and values of {}", leaf.path);
        let nulls = (def.len() - value.min(def.len())) as u64;
        let statistics =
            describe(leaf, values, statistics, if leaf.max_def == 0 { 0 } else { nulls });
        let mut encodings = vec![Encoding::RLE, encoding];
        if dictionary_bytes > 0 {
            encodings.push(Encoding::PLAIN);
        }
        let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_encodings(encodings)
            .set_compression(Compression::ZSTD(self.level))
            .set_num_values(signed(def.len()))
            .set_total_compressed_size(signed(chunk.len()))
            .set_total_uncompressed_size(signed(uncompressed))
            .set_data_page_offset(signed(dictionary_bytes))
            .set_dictionary_page_offset((dictionary_bytes > 0).then_some(0))
            .set_statistics(statistics)
            .build()
            .map_err(internal)?;
        let close = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: row as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(OffsetIndexMetaData {
                page_locations: locations,
                unencoded_byte_array_data_bytes: None,
            }),
        };
        Ok(Chunk { bytes: chunk, close })
    }

    /// Numbers the distinct texts in order of appearance: returns them and fills `indices`.
    fn index(&mut self, gids: &[Gid], texts: &Interner<'_>) -> Vec<Gid> {
        self.chunk += 1;
        self.seen.resize(texts.len().max(self.seen.len()), (0, 0));
        self.indices.clear();
        self.indices.reserve(gids.len());
        let mut dictionary = Vec::new();
        for &gid in gids {
            let Some((chunk, index)) = self.seen.get_mut(gid as usize) else { continue };
            if *chunk != self.chunk {
                *chunk = self.chunk;
                *index = u32::try_from(dictionary.len()).unwrap_or(u32::MAX);
                dictionary.push(gid);
            }
            self.indices.push(*index);
        }
        dictionary
    }

    /// Where pages start and end, in entries: about even, near the size wanted, at rows.
    fn cut(&self, leaf: &Leaf, rep: &[u8], values: &Values<'_>, width: u32) -> Vec<Range<usize>> {
        let entries = rep.len();
        let level_bits =
            encode::bit_width(leaf.max_rep.into()) + encode::bit_width(leaf.max_def.into());
        let bytes = entries * level_bits as usize / 8
            + match values {
                Values::Texts(v) => v.len() * width as usize / 8,
                Values::Slices(v) => v.iter().map(|s| s.len() + 1).sum(),
                Values::Ints(v) => v.len() * 4,
                Values::Doubles(v) => v.len() * 8,
                Values::Bools(v) => v.len() / 8,
            };
        let step = entries.div_ceil(bytes.div_ceil(self.page_bytes).max(1)).max(1);
        let mut pages = Vec::new();
        let mut start = 0;
        while start < entries {
            let mut end = (start + step).min(entries);
            if leaf.max_rep > 0 {
                let rest = rep.get(end..).unwrap_or_default();
                end += rest.iter().position(|&r| r == 0).unwrap_or(rest.len());
            }
            pages.push(start..end);
            start = end;
        }
        pages
    }

    fn put_values(
        &mut self,
        values: &Values<'_>,
        range: Range<usize>,
        width: u32,
        leaf_type: LeafType,
    ) {
        let page = &mut self.page;
        match values {
            Values::Texts(_) => {
                page.push(width as u8);
                encode::hybrid(page, self.indices.get(range).unwrap_or_default(), width);
            }
            Values::Slices(all) => {
                let all = all.get(range).unwrap_or_default();
                encode::delta_lengths(page, all.iter().copied());
            }
            Values::Ints(all) => {
                let narrow = matches!(leaf_type, LeafType::I32 | LeafType::U32);
                let all = all.get(range).unwrap_or_default();
                encode::delta(page, all.iter().copied(), narrow);
            }
            Values::Doubles(all) => {
                let all = all.get(range).unwrap_or_default();
                all.iter().for_each(|bits| page.extend_from_slice(&bits.to_le_bytes()));
            }
            Values::Bools(all) => {
                encode::bits(page, all.get(range).unwrap_or_default().iter().copied());
            }
        }
    }

    /// Compresses the page at hand and appends it: its bytes before compression, header included.
    fn put_page(&mut self, chunk: &mut Vec<u8>, page: &Page) -> Result<usize, BlockError> {
        self.compressed.clear();
        self.compressed.reserve(zstd::zstd_safe::compress_bound(self.page.len()));
        self.compressor.compress_to_buffer(&self.page, &mut self.compressed).map_err(internal)?;
        let start = chunk.len();
        let mut header = thrift::Writer::new(chunk);
        header.i32(1, if matches!(page, Page::Dictionary { .. }) { 2 } else { 0 });
        header.i32(2, number(self.page.len())?);
        header.i32(3, number(self.compressed.len())?);
        header.i32(4, crc32fast::hash(&self.compressed).cast_signed());
        match *page {
            Page::Data { levels, encoding } => header.record(5, |data| {
                data.i32(1, levels);
                data.i32(2, encoding as i32);
                data.i32(3, Encoding::RLE as i32);
                data.i32(4, Encoding::RLE as i32);
            }),
            Page::Dictionary { values } => header.record(7, |dictionary| {
                dictionary.i32(1, values);
                dictionary.i32(2, Encoding::PLAIN as i32);
            }),
        }
        header.finish();
        let header = chunk.len() - start;
        chunk.extend_from_slice(&self.compressed);
        Ok(header + self.page.len())
    }
}

/// How many entries are at `level`.
fn count(levels: &[u8], level: u8) -> usize {
    levels.iter().filter(|&&l| l == level).count()
}

/// Appends levels behind their length, unless there is but one level.
fn levels(out: &mut Vec<u8>, levels: &[u8], max: u8) -> Result<(), BlockError> {
    if max == 0 {
        return Ok(());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    encode::hybrid(out, levels, encode::bit_width(max.into()));
    let length = number(out.len() - start - 4)?;
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_le_bytes());
    }
    Ok(())
}

/// Smallest and largest of byte strings, unless one of them is too long for the footer.
fn bounds<'t>(values: impl Iterator<Item = &'t [u8]>) -> Option<(ByteArray, ByteArray)> {
    let mut bounds: Option<(&[u8], &[u8])> = None;
    for value in values {
        let (low, high) = bounds.get_or_insert((value, value));
        *low = value.min(low);
        *high = value.max(high);
    }
    let (low, high) = bounds?;
    let fits = low.len() <= MAX_STATISTIC && high.len() <= MAX_STATISTIC;
    fits.then(|| (low.to_vec().into(), high.to_vec().into()))
}

fn describe(
    leaf: &Leaf,
    values: &Values<'_>,
    texts: Option<(ByteArray, ByteArray)>,
    nulls: u64,
) -> Statistics {
    let nulls = Some(nulls);
    fn of<T>(bounds: Option<(T, T)>, nulls: Option<u64>) -> ValueStatistics<T> {
        let (low, high) = bounds.unzip();
        ValueStatistics::new(low, high, None, nulls, false)
    }
    let range = |all: &[i64]| Some((*all.iter().min()?, *all.iter().max()?));
    let unsigned = |all: &[i64]| {
        let all = all.iter().map(|n| n.cast_unsigned());
        Some((all.clone().min()?.cast_signed(), all.max()?.cast_signed()))
    };
    #[expect(clippy::cast_possible_truncation, reason = "32-bit leaves hold 32-bit numbers")]
    let narrow = |(low, high): (i64, i64)| (low as i32, high as i32);
    match (values, leaf.leaf_type) {
        (Values::Texts(_), _) => Statistics::ByteArray(of(texts, nulls)),
        (Values::Slices(all), _) => Statistics::ByteArray(of(bounds(all.iter().copied()), nulls)),
        (Values::Ints(all), LeafType::U64) => Statistics::Int64(of(unsigned(all), nulls)),
        (Values::Ints(all), LeafType::U32 | LeafType::I32) => {
            Statistics::Int32(of(range(all).map(narrow), nulls))
        }
        (Values::Ints(all), _) => Statistics::Int64(of(range(all), nulls)),
        // Bounds of doubles would need a rule for NaN; no reader asks for them.
        (Values::Doubles(_), _) => Statistics::Double(of(None, nulls)),
        (Values::Bools(all), _) => {
            let bounds = all.iter().min().copied().zip(all.iter().max().copied());
            Statistics::Boolean(of(bounds, nulls))
        }
    }
}
