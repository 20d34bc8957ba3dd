//! TraceQL over chunks: which spans an expression finds, what a pipeline makes of them.
//!
//! One evaluator serves stored blocks and spans in memory. A filter is a set of bits over the spans
//! of a chunk, made column by column, dictionary entry by dictionary entry; only what no column can
//! say alone (arithmetic, comparisons of two attributes) is computed span by span.

mod aggregate;
mod expression;
mod filter;
mod listed;
mod pipeline;
mod spanset;
mod structure;

pub(crate) use expression::{Operand, OwnedValue};
pub(crate) use filter::{filter, text_passes};
pub(crate) use listed::{Listed, Lister, listed};
pub(crate) use pipeline::{Set, run};

use crate::chunk::{Chunk, ChunkError, Field, Level};
use std::rc::Rc;
use std::sync::Arc;
use tributary_traceql::ast::{Attribute, Scope};

/// Why a query cannot be evaluated over a chunk.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The chunk does not give what is needed.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The query wants what cannot be done; the person who wrote it can change it.
    #[error("{0}")]
    Query(String),
}

/// Where the spans' lists end, when a field is of their elements.
fn list_ends(chunk: &dyn Chunk, field: &Field) -> Result<Option<Rc<Vec<u32>>>, EvalError> {
    Ok(match field.level() {
        Level::Event => Some(chunk.events_end()?),
        Level::Link => Some(chunk.links_end()?),
        _ => None,
    })
}

/// Where an attribute may stand: an unscoped one at the span, then at the resource.
pub(crate) fn fields(attribute: &Attribute) -> (Field, Option<Field>) {
    match attribute {
        Attribute::Intrinsic { intrinsic, .. } => (Field::Intrinsic(*intrinsic), None),
        Attribute::Named { scope: Some(scope), key } => (Field::Named(*scope, key.clone()), None),
        Attribute::Named { scope: None, key } => (
            Field::Named(Scope::Span, Arc::clone(key)),
            Some(Field::Named(Scope::Resource, Arc::clone(key))),
        ),
    }
}

/// The element of a field's level that a span has: itself, its resource, scope or trace. None for
/// lists, of whose elements a span may have many.
pub(crate) fn element_of(chunk: &dyn Chunk, field: &Field, span: usize) -> Option<usize> {
    use crate::chunk::Level;
    let shape = chunk.shape();
    let above = |table: &[u32]| table.get(span).map(|n| *n as usize);
    match field.level() {
        Level::Span => Some(span),
        Level::Resource => above(shape.resource_of()),
        Level::Scope => above(shape.scope_of()),
        Level::Trace => above(shape.trace_of()),
        Level::Event | Level::Link => None,
    }
}
