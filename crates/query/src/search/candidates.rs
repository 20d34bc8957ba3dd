//! Traces that may match, told from some of their spans: what another place needs of this one.

use super::{Window, within};
use crate::chunk::{Bits, Chunk, Column, Field, MemoryChunk, Types};
use crate::eval::{EvalError, filter};
use crate::split::{Met, filters, may_match, names_what_is_of_traces};
use std::collections::HashSet;
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{Intrinsic, Pipeline};

/// The traces among spans in memory that may match one of the pipelines, as far as these spans
/// tell. They must be as [`crate::join()`] leaves them.
///
/// # Errors
/// When a query wants what cannot be done.
pub fn candidates(
    columns: &Columns,
    pipelines: &[&Pipeline],
    window: Window,
) -> Result<HashSet<TraceId>, EvalError> {
    let chunk = MemoryChunk::new(columns);
    let mask = within(&chunk, window)?;
    let mut found = match may_match(pipelines, Met::default()) {
        true => mask.clone(),
        false => Bits::none(mask.len()),
    };
    for expr in filters(pipelines) {
        // What is said of the whole trace, its parts do not tell.
        let spans =
            if names_what_is_of_traces(expr) { mask.clone() } else { filter(&chunk, expr, &mask)? };
        found.or(&spans);
    }
    let ids = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
    let Column::Ids(ids) = &*ids else { return Ok(HashSet::new()) };
    let id = |trace| ids.get(trace)?.try_into().ok().map(TraceId);
    Ok(chunk.shape().traces_with(&found).into_iter().filter_map(id).collect())
}
