//! Where an attribute goes: a fixed column, a slot, or the generic list, and there as what.

use super::texts::{Gid, Interner};
use crate::dedicated::{DedicatedColumn, Scope};
use crate::json;
use crate::schema::{HTTP_METHOD, HTTP_STATUS, HTTP_URL, RESOURCE_FIXED, SERVICE_NAME, SLOTS};
use hashbrown::HashMap;
use tributary_span::columns::{Attr, ValueType};
use tributary_span::otlp::any::{self, Any};

/// As what a value is stored in a generic list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// A string: its number.
    Text,
    /// An integer: its bits.
    Int,
    /// A double: its bits.
    Double,
    /// A boolean.
    Bool,
    /// An array of one scalar type: its number in [`Placer::lists`].
    List,
    /// Anything else: the number of its JSON in [`Placer::jsons`].
    Json,
}

/// An array of one scalar type; without elements when `stored` says [`Stored::List`].
pub(super) struct List {
    pub(super) stored: Stored,
    pub(super) values: Vec<u64>,
}

/// Attributes of one kind of owner, as the generic list has them.
#[derive(Default)]
pub(super) struct AttrTable {
    pub(super) key: Vec<Gid>,
    pub(super) stored: Vec<Stored>,
    pub(super) value: Vec<u64>,
}

impl AttrTable {
    pub(super) fn len(&self) -> usize {
        self.key.len()
    }

    /// Appends an attribute of a batch whose texts `map` translates.
    #[inline]
    pub(super) fn push<'a>(
        &mut self,
        attr: Attr,
        map: &[Gid],
        placer: &mut Placer,
        texts: &mut Interner<'a>,
    ) {
        let gid = |text: u32| map.get(text as usize).copied().unwrap_or_default();
        let (stored, value) = match attr.value_type {
            ValueType::Str => (Stored::Text, u64::from(gid(attr.text().0))),
            ValueType::Int => (Stored::Int, attr.value),
            ValueType::Double => (Stored::Double, attr.value),
            ValueType::Bool => (Stored::Bool, attr.value),
            value_type => placer.stored(value_type, gid(attr.text().0), texts),
        };
        self.key.push(gid(attr.key.0));
        self.stored.push(stored);
        self.value.push(value);
    }

    /// Appends the attributes in `range` of another table.
    pub(super) fn extend(&mut self, from: &AttrTable, range: std::ops::Range<usize>) {
        self.key.extend_from_slice(from.key.get(range.clone()).unwrap_or_default());
        self.stored.extend_from_slice(from.stored.get(range.clone()).unwrap_or_default());
        self.value.extend_from_slice(from.value.get(range).unwrap_or_default());
    }
}

/// Where an attribute belongs. Only the first of an owner's attributes of a key goes to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placement {
    /// The column of `service.name`.
    Service(Gid),
    /// A column of strings: for resources the fixed ones, then the slots; for spans `http.method`,
    /// `http.url`, then the slots.
    Text(usize, Gid),
    /// The column of `http.status_code`.
    Status(i64),
    /// The generic list.
    Generic,
}

/// What a key means to one kind of owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    None,
    Service,
    Text(u8),
    Status,
}

/// Columns of strings that spans have before their slots.
pub(super) const SPAN_FIXED: usize = 2;

/// The rules of placement, and the values that have no column of their own.
pub(super) struct Placer {
    /// By the number of the key, for the keys that have columns: they are numbered first.
    resource: Vec<Target>,
    span: Vec<Target>,
    pub(super) lists: Vec<List>,
    pub(super) jsons: Vec<String>,
    known: HashMap<(ValueType, Gid), (Stored, u64)>,
}

impl Placer {
    /// The rules for a list of dedicated columns. The keys become the first texts of `texts`.
    pub(super) fn new<'a>(dedicated: &'a [DedicatedColumn], texts: &mut Interner<'a>) -> Self {
        let mut resource = Vec::new();
        let mut span = Vec::new();
        let mut set = |table: &mut Vec<Target>, key: &'a str, target: Target| {
            let gid = texts.intern(key.as_bytes()) as usize;
            table.resize(table.len().max(gid + 1), Target::None);
            if let Some(slot) = table.get_mut(gid) {
                *slot = target;
            }
        };
        let column = |n: usize| Target::Text(u8::try_from(n).unwrap_or(u8::MAX));
        set(&mut resource, SERVICE_NAME, Target::Service);
        for (i, (_, key)) in RESOURCE_FIXED.iter().enumerate() {
            set(&mut resource, key, column(i));
        }
        set(&mut span, HTTP_METHOD, column(0));
        set(&mut span, HTTP_URL, column(1));
        set(&mut span, HTTP_STATUS, Target::Status);
        let of = |scope| dedicated.iter().filter(move |c| c.scope == scope).enumerate();
        for (i, c) in of(Scope::Resource) {
            set(&mut resource, &c.name, column(RESOURCE_FIXED.len() + i));
        }
        for (i, c) in of(Scope::Span) {
            set(&mut span, &c.name, column(SPAN_FIXED + i));
        }
        Placer { resource, span, lists: Vec::new(), jsons: Vec::new(), known: HashMap::new() }
    }

    /// Number of string columns of a resource.
    pub(super) fn resource_columns(&self) -> usize {
        RESOURCE_FIXED.len() + SLOTS
    }

    pub(super) fn place_resource(&self, attr: Attr, map: &[Gid]) -> Placement {
        place(&self.resource, attr, map)
    }

    #[inline]
    pub(super) fn place_span(&self, attr: Attr, map: &[Gid]) -> Placement {
        place(&self.span, attr, map)
    }

    /// As what a value is stored that is no scalar. Each distinct one is looked into once.
    fn stored<'a>(
        &mut self,
        value_type: ValueType,
        gid: Gid,
        texts: &mut Interner<'a>,
    ) -> (Stored, u64) {
        if let Some(&known) = self.known.get(&(value_type, gid)) {
            return known;
        }
        let bytes = texts.get(gid);
        let value = match value_type {
            ValueType::Bytes => Any::Bytes(bytes),
            // Invariant 4 of the columns: it is well-formed.
            ValueType::Any => any::parse(bytes).unwrap_or(Any::Empty),
            _ => Any::Empty,
        };
        let found = match value {
            Any::Array(array) => list(array, texts),
            _ => None,
        };
        let (stored, n) = match found {
            Some(list) => {
                self.lists.push(list);
                (Stored::List, self.lists.len() - 1)
            }
            None => {
                let mut text = String::new();
                if json::write_any(&mut text, value, 0).is_err() {
                    text = "{}".to_owned();
                }
                self.jsons.push(text);
                (Stored::Json, self.jsons.len() - 1)
            }
        };
        self.known.insert((value_type, gid), (stored, n as u64));
        (stored, n as u64)
    }
}

/// The array if all its elements are scalars of one type.
fn list<'a>(array: &'a [u8], texts: &mut Interner<'a>) -> Option<List> {
    let mut list = List { stored: Stored::List, values: Vec::new() };
    for element in any::elements(array) {
        let (stored, value) = match any::parse(element.ok()?).ok()? {
            Any::Str(text) => (Stored::Text, u64::from(texts.intern(text.as_bytes()))),
            Any::Int(n) => (Stored::Int, n.cast_unsigned()),
            Any::Double(d) => (Stored::Double, d.to_bits()),
            Any::Bool(b) => (Stored::Bool, u64::from(b)),
            _ => return None,
        };
        if !list.values.is_empty() && list.stored != stored {
            return None;
        }
        list.stored = stored;
        list.values.push(value);
    }
    Some(list)
}

#[inline]
fn place(targets: &[Target], attr: Attr, map: &[Gid]) -> Placement {
    let key = map.get(attr.key.0 as usize).copied().unwrap_or_default();
    let gid = || map.get(attr.text().0 as usize).copied().unwrap_or_default();
    match (targets.get(key as usize), attr.value_type) {
        (Some(Target::Text(column)), ValueType::Str) => {
            Placement::Text(usize::from(*column), gid())
        }
        (Some(Target::Service), ValueType::Str) => Placement::Service(gid()),
        (Some(Target::Status), ValueType::Int) => Placement::Status(attr.value.cast_signed()),
        _ => Placement::Generic,
    }
}
