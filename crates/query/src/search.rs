//! Searches: which traces of a chunk match, and what the answer says of them.

mod candidates;
mod describe;
mod group;
mod plan;
mod prune;
mod tags;

pub use candidates::candidates;
pub(crate) use describe::label;
pub use group::{GroupHits, search_group};
pub(crate) use plan::fields_of;
pub use plan::{SearchPlan, Window};
pub(crate) use prune::{dictionaries, is_ruled_out, leaf as leaf_of, required};
pub use tags::{TagSearch, pipeline as pipeline_of_tags};

use crate::answer::TraceHit;
use crate::chunk::{Bits, Chunk, Column, Field, MemoryChunk, Types, each_once, leave_out};
use crate::eval::{EvalError, Set, run};
use std::collections::HashSet;
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::Intrinsic;

/// A trace that matches.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its number in the chunk.
    pub(crate) trace: usize,
    /// Its start, ns since 1970.
    pub(crate) start: u64,
    /// Its sets of spans, which are numbered from the trace's first.
    pub(crate) sets: Vec<Set>,
}

/// The spans of traces that lie in the window.
pub(crate) fn within(chunk: &dyn Chunk, window: Window) -> Result<Bits, EvalError> {
    let shape = chunk.shape();
    if window.is_all() {
        return Ok(each_once(chunk)?);
    }
    let starts = chunk.column(&Field::TraceStart, Types::ALL)?;
    let durations = chunk.column(&Field::Intrinsic(Intrinsic::TraceDuration), Types::ALL)?;
    let mut mask = Bits::none(shape.spans());
    for trace in 0..shape.traces() {
        let start = starts.int(trace).cast_unsigned();
        let end = start.saturating_add(durations.int(trace).cast_unsigned());
        if window.overlaps(start, end) {
            mask.insert_range(shape.spans_of(trace));
        }
    }
    if let Some(repeats) = chunk.repeats()? {
        mask.minus(&repeats);
    }
    Ok(mask)
}

/// The traces of a chunk that match, those `except` left out.
///
/// # Errors
/// When the chunk does not give what is needed, or the query wants what cannot be done.
pub(crate) fn find(
    chunk: &dyn Chunk,
    plan: &SearchPlan,
    window: Window,
    except: &HashSet<TraceId>,
) -> Result<Vec<Found>, EvalError> {
    let mut mask = within(chunk, window)?;
    leave_out(chunk, except, &mut mask)?;
    if mask.has_none() {
        return Ok(Vec::new());
    }
    let sets = run(chunk, plan.pipeline(), &mask)?;
    let traces = sets.traces(chunk);
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let starts = chunk.column(&Field::TraceStart, Types::ALL)?;
    let found = traces.into_iter().map(|trace| {
        let first = u32::try_from(chunk.shape().spans_of(trace).start).unwrap_or(u32::MAX);
        let mut sets = sets.of_trace(chunk, trace);
        for set in &mut sets {
            set.spans.iter_mut().for_each(|span| *span -= first.min(*span));
        }
        Found { trace, start: starts.int(trace).cast_unsigned(), sets }
    });
    Ok(found.collect())
}

/// The traces in memory that match, newest first. The spans must be as [`crate::join()`] leaves them.
///
/// # Errors
/// When the query wants what cannot be done.
pub fn search_memory(columns: &Columns, plan: &SearchPlan) -> Result<Vec<TraceHit>, EvalError> {
    let chunk = MemoryChunk::new(columns);
    let mut found = find(&chunk, plan, plan.window(), &HashSet::new())?;
    newest(&mut found, plan.limit());
    let describer = describe::Describer::new(&chunk, plan)?;
    found.iter().map(|found| describer.trace(found.trace, &found.sets)).collect()
}

/// The traces in memory that match, and their starts, ns since 1970. The spans must be as
/// [`crate::join()`] leaves them.
///
/// # Errors
/// When the query wants what cannot be done.
pub fn matching_memory(
    columns: &Columns,
    plan: &SearchPlan,
) -> Result<Vec<(TraceId, u64)>, EvalError> {
    let chunk = MemoryChunk::new(columns);
    let found = find(&chunk, plan, plan.window(), &HashSet::new())?;
    let ids = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
    let Column::Ids(ids) = &*ids else { return Ok(Vec::new()) };
    let id = |trace| ids.get(trace)?.try_into().ok().map(TraceId);
    Ok(found.iter().filter_map(|found| Some((id(found.trace)?, found.start))).collect())
}

/// Keeps the newest so many, newest first.
pub(crate) fn newest(found: &mut Vec<Found>, limit: usize) {
    found.sort_by_key(|found| (std::cmp::Reverse(found.start), found.trace));
    found.truncate(limit);
}
