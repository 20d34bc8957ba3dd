//! What comes out of writing.

use crate::error::BlockError;
use crate::meta::{BlockMeta, Object};
use crate::read::Source;
use bytes::Bytes;
use std::ops::Range;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockStats {
    /// Spans in the block.
    pub spans: u64,
    /// Traces in the block.
    pub traces: u64,
    /// Spans left out because the trace has one with the same id and kind.
    pub duplicates: u64,
    /// Those of the duplicates that were not equal to the span that was kept.
    pub conflicts: u64,
}

/// A block ready to be stored: first `data` and `blooms`, last `meta`.
#[derive(Debug, Clone)]
pub struct FinishedBlock {
    /// The object `meta.json`, by [`BlockMeta::to_json`].
    pub meta: BlockMeta,
    /// The object `data.parquet`, or of it what [`crate::BlockWriter::take`] has not given before.
    pub data: Bytes,
    /// The objects `bloom-0`, `bloom-1`, …
    pub blooms: Vec<Bytes>,
    /// What is in it.
    pub stats: BlockStats,
}

/// A finished block is its own source, without a store.
impl Source for FinishedBlock {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        let whole = self.whole(object).await?;
        let (start, end) = (usize::try_from(range.start), usize::try_from(range.end));
        match (start, end) {
            (Ok(start), Ok(end)) if start <= end && end <= whole.len() => {
                Ok(whole.slice(start..end))
            }
            _ => Err(BlockError::corrupt(format!("{} ends before {range:?}", object.name()))),
        }
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        match object {
            Object::Data => Ok(self.data.clone()),
            Object::Meta => Ok(self.meta.to_json().into()),
            Object::Bloom(n) => {
                let found = self.blooms.get(n as usize).cloned();
                found.ok_or_else(|| BlockError::Missing(object.name()))
            }
        }
    }
}
