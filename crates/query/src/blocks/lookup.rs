//! One trace in many blocks.

use super::Cache;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tributary_block::{BlockError, BlockMeta, Object, Source};
use tributary_span::{Columns, TraceId};

/// What the blocks hold of a trace.
#[derive(Debug, Default)]
pub struct InBlocks {
    /// The spans, one part a block that has any, in the order of the blocks asked.
    pub parts: Vec<Columns>,
    /// Bytes read on the way; cached ones do not count.
    pub inspected_bytes: u64,
    /// Blocks that could not be read. One whose objects are [`BlockError::Missing`] was deleted
    /// while it was asked: what it held stands in a newer block, so list again and ask again.
    pub failed: Vec<(Arc<BlockMeta>, BlockError)>,
}

/// Looks a trace up in `blocks`, in at most `parallel` of them at a time. `source` says where a
/// block's bytes come from.
pub async fn find<S: Source>(
    cache: &Cache,
    blocks: Vec<Arc<BlockMeta>>,
    source: impl Fn(&BlockMeta) -> S,
    trace: &TraceId,
    parallel: usize,
) -> InBlocks {
    let read = AtomicU64::new(0);
    let lookups = blocks.into_iter().map(|meta| {
        let source = Counted { inner: source(&meta), read: &read };
        async move {
            let found = find_in(cache, &source, &meta, trace).await;
            (meta, found)
        }
    });
    let answers: Vec<_> = stream::iter(lookups).buffered(parallel.max(1)).collect().await;
    let mut all = InBlocks::default();
    for (meta, found) in answers {
        match found {
            Ok(part) => all.parts.extend(part),
            Err(error) => all.failed.push((meta, error)),
        }
    }
    all.inspected_bytes = read.into_inner();
    all
}

async fn find_in<S: Source>(
    cache: &Cache,
    source: &S,
    meta: &BlockMeta,
    trace: &TraceId,
) -> Result<Option<Columns>, BlockError> {
    if !cache.may_contain(source, meta, trace).await? {
        return Ok(None);
    }
    cache.open(source, meta).await?.find(source, trace).await
}

/// Counts the bytes that go through.
struct Counted<'r, S> {
    inner: S,
    read: &'r AtomicU64,
}

impl<S> Counted<'_, S> {
    fn count(&self, bytes: Result<Bytes, BlockError>) -> Result<Bytes, BlockError> {
        bytes.inspect(|bytes| {
            self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        })
    }
}

impl<S: Source> Source for Counted<'_, S> {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        self.count(self.inner.range(object, range).await)
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        self.count(self.inner.whole(object).await)
    }
}

#[cfg(test)]
mod tests;
