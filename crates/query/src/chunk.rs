//! Spans of whole traces as the evaluator sees them: columns by level, wherever they come from.
//!
//! Two things are chunks: rows of a stored block ([`StoredChunk`]), decoded leaf by leaf when a
//! query asks for them, and spans in memory ([`MemoryChunk`]). A column has one element for each
//! element of its level; lists (attributes, events, links) are resolved into that.

mod bits;
mod column;
mod memory;
mod parts;
mod shape;
mod stored;
mod tree;
mod value;

pub use bits::Bits;
pub use column::{Cell, Cells, Column, Ids, Texts, Values};
pub use memory::MemoryChunk;
pub(crate) use parts::parts_of;
pub use shape::Shape;
pub use stored::{KeyDictionaries, StoredChunk};
pub(crate) use stored::{keys_of, likely_leaves, owner};
pub use value::{Value, compare, id_text};

use crate::answer::ServiceStats;
use std::rc::Rc;
use std::sync::Arc;
use tributary_block::BlockError;
use tributary_traceql::ast::{Intrinsic, Scope};

/// Elements that columns have values of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Traces.
    Trace,
    /// Resources, each in one trace.
    Resource,
    /// Instrumentation scopes, each in one resource of one trace.
    Scope,
    /// Spans.
    Span,
    /// Events of spans.
    Event,
    /// Links of spans.
    Link,
}

/// A column that a chunk can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// An attribute by scope and key.
    Named(Scope, Arc<str>),
    /// What has a name of its own.
    Intrinsic(Intrinsic),
    /// `service.name` of resources where it is no text.
    OtherServiceNames,
    /// Start of a span, ns since 1970.
    SpanStart,
    /// Start of a trace, ns since 1970.
    TraceStart,
}

impl Field {
    /// The elements that have it.
    pub fn level(&self) -> Level {
        match self {
            Field::Named(scope, _) => match scope {
                Scope::Span => Level::Span,
                Scope::Resource => Level::Resource,
                Scope::Event => Level::Event,
                Scope::Link => Level::Link,
                Scope::Instrumentation => Level::Scope,
            },
            Field::OtherServiceNames => Level::Resource,
            Field::TraceStart => Level::Trace,
            Field::SpanStart => Level::Span,
            Field::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::RootName
                | Intrinsic::RootService
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId => Level::Trace,
                Intrinsic::EventName | Intrinsic::EventTimeSinceStart => Level::Event,
                Intrinsic::LinkTraceId | Intrinsic::LinkSpanId => Level::Link,
                Intrinsic::ScopeName | Intrinsic::ScopeVersion => Level::Scope,
                _ => Level::Span,
            },
        }
    }
}

/// All spans of a chunk, each once.
///
/// # Errors
/// When the chunk does not give what is needed.
pub(crate) fn each_once(chunk: &dyn Chunk) -> Result<Bits, ChunkError> {
    let mut all = Bits::all(chunk.shape().spans());
    if let Some(repeats) = chunk.repeats()? {
        all.minus(&repeats);
    }
    Ok(all)
}

/// Takes the spans of some traces out.
///
/// # Errors
/// When the chunk does not give what is needed.
pub(crate) fn leave_out(
    chunk: &dyn Chunk,
    except: &std::collections::HashSet<tributary_span::TraceId>,
    mask: &mut Bits,
) -> Result<(), ChunkError> {
    if except.is_empty() || mask.has_none() {
        return Ok(());
    }
    let ids = chunk.column(&Field::Intrinsic(Intrinsic::TraceId), Types::ALL)?;
    let Column::Ids(ids) = &*ids else { return Ok(()) };
    let shape = chunk.shape();
    for trace in 0..shape.traces() {
        let id = ids.get(trace).and_then(|id| id.try_into().ok()).unwrap_or_default();
        if except.contains(&tributary_span::TraceId(id)) {
            mask.remove_range(shape.spans_of(trace));
        }
    }
    Ok(())
}

/// No span, no entry, no value.
pub const NONE: u32 = u32::MAX;
/// The parent of a root.
pub const ROOT: u32 = u32::MAX - 1;

/// Types of an attribute's values that are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Types(u8);

impl Types {
    /// Texts.
    pub const TEXT: Types = Types(1);
    /// Integers and doubles.
    pub const NUMBER: Types = Types(2);
    /// Booleans.
    pub const BOOL: Types = Types(4);
    /// All.
    pub const ALL: Types = Types(7);

    /// Whether all of `other` are among these.
    pub fn has(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }
}

/// Why a chunk does not give what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// Leaves have to be read first; then ask again.
    #[error("leaves were not read: {0:?}")]
    Needs(Vec<String>),
    /// The stored bytes are wrong.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// What elements have of a field.
#[derive(Debug)]
pub struct Held {
    /// The elements that have it, rising; none when the column is of all elements.
    pub elements: Option<Vec<u32>>,
    /// What they have: one for each of them.
    pub column: Rc<Column>,
}

/// Spans of whole traces.
pub trait Chunk {
    /// Which span belongs where.
    fn shape(&self) -> &Shape;

    /// A column, with one element for each of its level. Values of an attribute that are of none of
    /// the `types` may be [`Cell::Unseen`].
    ///
    /// # Errors
    /// When stored bytes are corrupt, or leaves are needed that were not read.
    fn column(&self, field: &Field, types: Types) -> Result<Rc<Column>, ChunkError>;

    /// What elements have of a field, as it is at hand: for some of them, or for all.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn held(&self, field: &Field) -> Result<Held, ChunkError> {
        Ok(Held { elements: None, column: self.column(field, Types::ALL)? })
    }

    /// End of each span's events.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn events_end(&self) -> Result<Rc<Vec<u32>>, ChunkError>;

    /// End of each span's links.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn links_end(&self) -> Result<Rc<Vec<u32>>, ChunkError>;

    /// Parent of each span: [`ROOT`] for roots, [`NONE`] for spans whose parent is not in the trace,
    /// and for those that go round in a circle.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn parents(&self) -> Result<Rc<Vec<u32>>, ChunkError>;

    /// Spans that stand there again: all but the first with the same id and kind in their trace. None
    /// when each stands there once.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn repeats(&self) -> Result<Option<Rc<Bits>>, ChunkError> {
        Ok(None)
    }

    /// Keys of all attributes of a scope. There may be keys among them that no element has.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn keys(&self, scope: Scope) -> Result<Vec<Arc<str>>, ChunkError>;

    /// Keys of the attributes that some of a scope's owners have, whatever their values are.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn keys_of(&self, scope: Scope, owners: &Bits) -> Result<Vec<Arc<str>>, ChunkError>;

    /// Spans by service of a trace.
    ///
    /// # Errors
    /// As [`Chunk::column`].
    fn services(&self, trace: usize) -> Result<Vec<ServiceStats>, ChunkError>;
}
