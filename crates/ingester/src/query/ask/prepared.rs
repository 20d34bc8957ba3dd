//! What is in memory, and what of it lies in blocks, too.

use super::live::Live;
use super::stored::Stored;
use super::{Asker, NotAnswered, SECOND, not_read};
use std::collections::HashSet;
use std::sync::Arc;
use tributary_query::join;
use tributary_query::split::{self, MetBy};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::Pipeline;

/// Blocks whose time is this near to that of what is in memory may have parts of its traces, ns.
const NEAR: u64 = 3600 * SECOND;

/// Which traces are taken apart from the others, to be judged when they are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    /// None: each part is judged on its own.
    Nothing,
    /// Those in memory of which a block has spans, too: spans that became a block while they were
    /// asked for stand in both.
    InMemory,
    /// All that lie in more than one place.
    All,
}

/// What is in memory, joined; and what lies in several places.
pub(super) struct Prepared {
    /// Traces that lie in memory alone.
    pub(super) alone: Arc<Columns>,
    /// What is in memory of those that lie in several places.
    pub(super) beside: Arc<Columns>,
    pub(super) several: HashSet<TraceId>,
    /// Spans in memory.
    pub(super) spans: u64,
}

/// The traces taken apart that may match one of the pipelines: by what their parts in blocks meet, and
/// those in memory.
pub(super) fn may_match(
    mut met: MetBy,
    beside: &Columns,
    pipelines: &[&Pipeline],
) -> Result<HashSet<TraceId>, NotAnswered> {
    let in_memory = split::met_in_memory(beside, pipelines);
    split::add(&mut met, in_memory.map_err(|why| NotAnswered::Query(why.to_string()))?);
    met.retain(|_, met| split::may_match(pipelines, *met));
    Ok(met.into_keys().collect())
}

impl Asker {
    /// Joins what is in memory, and finds the traces that lie in several places.
    pub(super) async fn prepare(
        &self,
        live: &Live,
        stored: &Stored,
        apart: Apart,
    ) -> Result<Prepared, NotAnswered> {
        let parts = live.parts.clone();
        let joined = self.pool.run(move |_| join(parts.iter().map(Arc::as_ref), |_| true)).await;
        let joined = joined.map_err(|gone| NotAnswered::Missing(vec![gone.to_string()]))?.spans;
        let several = match apart {
            Apart::Nothing => HashSet::new(),
            Apart::All => self.in_several(&stored.blocks, &joined).await.map_err(not_read)?,
            Apart::InMemory if joined.is_empty() => HashSet::new(),
            Apart::InMemory => {
                let starts = joined.spans.start.iter().min().copied().unwrap_or_default();
                let ends = joined.spans.end.iter().max().copied().unwrap_or_default();
                let beside: Vec<_> = stored.near((starts, ends), NEAR).cloned().collect();
                let all = self.in_several(&beside, &joined).await.map_err(not_read)?;
                let in_memory: HashSet<&TraceId> = joined.traces.iter().collect();
                all.into_iter().filter(|trace| in_memory.contains(trace)).collect()
            }
        };
        let spans = joined.len() as u64;
        let (alone, beside) = if several.is_empty() {
            (joined, Columns::default())
        } else {
            let beside = join([&joined], |trace| several.contains(trace)).spans;
            (join([&joined], |trace| !several.contains(trace)).spans, beside)
        };
        Ok(Prepared { alone: Arc::new(alone), beside: Arc::new(beside), several, spans })
    }
}
