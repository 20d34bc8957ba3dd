//! One column of a chunk.

use super::{NONE, Value};
use std::sync::Arc;
use tributary_block::Dictionary;

/// A column: one element for each of its level.
#[derive(Debug, Clone)]
pub enum Column {
    /// No element has a value.
    Nothing,
    /// Texts.
    Texts(Texts),
    /// Integers that all elements have.
    Ints(Vec<i64>),
    /// Durations that all elements have, ns.
    Durations(Vec<i64>),
    /// Statuses by number.
    Statuses(Vec<i64>),
    /// Kinds by number.
    Kinds(Vec<i64>),
    /// Ids.
    Ids(Ids),
    /// Attributes: any type, any number of values.
    Cells(Cells),
}

/// Texts as numbers of a dictionary's entries.
#[derive(Debug, Clone)]
pub struct Texts {
    /// The entries.
    pub dictionary: Arc<Dictionary>,
    /// Number of the entry of each element; [`NONE`] for no value.
    pub index: Vec<u32>,
}

/// Ids of equal length.
#[derive(Debug, Clone)]
pub struct Ids {
    /// The ids, one after the other.
    pub bytes: Vec<u8>,
    /// Bytes of each: 8 or 16.
    pub width: usize,
}

/// Attributes by element.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    /// Entries of [`Cell::Str`].
    pub dictionary: Arc<Dictionary>,
    /// One for each element.
    pub cells: Vec<Cell>,
    /// What [`Cell::Many`] points into.
    pub many: Vec<Cell>,
}

/// What an element has of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Cell {
    /// Nothing.
    #[default]
    Nil,
    /// Something that no comparison sees: bytes, a key-value list, a mixed or empty array.
    Unseen,
    /// A text, by number.
    Str(u32),
    /// An integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A boolean.
    Bool(bool),
    /// Several values: an array, or a key that stands there more than once.
    Many {
        /// First in [`Cells::many`].
        from: u32,
        /// How many.
        len: u32,
        /// Whether it is one array.
        is_array: bool,
    },
}

/// The values of one element.
#[derive(Debug, Clone, Copy)]
pub enum Values<'a> {
    /// None at all.
    Nil,
    /// Something that no comparison sees.
    Unseen,
    /// One.
    One(Value<'a>),
    /// Several.
    Many {
        /// The column.
        cells: &'a Cells,
        /// Which of its values.
        values: &'a [Cell],
        /// Whether it is one array.
        is_array: bool,
    },
}

impl Cells {
    fn value(&self, cell: Cell) -> Values<'_> {
        match cell {
            Cell::Nil => Values::Nil,
            Cell::Unseen => Values::Unseen,
            Cell::Str(number) => Values::One(Value::Str(self.dictionary.get(number))),
            Cell::Int(n) => Values::One(Value::Int(n)),
            Cell::Float(n) => Values::One(Value::Float(n)),
            Cell::Bool(is) => Values::One(Value::Bool(is)),
            Cell::Many { from, len, is_array } => {
                let from = from as usize;
                let values = self.many.get(from..from + len as usize).unwrap_or_default();
                Values::Many { cells: self, values, is_array }
            }
        }
    }

    /// One of several values; none for what is not seen.
    pub fn single(&self, cell: Cell) -> Option<Value<'_>> {
        match self.value(cell) {
            Values::One(value) => Some(value),
            _ => None,
        }
    }
}

impl<'a> Values<'a> {
    /// Whether there is a value that comparisons see.
    pub fn is_some(&self) -> bool {
        matches!(self, Values::One(_) | Values::Many { .. })
    }

    /// The only value, or the first.
    pub fn first(&self) -> Option<Value<'a>> {
        match *self {
            Values::One(value) => Some(value),
            Values::Many { cells, values, .. } => values.iter().find_map(|c| cells.single(*c)),
            Values::Nil | Values::Unseen => None,
        }
    }

    /// Whether `is` holds for one of the values; with `all`, for all of several.
    pub fn test(&self, all: bool, mut is: impl FnMut(Value<'a>) -> bool) -> bool {
        match *self {
            Values::Nil | Values::Unseen => false,
            Values::One(value) => is(value),
            Values::Many { cells, values, .. } => {
                let mut found = values.iter().filter_map(|c| cells.single(*c));
                if all { found.all(is) } else { found.any(is) }
            }
        }
    }
}

impl Column {
    /// The values of an element.
    #[inline]
    pub fn get(&self, element: usize) -> Values<'_> {
        let int = |values: &[i64]| values.get(element).copied().unwrap_or_default();
        match self {
            Column::Nothing => Values::Nil,
            Column::Texts(texts) => match texts.index.get(element).copied().unwrap_or(NONE) {
                NONE => Values::Nil,
                number => Values::One(Value::Str(texts.dictionary.get(number))),
            },
            Column::Ints(values) => Values::One(Value::Int(int(values))),
            Column::Durations(values) => Values::One(Value::Duration(int(values))),
            Column::Statuses(values) => Values::One(Value::Status(int(values))),
            Column::Kinds(values) => Values::One(Value::Kind(int(values))),
            Column::Ids(ids) => match ids.get(element) {
                Some(id) => Values::One(Value::Id(id)),
                None => Values::Nil,
            },
            Column::Cells(cells) => {
                cells.value(cells.cells.get(element).copied().unwrap_or_default())
            }
        }
    }

    /// The number of an element's text in the column's dictionary, if that is what it has.
    pub fn entry(&self, element: usize) -> Option<u32> {
        match self {
            Column::Texts(texts) => texts.index.get(element).copied().filter(|n| *n != NONE),
            Column::Cells(cells) => match cells.cells.get(element) {
                Some(Cell::Str(n)) => Some(*n),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether an element has nothing at all, as far as that is told quickly.
    #[inline]
    pub fn is_missing(&self, element: usize) -> bool {
        match self {
            Column::Nothing => true,
            Column::Texts(texts) => texts.index.get(element).is_none_or(|n| *n == NONE),
            Column::Cells(cells) => matches!(cells.cells.get(element), None | Some(Cell::Nil)),
            _ => false,
        }
    }

    /// A whole number that all elements have; 0 where it is none.
    #[inline]
    pub fn int(&self, element: usize) -> i64 {
        match self {
            Column::Ints(values)
            | Column::Durations(values)
            | Column::Statuses(values)
            | Column::Kinds(values) => values.get(element).copied().unwrap_or_default(),
            _ => 0,
        }
    }

    /// The element's text; empty when it has none.
    pub fn text(&self, element: usize) -> String {
        match self.get(element).first() {
            Some(Value::Str(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        }
    }
}

impl Ids {
    /// An id.
    pub fn get(&self, element: usize) -> Option<&[u8]> {
        let from = element.checked_mul(self.width)?;
        self.bytes.get(from..from + self.width)
    }
}
