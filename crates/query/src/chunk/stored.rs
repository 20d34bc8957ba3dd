//! Rows of a stored block as a chunk: columns are decoded when they are asked for.

mod attributes;
mod likely;
mod services;

pub(crate) use likely::{keys_of, likely_leaves};

use self::services::Services;
use super::memory::children;
use super::shape::shape_of;
use super::tree::tree;
use super::{Bits, Chunk, ChunkError, Column, Field, Held, Ids, NONE, ROOT, Shape, Texts, Types};
use crate::answer::ServiceStats;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use tributary_block::dedicated::Scope as Owner;
use tributary_block::nested::Node;
use tributary_block::{Block, BlockError, Dictionary, Leaf, Leaves};
use tributary_span::SpanId;
use tributary_traceql::ast::{Intrinsic, Scope};

/// Dictionaries of a row group that were read before, by path: those of attributes' keys tell which
/// attributes need no other leaf at all.
pub type KeyDictionaries = HashMap<String, Arc<Dictionary>>;

/// A leaf of texts and its dictionary.
type TextLeaf = (Leaf<u32>, Arc<Dictionary>);

/// Rows of a row group of a stored block.
pub struct StoredChunk<'l> {
    block: &'l Block,
    leaves: &'l Leaves,
    dictionaries: &'l KeyDictionaries,
    rows: Range<usize>,
    shape: Shape,
    cache: RefCell<HashMap<(Field, Types), Rc<Column>>>,
    texts: RefCell<HashMap<String, Rc<TextLeaf>>>,
    ends: RefCell<HashMap<&'static str, Rc<Vec<u32>>>>,
    parents: OnceCell<Rc<Vec<u32>>>,
    lists: [attributes::List; 5],
    is_distinct: bool,
    repeats: OnceCell<Option<Rc<Bits>>>,
    services: OnceCell<Services>,
}

/// A leaf that each span has, and that is small: from its levels comes the shape.
const OF_SPANS: &str = "rs.ss.Spans.Kind";
const SPANS: u8 = 3;
const EVENTS: &str = "rs.ss.Spans.Events.TimeSinceStartNano";
const LINKS: &str = "rs.ss.Spans.Links.DroppedAttributesCount";

fn disagree(path: &str) -> ChunkError {
    BlockError::Corrupt(format!("column {path} disagrees with others about how much there is"))
        .into()
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}

/// Ends of a list's elements by owner, at this definition level.
fn ends<T>(leaf: &Leaf<T>, depth: u8) -> Vec<u32> {
    let mut ends: Vec<u32> = Vec::new();
    let mut count = 0u32;
    for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
        if rep < depth && def + 1 >= depth {
            ends.push(count);
        }
        if rep <= depth && def >= depth {
            count += 1;
            if let Some(end) = ends.last_mut() {
                *end = count;
            }
        }
    }
    ends
}

impl<'l> StoredChunk<'l> {
    /// The leaf that every chunk needs.
    pub(crate) const SHAPE: &'static str = OF_SPANS;

    /// Some rows of a row group, whose leaves were read. `is_distinct`: whether each span is known to
    /// stand there once.
    ///
    /// # Errors
    /// When leaves are needed that were not read, or they are corrupt.
    pub fn new(
        block: &'l Block,
        leaves: &'l Leaves,
        dictionaries: &'l KeyDictionaries,
        rows: Range<usize>,
        is_distinct: bool,
    ) -> Result<Self, ChunkError> {
        if !leaves.has(OF_SPANS) {
            return Err(ChunkError::Needs(vec![OF_SPANS.to_owned()]));
        }
        let levels = leaves.levels(OF_SPANS, &rows)?;
        let shape = shape_of(&levels.rep, &levels.def, SPANS);
        if shape.traces() != rows.len() {
            return Err(disagree(OF_SPANS));
        }
        Ok(StoredChunk {
            block,
            leaves,
            dictionaries,
            rows,
            shape,
            cache: RefCell::default(),
            texts: RefCell::default(),
            ends: RefCell::default(),
            parents: OnceCell::new(),
            lists: Default::default(),
            is_distinct,
            repeats: OnceCell::new(),
            services: OnceCell::new(),
        })
    }

    /// Sees to it that these leaves were read.
    fn need(&self, paths: &[&str]) -> Result<(), ChunkError> {
        let missing: Vec<String> =
            paths.iter().filter(|path| !self.leaves.has(path)).map(|p| (*p).to_owned()).collect();
        if missing.is_empty() { Ok(()) } else { Err(ChunkError::Needs(missing)) }
    }

    fn text_leaf(&self, path: &str) -> Result<Rc<TextLeaf>, ChunkError> {
        if let Some(found) = self.texts.borrow().get(path) {
            return Ok(found.clone());
        }
        self.need(&[path])?;
        let leaf = Rc::new(self.leaves.texts(path, &self.rows)?);
        self.texts.borrow_mut().insert(path.to_owned(), leaf.clone());
        Ok(leaf)
    }

    /// A required leaf of `count` elements.
    fn texts(&self, path: &str, count: usize) -> Result<Column, ChunkError> {
        self.need(&[path])?;
        let (leaf, dictionary) = self.leaves.texts(path, &self.rows)?;
        if leaf.values.len() != count {
            return Err(disagree(path));
        }
        Ok(Column::Texts(Texts { dictionary, index: leaf.values }))
    }

    fn ints(&self, path: &str, count: usize) -> Result<Vec<i64>, ChunkError> {
        self.need(&[path])?;
        let leaf = self.leaves.ints(path, &self.rows)?;
        if leaf.values.len() != count {
            return Err(disagree(path));
        }
        Ok(leaf.values)
    }

    /// Ids, with zeros at the front of those that are shorter.
    fn ids(&self, path: &str, count: usize, width: usize) -> Result<Ids, ChunkError> {
        self.need(&[path])?;
        let (leaf, dictionary) = self.leaves.texts(path, &self.rows)?;
        if leaf.values.len() != count {
            return Err(disagree(path));
        }
        let mut bytes = Vec::with_capacity(count * width);
        for &index in &leaf.values {
            let id = dictionary.get(index);
            let zeros = width.checked_sub(id.len()).ok_or_else(|| disagree(path))?;
            bytes.resize(bytes.len() + zeros, 0);
            bytes.extend_from_slice(id);
        }
        Ok(Ids { bytes, width })
    }

    fn list_ends(&self, path: &'static str) -> Result<Rc<Vec<u32>>, ChunkError> {
        if let Some(found) = self.ends.borrow().get(path) {
            return Ok(found.clone());
        }
        self.need(&[path])?;
        let found = Rc::new(ends(&self.leaves.levels(path, &self.rows)?, SPANS + 1));
        if found.len() != self.shape.spans() {
            return Err(disagree(path));
        }
        self.ends.borrow_mut().insert(path, found.clone());
        Ok(found)
    }

    fn list_len(&self, path: &'static str) -> Result<usize, ChunkError> {
        Ok(self.list_ends(path)?.last().map_or(0, |end| *end as usize))
    }

    fn build(&self, field: &Field, types: Types) -> Result<Column, ChunkError> {
        let (spans, traces) = (self.shape.spans(), self.shape.traces());
        Ok(match field {
            Field::Named(Scope::Resource, key) if &**key == "service.name" => {
                self.texts("rs.Resource.ServiceName", self.shape.resources())?
            }
            Field::Named(scope, key) => self.attributes(*scope, key, types)?,
            Field::OtherServiceNames => {
                self.attributes(Scope::Resource, "service.name", Types::ALL)?
            }
            Field::SpanStart => Column::Ints(self.ints("rs.ss.Spans.StartTimeUnixNano", spans)?),
            Field::TraceStart => Column::Ints(self.ints("StartTimeUnixNano", traces)?),
            Field::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::Duration => {
                    Column::Durations(self.ints("rs.ss.Spans.DurationNano", spans)?)
                }
                Intrinsic::Name => self.texts("rs.ss.Spans.Name", spans)?,
                Intrinsic::Status => Column::Statuses(self.ints("rs.ss.Spans.StatusCode", spans)?),
                Intrinsic::StatusMessage => self.texts("rs.ss.Spans.StatusMessage", spans)?,
                Intrinsic::Kind => Column::Kinds(self.ints(OF_SPANS, spans)?),
                Intrinsic::SpanId => Column::Ids(self.ids("rs.ss.Spans.SpanID", spans, 8)?),
                Intrinsic::ParentId => {
                    Column::Ids(self.ids("rs.ss.Spans.ParentSpanID", spans, 8)?)
                }
                Intrinsic::ChildCount => {
                    let path = "rs.ss.Spans.ChildCount";
                    if self.block.has_leaf(path) {
                        Column::Ints(self.ints(path, spans)?)
                    } else {
                        Column::Ints(children(&self.parents()?))
                    }
                }
                Intrinsic::NestedSetLeft => {
                    Column::Ints(self.ints("rs.ss.Spans.NestedSetLeft", spans)?)
                }
                Intrinsic::NestedSetRight => {
                    Column::Ints(self.ints("rs.ss.Spans.NestedSetRight", spans)?)
                }
                Intrinsic::NestedSetParent => {
                    Column::Ints(self.ints("rs.ss.Spans.ParentID", spans)?)
                }
                Intrinsic::RootName => self.texts("RootSpanName", traces)?,
                Intrinsic::RootService => self.texts("RootServiceName", traces)?,
                Intrinsic::TraceDuration => Column::Durations(self.ints("DurationNano", traces)?),
                Intrinsic::TraceId => Column::Ids(self.ids("TraceID", traces, 16)?),
                Intrinsic::EventName => {
                    self.texts("rs.ss.Spans.Events.Name", self.list_len(EVENTS)?)?
                }
                Intrinsic::EventTimeSinceStart => {
                    Column::Durations(self.ints(EVENTS, self.list_len(EVENTS)?)?)
                }
                Intrinsic::LinkTraceId => {
                    Column::Ids(self.ids("rs.ss.Spans.Links.TraceID", self.list_len(LINKS)?, 16)?)
                }
                Intrinsic::LinkSpanId => {
                    Column::Ids(self.ids("rs.ss.Spans.Links.SpanID", self.list_len(LINKS)?, 8)?)
                }
                Intrinsic::ScopeName => self.texts("rs.ss.Scope.Name", self.shape.scopes())?,
                Intrinsic::ScopeVersion => {
                    self.texts("rs.ss.Scope.Version", self.shape.scopes())?
                }
            },
        })
    }

    /// Parents by nested set numbers; none when a span has no numbers.
    fn parents_by_numbers(&self) -> Result<Option<Vec<u32>>, ChunkError> {
        let spans = self.shape.spans();
        self.need(&["rs.ss.Spans.NestedSetLeft", "rs.ss.Spans.ParentID"])?;
        let left = self.ints("rs.ss.Spans.NestedSetLeft", spans)?;
        let parent = self.ints("rs.ss.Spans.ParentID", spans)?;
        if left.contains(&0) {
            return Ok(None);
        }
        let mut parents = vec![NONE; spans];
        let mut by_left = Vec::new();
        for trace in 0..self.shape.traces() {
            let rows = self.shape.spans_of(trace);
            // Two numbers a span.
            by_left.clear();
            by_left.resize(rows.len() * 2 + 1, NONE);
            for row in rows.clone() {
                let left = left.get(row).and_then(|n| usize::try_from(*n).ok());
                if let Some(slot) = left.and_then(|n| by_left.get_mut(n)) {
                    *slot = number(row);
                }
            }
            for row in rows {
                let above = match parent.get(row) {
                    Some(-1) => ROOT,
                    Some(0) | None => NONE,
                    Some(n) => {
                        let n = usize::try_from(*n).ok();
                        n.and_then(|n| by_left.get(n)).copied().unwrap_or(NONE)
                    }
                };
                if let Some(slot) = parents.get_mut(row) {
                    *slot = above;
                }
            }
        }
        Ok(Some(parents))
    }

    fn find_parents(&self) -> Result<Vec<u32>, ChunkError> {
        if let Some(parents) = self.parents_by_numbers()? {
            return Ok(parents);
        }
        // Numbers are zero below a span that is not there; ids still tell who is whose parent.
        let spans = self.shape.spans();
        self.need(&["rs.ss.Spans.SpanID", "rs.ss.Spans.ParentSpanID"])?;
        let ids = self.ids("rs.ss.Spans.SpanID", spans, 8)?;
        let parent_ids = self.ids("rs.ss.Spans.ParentSpanID", spans, 8)?;
        let kinds = self.column(&Field::Intrinsic(Intrinsic::Kind), Types::ALL)?;
        let id = |ids: &Ids, row| {
            SpanId(ids.get(row).and_then(|id| id.try_into().ok()).unwrap_or_default())
        };
        let node = |row| Node {
            id: id(&ids, row),
            parent: id(&parent_ids, row),
            kind: i32::try_from(kinds.int(row)).unwrap_or_default(),
        };
        Ok(tree(&self.shape, node).parents)
    }

    /// Whether spans were found to stand there again.
    pub(crate) fn has_repeats(&self) -> bool {
        !self.is_distinct && !matches!(self.repeats.get(), Some(None))
    }

    fn find_repeats(&self) -> Result<Option<Rc<Bits>>, ChunkError> {
        let spans = self.shape.spans();
        let ids = self.ids("rs.ss.Spans.SpanID", spans, 8)?;
        let kinds = self.column(&Field::Intrinsic(Intrinsic::Kind), Types::ALL)?;
        let mut repeats = Bits::none(spans);
        let mut of_trace = Vec::new();
        for trace in 0..self.shape.traces() {
            of_trace.clear();
            let rows = self.shape.spans_of(trace);
            of_trace.extend(rows.map(|row| (ids.get(row), kinds.int(row), row)));
            of_trace.sort_unstable();
            for pair in of_trace.windows(2) {
                if let [(id, kind, _), (other, other_kind, row)] = pair
                    && (id, kind) == (other, other_kind)
                {
                    repeats.insert(*row);
                }
            }
        }
        Ok((!repeats.has_none()).then(|| Rc::new(repeats)))
    }

    /// The chunk's block.
    pub(super) fn block(&self) -> &Block {
        self.block
    }

    /// Where an attribute with a column of its own stands.
    pub(super) fn own_column(&self, scope: Scope, key: &str) -> Option<tributary_block::OwnColumn> {
        let owner = owner(scope)?;
        self.block().own_column(owner, key)
    }
}

/// What has attributes with columns of their own.
pub(crate) fn owner(scope: Scope) -> Option<Owner> {
    match scope {
        Scope::Resource => Some(Owner::Resource),
        Scope::Span => Some(Owner::Span),
        Scope::Event => Some(Owner::Event),
        Scope::Link | Scope::Instrumentation => None,
    }
}

impl Chunk for StoredChunk<'_> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn column(&self, field: &Field, types: Types) -> Result<Rc<Column>, ChunkError> {
        let types = if matches!(field, Field::Named(..)) { types } else { Types::ALL };
        let key = (field.clone(), types);
        if let Some(found) = self.cache.borrow().get(&key) {
            return Ok(found.clone());
        }
        let column = Rc::new(self.build(field, types)?);
        self.cache.borrow_mut().insert(key, column.clone());
        Ok(column)
    }

    fn held(&self, field: &Field) -> Result<Held, ChunkError> {
        match field {
            Field::Named(scope, key) => self.held_attributes(*scope, key),
            _ => Ok(Held { elements: None, column: self.column(field, Types::ALL)? }),
        }
    }

    fn events_end(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        self.list_ends(EVENTS)
    }

    fn links_end(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        self.list_ends(LINKS)
    }

    fn parents(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        if let Some(found) = self.parents.get() {
            return Ok(found.clone());
        }
        let found = Rc::new(self.find_parents()?);
        Ok(self.parents.get_or_init(|| found).clone())
    }

    fn repeats(&self) -> Result<Option<Rc<Bits>>, ChunkError> {
        if self.is_distinct {
            return Ok(None);
        }
        if let Some(found) = self.repeats.get() {
            return Ok(found.clone());
        }
        let found = self.find_repeats()?;
        Ok(self.repeats.get_or_init(|| found).clone())
    }

    fn keys(&self, scope: Scope) -> Result<Vec<Arc<str>>, ChunkError> {
        self.all_keys(scope)
    }

    fn keys_of(&self, scope: Scope, owners: &Bits) -> Result<Vec<Arc<str>>, ChunkError> {
        self.keys_of_owners(scope, owners)
    }

    fn services(&self, trace: usize) -> Result<Vec<ServiceStats>, ChunkError> {
        if let Some(found) = self.services.get() {
            return Ok(found.of_trace(trace));
        }
        let found = Services::of(self)?;
        Ok(self.services.get_or_init(|| found).of_trace(trace))
    }
}
