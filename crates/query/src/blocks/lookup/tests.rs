use super::*;
use std::sync::atomic::AtomicUsize;
use tributary_block::{FinishedBlock, WriterSettings, write};
use tributary_span::SpanId;
use tributary_span::columns::{Builder, SpanFields};
use uuid::Uuid;

const TRACE: TraceId = TraceId([7; 16]);
const OTHER: TraceId = TraceId([8; 16]);

/// A bucket of blocks that counts what is read of it.
#[derive(Default)]
struct Bucket {
    blocks: Vec<FinishedBlock>,
    filters: AtomicUsize,
    reads: AtomicUsize,
}

struct InBucket<'b>(&'b Bucket, Uuid);

impl InBucket<'_> {
    fn block(&self) -> Result<&FinishedBlock, BlockError> {
        let found = self.0.blocks.iter().find(|b| b.meta.block_id == self.1);
        found.ok_or_else(|| BlockError::Missing("data.parquet".to_owned()))
    }
}

impl Source for InBucket<'_> {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        self.0.reads.fetch_add(1, Ordering::Relaxed);
        self.block()?.range(object, range).await
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        self.0.filters.fetch_add(1, Ordering::Relaxed);
        self.block()?.whole(object).await
    }
}

impl Bucket {
    /// Adds a block with spans of (trace, span).
    fn add(&mut self, number: u128, spans: &[(TraceId, u8)]) {
        let mut b = Builder::new();
        let resource = b.end_resource(0, Default::default(), Default::default());
        let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
        for &(trace, id) in spans {
            let (id, start) = (SpanId([id; 8]), u64::from(id));
            b.end_span(SpanFields { trace, id, resource, scope, start, ..Default::default() });
        }
        let columns = b.take();
        let (id, settings) = (Uuid::from_u128(number), WriterSettings::default());
        self.blocks.push(write(id, "single-tenant", &[&columns], &settings).unwrap());
    }

    fn metas(&self) -> Vec<Arc<BlockMeta>> {
        self.blocks.iter().map(|b| Arc::new(b.meta.clone())).collect()
    }

    /// Reads of filters and of ranges since the last call.
    fn counts(&self) -> (usize, usize) {
        (self.filters.swap(0, Ordering::Relaxed), self.reads.swap(0, Ordering::Relaxed))
    }

    async fn find(&self, cache: &Cache, metas: Vec<Arc<BlockMeta>>, trace: &TraceId) -> InBlocks {
        find(
            cache,
            metas,
            |meta| InBucket(self, meta.block_id),
            trace,
            AtOnce { filters: 3, rows: 2 },
        )
        .await
    }
}

fn bucket() -> Bucket {
    let mut bucket = Bucket::default();
    bucket.add(1, &[(TRACE, 1), (OTHER, 9)]);
    bucket.add(2, &[(OTHER, 8)]);
    bucket.add(3, &[(TRACE, 2), (TRACE, 3)]);
    bucket
}

fn spans(found: &InBlocks) -> Vec<Vec<u8>> {
    let of = |c: &Columns| {
        let mut ids: Vec<u8> = c.spans.id.iter().map(|id| id.0[0]).collect();
        ids.sort_unstable();
        ids
    };
    found.parts.iter().map(of).collect()
}

#[tokio::test]
async fn each_block_that_has_the_trace_gives_a_part() {
    let (bucket, cache) = (bucket(), Cache::new(1 << 20));
    let found = bucket.find(&cache, bucket.metas(), &TRACE).await;
    assert_eq!(spans(&found), [vec![1], vec![2, 3]]);
    assert!(found.failed.is_empty());
    assert!(found.inspected_bytes > 0);
    let nothing = bucket.find(&cache, bucket.metas(), &TraceId([9; 16])).await;
    assert!(nothing.parts.is_empty() && nothing.failed.is_empty());
}

#[tokio::test]
async fn filters_and_footers_are_read_once() {
    let (bucket, cache) = (bucket(), Cache::new(1 << 20));
    let first = bucket.find(&cache, bucket.metas(), &TRACE).await;
    let (filters, reads) = bucket.counts();
    assert_eq!(filters, 3);
    let again = bucket.find(&cache, bucket.metas(), &TRACE).await;
    let (filters, fewer) = bucket.counts();
    assert_eq!(filters, 0);
    assert!(fewer < reads, "{fewer} reads after {reads}");
    assert_eq!(spans(&again), spans(&first));
    assert!(again.inspected_bytes < first.inspected_bytes);
    assert!(cache.bytes() > 0);

    let gone = bucket.blocks[0].meta.clone();
    let before = cache.bytes();
    cache.forget(&gone.tenant_id, &gone.block_id);
    assert!(cache.bytes() < before);
    bucket.find(&cache, bucket.metas(), &TRACE).await;
    assert_eq!(bucket.counts().0, 1);
}

#[tokio::test]
async fn a_cache_that_keeps_nothing_changes_no_answer() {
    let (bucket, cache) = (bucket(), Cache::new(0));
    for _ in 0..2 {
        let found = bucket.find(&cache, bucket.metas(), &TRACE).await;
        assert_eq!(spans(&found), [vec![1], vec![2, 3]]);
        assert_eq!(bucket.counts().0, 3);
    }
    assert_eq!(cache.bytes(), 0);
}

#[tokio::test]
async fn a_block_that_is_gone_does_not_hide_the_others() {
    let (mut bucket, cache) = (bucket(), Cache::new(1 << 20));
    let metas = bucket.metas();
    bucket.blocks.remove(0);
    let found = bucket.find(&cache, metas, &TRACE).await;
    assert_eq!(spans(&found), [vec![2, 3]]);
    let failed: Vec<_> =
        found.failed.iter().map(|(meta, error)| (meta.block_id.as_u128(), error)).collect();
    assert!(matches!(failed[..], [(1, BlockError::Missing(_))]), "{failed:?}");
}
