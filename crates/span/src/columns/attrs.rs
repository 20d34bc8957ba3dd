//! Attributes as they stand in columns: a key, a type and 64 bits.

use super::Text;
use std::ops::Range;

/// What the 64 bits of an attribute's value mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// No value (an `AnyValue` with nothing set). The bits are 0.
    Empty = 0,
    /// A string: the number of a [`Text`].
    Str = 1,
    /// A boolean: 0 or 1.
    Bool = 2,
    /// A signed integer: its two's complement.
    Int = 3,
    /// A double: its IEEE 754 bits.
    Double = 4,
    /// A byte string: the number of a [`Text`].
    Bytes = 5,
    /// An array or a key-value list: the number of a [`Text`] that holds the encoded `AnyValue`.
    Any = 6,
}

impl ValueType {
    /// The type with this number.
    pub fn from_u8(n: u8) -> Option<ValueType> {
        Some(match n {
            0 => ValueType::Empty,
            1 => ValueType::Str,
            2 => ValueType::Bool,
            3 => ValueType::Int,
            4 => ValueType::Double,
            5 => ValueType::Bytes,
            6 => ValueType::Any,
            _ => return None,
        })
    }

    /// Whether the value is the number of a [`Text`].
    pub fn is_text(self) -> bool {
        matches!(self, ValueType::Str | ValueType::Bytes | ValueType::Any)
    }
}

/// Attributes of resources, scopes, spans, events or links, one table for each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attrs {
    /// The key.
    pub key: Vec<Text>,
    /// What `value` means.
    pub value_type: Vec<ValueType>,
    /// The value's 64 bits.
    pub value: Vec<u64>,
}

/// One attribute as it stands in the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attr {
    /// The key.
    pub key: Text,
    /// What `value` means.
    pub value_type: ValueType,
    /// The value's 64 bits.
    pub value: u64,
}

impl Attr {
    /// The value as a text's number; the empty text when it is none.
    pub fn text(&self) -> Text {
        if self.value_type.is_text() {
            Text(u32::try_from(self.value).unwrap_or(0))
        } else {
            Text::EMPTY
        }
    }
}

impl Attrs {
    /// Number of attributes in the table.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether the table has none.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// Appends an attribute.
    pub fn push(&mut self, attr: Attr) {
        self.key.push(attr.key);
        self.value_type.push(attr.value_type);
        self.value.push(attr.value);
    }

    /// The attributes in `range`; fewer when the range passes the table's end.
    pub fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = Attr> + Clone + '_ {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let keys = self.key.get(start..end).unwrap_or_default();
        let types = self.value_type.get(start..end).unwrap_or_default();
        let values = self.value.get(start..end).unwrap_or_default();
        keys.iter().zip(types).zip(values).map(|((&key, &value_type), &value)| Attr {
            key,
            value_type,
            value,
        })
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.key.truncate(len);
        self.value_type.truncate(len);
        self.value.truncate(len);
    }

    pub(super) fn clear(&mut self) {
        self.truncate(0);
    }
}
