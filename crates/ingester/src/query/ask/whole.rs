//! Traces with parts in more than one place: found by their ids, and put together.

use super::{Asker, NotAnswered, not_read};
use futures_util::{StreamExt, stream};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tributary_block::{BlockError, BlockMeta, Parts};
use tributary_query::blocks::Lru;
use tributary_query::join;
use tributary_span::{Columns, TraceId};
use uuid::Uuid;

/// An entry of the cache beside its ids.
const ENTRY: usize = 128;
/// Blocks whose ids are read at a time.
const AT_ONCE: usize = 16;
/// So many traces are looked for in each block's filter; for more, its ids are read.
const FEW: usize = 64;
/// Memory that a trace takes while it is put together, about, of what there is for questions: with
/// few of its columns, and with everything.
const TRACE: u64 = 4 << 10;
const WHOLE_TRACE: u64 = 24 << 10;
/// The fewest and the most traces that are put together at a time. Each time pages are decoded as
/// wholes of which few rows are wanted, so many at a time are cheaper.
const AT_A_TIME: std::ops::RangeInclusive<u64> = 1_000..=50_000;

/// A block by tenant and id.
type Key = (String, Uuid);

/// Ids of the traces of blocks, sorted; of those used last.
pub(super) struct TraceIds(Mutex<Lru<Key, Arc<Vec<TraceId>>>>);

impl TraceIds {
    pub(super) fn new(bytes: usize) -> TraceIds {
        TraceIds(Mutex::new(Lru::new(bytes)))
    }

    fn get(&self, key: &Key) -> Option<Arc<Vec<TraceId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    fn insert(&self, key: Key, ids: Arc<Vec<TraceId>>) {
        let bytes = ids.len() * size_of::<TraceId>() + ENTRY;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ids, bytes);
    }
}

impl Asker {
    /// The traces that lie in several of these blocks, or in one and in memory.
    pub(super) async fn in_several(
        &self,
        blocks: &[Arc<BlockMeta>],
        live: &Columns,
    ) -> Result<HashSet<TraceId>, BlockError> {
        if blocks.len() + usize::from(!live.traces.is_empty()) < 2 {
            return Ok(HashSet::new());
        }
        let asked: Vec<_> = blocks.iter().map(|meta| self.ids_of(meta)).collect();
        let mut asked = stream::iter(asked).buffered(AT_ONCE);
        let mut sorted: Vec<TraceId> = live.traces.clone();
        while let Some(ids) = asked.next().await {
            sorted.extend_from_slice(&ids?);
        }
        sorted.sort_unstable();
        let pairs = sorted.windows(2).filter_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        Ok(pairs.collect())
    }

    /// Whether a block may have spans of a trace.
    pub(super) async fn may_have(
        &self,
        meta: &BlockMeta,
        trace: &TraceId,
    ) -> Result<bool, BlockError> {
        match self.ids.get(&(meta.tenant_id.clone(), meta.block_id)) {
            Some(ids) => Ok(ids.binary_search(trace).is_ok()),
            None => self.traces.blocks.may_contain(meta, trace).await,
        }
    }

    /// Ids of the traces of a block, sorted.
    async fn ids_of(&self, meta: &BlockMeta) -> Result<Arc<Vec<TraceId>>, BlockError> {
        let key = (meta.tenant_id.clone(), meta.block_id);
        if let Some(ids) = self.ids.get(&key) {
            return Ok(ids);
        }
        let (block, source) = self.traces.blocks.open(meta).await?;
        let mut ids = Vec::new();
        for group in 0..block.row_groups() {
            ids.extend(block.trace_ids(&source, group).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let ids = Arc::new(ids);
        self.ids.insert(key, ids.clone());
        Ok(ids)
    }

    /// Traces in portions that can be put together at a time: those of a portion stand together in
    /// each block.
    pub(super) fn portions(
        &self,
        traces: &HashSet<TraceId>,
        parts: &Parts,
    ) -> Vec<HashSet<TraceId>> {
        let each = if *parts == Parts::ALL { WHOLE_TRACE } else { TRACE };
        let at_a_time = (self.room.bytes() / each).clamp(*AT_A_TIME.start(), *AT_A_TIME.end());
        let at_a_time = usize::try_from(at_a_time).unwrap_or(usize::MAX);
        let mut sorted: Vec<TraceId> = traces.iter().copied().collect();
        sorted.sort_unstable();
        sorted.chunks(at_a_time).map(|portion| portion.iter().copied().collect()).collect()
    }

    /// Traces put together from blocks and memory, with these parts of their spans.
    pub(super) async fn put_together(
        &self,
        blocks: &[Arc<BlockMeta>],
        live: &Columns,
        wanted: HashSet<TraceId>,
        parts: &Parts,
    ) -> Result<Columns, NotAnswered> {
        let wanted = Arc::new(wanted);
        let mut found: Vec<Columns> = vec![join([live], |trace| wanted.contains(trace)).spans];
        let mut jobs = Vec::new();
        for meta in blocks {
            let here = self.count_in(meta, &wanted).await.map_err(not_read)?;
            if here > 0 {
                jobs.push(self.part_of(meta, here, wanted.clone(), parts.clone()));
            }
        }
        let mut jobs = stream::iter(jobs).buffered(self.pool.computing() + 1);
        while let Some(part) = jobs.next().await {
            found.extend(part?);
        }
        let joined = self.pool.run(move |_| join(&found, |_| true).spans).await;
        joined.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))
    }

    /// How many of these traces a block may have.
    async fn count_in(
        &self,
        meta: &BlockMeta,
        wanted: &HashSet<TraceId>,
    ) -> Result<usize, BlockError> {
        match self.ids.get(&(meta.tenant_id.clone(), meta.block_id)) {
            Some(ids) => Ok(wanted.iter().filter(|id| ids.binary_search(id).is_ok()).count()),
            None if wanted.len() > FEW => Ok(wanted.len()),
            None => {
                let mut count = 0;
                for trace in wanted {
                    count += usize::from(self.traces.blocks.may_contain(meta, trace).await?);
                }
                Ok(count)
            }
        }
    }

    /// The spans of these traces in a block, of which it has about `count`.
    async fn part_of(
        &self,
        meta: &BlockMeta,
        count: usize,
        wanted: Arc<HashSet<TraceId>>,
        parts: Parts,
    ) -> Result<Vec<Columns>, NotAnswered> {
        /// What is decoded takes so many times the bytes that are stored, about.
        const DECODED: u64 = 8;
        let each = meta.size / meta.total_objects.max(1);
        let _room =
            self.room.take(each.saturating_mul(count as u64 * DECODED), &self.metrics).await;
        let (block, source) = self.traces.blocks.open(meta).await.map_err(not_read)?;
        let read = self.pool.run(move |handle| {
            handle.block_on(block.find_many(&source, |id| wanted.contains(id), &parts))
        });
        let read = read.await.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?;
        read.map_err(not_read)
    }
}
