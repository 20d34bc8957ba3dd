//! One column chunk: levels and values into pages.
//!
//! A chunk is an optional dictionary page and data pages of version 1: repetition levels,
//! definition levels (both RLE, each behind its length in four bytes) and values, compressed
//! together by zstd, with a CRC-32 of the compressed bytes in the page's header. Pages are cut
//! where a row starts. A chunk is dictionary-encoded as a whole or not at all, because Tempo asks
//! the dictionary alone whether a chunk can match. How its values are encoded is a matter of the
//! settings: as usual, or as it is found to be shortest ([`trial`]).

mod form;
mod page;
mod statistics;
mod trial;

use self::form::{Coding, Effort, Form};
use self::page::{Header, PageWriter, plain};
use self::statistics::{bounds, describe};
use self::trial::Tried;
use super::texts::{Gid, Interner};
use super::{Encodings, WriterSettings};
use crate::encode;
use crate::error::BlockError;
use crate::schema::Leaf;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};
use parquet::schema::types::ColumnDescPtr;
use std::ops::Range;

/// A page has no more entries, however few bytes they take: they are all decoded for one of them. Of
/// half as many, a trace is found by its id in a quarter less time, and a block is two hundredths larger.
const MOST_ENTRIES: usize = 32 << 10;

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

/// Levels of a chunk's entries.
#[derive(Clone, Copy)]
struct Entries<'e> {
    rep: &'e [u8],
    def: &'e [u8],
}

/// Writes chunks; keeps its memory from one to the next.
pub(super) struct ChunkWriter {
    pages: PageWriter,
    level: ZstdLevel,
    page_bytes: usize,
    encodings: Encodings,
    /// For each text the chunk that it was last seen in, and its place in that dictionary.
    seen: Vec<(u32, u32)>,
    chunk: u32,
    /// Entries of the chunk's dictionary: numbers of texts, or numbers themselves.
    dictionary: Vec<u64>,
    /// The page of that dictionary, compressed, with its header, and its bytes before compression.
    dictionary_page: Vec<u8>,
    dictionary_plain: usize,
    /// Places of the chunk's values in its dictionary.
    indices: Vec<u32>,
    numbers: HashMap<u64, u32, FixedState>,
}

fn internal(error: impl std::fmt::Display) -> BlockError {
    BlockError::Settings(error.to_string())
}

fn number(n: usize) -> Result<i32, BlockError> {
    i32::try_from(n).map_err(|_| BlockError::TooLarge("a page beyond 2 GiB"))
}

impl ChunkWriter {
    pub(super) fn new(settings: &WriterSettings) -> Result<Self, BlockError> {
        Ok(ChunkWriter {
            pages: PageWriter::new(settings.zstd_level)?,
            level: ZstdLevel::try_new(settings.zstd_level).map_err(internal)?,
            page_bytes: settings.page_bytes.max(1 << 10),
            encodings: settings.encodings,
            seen: Vec::new(),
            chunk: 0,
            dictionary: Vec::new(),
            dictionary_page: Vec::new(),
            dictionary_plain: 0,
            indices: Vec::new(),
            numbers: HashMap::default(),
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
        let entries = Entries { rep, def };
        let mut statistics = None;
        self.dictionary.clear();
        self.indices.clear();
        if let Values::Texts(gids) = values {
            self.index(gids, texts);
            statistics = bounds(self.dictionary.iter().map(|&gid| text(texts, gid)));
            self.put_dictionary(leaf, values, texts)?;
        }
        let (form, bytes) = match self.encodings {
            Encodings::Fast => {
                let form = Form::usual(values, self.dictionary.len());
                (form, guess(leaf, rep.len(), values, form.values))
            }
            Encodings::Small => self.choose(Tried { leaf, entries, values, texts })?,
        };
        let encoding = form.values.encoding();
        let (mut chunk, mut uncompressed) = (Vec::new(), 0);
        if form.values.has_dictionary() {
            chunk.extend_from_slice(&self.dictionary_page);
            uncompressed += self.dictionary_plain;
        }
        let dictionary_bytes = chunk.len();
        let pages = self.cut(leaf, rep, bytes);
        let mut locations = Vec::with_capacity(pages.len());
        let (mut row, mut value) = (0usize, 0usize);
        for page in pages {
            let rep = rep.get(page.clone()).unwrap_or_default();
            let def = def.get(page.clone()).unwrap_or_default();
            let present = if leaf.max_def == 0 { page.len() } else { count(def, leaf.max_def) };
            self.pages.page.clear();
            self.put_entries(leaf, entries, &page, form)?;
            let numbers = (texts, &self.indices[..]);
            let range = value..value + present;
            self.pages.values(values, range, form.values, numbers, leaf.leaf_type);
            let offset = chunk.len();
            let header = Header::Data { levels: number(page.len())?, encoding };
            uncompressed += self.pages.put(&mut chunk, &header, form.effort)?;
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

    /// Appends the levels of some entries to the page at hand.
    fn put_entries(
        &mut self,
        leaf: &Leaf,
        entries: Entries<'_>,
        range: &Range<usize>,
        form: Form,
    ) -> Result<(), BlockError> {
        let rep = entries.rep.get(range.clone()).unwrap_or_default();
        let def = entries.def.get(range.clone()).unwrap_or_default();
        self.pages.levels(rep, leaf.max_rep, form.rep)?;
        self.pages.levels(def, leaf.max_def, form.def)
    }

    /// Numbers the distinct texts in order of appearance: fills `dictionary` and `indices`.
    fn index(&mut self, gids: &[Gid], texts: &Interner<'_>) {
        self.chunk += 1;
        self.seen.resize(texts.len().max(self.seen.len()), (0, 0));
        self.indices.reserve(gids.len());
        for &gid in gids {
            let Some((chunk, index)) = self.seen.get_mut(gid as usize) else { continue };
            if *chunk != self.chunk {
                *chunk = self.chunk;
                *index = u32::try_from(self.dictionary.len()).unwrap_or(u32::MAX);
                self.dictionary.push(gid.into());
            }
            self.indices.push(*index);
        }
    }

    /// The same with numbers; gives up when there are more than `most` distinct ones.
    fn index_numbers(&mut self, all: &[u64], most: usize) -> bool {
        self.numbers.clear();
        for &n in all {
            let next = u32::try_from(self.dictionary.len()).unwrap_or(u32::MAX);
            let index = *self.numbers.entry(n).or_insert(next);
            if index == next {
                if self.dictionary.len() >= most {
                    self.dictionary.clear();
                    self.indices.clear();
                    return false;
                }
                self.dictionary.push(n);
            }
            self.indices.push(index);
        }
        true
    }

    /// Makes the page of the dictionary at hand.
    fn put_dictionary(
        &mut self,
        leaf: &Leaf,
        values: &Values<'_>,
        texts: &Interner<'_>,
    ) -> Result<(), BlockError> {
        self.dictionary_page.clear();
        self.dictionary_plain = 0;
        if self.dictionary.is_empty() {
            return Ok(());
        }
        let page = &mut self.pages.page;
        page.clear();
        for &entry in &self.dictionary {
            if let Values::Texts(_) = values {
                let text = text(texts, entry);
                page.extend_from_slice(&number(text.len())?.to_le_bytes());
                page.extend_from_slice(text);
            } else {
                plain(page, entry.cast_signed(), leaf.leaf_type.is_narrow());
            }
        }
        let header = Header::Dictionary { values: number(self.dictionary.len())? };
        self.dictionary_plain =
            self.pages.put(&mut self.dictionary_page, &header, Effort::Usual)?;
        Ok(())
    }

    /// Where pages start and end, in entries: about even, near the size wanted of the chunk's bytes
    /// before compression, at rows.
    fn cut(&self, leaf: &Leaf, rep: &[u8], bytes: usize) -> Vec<Range<usize>> {
        let entries = rep.len();
        let fewest = bytes.div_ceil(self.page_bytes).max(entries.div_ceil(MOST_ENTRIES)).max(1);
        let step = entries.div_ceil(fewest).max(1);
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
}

/// About how many bytes a chunk has before compression.
fn guess(leaf: &Leaf, entries: usize, values: &Values<'_>, coding: Coding) -> usize {
    let level_bits =
        encode::bit_width(leaf.max_rep.into()) + encode::bit_width(leaf.max_def.into());
    entries * level_bits as usize / 8
        + match (values, coding) {
            (_, Coding::Indices { width }) => values.len() * width as usize / 8,
            (Values::Texts(v), _) => v.len(),
            (Values::Slices(v), _) => v.iter().map(|s| s.len() + 1).sum(),
            (Values::Ints(v), _) => v.len() * 4,
            (Values::Doubles(v), _) => v.len() * 8,
            (Values::Bools(v), _) => v.len() / 8,
        }
}

fn text<'a>(texts: &Interner<'a>, entry: u64) -> &'a [u8] {
    texts.get(Gid::try_from(entry).unwrap_or_default())
}

/// How many entries are at `level`.
fn count(levels: &[u8], level: u8) -> usize {
    levels.iter().filter(|&&l| l == level).count()
}
