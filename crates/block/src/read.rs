//! A block into columns.

mod assemble;
mod attrs;
mod column;
mod dictionary;
mod extras;
mod fetch;
mod footer;
mod leaves;
mod lists;
mod page;
mod parts;
mod piece;
mod rows;
mod source;

use crate::error::BlockError;
use crate::meta::{BlockMeta, Encoding};
use footer::{Footer, RowGroup};
use parts::Wanted;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tributary_span::{Columns, TraceId};

pub(crate) use column::{Decoded, IndexedTexts};
pub use dictionary::Dictionary;
pub(crate) use extras::RowExtras;
pub use leaves::{Leaf, Leaves, OwnColumn};
pub use parts::{Keys, Parts};
pub(crate) use piece::{Entries, Piece};
pub use source::{FolderSource, Source};

/// An open block: its meta and its parsed footer, cheap to clone and worth caching.
#[derive(Debug, Clone)]
pub struct Block {
    meta: Arc<BlockMeta>,
    footer: Arc<Footer>,
    /// Row groups of others' blocks in which each span was found to stand once.
    distinct: Arc<Mutex<BTreeSet<usize>>>,
}

impl Block {
    /// Reads the footer and the index of pages, in one or two ranged reads.
    ///
    /// # Errors
    /// When it cannot be had or is none.
    pub async fn open<S: Source>(source: &S, meta: BlockMeta) -> Result<Block, BlockError> {
        if let Encoding::Other(name) = &meta.format {
            return Err(BlockError::Unsupported(format!("format {name:?}")));
        }
        let footer = fetch::footer(source, &meta).await?;
        Ok(Block { meta: Arc::new(meta), footer: Arc::new(footer), distinct: Arc::default() })
    }

    /// The block's meta.
    pub fn meta(&self) -> &BlockMeta {
        &self.meta
    }

    /// Whether each span of a row group is known to stand there once. Tempo stores a span that was
    /// sent again within a trace twice.
    pub fn is_distinct(&self, group: usize) -> bool {
        self.footer.is_ours || self.known_distinct().contains(&group)
    }

    /// Notes that each span of a row group stands there once.
    pub fn note_distinct(&self, group: usize) {
        self.known_distinct().insert(group);
    }

    fn known_distinct(&self) -> std::sync::MutexGuard<'_, BTreeSet<usize>> {
        self.distinct.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory that the handle keeps, about.
    pub fn bytes(&self) -> usize {
        self.footer.bytes() + size_of::<BlockMeta>() + self.meta.dedicated_columns.len() * 64
    }

    /// Number of row groups, for [`Block::row_group`].
    pub fn row_groups(&self) -> usize {
        self.footer.row_groups.len()
    }

    /// All spans of row group `number`; traces ascend by id within and over row groups.
    ///
    /// # Errors
    /// When the bytes cannot be had or are corrupt, or there is no such row group.
    pub async fn row_group<S: Source>(
        &self,
        source: &S,
        number: usize,
    ) -> Result<Columns, BlockError> {
        let group = self.group(number)?;
        self.rows(source, group, 0..group.rows, &Wanted::ALL, |_| true).await
    }

    /// The ids of a row group's traces, in its order.
    ///
    /// # Errors
    /// When the bytes cannot be had or are corrupt.
    pub async fn trace_ids<S: Source>(
        &self,
        source: &S,
        number: usize,
    ) -> Result<Vec<TraceId>, BlockError> {
        fetch::trace_ids(source, &self.footer, self.group(number)?).await
    }

    /// The spans of some rows of a row group.
    pub(crate) async fn group_rows<S: Source>(
        &self,
        source: &S,
        number: usize,
        rows: Range<usize>,
    ) -> Result<Columns, BlockError> {
        self.rows(source, self.group(number)?, rows, &Wanted::ALL, |_| true).await
    }

    /// Rows of all row groups: traces.
    pub(crate) fn total_rows(&self) -> u64 {
        self.footer.row_groups.iter().map(|group| group.rows as u64).sum()
    }

    /// Where in the data all bytes of a row group stand.
    pub(crate) fn group_bytes(&self, number: usize) -> Range<u64> {
        let group = self.footer.row_groups.get(number);
        let chunks = group.into_iter().flat_map(|g| &g.chunks).map(|chunk| chunk.bytes.clone());
        let extras = group.and_then(|g| g.extras.as_ref()).map(|place| place.range());
        chunks
            .chain(extras)
            .filter(|range| !range.is_empty())
            .reduce(|all, next| all.start.min(next.start)..all.end.max(next.end))
            .unwrap_or_default()
    }

    fn group(&self, number: usize) -> Result<&RowGroup, BlockError> {
        let group = self.footer.row_groups.get(number);
        group.ok_or_else(|| BlockError::corrupt("no such row group"))
    }

    /// The spans of one trace, if the block has it. The
    /// [bloom filter](crate::bloom) is not asked.
    ///
    /// # Errors
    /// When the bytes cannot be had or are corrupt.
    pub async fn find<S: Source>(
        &self,
        source: &S,
        trace: &TraceId,
    ) -> Result<Option<Columns>, BlockError> {
        for group in &self.footer.row_groups {
            let id = &trace.0[..];
            if group.bounds.as_ref().is_some_and(|(low, high)| id < &low[..] || id > &high[..]) {
                continue;
            }
            let ids = fetch::trace_ids(source, &self.footer, group).await?;
            // Row groups of one block do not overlap, but a trace is looked for in each that may
            // have it: what others wrote is not known to be sorted.
            if let Some(row) = ids.iter().position(|id| id == trace) {
                return self
                    .rows(source, group, row..row + 1, &Wanted::ALL, |_| true)
                    .await
                    .map(Some);
            }
        }
        Ok(None)
    }

    /// Parts of the spans of some traces. Where many of a row group are wanted, all from the first to
    /// the last are read, else each on its own.
    ///
    /// # Errors
    /// When the bytes cannot be had or are corrupt.
    pub async fn find_many<S: Source>(
        &self,
        source: &S,
        wanted: impl Fn(&TraceId) -> bool,
        parts: &Parts,
    ) -> Result<Vec<Columns>, BlockError> {
        /// Of so many rows one must be wanted for all between them to be read.
        const DENSE: usize = 64;
        let mut found = Vec::new();
        for (number, group) in self.footer.row_groups.iter().enumerate() {
            let ids = fetch::trace_ids(source, &self.footer, group).await?;
            let rows: Vec<usize> =
                (0..).zip(&ids).filter(|(_, id)| wanted(id)).map(|(row, _)| row).collect();
            if rows.is_empty() {
                continue;
            }
            let leaves = Wanted::of(self, source, number, parts).await?;
            if let [first, .., last] = rows[..]
                && rows.len() * DENSE > last - first
            {
                found.push(self.rows(source, group, first..last + 1, &leaves, &wanted).await?);
                continue;
            }
            for row in rows {
                found.push(self.rows(source, group, row..row + 1, &leaves, |_| true).await?);
            }
        }
        Ok(found)
    }

    async fn rows<S: Source>(
        &self,
        source: &S,
        group: &RowGroup,
        range: Range<usize>,
        leaves: &Wanted,
        wanted: impl Fn(&TraceId) -> bool,
    ) -> Result<Columns, BlockError> {
        let of_block = (&*self.footer, &self.meta.dedicated_columns[..]);
        let rows = fetch::rows(source, of_block, group, range, leaves).await?;
        assemble::assemble(&rows, wanted)
    }
}
