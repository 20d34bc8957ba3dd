//! Attributes of stored blocks: columns of their own, and the generic lists.

mod list;

pub(super) use list::List;

use super::{EVENTS, KeyDictionaries, LINKS, StoredChunk, disagree, number};
use crate::chunk::{
    Bits, Cell, Cells, Chunk, ChunkError, Column, Field, Held, NONE, Texts, Types, Value, Values,
};
use list::{Hit, Placed, Sparse, all_hits};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;
use tributary_block::dedicated::ColumnType;
use tributary_block::{Block, Dictionary, Leaf, OwnColumn};
use tributary_traceql::ast::Scope;

/// A list of attributes: its path and the level of its elements.
fn list(scope: Scope) -> (&'static str, u8) {
    match scope {
        Scope::Resource => ("rs.Resource.Attrs", 2),
        Scope::Instrumentation => ("rs.ss.Scope.Attrs", 3),
        Scope::Span => ("rs.ss.Spans.Attrs", 4),
        Scope::Event => ("rs.ss.Spans.Events.Attrs", 5),
        Scope::Link => ("rs.ss.Spans.Links.Attrs", 5),
    }
}

/// So many keys are looked for one by one; from then on all are sorted by key.
const ONE_BY_ONE: u32 = 3;

/// What is decoded once.
fn once<T>(
    cell: &OnceCell<T>,
    make: impl FnOnce() -> Result<T, ChunkError>,
) -> Result<&T, ChunkError> {
    match cell.get() {
        Some(found) => Ok(found),
        None => {
            let made = make()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}

/// Leaves that an attribute's column will want.
pub(super) fn likely_leaves(
    block: &Block,
    dictionaries: &KeyDictionaries,
    scope: Scope,
    key: &str,
    paths: &mut Vec<String>,
) {
    let own = super::owner(scope).and_then(|owner| block.own_column(owner, key));
    paths.extend(own.map(|own| own.path));
    let (path, _) = list(scope);
    let keys = dictionaries.get(&format!("{path}.Key"));
    if keys.is_some_and(|keys| keys.entries().any(|entry| entry == key.as_bytes())) {
        let leaves = ["Key", "IsArray", "Value", "ValueInt", "ValueDouble", "ValueBool"];
        paths.extend(leaves.map(|leaf| format!("{path}.{leaf}")));
        match scope {
            Scope::Event => paths.push(EVENTS.to_owned()),
            Scope::Link => paths.push(LINKS.to_owned()),
            _ => {}
        }
    }
}

impl StoredChunk<'_> {
    fn list(&self, scope: Scope) -> &List {
        let [resource, span, event, link, instrumentation] = &self.lists;
        match scope {
            Scope::Resource => resource,
            Scope::Span => span,
            Scope::Event => event,
            Scope::Link => link,
            Scope::Instrumentation => instrumentation,
        }
    }

    fn owners(&self, scope: Scope) -> Result<usize, ChunkError> {
        Ok(match scope {
            Scope::Resource => self.shape.resources(),
            Scope::Instrumentation => self.shape.scopes(),
            Scope::Span => self.shape.spans(),
            Scope::Event => self.list_len(EVENTS)?,
            Scope::Link => self.list_len(LINKS)?,
        })
    }

    /// An attribute by its key, with the values of these types.
    pub(super) fn attributes(
        &self,
        scope: Scope,
        key: &str,
        types: Types,
    ) -> Result<Column, ChunkError> {
        // Arrays and values of other types stand in the generic list.
        let generic = match self.generic(scope, key, types)? {
            Some(sparse) => Some(sparse.spread(self.owners(scope)?).ok_or_else(|| disagree(key))?),
            None => None,
        };
        let own = match self.own_column(scope, key) {
            // Both may have a value of the same owner: see below.
            Some(_) if generic.is_some() && types != Types::ALL => {
                return self.attributes(scope, key, Types::ALL);
            }
            Some(own) if types.has(type_of(&own)) => Some(self.own(scope, &own)?),
            _ => None,
        };
        Ok(match (own, generic) {
            (None, None) => Column::Nothing,
            (Some(own), None) => own,
            (None, Some(cells)) => Column::Cells(cells),
            (Some(own), Some(cells)) => Column::Cells(both(&own, cells)),
        })
    }

    /// An attribute by its key, of the owners that have it where no column of its own says it.
    pub(super) fn held_attributes(&self, scope: Scope, key: &str) -> Result<Held, ChunkError> {
        let is_own = self.own_column(scope, key).is_some()
            || (scope == Scope::Resource && key == "service.name");
        if is_own {
            let column = self.column(&Field::Named(scope, Arc::from(key)), Types::ALL)?;
            return Ok(Held { elements: None, column });
        }
        // Who asks for what is held asks for many keys.
        self.list(scope).asked.set(ONE_BY_ONE);
        Ok(match self.generic(scope, key, Types::ALL)? {
            None => Held { elements: None, column: Rc::new(Column::Nothing) },
            Some(Sparse { owners, cells }) => {
                Held { elements: Some(owners), column: Rc::new(Column::Cells(cells)) }
            }
        })
    }

    /// Keys of all attributes of a scope in the row group, and of those with columns of their own.
    pub(super) fn all_keys(&self, scope: Scope) -> Result<Vec<Arc<str>>, ChunkError> {
        let path = format!("{}.Key", list(scope).0);
        let dictionary = match self.dictionaries.get(&path) {
            Some(dictionary) => dictionary.clone(),
            None => self.text_leaf(&path)?.1.clone(),
        };
        let generic = dictionary.entries().map(|key| Arc::from(String::from_utf8_lossy(key)));
        let owner = super::owner(scope);
        let own = owner.map(|owner| self.block().own_columns(owner)).unwrap_or_default();
        let service = (scope == Scope::Resource).then(|| Arc::from("service.name"));
        let own = own.into_iter().map(|(key, _)| Arc::from(key));
        let mut keys: Vec<Arc<str>> = generic.chain(own).chain(service).collect();
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    /// Keys that some of these owners have.
    pub(super) fn keys_of_owners(
        &self,
        scope: Scope,
        owners: &Bits,
    ) -> Result<Vec<Arc<str>>, ChunkError> {
        let (path, depth) = list(scope);
        let leaf = self.text_leaf(&format!("{path}.Key"))?;
        let (leaf, dictionary) = (&leaf.0, &leaf.1);
        let mut known = vec![false; dictionary.len()];
        let mut owner = 0usize;
        let mut values = leaf.values.iter();
        for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
            owner += usize::from(rep < depth && def + 1 >= depth);
            if def >= depth
                && let Some(key) = values.next()
                && owners.has(owner.wrapping_sub(1))
                && let Some(known) = known.get_mut(*key as usize)
            {
                *known = true;
            }
        }
        let keys = (0u32..).zip(known).filter(|(_, is_key)| *is_key);
        let text = |(n, _)| Arc::from(String::from_utf8_lossy(dictionary.get(n)));
        let mut keys: Vec<Arc<str>> = keys.map(text).collect();
        let own = super::owner(scope).map(|owner| self.block().own_columns(owner));
        let service = (scope == Scope::Resource).then(|| "service.name".to_owned());
        let own = own.unwrap_or_default().into_iter().map(|(key, _)| key).chain(service);
        for key in own {
            let key: Arc<str> = Arc::from(key);
            let column = self.column(&Field::Named(scope, key.clone()), Types::ALL)?;
            let is_there = |i| match column.get(i) {
                Values::Nil => false,
                // What has no service name has an empty one.
                Values::One(Value::Str(text)) => !text.is_empty() || &*key != "service.name",
                _ => true,
            };
            if owners.ones().any(is_there) {
                keys.push(key);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys)
    }

    fn own(&self, scope: Scope, own: &OwnColumn) -> Result<Column, ChunkError> {
        // Elements of the owners' list stand one level above the attributes of theirs.
        let depth = list(scope).1 - 1;
        let owners = self.owners(scope)?;
        let path = own.path.as_str();
        self.need(&[path])?;
        match own.column_type {
            ColumnType::String => {
                let (leaf, dictionary) = self.leaves.texts(path, &self.rows)?;
                if leaf.max_rep <= depth {
                    let index = optional(&leaf, depth);
                    if index.len() != owners {
                        return Err(disagree(path));
                    }
                    return Ok(Column::Texts(Texts { dictionary, index }));
                }
                let cells = repeated(&leaf, depth, owners, dictionary, Cell::Str);
                cells.map(Column::Cells).ok_or_else(|| disagree(path))
            }
            ColumnType::Int => {
                let leaf = self.leaves.ints(path, &self.rows)?;
                let cells = repeated(&leaf, depth, owners, Arc::default(), Cell::Int);
                cells.map(Column::Cells).ok_or_else(|| disagree(path))
            }
        }
    }

    /// An attribute of the generic list; none when the row group has none with this key.
    fn generic(&self, scope: Scope, key: &str, types: Types) -> Result<Option<Sparse>, ChunkError> {
        let (path, depth) = list(scope);
        let leaf = |name: &str| format!("{path}.{name}");
        let numbers_of = |dictionary: &Dictionary| -> Vec<u32> {
            let all = dictionary.entries().zip(0u32..);
            all.filter(|(entry, _)| *entry == key.as_bytes()).map(|(_, n)| n).collect()
        };
        let key_path = leaf("Key");
        if let Some(dictionary) = self.dictionaries.get(&key_path)
            && numbers_of(dictionary).is_empty()
        {
            return Ok(None);
        }
        let mut needed = vec![leaf("Key"), leaf("IsArray")];
        if types.has(Types::TEXT) {
            needed.push(leaf("Value"));
        }
        if types.has(Types::NUMBER) {
            needed.extend([leaf("ValueInt"), leaf("ValueDouble")]);
        }
        if types.has(Types::BOOL) {
            needed.push(leaf("ValueBool"));
        }
        self.need(&needed.iter().map(String::as_str).collect::<Vec<_>>())?;
        let keys = self.text_leaf(&key_path)?;
        let wanted = numbers_of(&keys.1);
        let list = self.list(scope);
        list.asked.set(list.asked.get().saturating_add(1));
        let mut scanned = Vec::new();
        let mut hits: Vec<&Hit> = Vec::new();
        if list.asked.get() > ONE_BY_ONE {
            let by_key = list.by_key.get_or_init(|| all_hits(&keys.0, depth, keys.1.len()));
            hits.extend(wanted.iter().filter_map(|key| by_key.get(*key as usize)).flatten());
            hits.sort_unstable_by_key(|hit| hit.place);
        } else {
            scanned.extend(list::hits(&keys.0, depth, &wanted));
            hits.extend(&scanned);
        }
        if hits.is_empty() {
            return Ok(None);
        }
        let is_twice = |pair: &[&Hit]| matches!(pair, [a, b] if a.owner == b.owner);
        if types != Types::ALL && hits.windows(2).any(is_twice) {
            // Several values are judged together, whatever their types are.
            return self.generic(scope, key, Types::ALL);
        }
        let rows = &self.rows;
        let texts = match types.has(Types::TEXT) {
            true => Some(once(&list.texts, || {
                let (found, dictionary) = self.leaves.texts(&leaf("Value"), rows)?;
                Ok((Placed::new(found, depth), dictionary))
            })?),
            false => None,
        };
        let (ints, doubles) = match types.has(Types::NUMBER) {
            true => (
                Some(once(&list.ints, || {
                    Ok(Placed::new(self.leaves.ints(&leaf("ValueInt"), rows)?, depth))
                })?),
                Some(once(&list.doubles, || {
                    Ok(Placed::new(self.leaves.doubles(&leaf("ValueDouble"), rows)?, depth))
                })?),
            ),
            false => (None, None),
        };
        let bools = match types.has(Types::BOOL) {
            true => Some(once(&list.bools, || {
                Ok(Placed::new(self.leaves.bools(&leaf("ValueBool"), rows)?, depth))
            })?),
            false => None,
        };
        let is_array =
            once(&list.is_array, || Ok(self.leaves.bools(&leaf("IsArray"), rows)?.values))?;
        let dictionary = texts.map(|(_, dictionary)| dictionary.clone()).unwrap_or_default();
        let mut cells = Cells { dictionary, cells: Vec::new(), many: Vec::new() };
        let mut owners: Vec<u32> = Vec::with_capacity(hits.len());
        cells.cells.reserve(hits.len());
        let mut found: Vec<Cell> = Vec::new();
        // What is no array has one value, of one type.
        let float = |n: &u64| Cell::Float(f64::from_bits(*n));
        let single = |place| {
            let text = texts.and_then(|t| t.0.of(place).first()).map(|n| Cell::Str(*n));
            let text = text.or_else(|| ints?.of(place).first().map(|n| Cell::Int(*n)));
            let text = text.or_else(|| doubles?.of(place).first().map(float));
            text.or_else(|| bools?.of(place).first().map(|is| Cell::Bool(*is)))
        };
        for hit in hits {
            let place = hit.place;
            let is_array = is_array.get(hit.place as usize).copied().unwrap_or_default();
            found.clear();
            if is_array {
                found.extend(texts.iter().flat_map(|t| t.0.of(place)).map(|n| Cell::Str(*n)));
                found.extend(ints.iter().flat_map(|t| t.of(place)).map(|n| Cell::Int(*n)));
                found.extend(doubles.iter().flat_map(|t| t.of(place)).map(float));
                found.extend(bools.iter().flat_map(|t| t.of(place)).map(|is| Cell::Bool(*is)));
            }
            let cell = match found.as_slice() {
                [] if !is_array => single(place).unwrap_or(Cell::Unseen),
                [] => Cell::Unseen,
                many => {
                    let from = number(cells.many.len());
                    cells.many.extend_from_slice(many);
                    Cell::Many { from, len: number(many.len()), is_array: true }
                }
            };
            if owners.last() == Some(&hit.owner) {
                let before = cells.cells.pop().unwrap_or_default();
                let both = cells.also(before, cell);
                cells.cells.push(both);
            } else {
                owners.push(hit.owner);
                cells.cells.push(cell);
            }
        }
        Ok(Some(Sparse { owners, cells }))
    }
}

fn type_of(own: &OwnColumn) -> Types {
    match own.column_type {
        ColumnType::String => Types::TEXT,
        ColumnType::Int => Types::NUMBER,
    }
}

/// An optional leaf, as one number for each element at `depth`.
fn optional(leaf: &Leaf<u32>, depth: u8) -> Vec<u32> {
    let mut values = leaf.values.iter();
    let mut index = Vec::with_capacity(leaf.def.len());
    for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
        if rep <= depth && def >= depth {
            let value = if def == leaf.max_def { values.next().copied() } else { None };
            index.push(value.unwrap_or(NONE));
        }
    }
    index
}

/// A leaf of any number of values for each element at `depth`; several are an array.
fn repeated<T: Copy>(
    leaf: &Leaf<T>,
    depth: u8,
    owners: usize,
    dictionary: Arc<Dictionary>,
    cell: impl Fn(T) -> Cell,
) -> Option<Cells> {
    let mut cells = Cells { dictionary, cells: Vec::with_capacity(owners), many: Vec::new() };
    let mut values = leaf.values.iter();
    for (&rep, &def) in leaf.rep.iter().zip(&leaf.def) {
        let value = if def == leaf.max_def { values.next() } else { None };
        let value = value.map_or(Cell::Nil, |value| cell(*value));
        if rep <= depth && def >= depth {
            cells.cells.push(value);
        } else if def == leaf.max_def {
            let last = cells.cells.pop()?;
            let mut both = cells.also(last, value);
            if let Cell::Many { is_array, .. } = &mut both {
                *is_array = true;
            }
            cells.cells.push(both);
        }
    }
    (cells.cells.len() == owners).then_some(cells)
}

/// Values of a column of its own and of the generic list: each element has them in one of the two,
/// or, when the key stands there twice, in both.
fn both(own: &Column, mut cells: Cells) -> Cells {
    let dictionary = Arc::make_mut(&mut cells.dictionary);
    let add: Vec<Cell> = match own {
        Column::Texts(texts) => {
            let mut known = vec![NONE; texts.dictionary.len()];
            let mut number = |n: u32| match known.get_mut(n as usize) {
                Some(known) => {
                    if *known == NONE {
                        *known = dictionary.push(texts.dictionary.get(n));
                    }
                    Cell::Str(*known)
                }
                None => Cell::Nil,
            };
            texts.index.iter().map(|n| number(*n)).collect()
        }
        Column::Cells(other) => {
            let shift = number(cells.many.len());
            let mut copy = |cell: Cell| match cell {
                Cell::Str(n) => Cell::Str(dictionary.push(other.dictionary.get(n))),
                other => other,
            };
            let many: Vec<Cell> = other.many.iter().map(|cell| copy(*cell)).collect();
            let own = other.cells.iter().map(|cell| match *cell {
                Cell::Many { from, len, is_array } => {
                    Cell::Many { from: from + shift, len, is_array }
                }
                cell => copy(cell),
            });
            let own = own.collect();
            cells.many.extend(many);
            own
        }
        _ => Vec::new(),
    };
    for (i, cell) in add.into_iter().enumerate() {
        let before = cells.cells.get(i).copied().unwrap_or_default();
        let both = cells.also(cell, before);
        if let Some(slot) = cells.cells.get_mut(i) {
            *slot = both;
        }
    }
    cells
}
