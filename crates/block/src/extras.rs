//! What vParquet4 has no column for, kept in a region of `data.parquet` that other readers skip.
//!
//! A span read back equals the span sent in every field, so flags, schema URLs and a few other
//! things need a place. Parquet readers go by offsets from the footer; bytes that no column chunk
//! claims are never looked at. Compaction by others drops them.
//!
//! Layout, version 1. After the pages of each row group stand, without gap, the bytes of its
//! extras: a zstd frame of one MessagePack map with the names of [`Extras`]; a name that is absent
//! stands for an empty array. Where they stand is said by the footer's key-value entry
//! `tributary.extras`: `1;` and for each row group, in order, `offset,length,crc;` in decimal,
//! `crc` being the CRC-32 of the frame. A row group without extras has length 0.
//!
//! Columns of the map, all arrays of unsigned integers but `texts`:
//!
//! | name | of | content |
//! |---|---|---|
//! | `trace_resources`, `trace_scopes`, `trace_spans`, `trace_links` | traces | runs: how many of each a trace has, so that the rows of one can be told from its number; left out when no column counts by them |
//! | `texts` | | byte strings, numbered from 1; 0 is the empty one |
//! | `span_flags` | spans | runs |
//! | `link_flags` | links | runs |
//! | `resource_schema_url`, `resource_entity_refs` | resources of traces | runs of texts |
//! | `scope_schema_url` | scopes of resources | runs of texts |
//! | `empty_service_name` | resources of traces | places: `service.name` is there and empty |
//! | `span_end` | spans | sparse: the true end of spans that end before they start |
//!
//! Rows are counted in file order over the row group. *Runs* are pairs of a count and a value and
//! end early when the rest is 0. *Places* are row numbers, each as the difference to the one
//! before. *Sparse* columns are pairs of a place and a value.
//!
//! Version rule: another version is skipped, fields read as their defaults. New names may be added
//! within a version, since unknown ones are ignored. Blocks without the entry have no extras.
//!
//! Invariants
//! 1. Rows of a column never exceed the rows of its table, else the extras are corrupt.
//! 2. A frame whose checksum differs is corrupt; it is never read half.

use crate::error::BlockError;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::io::Read;
use std::ops::Range;

/// Name of the footer's entry.
pub(crate) const KEY: &str = "tributary.extras";
const VERSION: &str = "1";
/// Extras are small; more than this is no block of ours.
const MAX_BYTES: u64 = 256 << 20;

/// The extras of one row group, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Extras {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) texts: Vec<ByteBuf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trace_resources: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trace_scopes: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trace_spans: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trace_links: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) span_flags: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) link_flags: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource_schema_url: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) resource_entity_refs: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scope_schema_url: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) empty_service_name: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) span_end: Vec<u64>,
}

/// Where the extras of a row group stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) crc: u32,
}

impl Place {
    pub(crate) fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.length)
    }
}

/// The footer entry's value.
pub(crate) fn directory(places: &[Place]) -> String {
    let places = places.iter().map(|p| format!("{},{},{};", p.offset, p.length, p.crc));
    format!("{VERSION};{}", places.collect::<String>())
}

/// The places in a footer entry's value; none when it is of another version.
///
/// # Errors
/// When it is of this version and malformed.
pub(crate) fn parse_directory(value: &str) -> Result<Vec<Place>, BlockError> {
    let bad = || BlockError::corrupt(format!("{KEY} in the footer is malformed"));
    let Some((VERSION, places)) = value.split_once(';') else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for place in places.split_terminator(';') {
        let mut numbers = place.split(',').map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(bad);
        let (offset, length, crc) = (next()?, next()?, next()?);
        all.push(Place { offset, length, crc: u32::try_from(crc).map_err(|_| bad())? });
    }
    Ok(all)
}

impl Extras {
    /// The stored bytes; none when there is nothing to keep.
    ///
    /// # Errors
    /// When zstd cannot be set up.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, BlockError> {
        if *self == Extras::default() {
            return Ok(Vec::new());
        }
        let failed = |e: &dyn std::fmt::Display| BlockError::Settings(format!("extras: {e}"));
        let bytes = rmp_serde::to_vec_named(self).map_err(|e| failed(&e))?;
        zstd::bulk::compress(&bytes, 3).map_err(|e| failed(&e))
    }

    /// Reads the stored bytes.
    ///
    /// # Errors
    /// When the checksum differs or they are no extras.
    pub(crate) fn decode(bytes: &[u8], place: &Place) -> Result<Self, BlockError> {
        if bytes.is_empty() && place.length == 0 {
            return Ok(Extras::default());
        }
        if crc32fast::hash(bytes) != place.crc {
            return Err(BlockError::corrupt("extras: checksum"));
        }
        let failed = |e: &dyn std::fmt::Display| BlockError::corrupt(format!("extras: {e}"));
        let mut plain = Vec::new();
        zstd::stream::read::Decoder::new(bytes)
            .and_then(|decoder| decoder.take(MAX_BYTES).read_to_end(&mut plain))
            .map_err(|e| failed(&e))?;
        rmp_serde::from_slice(&plain).map_err(|e| failed(&e))
    }
}

/// Runs of a column; a last run of zeros is left out.
pub(crate) fn runs(column: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut runs: Vec<u64> = Vec::new();
    for value in column {
        match runs.as_mut_slice() {
            [.., count, last] if *last == value => *count += 1,
            _ => runs.extend([1, value]),
        }
    }
    if runs.last() == Some(&0) {
        runs.truncate(runs.len() - 2);
    }
    runs
}

/// Rows `range` of a column of runs, for a table of `total` rows.
///
/// # Errors
/// When the runs have more rows than the table.
pub(crate) fn expand_range(
    runs: &[u64],
    range: &Range<usize>,
    total: usize,
) -> Result<Vec<u64>, BlockError> {
    let mut column = Vec::new();
    let (pairs, rest) = runs.as_chunks::<2>();
    let mut row = 0usize;
    for &[count, value] in pairs {
        let count = usize::try_from(count).ok().filter(|c| *c <= total - row);
        let count = count.ok_or_else(|| BlockError::corrupt("extras: more rows than the table"))?;
        let within = (row + count).min(range.end).saturating_sub(row.max(range.start));
        column.resize(column.len() + within, value);
        row += count;
    }
    if !rest.is_empty() {
        return Err(BlockError::corrupt("extras: half a run"));
    }
    column.resize(range.len(), 0);
    Ok(column)
}

/// Row numbers of the rows that `which` picks, as differences.
pub(crate) fn places(which: impl Iterator<Item = bool>) -> Vec<u64> {
    let mut last = 0;
    let rows = (0u64..).zip(which).filter(|(_, is)| *is).map(|(row, _)| row);
    rows.map(|row| row - std::mem::replace(&mut last, row)).collect()
}

/// The row numbers of places.
///
/// # Errors
/// When one is beyond the table's `rows`.
pub(crate) fn rows_of(places: &[u64], rows: usize) -> Result<Vec<usize>, BlockError> {
    let mut row = 0u64;
    let absolute = places.iter().map(|step| {
        row = row.saturating_add(*step);
        let found = usize::try_from(row).ok().filter(|row| *row < rows);
        found.ok_or_else(|| BlockError::corrupt("extras: a row beyond the table"))
    });
    absolute.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_directory_is_read_back_and_others_are_no_business_of_ours() {
        let places = vec![
            Place { offset: 4, length: 10, crc: u32::MAX },
            Place { offset: 14, length: 0, crc: 0 },
        ];
        assert_eq!(directory(&places), "1;4,10,4294967295;14,0,0;");
        assert_eq!(parse_directory(&directory(&places)).unwrap(), places);
        assert_eq!(parse_directory("2;whatever").unwrap(), []);
        for bad in ["1;1,2", "1;1,2,4294967296;", "1;a,b,c;"] {
            assert!(parse_directory(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn damage_is_noticed() {
        let extras = Extras { span_flags: vec![3, 257], ..Extras::default() };
        let bytes = extras.encode().unwrap();
        let place = Place { offset: 0, length: bytes.len() as u64, crc: crc32fast::hash(&bytes) };
        assert_eq!(Extras::decode(&bytes, &place).unwrap(), extras);
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Extras::decode(&damaged, &place).is_err());
        }
        assert!(expand_range(&[1 << 60, 1], &(0..5), 5).is_err());
        assert!(expand_range(&[1], &(0..5), 5).is_err());
        assert!(rows_of(&[2, 3], 5).is_err());
    }

    proptest! {
        #[test]
        fn columns_come_back(column in proptest::collection::vec(0..3u64, 0..50), a in 0usize..50, b in 0usize..50) {
            let runs = runs(column.iter().copied());
            let range = a.min(b).min(column.len())..b.max(a).min(column.len());
            let found = expand_range(&runs, &range, column.len()).unwrap();
            prop_assert_eq!(&found[..], &column[range]);
            let places = places(column.iter().map(|&v| v == 1));
            let rows: Vec<usize> = (0..column.len()).filter(|&i| column[i] == 1).collect();
            prop_assert_eq!(rows_of(&places, column.len()).unwrap(), rows);
        }
    }
}
