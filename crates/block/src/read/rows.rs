//! Bytes of the columns that some rows of a row group need.

use super::column::ChunkBytes;
use super::footer::{Column, Footer};
use super::parts::Wanted;
use crate::dedicated::DedicatedColumn;
use crate::error::BlockError;
use crate::extras::Extras;
use std::ops::Range;

/// Columns of a file that say nothing that the others do not say.
const DERIVED: [&str; 20] = [
    "TraceIDText",
    "StartTimeUnixNano",
    "EndTimeUnixNano",
    "DurationNano",
    "RootServiceName",
    "RootSpanName",
    "ServiceStats.key",
    "ServiceStats.ServiceName",
    "ServiceStats.value.SpanCount",
    "ServiceStats.SpanCount",
    "ServiceStats.value.ErrorCount",
    "ServiceStats.ErrorCount",
    "rs.ss.SpanCount",
    "rs.ss.Spans.ParentID",
    "rs.ss.Spans.NestedSetLeft",
    "rs.ss.Spans.NestedSetRight",
    "rs.ss.Spans.ChildCount",
    "rs.ss.Spans.StartTimeRounded15",
    "rs.ss.Spans.StartTimeRounded60",
    "rs.ss.Spans.StartTimeRounded300",
];
const DERIVED_LAST: &str = "rs.ss.Spans.StartTimeRounded3600";

/// Whether a column is needed to give spans back.
pub(super) fn is_needed(column: &Column) -> bool {
    !DERIVED.contains(&column.path.as_str()) && column.path != DERIVED_LAST
}

/// Some rows of a row group, their bytes at hand.
pub(super) struct Rows<'a> {
    pub(super) footer: &'a Footer,
    pub(super) dedicated: &'a [DedicatedColumn],
    /// By the number of the column; none for those that are not needed.
    pub(super) chunks: Vec<Option<ChunkBytes>>,
    /// The rows, counted in the row group.
    pub(super) range: Range<usize>,
    pub(super) extras: Extras,
    /// What is read of them.
    pub(super) leaves: &'a Wanted,
}

impl<'a> Rows<'a> {
    /// The column at a path without list groups.
    pub(super) fn column(&self, path: &str) -> Result<(&'a Column, &ChunkBytes), BlockError> {
        let number = self.footer.by_path.get(path).copied();
        let column = number.and_then(|n| self.footer.columns.get(n));
        let chunk = number.and_then(|n| self.chunks.get(n)).and_then(Option::as_ref);
        column
            .zip(chunk)
            .ok_or_else(|| BlockError::Unsupported(format!("a block without the column {path}")))
    }

    /// Whether the column is in the file, and read.
    pub(super) fn has(&self, path: &str) -> bool {
        self.footer.by_path.contains_key(path) && self.leaves.want(path)
    }
}
