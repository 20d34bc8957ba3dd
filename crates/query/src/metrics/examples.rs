//! Which spans stand for others.

use super::counters::Example;
use crate::chunk::{Chunk, Column, Field, Types};
use crate::eval::EvalError;
use std::rc::Rc;
use tributary_span::TraceId;
use tributary_traceql::ast::Intrinsic;

/// Chooses, of the spans of a chunk, those with the smallest hash of trace and start: parts that are
/// merged in any order choose the same.
pub(super) struct Examples {
    traces: Rc<Column>,
    /// The trace of the span before, and the mixed bits of its id.
    trace: usize,
    mixed: Option<(usize, u64)>,
}

impl Examples {
    /// For spans of a chunk; none when none are wanted.
    pub(super) fn new(chunk: &dyn Chunk, wanted: usize) -> Result<Option<Examples>, EvalError> {
        if wanted == 0 {
            return Ok(None);
        }
        let traces = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
        Ok(Some(Examples { traces, trace: 0, mixed: None }))
    }

    fn id(&self, trace: usize) -> TraceId {
        let id = match &*self.traces {
            Column::Ids(ids) => ids.get(trace).and_then(|id| id.try_into().ok()),
            _ => None,
        };
        TraceId(id.unwrap_or_default())
    }

    /// Takes a span that starts at `at` if its hash is the smallest. Spans must come rising.
    #[inline]
    pub(super) fn see(
        &mut self,
        chunk: &dyn Chunk,
        span: usize,
        at: u64,
        value: Option<f64>,
        known: &mut Option<Example>,
    ) {
        let trace = chunk.shape().trace_after(&mut self.trace, span);
        let mixed = match self.mixed {
            Some((of, mixed)) if of == trace => mixed,
            _ => self.id(trace).mix(),
        };
        self.mixed = Some((trace, mixed));
        let hash = mixed ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if known.is_none_or(|known| hash < known.hash) {
            *known = Some(Example { hash, trace: self.id(trace), at, value });
        }
    }
}
