//! Single leaves of a row group as they stand in the file: levels, numbers of dictionary entries,
//! numbers. For readers that judge a column by its dictionary and never make a text of a value.
//!
//! Bytes are fetched first ([`Block::leaves`], the only part that waits for the store) and decoded
//! when they are asked for, for all rows or some, so that what a predicate on one leaf rules out
//! is never decoded in another.

use super::Block;
use super::column::{self, ChunkBytes, IndexedTexts};
use super::dictionary::Dictionary;
use super::fetch;
use super::footer::{ChunkPlace, Column, Footer};
use super::source::Source;
use crate::dedicated::ColumnType;
use crate::dedicated::Scope;
use crate::error::BlockError;
use crate::schema::{HTTP_METHOD, HTTP_STATUS, HTTP_URL, RESOURCE_FIXED};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Levels of a leaf's entries and the values of those that have one. A list's element begins where
/// the repetition level is at most the list's, and is there where the definition level reaches it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<T> {
    /// Repetition levels, one an entry.
    pub rep: Vec<u8>,
    /// Definition levels, one an entry.
    pub def: Vec<u8>,
    /// Values of the entries whose definition level is the highest.
    pub values: Vec<T>,
    /// The highest definition level.
    pub max_def: u8,
    /// The highest repetition level.
    pub max_rep: u8,
}

/// Where an attribute with a column of its own stands: only values of that type are in it, and
/// such values are nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnColumn {
    /// The leaf's path.
    pub path: String,
    /// Type of its values.
    pub column_type: ColumnType,
}

/// Bytes of some leaves of one row group.
#[derive(Debug)]
pub struct Leaves {
    footer: Arc<Footer>,
    group: usize,
    held: HashMap<String, Held>,
    dictionaries: RefCell<HashMap<String, Arc<Dictionary>>>,
    read: u64,
}

#[derive(Debug)]
struct Held {
    column: usize,
    bytes: ChunkBytes,
    /// Whether all of the chunk is here, in one piece.
    whole: bool,
}

fn no_leaf(path: &str) -> BlockError {
    BlockError::Unsupported(format!("a block without the column {path}"))
}

impl Block {
    /// Whether the file has a leaf at `path`: `rs.ss.Spans.Name`, without the groups of lists.
    pub fn has_leaf(&self, path: &str) -> bool {
        self.footer.by_path.contains_key(path)
    }

    /// Rows of a row group: its traces. None when there is no such row group.
    pub fn rows_of(&self, group: usize) -> usize {
        self.footer.row_groups.get(group).map_or(0, |g| g.rows)
    }

    /// Entries of a leaf in a row group: of a required leaf of spans hardly more than the spans.
    pub fn entries_of(&self, group: usize, path: &str) -> u64 {
        self.place(group, path).map_or(0, |(_, _, chunk)| chunk.entries)
    }

    /// Bytes of a leaf in a row group as they are stored.
    pub fn bytes_of(&self, group: usize, path: &str) -> u64 {
        self.place(group, path).map_or(0, |(_, _, chunk)| chunk.bytes.end - chunk.bytes.start)
    }

    /// Bytes of a row group as they are stored.
    pub fn bytes_of_group(&self, group: usize) -> u64 {
        let chunks = self.footer.row_groups.get(group).map(|g| &g.chunks);
        chunks.into_iter().flatten().map(|chunk| chunk.bytes.end - chunk.bytes.start).sum()
    }

    /// Whether a leaf may have values in a row group.
    pub fn has_values(&self, group: usize, path: &str) -> bool {
        self.place(group, path).is_some_and(|(_, _, chunk)| chunk.nulls != Some(chunk.entries))
    }

    fn place(&self, group: usize, path: &str) -> Option<(usize, &Column, &ChunkPlace)> {
        let number = self.footer.by_path.get(path).copied()?;
        let column = self.footer.columns.get(number)?;
        let chunk = self.footer.row_groups.get(group)?.chunks.get(number)?;
        Some((number, column, chunk))
    }

    /// The column that holds an attribute of resources, spans or events alone, if there is one.
    pub fn own_column(&self, scope: Scope, key: &str) -> Option<OwnColumn> {
        let prefix = match scope {
            Scope::Resource => "rs.Resource",
            Scope::Span => "rs.ss.Spans",
            Scope::Event => "rs.ss.Spans.Events",
        };
        let fixed = match scope {
            Scope::Resource => RESOURCE_FIXED
                .iter()
                .find(|(_, k)| *k == key)
                .map(|(name, _)| (*name, ColumnType::String)),
            Scope::Span => match key {
                HTTP_METHOD => Some(("HttpMethod", ColumnType::String)),
                HTTP_URL => Some(("HttpUrl", ColumnType::String)),
                HTTP_STATUS => Some(("HttpStatusCode", ColumnType::Int)),
                _ => None,
            },
            Scope::Event => None,
        };
        if let Some((name, column_type)) = fixed {
            let path = format!("{prefix}.{name}");
            if self.has_leaf(&path) {
                return Some(OwnColumn { path, column_type });
            }
        }
        let (mut strings, mut ints) = (0, 0);
        for column in self.meta.dedicated_columns.iter().filter(|c| c.scope == scope) {
            let (name, number) = match column.column_type {
                ColumnType::String => ("String", &mut strings),
                ColumnType::Int => ("Int", &mut ints),
            };
            *number += 1;
            if column.name == key {
                let path = format!("{prefix}.DedicatedAttributes.{name}{number:02}");
                let column_type = column.column_type;
                return self.has_leaf(&path).then_some(OwnColumn { path, column_type });
            }
        }
        None
    }

    /// All attributes of a scope that have a column of their own, with that column.
    pub fn own_columns(&self, scope: Scope) -> Vec<(String, OwnColumn)> {
        let fixed: Vec<&str> = match scope {
            Scope::Resource => RESOURCE_FIXED.iter().map(|(_, key)| *key).collect(),
            Scope::Span => vec![HTTP_METHOD, HTTP_URL, HTTP_STATUS],
            Scope::Event => Vec::new(),
        };
        let dedicated = self.meta.dedicated_columns.iter().filter(|c| c.scope == scope);
        let keys = fixed.into_iter().chain(dedicated.map(|c| c.name.as_str()));
        keys.filter_map(|key| Some((key.to_owned(), self.own_column(scope, key)?))).collect()
    }

    /// Reads leaves of a row group, with few ranged reads: of `rows`, or of all rows.
    ///
    /// # Errors
    /// When the bytes cannot be had, or there is no such leaf.
    pub async fn leaves<S: Source>(
        &self,
        source: &S,
        group: usize,
        rows: Option<Range<usize>>,
        paths: &[String],
    ) -> Result<Leaves, BlockError> {
        let mut needs = Vec::with_capacity(paths.len());
        for path in paths {
            let (number, _, chunk) = self.place(group, path).ok_or_else(|| no_leaf(path))?;
            let need = match &rows {
                None => fetch::Need { ranges: vec![chunk.bytes.clone()], first_row: 0 },
                Some(rows) => fetch::need(&self.footer, chunk, rows)?,
            };
            needs.push((path, number, chunk, need));
        }
        let ranges = needs.iter().flat_map(|(_, _, _, need)| need.ranges.iter().cloned());
        let pieces = fetch::read(source, ranges.collect()).await?;
        let read = pieces.bytes();
        let mut held = HashMap::with_capacity(needs.len());
        for (path, column, chunk, need) in needs {
            let parts: Option<Vec<Bytes>> =
                need.ranges.iter().map(|range| pieces.get(range)).collect();
            let pieces = parts.ok_or_else(|| BlockError::corrupt("bytes that were not read"))?;
            let bytes = ChunkBytes { codec: chunk.codec, pieces, first_row: need.first_row };
            held.insert(path.clone(), Held { column, bytes, whole: rows.is_none() });
        }
        let footer = self.footer.clone();
        Ok(Leaves { footer, group, held, dictionaries: RefCell::default(), read })
    }

    /// Reads the dictionaries of leaves alone. A leaf without one is left out.
    ///
    /// # Errors
    /// When the bytes cannot be had or are corrupt.
    pub async fn dictionaries<S: Source>(
        &self,
        source: &S,
        group: usize,
        paths: &[String],
    ) -> Result<HashMap<String, Arc<Dictionary>>, BlockError> {
        let places = paths.iter().filter_map(|path| {
            let (_, column, chunk) = self.place(group, path)?;
            let range = chunk.bytes.start..chunk.data;
            (!range.is_empty() && chunk.is_all_dictionary).then_some((path, column, chunk, range))
        });
        let places: Vec<_> = places.collect();
        let ranges = places.iter().map(|(_, _, _, range)| range.clone()).collect();
        let pieces = fetch::read(source, ranges).await?;
        let mut found = HashMap::with_capacity(places.len());
        for (path, column, chunk, range) in places {
            let bytes = pieces.get(&range);
            let bytes = bytes.ok_or_else(|| BlockError::corrupt("bytes that were not read"))?;
            let bytes = ChunkBytes { codec: chunk.codec, pieces: vec![bytes], first_row: 0 };
            found.insert(path.clone(), Arc::new(column::dictionary(column, &bytes)?));
        }
        Ok(found)
    }
}

impl Leaves {
    /// Whether the leaf was read.
    pub fn has(&self, path: &str) -> bool {
        self.held.contains_key(path)
    }

    /// Takes in other leaves of the same row group.
    pub fn add(&mut self, other: Leaves) {
        self.held.extend(other.held);
        self.read += other.read;
    }

    /// Bytes that were read for these leaves.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    /// The column of a leaf and its bytes, cut to the pages of `rows` where the file says where
    /// those are. With `known` the dictionary is left out.
    fn bytes(
        &self,
        path: &str,
        rows: &Range<usize>,
        known: bool,
    ) -> Result<(&Column, ChunkBytes), BlockError> {
        let held = self.held.get(path).ok_or_else(|| no_leaf(path))?;
        let column = self.footer.columns.get(held.column).ok_or_else(|| no_leaf(path))?;
        let group = self.footer.row_groups.get(self.group);
        let chunk = group.and_then(|g| g.chunks.get(held.column)).ok_or_else(|| no_leaf(path))?;
        let whole = held.bytes.pieces.first().filter(|_| held.whole);
        let Some(whole) = whole else { return Ok((column, held.bytes.clone())) };
        let need = fetch::need(&self.footer, chunk, rows)?;
        let is_dictionary = |range: &Range<u64>| known && range.end <= chunk.data;
        let pieces: Option<Vec<Bytes>> = need
            .ranges
            .iter()
            .filter(|range| !is_dictionary(range))
            .map(|range| fetch::part(whole, chunk.bytes.start, range))
            .collect();
        let pieces = pieces.ok_or_else(|| BlockError::corrupt("pages outside of their chunk"))?;
        let codec = held.bytes.codec;
        Ok((column, ChunkBytes { codec, pieces, first_row: need.first_row }))
    }

    /// A leaf of byte strings, as numbers of dictionary entries.
    ///
    /// # Errors
    /// When the leaf was not read, is corrupt or of another type.
    pub fn texts(
        &self,
        path: &str,
        rows: &Range<usize>,
    ) -> Result<(Leaf<u32>, Arc<Dictionary>), BlockError> {
        let known = self.dictionaries.borrow().get(path).cloned();
        let (column, bytes) = self.bytes(path, rows, known.is_some())?;
        let IndexedTexts { decoded, dictionary, is_shared } =
            column::indexed(column, &bytes, rows, known)?;
        if is_shared {
            self.dictionaries.borrow_mut().insert(path.to_owned(), dictionary.clone());
        }
        Ok((leaf(column, decoded), dictionary))
    }

    /// The levels of a leaf alone.
    ///
    /// # Errors
    /// When the leaf was not read or is corrupt.
    pub fn levels(&self, path: &str, rows: &Range<usize>) -> Result<Leaf<()>, BlockError> {
        let (column, bytes) = self.bytes(path, rows, true)?;
        Ok(leaf(column, column::levels_of(column, &bytes, rows)?))
    }

    /// A leaf of integers.
    ///
    /// # Errors
    /// When the leaf was not read, is corrupt or of another type.
    pub fn ints(&self, path: &str, rows: &Range<usize>) -> Result<Leaf<i64>, BlockError> {
        let (column, bytes) = self.bytes(path, rows, false)?;
        Ok(leaf(column, column::ints(column, &bytes, rows)?))
    }

    /// A leaf of doubles, as their bits.
    ///
    /// # Errors
    /// When the leaf was not read, is corrupt or of another type.
    pub fn doubles(&self, path: &str, rows: &Range<usize>) -> Result<Leaf<u64>, BlockError> {
        let (column, bytes) = self.bytes(path, rows, false)?;
        Ok(leaf(column, column::doubles(column, &bytes, rows)?))
    }

    /// A leaf of booleans.
    ///
    /// # Errors
    /// When the leaf was not read, is corrupt or of another type.
    pub fn bools(&self, path: &str, rows: &Range<usize>) -> Result<Leaf<bool>, BlockError> {
        let (column, bytes) = self.bytes(path, rows, false)?;
        Ok(leaf(column, column::bools(column, &bytes, rows)?))
    }
}

fn leaf<T>(column: &Column, decoded: column::Decoded<T>) -> Leaf<T> {
    Leaf {
        rep: decoded.rep,
        def: decoded.def,
        values: decoded.values,
        max_def: column.max_def,
        max_rep: column.max_rep,
    }
}
