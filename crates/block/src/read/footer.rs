//! The footer: which columns a file has and where their bytes are.

use crate::error::BlockError;
use crate::extras::{self, Place};
use crate::schema::plain_parts;
use crate::thrift::Reader;
use bytes::Bytes;
use hashbrown::HashMap;
use parquet::basic::{CompressionCodec, Encoding, Type};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use std::ops::Range;

/// Physical types that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Bool,
    Int32,
    Int64,
    Double,
    Bytes,
    Other,
}

/// A column of a row group.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Path without list groups, see [`plain_parts`].
    pub(super) path: String,
    pub(super) physical: Physical,
    pub(super) max_rep: u8,
    pub(super) max_def: u8,
}

/// Where the chunk of a column stands.
#[derive(Debug, Clone)]
pub(super) struct ChunkPlace {
    pub(super) codec: CompressionCodec,
    /// Dictionary and data pages.
    pub(super) bytes: Range<u64>,
    /// Start of the first data page: what is before it is the dictionary.
    pub(super) data: u64,
    /// Entries of its pages: values and what is null.
    pub(super) entries: u64,
    /// How many of them are null, where the writer says so.
    pub(super) nulls: Option<u64>,
    /// Whether each data page is known to take its values from the dictionary.
    pub(super) is_all_dictionary: bool,
    pub(super) offset_index: Option<Range<u64>>,
}

/// A row group.
#[derive(Debug, Clone)]
pub(super) struct RowGroup {
    pub(super) rows: usize,
    /// By the number of the column.
    pub(super) chunks: Vec<ChunkPlace>,
    /// Lowest and highest trace id, where known.
    pub(super) bounds: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) extras: Option<Place>,
}

/// A parsed footer.
#[derive(Debug, Clone)]
pub(super) struct Footer {
    pub(super) columns: Vec<Column>,
    pub(super) by_path: HashMap<String, usize>,
    pub(super) row_groups: Vec<RowGroup>,
    /// Whether this project wrote the file, which stores each span once.
    pub(super) is_ours: bool,
    /// Offset of `index`, and bytes of the file from there on that hold the offset indices.
    pub(super) index_at: u64,
    pub(super) index: Bytes,
}

fn bad(what: &str) -> BlockError {
    BlockError::corrupt(format!("footer: {what}"))
}

fn range(offset: Option<i64>, length: Option<i64>, size: u64) -> Option<Range<u64>> {
    let start = u64::try_from(offset?).ok()?;
    let end = start.checked_add(u64::try_from(length?).ok()?)?;
    (end <= size).then_some(start..end)
}

/// Where a page is in the file, and its first row.
pub(super) type Page = (Range<u64>, usize);

impl Footer {
    /// Reads the Thrift bytes of a footer. `size` is the file's. The offset indices are still to
    /// be read: see [`Footer::index_range`].
    pub(super) fn parse(thrift: &[u8], size: u64) -> Result<Self, BlockError> {
        let metadata = ParquetMetaDataReader::decode_metadata(thrift)?;
        let schema = metadata.file_metadata().schema_descr();
        let mut columns = Vec::with_capacity(schema.num_columns());
        let mut by_path = HashMap::new();
        for column in schema.columns() {
            let path = plain_parts(column.path().parts());
            let level = |n: i16| u8::try_from(n).map_err(|_| bad("impossible level"));
            by_path.insert(path.clone(), columns.len());
            columns.push(Column {
                path,
                physical: match column.physical_type() {
                    Type::BOOLEAN => Physical::Bool,
                    Type::INT32 => Physical::Int32,
                    Type::INT64 => Physical::Int64,
                    Type::DOUBLE => Physical::Double,
                    Type::BYTE_ARRAY => Physical::Bytes,
                    _ => Physical::Other,
                },
                max_rep: level(column.max_rep_level())?,
                max_def: level(column.max_def_level())?,
            });
        }
        let writer = metadata.file_metadata().created_by().unwrap_or_default();
        let is_ours = writer.starts_with(crate::schema::WRITER);
        let mut places = places(&metadata, size)?.into_iter();
        let trace_id = by_path.get("TraceID").copied();
        let mut row_groups = Vec::with_capacity(metadata.num_row_groups());
        for group in metadata.row_groups() {
            if group.num_columns() != columns.len() {
                return Err(bad("a row group without some columns"));
            }
            let chunks: Result<Vec<_>, _> =
                group.columns().iter().map(|c| chunk(c, size, is_ours)).collect();
            let trace_ids = trace_id.and_then(|n| group.columns().get(n));
            row_groups.push(RowGroup {
                rows: usize::try_from(group.num_rows()).map_err(|_| bad("impossible rows"))?,
                chunks: chunks?,
                bounds: trace_ids.and_then(|c| c.statistics()).and_then(bounds),
                extras: places.next(),
            });
        }
        Ok(Footer { columns, by_path, row_groups, is_ours, index_at: 0, index: Bytes::new() })
    }

    /// Where all offset indices stand, if there are any.
    pub(super) fn index_range(&self) -> Option<Range<u64>> {
        let all = || {
            let chunks = self.row_groups.iter().flat_map(|g| &g.chunks);
            chunks.filter_map(|c| c.offset_index.as_ref())
        };
        Some(all().map(|r| r.start).min()?..all().map(|r| r.end).max()?)
    }

    /// Pages of a chunk: where each is, and its first row. None when the file does not say.
    pub(super) fn pages(&self, chunk: &ChunkPlace) -> Result<Option<Vec<Page>>, BlockError> {
        let Some(range) = &chunk.offset_index else { return Ok(None) };
        let at = |offset: u64| usize::try_from(offset.checked_sub(self.index_at)?).ok();
        let bytes = at(range.start).zip(at(range.end)).and_then(|(s, e)| self.index.get(s..e));
        let Some(bytes) = bytes else { return Ok(None) };
        let mut pages = Vec::new();
        Reader::new(bytes).record(|reader, field| {
            if field != 1 {
                return Ok(false);
            }
            for _ in 0..reader.list()? {
                let (mut offset, mut length, mut row) = (-1, -1, -1);
                reader.record(|reader, field| {
                    match field {
                        1 => offset = reader.int()?,
                        2 => length = reader.int()?,
                        3 => row = reader.int()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                let page = self::range(Some(offset), Some(length), chunk.bytes.end);
                let page = page.filter(|p| p.start >= chunk.bytes.start);
                let page = page.zip(usize::try_from(row).ok());
                pages.push(page.ok_or_else(|| bad("a page outside of its chunk"))?);
            }
            Ok(true)
        })?;
        if pages.first().is_none_or(|p| p.1 != 0)
            || !pages.is_sorted_by(|a, b| a.1 <= b.1 && a.0.end <= b.0.start)
        {
            return Err(bad("pages out of order"));
        }
        Ok(Some(pages))
    }

    /// Memory in use, about.
    pub(super) fn bytes(&self) -> usize {
        let chunks = self.row_groups.iter().map(|g| g.chunks.len()).sum::<usize>();
        self.columns.len() * 160 + chunks * size_of::<ChunkPlace>() + self.index.len()
    }
}

fn chunk(column: &ColumnChunkMetaData, size: u64, is_ours: bool) -> Result<ChunkPlace, BlockError> {
    let dictionary = column.dictionary_page_offset().filter(|offset| *offset > 0);
    let data = column.data_page_offset();
    let start = dictionary.map_or(data, |dictionary| dictionary.min(data));
    let bytes = range(Some(start), Some(column.compressed_size()), size)
        .ok_or_else(|| bad("a chunk outside of the file"))?;
    let data = u64::try_from(data).ok().filter(|data| *data <= bytes.end);
    Ok(ChunkPlace {
        codec: column.compression_codec(),
        entries: u64::try_from(column.num_values()).unwrap_or_default(),
        nulls: column.statistics().and_then(Statistics::null_count_opt),
        is_all_dictionary: is_all_dictionary(column, is_ours),
        data: data.ok_or_else(|| bad("data pages outside of their chunk"))?,
        bytes,
        offset_index: range(
            column.offset_index_offset(),
            column.offset_index_length().map(i64::from),
            size,
        ),
    })
}

/// We write a chunk with a dictionary or without, never half of each. Where another writer counted pages
/// by encoding, those counts say it. Else the list of encodings does, which names `PLAIN` also for the
/// dictionary itself, so a chunk that has it may not be judged.
fn is_all_dictionary(column: &ColumnChunkMetaData, is_ours: bool) -> bool {
    if column.dictionary_page_offset().is_none() || is_ours {
        return column.dictionary_page_offset().is_some();
    }
    match column.page_encoding_stats_mask() {
        Some(pages) => {
            pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY)
        }
        None => !column.encodings().any(|encoding| {
            matches!(encoding, Encoding::PLAIN | Encoding::DELTA_LENGTH_BYTE_ARRAY)
        }),
    }
}

fn bounds(statistics: &Statistics) -> Option<(Vec<u8>, Vec<u8>)> {
    // Bounds may be cut short, but hardly to the very length of an id.
    let (low, high) = (statistics.min_bytes_opt()?, statistics.max_bytes_opt()?);
    (low.len() == 16 && high.len() == 16).then(|| (low.to_vec(), high.to_vec()))
}

fn places(metadata: &ParquetMetaData, size: u64) -> Result<Vec<Place>, BlockError> {
    let entries = metadata.file_metadata().key_value_metadata();
    let entry = entries.and_then(|all| all.iter().find(|entry| entry.key == extras::KEY));
    let Some(value) = entry.and_then(|entry| entry.value.as_deref()) else { return Ok(Vec::new()) };
    let places = extras::parse_directory(value)?;
    if places.iter().any(|place| place.range().end > size) {
        return Err(bad("extras outside of the file"));
    }
    Ok(places)
}
