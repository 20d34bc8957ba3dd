//! Traces that may match, told from some of their spans: what another place needs of this one.

use super::{Window, needs_whole, within};
use crate::chunk::{Bits, Chunk, Column, Field, MemoryChunk, Types};
use crate::eval::{EvalError, filter};
use std::collections::HashSet;
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{FieldExpr, Intrinsic, Pipeline, SpansetExpr, Stage};

/// The filters of a pipeline. A trace that matches has a span that one of them finds, unless a part
/// of it lies elsewhere that does.
fn filters<'q>(pipeline: &'q Pipeline, all: &mut Vec<&'q FieldExpr>) {
    fn of<'q>(expr: &'q SpansetExpr, all: &mut Vec<&'q FieldExpr>) {
        match expr {
            SpansetExpr::Filter(expr) => all.push(expr),
            SpansetExpr::Pipeline(inner) => filters(inner, all),
            SpansetExpr::Binary { left, right, .. } => {
                of(left, all);
                of(right, all);
            }
        }
    }
    let mut any = false;
    for stage in &pipeline.stages {
        if let Stage::Spanset(expr) = stage {
            any = true;
            of(expr, all);
        }
    }
    if !any {
        all.push(&FieldExpr::Static(tributary_traceql::ast::Static::Bool(true)));
    }
}

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
    let mut all = Vec::new();
    pipelines.iter().for_each(|pipeline| filters(pipeline, &mut all));
    let mut found = Bits::none(mask.len());
    for expr in all {
        // What is said of the whole trace, its parts do not tell.
        let spans = if needs_whole(expr) { mask.clone() } else { filter(&chunk, expr, &mask)? };
        found.or(&spans);
    }
    let ids = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
    let Column::Ids(ids) = &*ids else { return Ok(HashSet::new()) };
    let traces = found.ones().filter_map(|span| chunk.shape().trace_of.get(span).copied());
    let id = |trace: u32| ids.get(trace as usize)?.try_into().ok().map(TraceId);
    Ok(traces.filter_map(id).collect())
}
