//! Rows of a row group with the bytes of all their leaves, also of those that say nothing new: what is
//! copied into another block without being made into spans.

use super::column::{self, Decoded, IndexedTexts};
use super::extras::RowExtras;
use super::footer::{Column, Physical};
use super::parts::Wanted;
use super::rows::Rows;
use super::source::Source;
use super::{Block, assemble, fetch};
use crate::error::BlockError;
use crate::extras::Extras;
use crate::schema::{self, LeafType};
use std::ops::Range;
use tributary_span::{Columns, TraceId};

/// See the module's page.
pub(crate) struct Piece {
    block: Block,
    chunks: Vec<column::ChunkBytes>,
    rows: Range<usize>,
    extras: Extras,
}

/// Levels and values of a leaf.
pub(crate) enum Entries {
    /// Byte strings by number.
    Texts(IndexedTexts),
    Ints(Decoded<i64>),
    Doubles(Decoded<u64>),
    Bools(Decoded<bool>),
}

impl Entries {
    /// Repetition and definition levels.
    pub(crate) fn levels(&self) -> (&[u8], &[u8]) {
        match self {
            Entries::Texts(texts) => (&texts.decoded.rep, &texts.decoded.def),
            Entries::Ints(ints) => (&ints.rep, &ints.def),
            Entries::Doubles(doubles) => (&doubles.rep, &doubles.def),
            Entries::Bools(bools) => (&bools.rep, &bools.def),
        }
    }
}

impl Block {
    /// Whether the file's columns are those that are written today, in their order.
    pub(crate) fn has_own_schema(&self) -> bool {
        let (columns, leaves) = (&self.footer.columns, schema::leaves());
        self.footer.is_ours
            && columns.len() == leaves.len()
            && columns.iter().zip(&leaves).all(|(column, leaf)| is_leaf(column, leaf))
    }

    /// About how many spans there are.
    pub(crate) fn spans(&self) -> u64 {
        let of = |group: &super::RowGroup| {
            let number = self.footer.by_path.get("rs.ss.Spans.SpanID");
            number.and_then(|n| group.chunks.get(*n)).map_or(0, |chunk| chunk.entries)
        };
        self.footer.row_groups.iter().map(of).sum()
    }

    /// Reads all leaves of some rows of a row group.
    pub(crate) async fn piece<S: Source>(
        &self,
        source: &S,
        group: usize,
        rows: Range<usize>,
    ) -> Result<Piece, BlockError> {
        let (chunks, extras) =
            fetch::whole_rows(source, &self.footer, self.group(group)?, &rows).await?;
        Ok(Piece { block: self.clone(), chunks, rows, extras })
    }
}

fn is_leaf(column: &Column, leaf: &schema::Leaf) -> bool {
    let physical = match leaf.leaf_type {
        LeafType::Bytes | LeafType::Text => Physical::Bytes,
        LeafType::Bool => Physical::Bool,
        LeafType::Double => Physical::Double,
        LeafType::I32 | LeafType::U32 => Physical::Int32,
        LeafType::I64 | LeafType::U64 => Physical::Int64,
    };
    column.path == leaf.plain_path()
        && column.physical == physical
        && (column.max_rep, column.max_def) == (leaf.max_rep, leaf.max_def)
}

impl Piece {
    /// One of its leaves.
    pub(crate) fn leaf(&self, number: usize) -> Result<Entries, BlockError> {
        let found = self.block.footer.columns.get(number).zip(self.chunks.get(number));
        let (column, chunk) = found.ok_or_else(|| BlockError::corrupt("no such column"))?;
        let rows = &self.rows;
        Ok(match column.physical {
            Physical::Bytes => Entries::Texts(column::indexed(column, chunk, rows, None)?),
            Physical::Bool => Entries::Bools(column::bools(column, chunk, rows)?),
            Physical::Double => Entries::Doubles(column::doubles(column, chunk, rows)?),
            _ => Entries::Ints(column::ints(column, chunk, rows)?),
        })
    }

    /// The spans of those of its traces that are `wanted`.
    pub(crate) fn columns(&self, wanted: impl Fn(&TraceId) -> bool) -> Result<Columns, BlockError> {
        let rows = Rows {
            footer: &self.block.footer,
            dedicated: &self.block.meta.dedicated_columns,
            chunks: self.chunks.iter().cloned().map(Some).collect(),
            range: self.rows.clone(),
            extras: self.extras.clone(),
            leaves: &Wanted::ALL,
        };
        assemble::assemble(&rows, wanted)
    }

    /// Whether its row group has anything that no leaf holds.
    pub(crate) fn has_extras(&self) -> bool {
        self.extras != Extras::default()
    }

    /// What no leaf holds, by the numbers of resources, scopes, spans and links that the rows have.
    pub(crate) fn extras(&self, counts: [usize; 4]) -> Result<RowExtras, BlockError> {
        RowExtras::new(&self.extras, &self.rows, counts)
    }
}
