//! Names and values of attributes: what a person can ask for.

mod group;
mod names;
mod values;

pub use group::{names_group, values_group};
pub use names::Names;
pub use values::{TagValues, Wanted};

use crate::chunk::{Bits, Chunk, Level, MemoryChunk};
use crate::eval::{EvalError, filter};
use crate::search::{Window, within};
use tributary_span::Columns;
use tributary_traceql::ast::FieldExpr;

/// Which spans count: those of the window that a filter finds.
#[derive(Debug, Clone, Copy)]
pub struct Among<'q> {
    /// When their traces were.
    pub window: Window,
    /// What they must meet; all do without one.
    pub filter: Option<&'q FieldExpr>,
}

impl Among<'_> {
    /// The spans of a chunk that count.
    pub(crate) fn spans(&self, chunk: &dyn Chunk, window: Window) -> Result<Bits, EvalError> {
        let mask = within(chunk, window)?;
        match self.filter {
            Some(expr) => filter(chunk, expr, &mask),
            None => Ok(mask),
        }
    }
}

/// The elements of a level that belong to these spans.
pub(crate) fn elements_of(
    chunk: &dyn Chunk,
    level: Level,
    spans: &Bits,
) -> Result<Bits, EvalError> {
    let shape = chunk.shape();
    let above = |table: &[u32], len: usize| {
        let mut found = Bits::none(len);
        spans.ones().filter_map(|span| table.get(span)).for_each(|n| found.insert(*n as usize));
        found
    };
    Ok(match level {
        Level::Span => spans.clone(),
        Level::Trace => above(shape.trace_of(), shape.traces()),
        Level::Resource => above(shape.resource_of(), shape.resources()),
        Level::Scope => above(shape.scope_of(), shape.scopes()),
        Level::Event | Level::Link => {
            let ends =
                if level == Level::Event { chunk.events_end()? } else { chunk.links_end()? };
            let mut found = Bits::none(ends.last().map_or(0, |end| *end as usize));
            for span in spans.ones() {
                found.insert_range(tributary_span::columns::owned(&ends, span));
            }
            found
        }
    })
}

/// Names among spans in memory, which must be as [`crate::join()`] leaves them.
///
/// # Errors
/// When the filter wants what cannot be done.
pub fn names_memory(
    columns: &Columns,
    among: Among<'_>,
    names: &mut Names,
) -> Result<(), EvalError> {
    let chunk = MemoryChunk::new(columns);
    let spans = among.spans(&chunk, among.window)?;
    names.add(&chunk, &spans)
}

/// Values among spans in memory, which must be as [`crate::join()`] leaves them.
///
/// # Errors
/// When the filter wants what cannot be done.
pub fn values_memory(
    columns: &Columns,
    wanted: &Wanted,
    among: Among<'_>,
    values: &mut TagValues,
) -> Result<(), EvalError> {
    let chunk = MemoryChunk::new(columns);
    let spans = among.spans(&chunk, among.window)?;
    values.add(&chunk, wanted, &spans)
}
