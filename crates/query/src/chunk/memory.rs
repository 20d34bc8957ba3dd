//! Spans in memory as a chunk.

use super::tree::{Tree, tree};
use super::{
    Bits, Cell, Cells, Chunk, ChunkError, Column, Field, Held, Ids, NONE, Shape, Texts, Types,
};
use crate::answer::ServiceStats;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use tributary_block::Dictionary;
use tributary_block::nested::Node;
use tributary_span::columns::{Attr, Attrs, Text, ValueType, owned};
use tributary_span::otlp::any::{self, Any};
use tributary_span::{Columns, TraceId};
use tributary_traceql::ast::{Intrinsic, Scope};

/// Spans in memory, those of a trace together.
pub struct MemoryChunk<'c> {
    columns: &'c Columns,
    shape: Shape,
    traces: Vec<TraceId>,
    dictionary: Arc<Dictionary>,
    cache: RefCell<HashMap<Field, Rc<Column>>>,
    tree: OnceCell<Rc<Tree>>,
    facts: OnceCell<Facts>,
}

/// What is known of whole traces.
struct Facts {
    start: Vec<i64>,
    duration: Vec<i64>,
    root_name: Vec<u32>,
    root_service: Vec<u32>,
}

fn pick<T: Copy + Default>(column: &[T], i: usize) -> T {
    column.get(i).copied().unwrap_or_default()
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(NONE)
}

impl<'c> MemoryChunk<'c> {
    /// The chunk of these spans. Those of a trace must stand together, and each only once, as
    /// [`crate::join()`] leaves them.
    pub fn new(columns: &'c Columns) -> Self {
        let spans = &columns.spans;
        let (mut trace_end, mut traces) = (Vec::new(), Vec::new());
        let mut last = None;
        for (row, &trace) in spans.trace.iter().enumerate() {
            if last != Some(trace) {
                if last.is_some() {
                    trace_end.push(number(row));
                }
                traces.push(columns.trace_of(row));
                last = Some(trace);
            }
        }
        if last.is_some() {
            trace_end.push(number(spans.trace.len()));
        }
        let mut dictionary = Dictionary::default();
        for text in 0..=number(columns.texts.len()) {
            dictionary.push(columns.texts.get(Text(text)));
        }
        MemoryChunk {
            columns,
            shape: Shape::by_spans(
                trace_end,
                (columns.resources.attrs_end.len(), spans.resource.clone()),
                (columns.scopes.attrs_end.len(), spans.scope.clone()),
            ),
            traces,
            dictionary: Arc::new(dictionary),
            cache: RefCell::default(),
            tree: OnceCell::new(),
            facts: OnceCell::new(),
        }
    }

    fn texts(&self, texts: &[Text]) -> Column {
        let index = texts.iter().map(|text| text.0).collect();
        Column::Texts(Texts { dictionary: self.dictionary.clone(), index })
    }

    fn tree(&self) -> &Rc<Tree> {
        let spans = &self.columns.spans;
        self.tree.get_or_init(|| {
            Rc::new(tree(&self.shape, |row| Node {
                id: pick(&spans.id, row),
                parent: pick(&spans.parent, row),
                kind: pick(&spans.kind, row),
            }))
        })
    }

    /// The service of a resource, as a text's number: 0 without one.
    fn services_of_resources(&self) -> Vec<u32> {
        let is_key = self.is_key("service.name");
        let service = |resource| {
            let mut attrs = self.columns.attrs_of_resource(resource);
            let found = attrs
                .find(|attr| attr.value_type == ValueType::Str && is_key(attr.key))
                .map(|attr| attr.text().0);
            found.unwrap_or_default()
        };
        (0..self.shape.resources()).map(service).collect()
    }

    /// Whether a text is this key.
    fn is_key(&self, key: &str) -> impl Fn(Text) -> bool + use<> {
        let all = self.dictionary.entries().zip(0u32..);
        let found: Vec<u32> =
            all.filter(|(entry, _)| *entry == key.as_bytes()).map(|(_, number)| number).collect();
        move |text| found.contains(&text.0)
    }

    /// Roots and times as the writer of blocks finds them: of the spans without parent the earliest.
    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let (spans, services) = (&self.columns.spans, self.services_of_resources());
            let mut facts = Facts {
                start: Vec::new(),
                duration: Vec::new(),
                root_name: Vec::new(),
                root_service: Vec::new(),
            };
            for trace in 0..self.shape.traces() {
                let rows = self.shape.spans_of(trace);
                let start = rows.clone().map(|row| pick(&spans.start, row)).min();
                let end = |row| pick(&spans.end, row).max(pick(&spans.start, row));
                let end = rows.clone().map(end).max().unwrap_or_default();
                let start = start.unwrap_or_default();
                let roots =
                    rows.filter(|&row| pick(&spans.parent, row).is_zero() && !self.follows(row));
                let root = roots.min_by_key(|&row| pick(&spans.start, row));
                facts.start.push(start.cast_signed());
                facts.duration.push(end.wrapping_sub(start).cast_signed());
                let resource = root.map(|row| pick(&spans.resource, row) as usize);
                facts.root_name.push(root.map_or(0, |row| pick(&spans.name, row).0));
                facts.root_service.push(resource.map_or(0, |r| pick(&services, r)));
            }
            facts
        })
    }

    /// Whether the span hangs below another one of its trace by a link of OpenTracing's.
    fn follows(&self, row: usize) -> bool {
        let (c, id) = (self.columns, self.columns.trace_of(row));
        c.links_of(row).any(|link| {
            pick(&c.links.trace, link) == id
                && c.attrs_of_link(link).any(|attr| {
                    attr.value_type == ValueType::Str
                        && c.texts.get(attr.key) == b"opentracing.ref_type"
                        && c.texts.get(attr.text()) == b"child_of"
                })
        })
    }

    fn build(&self, field: &Field) -> Column {
        let (spans, events, links) =
            (&self.columns.spans, &self.columns.events, &self.columns.links);
        let texts_of =
            |index: Vec<u32>| Column::Texts(Texts { dictionary: self.dictionary.clone(), index });
        let ids = |width, bytes| Column::Ids(Ids { bytes, width });
        let signed = |n: &u64| n.cast_signed();
        match field {
            Field::Named(Scope::Resource, key) if &**key == "service.name" => {
                texts_of(self.services_of_resources())
            }
            Field::Named(scope, key) => self.attributes(*scope, key),
            Field::OtherServiceNames => self.attributes(Scope::Resource, "service.name"),
            Field::SpanStart => Column::Ints(spans.start.iter().map(signed).collect()),
            Field::TraceStart => Column::Ints(self.facts().start.clone()),
            Field::Intrinsic(intrinsic) => match intrinsic {
                Intrinsic::Duration => Column::Durations(
                    spans
                        .end
                        .iter()
                        .zip(&spans.start)
                        .map(|(end, start)| end.saturating_sub(*start).cast_signed())
                        .collect(),
                ),
                Intrinsic::Name => self.texts(&spans.name),
                Intrinsic::Status => {
                    Column::Statuses(spans.status_code.iter().map(|n| i64::from(*n)).collect())
                }
                Intrinsic::StatusMessage => self.texts(&spans.status_message),
                Intrinsic::Kind => {
                    Column::Kinds(spans.kind.iter().map(|n| i64::from(*n)).collect())
                }
                Intrinsic::SpanId => ids(8, spans.id.iter().flat_map(|id| id.0).collect()),
                Intrinsic::ParentId => ids(8, spans.parent.iter().flat_map(|id| id.0).collect()),
                Intrinsic::ChildCount => Column::Ints(children(&self.tree().parents)),
                Intrinsic::NestedSetLeft => {
                    Column::Ints(self.tree().numbers.iter().map(|n| n.left.into()).collect())
                }
                Intrinsic::NestedSetRight => {
                    Column::Ints(self.tree().numbers.iter().map(|n| n.right.into()).collect())
                }
                Intrinsic::NestedSetParent => {
                    Column::Ints(self.tree().numbers.iter().map(|n| n.parent.into()).collect())
                }
                Intrinsic::RootName => texts_of(self.facts().root_name.clone()),
                Intrinsic::RootService => texts_of(self.facts().root_service.clone()),
                Intrinsic::TraceDuration => Column::Durations(self.facts().duration.clone()),
                Intrinsic::TraceId => ids(16, self.traces.iter().flat_map(|id| id.0).collect()),
                Intrinsic::EventName => self.texts(&events.name),
                Intrinsic::EventTimeSinceStart => {
                    let since = (0..self.shape.spans()).flat_map(|row| {
                        let start = pick(&spans.start, row);
                        let times = self.columns.events_of(row).map(|e| pick(&events.time, e));
                        times.map(move |time| time.wrapping_sub(start).cast_signed())
                    });
                    Column::Durations(since.collect())
                }
                Intrinsic::LinkTraceId => ids(16, links.trace.iter().flat_map(|id| id.0).collect()),
                Intrinsic::LinkSpanId => ids(8, links.span.iter().flat_map(|id| id.0).collect()),
                Intrinsic::ScopeName => self.texts(&self.columns.scopes.name),
                Intrinsic::ScopeVersion => self.texts(&self.columns.scopes.version),
            },
        }
    }

    /// A scope's attributes, and where each owner's end.
    fn table(&self, scope: Scope) -> (&'c Attrs, &'c [u32]) {
        let c = self.columns;
        match scope {
            Scope::Span => (&c.span_attrs, &c.spans.attrs_end),
            Scope::Resource => (&c.resource_attrs, &c.resources.attrs_end),
            Scope::Event => (&c.event_attrs, &c.events.attrs_end),
            Scope::Link => (&c.link_attrs, &c.links.attrs_end),
            Scope::Instrumentation => (&c.scope_attrs, &c.scopes.attrs_end),
        }
    }

    fn attributes(&self, scope: Scope, key: &str) -> Column {
        let (table, ends) = self.table(scope);
        let is_key = self.is_key(key);
        if !table.key.iter().any(|key| is_key(*key)) {
            return Column::Nothing;
        }
        let mut cells = Cells { dictionary: self.dictionary.clone(), ..Cells::default() };
        cells.cells.reserve(ends.len());
        for owner in 0..ends.len() {
            let mut cell = Cell::Nil;
            for attr in table.range(owned(ends, owner)).filter(|attr| is_key(attr.key)) {
                let value = self.cell(attr, &mut cells);
                cell = cells.also(cell, value);
            }
            cells.cells.push(cell);
        }
        Column::Cells(cells)
    }

    fn cell(&self, attr: Attr, cells: &mut Cells) -> Cell {
        match attr.value_type {
            ValueType::Str => Cell::Str(attr.text().0),
            ValueType::Bool => Cell::Bool(attr.value != 0),
            ValueType::Int => Cell::Int(attr.value.cast_signed()),
            ValueType::Double => Cell::Float(f64::from_bits(attr.value)),
            ValueType::Any => {
                let elements = array(self.columns.texts.get(attr.text()));
                cells.array(&elements.unwrap_or_default())
            }
            ValueType::Empty | ValueType::Bytes => Cell::Unseen,
        }
    }
}

/// An element of an array, and its text if it is one.
pub(super) enum Element {
    Text(Vec<u8>),
    Other(Cell),
}

/// The elements of an array of one scalar type; none for anything else.
fn array(encoded: &[u8]) -> Option<Vec<Element>> {
    let Ok(Any::Array(array)) = any::parse(encoded) else { return None };
    let mut found = Vec::new();
    for element in any::elements(array) {
        found.push(match any::parse(element.ok()?).ok()? {
            Any::Str(text) => Element::Text(text.as_bytes().to_vec()),
            Any::Bool(is) => Element::Other(Cell::Bool(is)),
            Any::Int(n) => Element::Other(Cell::Int(n)),
            Any::Double(n) => Element::Other(Cell::Float(n)),
            _ => return None,
        });
    }
    let kind = |element: &Element| match element {
        Element::Text(_) => 0,
        Element::Other(Cell::Bool(_)) => 1,
        Element::Other(Cell::Int(_)) => 2,
        Element::Other(_) => 3,
    };
    let first = kind(found.first()?);
    found.iter().all(|element| kind(element) == first).then_some(found)
}

impl Cells {
    /// An array of these elements; unseen without any.
    pub(super) fn array(&mut self, elements: &[Element]) -> Cell {
        if elements.is_empty() {
            return Cell::Unseen;
        }
        let from = number(self.many.len());
        for element in elements {
            let cell = match element {
                Element::Text(text) => Cell::Str(Arc::make_mut(&mut self.dictionary).push(text)),
                Element::Other(cell) => *cell,
            };
            self.many.push(cell);
        }
        Cell::Many { from, len: number(elements.len()), is_array: true }
    }

    /// Both values of a key that stands there twice.
    pub(super) fn also(&mut self, first: Cell, second: Cell) -> Cell {
        let all = match (first, second) {
            (Cell::Nil, other) | (other, Cell::Nil) => return other,
            (Cell::Unseen, other) | (other, Cell::Unseen) => return other,
            (first, second) => [first, second],
        };
        let start = self.many.len();
        for cell in all {
            match cell {
                Cell::Many { from, len, .. } => {
                    let from = from as usize;
                    let range = from..(from + len as usize).min(start);
                    self.many.extend_from_within(range);
                }
                single => self.many.push(single),
            }
        }
        let len = number(self.many.len() - start);
        Cell::Many { from: number(start), len, is_array: false }
    }
}

/// How many direct children each span has.
pub(super) fn children(parents: &[u32]) -> Vec<i64> {
    let mut count = vec![0; parents.len()];
    for parent in parents {
        if let Some(count) = count.get_mut(*parent as usize) {
            *count += 1;
        }
    }
    count
}

impl Chunk for MemoryChunk<'_> {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn column(&self, field: &Field, _types: Types) -> Result<Rc<Column>, ChunkError> {
        if let Some(found) = self.cache.borrow().get(field) {
            return Ok(found.clone());
        }
        let column = Rc::new(self.build(field));
        self.cache.borrow_mut().insert(field.clone(), column.clone());
        Ok(column)
    }

    fn held(&self, field: &Field) -> Result<Held, ChunkError> {
        // It is asked for of all attributes, one after the other: kept, they would be many.
        let column = match self.cache.borrow().get(field) {
            Some(found) => found.clone(),
            None => Rc::new(self.build(field)),
        };
        Ok(Held { elements: None, column })
    }

    fn events_end(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        Ok(Rc::new(self.columns.spans.events_end.clone()))
    }

    fn links_end(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        Ok(Rc::new(self.columns.spans.links_end.clone()))
    }

    fn parents(&self) -> Result<Rc<Vec<u32>>, ChunkError> {
        Ok(Rc::new(self.tree().parents.clone()))
    }

    fn keys(&self, scope: Scope) -> Result<Vec<Arc<str>>, ChunkError> {
        let owners = Bits::all(self.table(scope).1.len());
        self.keys_of(scope, &owners)
    }

    fn keys_of(&self, scope: Scope, owners: &Bits) -> Result<Vec<Arc<str>>, ChunkError> {
        let (table, ends) = self.table(scope);
        let mut known = vec![false; self.dictionary.len()];
        for owner in owners.ones() {
            for attr in table.range(owned(ends, owner)) {
                if let Some(known) = known.get_mut(attr.key.0 as usize) {
                    *known = true;
                }
            }
        }
        let keys = (0u32..).zip(known).filter(|(_, is_key)| *is_key);
        let text = |(n, _)| Arc::from(String::from_utf8_lossy(self.dictionary.get(n)));
        let mut keys: Vec<Arc<str>> = keys.map(text).collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    fn services(&self, trace: usize) -> Result<Vec<ServiceStats>, ChunkError> {
        let services =
            self.column(&Field::Named(Scope::Resource, Arc::from("service.name")), Types::TEXT)?;
        let mut found: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for row in self.shape.spans_of(trace) {
            let service = services.text(pick(&self.columns.spans.resource, row) as usize);
            let (spans, errors) = found.entry(service).or_default();
            *spans += 1;
            *errors += u32::from(pick(&self.columns.spans.status_code, row) == 2);
        }
        let stats = found.into_iter();
        Ok(stats
            .map(|(service, (spans, errors))| ServiceStats { service, spans, errors })
            .collect())
    }
}
