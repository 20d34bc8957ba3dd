//! Traces with parts in more than one place: found by their ids, and put together.

use super::jobs::Job;
use super::Asker;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use tributary_block::{Block, BlockError, FolderSource};
use tributary_query::blocks::Lru;
use tributary_query::join;
use tributary_span::{Columns, TraceId};
use uuid::Uuid;

/// An entry of the cache beside its ids.
const ENTRY: usize = 128;
/// Traces that are put together at a time.
const AT_A_TIME: usize = 2_000;

/// Ids of the traces of blocks, sorted; of those used last.
pub(super) struct TraceIds(Mutex<Lru<(String, Uuid), Arc<Vec<TraceId>>>>);

impl TraceIds {
    pub(super) fn new(bytes: usize) -> TraceIds {
        TraceIds(Mutex::new(Lru::new(bytes)))
    }

    fn get(&self, key: &(String, Uuid)) -> Option<Arc<Vec<TraceId>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    fn insert(&self, key: (String, Uuid), ids: Arc<Vec<TraceId>>) {
        let bytes = ids.len() * size_of::<TraceId>() + ENTRY;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ids, bytes);
    }
}

/// The row groups of each block.
fn by_block(jobs: &[Job]) -> BTreeMap<Uuid, Vec<&Job>> {
    let mut blocks: BTreeMap<Uuid, Vec<&Job>> = BTreeMap::new();
    for job in jobs {
        blocks.entry(job.block.meta().block_id).or_default().push(job);
    }
    blocks
}

impl Asker {
    /// The traces that lie in several of these blocks, or in one and in memory.
    pub(super) async fn in_several(
        &self,
        jobs: &[Job],
        live: &Columns,
    ) -> Result<HashSet<TraceId>, BlockError> {
        let mut all: Vec<Arc<Vec<TraceId>>> = Vec::new();
        for jobs in by_block(jobs).into_values() {
            all.push(self.ids_of(&jobs).await?);
        }
        let mut sorted: Vec<TraceId> = live.traces.clone();
        all.iter().for_each(|ids| sorted.extend_from_slice(ids));
        if all.len() + usize::from(!live.traces.is_empty()) < 2 {
            return Ok(HashSet::new());
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
        block: &Block,
        source: &FolderSource,
        trace: &TraceId,
    ) -> Result<bool, BlockError> {
        let key = (block.meta().tenant_id.clone(), block.meta().block_id);
        match self.ids.get(&key) {
            Some(ids) => Ok(ids.binary_search(trace).is_ok()),
            None => self.traces.blocks.may_contain(source, block.meta(), trace).await,
        }
    }

    /// Ids of the traces of a block, sorted.
    async fn ids_of(&self, jobs: &[&Job]) -> Result<Arc<Vec<TraceId>>, BlockError> {
        let Some(first) = jobs.first() else { return Ok(Arc::default()) };
        let meta = first.block.meta();
        let key = (meta.tenant_id.clone(), meta.block_id);
        if let Some(ids) = self.ids.get(&key) {
            return Ok(ids);
        }
        let mut ids = Vec::new();
        for job in jobs {
            ids.extend(job.block.trace_ids(&job.source, job.group).await?);
        }
        ids.sort_unstable();
        ids.dedup();
        let ids = Arc::new(ids);
        self.ids.insert(key, ids.clone());
        Ok(ids)
    }

    /// Traces in portions that can be put together at a time.
    pub(super) fn portions(traces: &HashSet<TraceId>) -> Vec<HashSet<TraceId>> {
        let mut sorted: Vec<TraceId> = traces.iter().copied().collect();
        sorted.sort_unstable();
        sorted.chunks(AT_A_TIME).map(|portion| portion.iter().copied().collect()).collect()
    }

    /// Traces put together from blocks and memory.
    pub(super) async fn put_together(
        &self,
        jobs: &[Job],
        live: &Columns,
        wanted: &HashSet<TraceId>,
    ) -> Result<Columns, BlockError> {
        let mut parts: Vec<Columns> = vec![join([live], |trace| wanted.contains(trace)).spans];
        for jobs in by_block(jobs).into_values() {
            let Some(job) = jobs.first() else { continue };
            let ids = self.ids_of(&jobs).await?;
            if !wanted.iter().any(|trace| ids.binary_search(trace).is_ok()) {
                continue;
            }
            let found = job.block.find_many(&job.source, |id| wanted.contains(id)).await?;
            parts.push(join(&found, |trace| wanted.contains(trace)).spans);
        }
        Ok(join(&parts, |_| true).spans)
    }
}
