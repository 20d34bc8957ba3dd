//! Part of a trace: the spans that a filter finds, and those around them in the tree.

use crate::chunk::{Bits, Chunk, Level, MemoryChunk, ROOT};
use crate::eval::{EvalError, fields, filter};
use tributary_span::Columns;
use tributary_span::columns::{Builder, Translation};
use tributary_traceql::ast::{Attribute, FieldExpr, Intrinsic};

/// Which spans of a trace are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceFilter {
    /// What they match.
    pub matching: FieldExpr,
    /// How many levels of spans below each match are wanted, too.
    pub below: usize,
    /// How many levels above.
    pub above: usize,
}

impl TraceFilter {
    /// What the filter asks for that a span and what it lies in do not say: of the whole trace, or
    /// of the span's place in its tree.
    pub fn beyond_spans(&self) -> Option<&'static str> {
        self.matching.attributes().find_map(|attribute| {
            let Attribute::Intrinsic { intrinsic, written } = attribute else { return None };
            let of_tree = matches!(
                intrinsic,
                Intrinsic::ChildCount
                    | Intrinsic::NestedSetLeft
                    | Intrinsic::NestedSetRight
                    | Intrinsic::NestedSetParent
            );
            let of_trace = fields(attribute).0.level() == Level::Trace;
            (of_tree || of_trace).then_some(*written)
        })
    }

    /// The rows that are wanted of a trace, which must be as [`crate::combine()`] leaves it. Levels
    /// are counted over parents that are there: a span whose parent is lost has none above it.
    ///
    /// # Errors
    /// When the filter wants what cannot be done.
    pub(crate) fn rows(&self, trace: &Columns) -> Result<Bits, EvalError> {
        let chunk = MemoryChunk::new(trace);
        let matches = filter(&chunk, &self.matching, &Bits::all(trace.len()))?;
        let parents = chunk.parents()?;
        let mut steps: Vec<(u32, u32)> =
            (0u32..).zip(parents.iter().copied()).filter(|(_, parent)| *parent < ROOT).collect();
        let mut wanted = reach(&matches, &steps, self.above);
        steps.iter_mut().for_each(|(from, to)| std::mem::swap(from, to));
        steps.sort_unstable();
        wanted.or(&reach(&matches, &steps, self.below));
        Ok(wanted)
    }
}

/// What can be reached by at most so many steps, which are sorted.
fn reach(from: &Bits, steps: &[(u32, u32)], at_most: usize) -> Bits {
    let mut reached = from.clone();
    let mut last: Vec<usize> = from.ones().collect();
    for _ in 0..at_most {
        let mut next = Vec::new();
        for from in last {
            let first = steps.partition_point(|(start, _)| (*start as usize) < from);
            let here = steps.iter().skip(first).take_while(|(start, _)| *start as usize == from);
            for to in here.map(|(_, to)| *to as usize) {
                if !reached.has(to) {
                    reached.insert(to);
                    next.push(to);
                }
            }
        }
        if next.is_empty() {
            break;
        }
        last = next;
    }
    reached
}

/// Some rows of a trace, in their order.
pub(crate) fn only(trace: &Columns, rows: &Bits) -> Columns {
    let (mut some, mut known) = (Builder::new(), Translation::default());
    for row in rows.ones() {
        some.copy_span(trace, row, &mut known);
    }
    some.take()
}

#[cfg(test)]
mod tests;
