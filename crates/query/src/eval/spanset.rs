//! Spanset expressions over all traces of a chunk at once.

use super::structure::relate;
use super::{EvalError, filter, pipeline};
use crate::chunk::{Bits, Chunk};
use tributary_traceql::ast::{SpansetExpr, SpansetOp, StructuralMode};

/// The spans of `mask` that an expression finds.
///
/// # Errors
/// When the chunk does not give what is needed, or a pipeline among the operands fails.
pub(super) fn spanset(
    chunk: &dyn Chunk,
    expr: &SpansetExpr,
    mask: &Bits,
) -> Result<Bits, EvalError> {
    match expr {
        SpansetExpr::Filter(expr) => filter(chunk, expr, mask),
        SpansetExpr::Pipeline(inner) => {
            let sets = pipeline::run(chunk, inner, mask)?;
            Ok(sets.spans(mask.len()))
        }
        SpansetExpr::Binary { op, left, right } => {
            let left = spanset(chunk, left, mask)?;
            // Without a left-hand span most operators have nothing to give.
            let needs_left =
                !matches!(op, SpansetOp::Union | SpansetOp::Structural(_, StructuralMode::Negated));
            if needs_left && left.has_none() {
                return Ok(left);
            }
            let right = match op {
                // Only traces that have something on the left can match.
                _ if needs_left => spanset(chunk, right, &traces_of(chunk, &left, mask))?,
                _ => spanset(chunk, right, mask)?,
            };
            combine(chunk, *op, left, right)
        }
    }
}

/// The spans of `mask` in traces that have one of `spans`.
fn traces_of(chunk: &dyn Chunk, spans: &Bits, mask: &Bits) -> Bits {
    let shape = chunk.shape();
    let mut found = Bits::none(mask.len());
    for trace in shape.traces_with(spans) {
        found.insert_range(shape.spans_of(trace));
    }
    found.and(mask);
    found
}

fn combine(
    chunk: &dyn Chunk,
    op: SpansetOp,
    mut left: Bits,
    right: Bits,
) -> Result<Bits, EvalError> {
    match op {
        SpansetOp::Union => left.or(&right),
        SpansetOp::And => {
            let of_right = traces_of(chunk, &right, &left);
            let mut of_left = traces_of(chunk, &left, &right);
            of_left.or(&of_right);
            return Ok(of_left);
        }
        SpansetOp::Structural(relation, mode) => {
            if right.has_none() {
                return Ok(right);
            }
            let parents = chunk.parents()?;
            return Ok(relate(chunk.shape(), &parents, &left, &right, relation, mode));
        }
    }
    Ok(left)
}

/// An expression over spansets that were split: each is judged on its own.
pub(super) enum Judged {
    Spans(Bits),
    Both(SpansetOp, Box<Judged>, Box<Judged>),
}

impl Judged {
    /// Judges all spans of `mask` by the filters of an expression.
    pub(super) fn new(
        chunk: &dyn Chunk,
        expr: &SpansetExpr,
        mask: &Bits,
    ) -> Result<Judged, EvalError> {
        Ok(match expr {
            SpansetExpr::Binary { op: SpansetOp::Structural(..), .. } => {
                let why = "a structural operator cannot follow by(): put coalesce() before it";
                return Err(EvalError::Query(why.to_owned()));
            }
            SpansetExpr::Binary { op, left, right } => Judged::Both(
                *op,
                Box::new(Judged::new(chunk, left, mask)?),
                Box::new(Judged::new(chunk, right, mask)?),
            ),
            other => Judged::Spans(spanset(chunk, other, mask)?),
        })
    }

    /// Those of these spans that the expression finds.
    pub(super) fn of(&self, spans: &[u32]) -> Vec<u32> {
        match self {
            Judged::Spans(found) => {
                spans.iter().copied().filter(|span| found.has(*span as usize)).collect()
            }
            Judged::Both(op, left, right) => {
                let (left, right) = (left.of(spans), right.of(spans));
                if *op == SpansetOp::And && (left.is_empty() || right.is_empty()) {
                    return Vec::new();
                }
                let mut both = [left, right].concat();
                both.sort_unstable();
                both.dedup();
                both
            }
        }
    }
}
