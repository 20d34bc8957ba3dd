//! Traces whose parts lie in several places: which filters of a query their parts meet. Such a trace is
//! put together only when they meet so many that as a whole it may match: most do not.

mod whole;

pub(crate) use whole::{names_what_is_of_traces, needs_whole, pipeline_needs_whole, relates_spans};

use crate::chunk::{Bits, Chunk, ChunkError, Column, Field, MemoryChunk, Types};
use crate::eval::{EvalError, filter};
use std::collections::{HashMap, HashSet};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{
    FieldExpr, Intrinsic, Pipeline, SpansetExpr, SpansetOp, Stage, StructuralMode,
};

/// Filters that are met, a bit each, in the order of the text. Those beyond the last bit share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Met(u64);

impl Met {
    fn of(filter: usize) -> Met {
        Met(1 << filter.min(63))
    }

    fn has(self, filter: usize) -> bool {
        self.0 & Met::of(filter).0 != 0
    }

    fn add(&mut self, other: Met) {
        self.0 |= other.0;
    }
}

/// What the parts of traces meet.
pub type MetBy = HashMap<TraceId, Met>;

/// Adds what other parts meet.
pub fn add(all: &mut MetBy, others: MetBy) {
    for (trace, met) in others {
        all.entry(trace).or_default().add(met);
    }
}

/// The filters of pipelines, in the order of their text.
pub(crate) fn filters<'q>(pipelines: &[&'q Pipeline]) -> Vec<&'q FieldExpr> {
    let mut all = Vec::new();
    pipelines.iter().for_each(|pipeline| of_pipeline(pipeline, &mut all));
    all
}

fn of_pipeline<'q>(pipeline: &'q Pipeline, all: &mut Vec<&'q FieldExpr>) {
    for stage in &pipeline.stages {
        if let Stage::Spanset(expr) = stage {
            of_spanset(expr, all);
        }
    }
}

fn of_spanset<'q>(expr: &'q SpansetExpr, all: &mut Vec<&'q FieldExpr>) {
    match expr {
        SpansetExpr::Filter(expr) => all.push(expr),
        SpansetExpr::Pipeline(inner) => of_pipeline(inner, all),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left, all);
            of_spanset(right, all);
        }
    }
}

/// Whether a trace may match one of the pipelines when its parts meet these filters.
pub fn may_match(pipelines: &[&Pipeline], met: Met) -> bool {
    let mut next = 0;
    let each = pipelines.iter().map(|pipeline| pipeline_may(pipeline, met, &mut next));
    // All are looked at, so that each knows the numbers of its filters.
    each.fold(false, |any, may| any | may)
}

fn pipeline_may(pipeline: &Pipeline, met: Met, next: &mut usize) -> bool {
    pipeline.stages.iter().fold(true, |all, stage| match stage {
        Stage::Spanset(expr) => spanset_may(expr, met, next) && all,
        _ => all,
    })
}

fn spanset_may(expr: &SpansetExpr, met: Met, next: &mut usize) -> bool {
    match expr {
        SpansetExpr::Filter(_) => {
            let filter = *next;
            *next += 1;
            met.has(filter)
        }
        SpansetExpr::Pipeline(inner) => pipeline_may(inner, met, next),
        SpansetExpr::Binary { op, left, right } => {
            let (left, right) = (spanset_may(left, met, next), spanset_may(right, met, next));
            match op {
                SpansetOp::Union => left || right,
                SpansetOp::Structural(_, StructuralMode::Negated) => right,
                SpansetOp::And | SpansetOp::Structural(..) => left && right,
            }
        }
    }
}

/// The filters of a query, as parts of traces are asked them.
pub(crate) struct Factors<'q> {
    /// Numbers of the filters, and of each what single spans can be asked, whatever the rest of their
    /// trace is.
    filters: Vec<(usize, Vec<&'q FieldExpr>)>,
    /// Whether a trace may match that meets none.
    takes_all: bool,
}

impl<'q> Factors<'q> {
    /// Those that a row group is asked, if any: where traces are judged as wholes, and some have parts
    /// elsewhere.
    pub(crate) fn asked(
        pipelines: &[&'q Pipeline],
        whole: bool,
        elsewhere: &HashSet<TraceId>,
    ) -> Option<Factors<'q>> {
        (whole && !elsewhere.is_empty()).then(|| Factors::of(pipelines))
    }

    fn of(pipelines: &[&'q Pipeline]) -> Factors<'q> {
        let of_spans = |filter: &'q FieldExpr| -> Vec<&'q FieldExpr> {
            filter.conjuncts().into_iter().filter(|expr| !needs_whole(expr)).collect()
        };
        Factors {
            filters: filters(pipelines).into_iter().map(of_spans).enumerate().collect(),
            takes_all: may_match(pipelines, Met::default()),
        }
    }

    /// All conditions on single spans.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &'q FieldExpr> {
        self.filters.iter().flat_map(|(_, conditions)| conditions).copied()
    }

    /// These without the filters that no span of a row group can meet; none when nothing is left.
    pub(crate) fn without(mut self, cannot_be_met: impl Fn(&[&FieldExpr]) -> bool) -> Option<Self> {
        self.filters.retain(|(_, conditions)| !cannot_be_met(conditions));
        (self.takes_all || !self.filters.is_empty()).then_some(self)
    }

    /// What the parts of `traces` in a chunk meet; traces that meet nothing are left out, unless they
    /// may match all the same.
    pub(crate) fn met(
        &self,
        chunk: &dyn Chunk,
        traces: &HashSet<TraceId>,
    ) -> Result<MetBy, EvalError> {
        let mask = spans_of(chunk, traces)?;
        let mut all = MetBy::new();
        if mask.has_none() {
            return Ok(all);
        }
        let ids = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
        let Column::Ids(ids) = &*ids else { return Ok(all) };
        let mut note = |spans: &Bits, met: Met| {
            for trace in chunk.shape().traces_with(spans) {
                if let Some(id) = ids.get(trace).and_then(|id| id.try_into().ok()) {
                    all.entry(TraceId(id)).or_default().add(met);
                }
            }
        };
        if self.takes_all {
            note(&mask, Met::default());
        }
        for (number, conditions) in &self.filters {
            let mut spans = mask.clone();
            for condition in conditions {
                spans = filter(chunk, condition, &spans)?;
            }
            note(&spans, Met::of(*number));
        }
        Ok(all)
    }
}

/// The spans of some traces in a chunk.
fn spans_of(chunk: &dyn Chunk, traces: &HashSet<TraceId>) -> Result<Bits, ChunkError> {
    let mut all = Bits::all(chunk.shape().spans());
    let mut others = all.clone();
    crate::chunk::leave_out(chunk, traces, &mut others)?;
    all.minus(&others);
    Ok(all)
}

/// What the parts of traces that are in memory meet of these pipelines' filters.
///
/// # Errors
/// When a query wants what cannot be done.
pub fn met_in_memory(columns: &Columns, pipelines: &[&Pipeline]) -> Result<MetBy, EvalError> {
    let traces = columns.traces.iter().copied().collect();
    Factors::of(pipelines).met(&MemoryChunk::new(columns), &traces)
}

#[cfg(test)]
mod tests;
