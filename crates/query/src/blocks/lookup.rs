//! One trace in many blocks.

use super::Cache;
use bytes::Bytes;
use futures_util::future::ready;
use futures_util::{StreamExt, stream};
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

/// Blocks that one look-up asks at a time.
#[derive(Debug, Clone, Copy)]
pub struct AtOnce {
    /// Those whose filters are read: some 100 KiB each, until they have answered.
    pub filters: usize,
    /// Those of which rows are read.
    pub rows: usize,
}

/// Looks a trace up in `blocks`. `source` says where a block's bytes come from.
pub async fn find<S: Source>(
    cache: &Cache,
    blocks: Vec<Arc<BlockMeta>>,
    source: impl Fn(&BlockMeta) -> S,
    trace: &TraceId,
    at_once: AtOnce,
) -> InBlocks {
    let read = AtomicU64::new(0);
    let source = |meta: &BlockMeta| Counted { inner: source(meta), read: &read };
    let filtered = blocks.into_iter().map(|meta| {
        let source = source(&meta);
        async move {
            let may_contain = cache.may_contain(&source, &meta, trace).await;
            (meta, may_contain)
        }
    });
    let filtered = stream::iter(filtered).buffered(at_once.filters.max(1));
    let wanted = filtered.filter(|(_, may_contain)| ready(!matches!(may_contain, Ok(false))));
    let looked_up = wanted.map(|(meta, may_contain)| {
        let source = source(&meta);
        async move {
            let found = match may_contain {
                Ok(_) => rows(cache, &source, &meta, trace).await,
                Err(error) => Err(error),
            };
            (meta, found)
        }
    });
    let answers: Vec<_> = looked_up.buffered(at_once.rows.max(1)).collect().await;
    let mut all = InBlocks::default();
    for (meta, found) in answers {
        match found {
            Ok(part) => all.parts.extend(part),
            Err(error) => all.failed.push((meta, error)),
        }
    }
    all.inspected_bytes = read.load(Ordering::Relaxed);
    all
}

async fn rows<S: Source>(
    cache: &Cache,
    source: &S,
    meta: &BlockMeta,
    trace: &TraceId,
) -> Result<Option<Columns>, BlockError> {
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
