//! Attributes of one kind of owner: the generic list and the columns of their own.

use super::column::{self, Decoded};
use super::lists;
use super::rows::Rows;
use crate::dedicated::{ColumnType, DedicatedColumn, Scope};
use crate::error::BlockError;
use crate::json;
use tributary_span::columns::{Attr, Builder, Text, ValueType, owned};
use tributary_span::otlp::any::{self, Any};
use tributary_span::protobuf::put;

/// Values of an array or scalar by attribute.
struct Values<T> {
    ends: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Values { ends: Vec::new(), values: Vec::new() }
    }
}

impl<T> Values<T> {
    fn of(&self, attribute: usize) -> &[T] {
        self.values.get(owned(&self.ends, attribute)).unwrap_or_default()
    }
}

/// A column that holds one attribute of its owners.
struct Own {
    key: Text,
    values: OwnValues,
}

enum OwnValues {
    Texts(Values<Text>),
    Ints(Values<i64>),
}

/// All attributes of one kind of owner; by default none.
#[derive(Default)]
pub(super) struct Attributes {
    /// End of each owner's generic attributes.
    ends: Vec<u32>,
    key: Vec<Text>,
    is_array: Vec<bool>,
    texts: Values<Text>,
    ints: Values<i64>,
    doubles: Values<u64>,
    bools: Values<bool>,
    /// Values of other types, already as columns have them.
    others: Values<(ValueType, u64)>,
    own: Vec<Own>,
}

fn value_of(value: Any<'_>, encoded: &[u8], b: &mut Builder) -> (ValueType, u64) {
    match value {
        Any::Empty => (ValueType::Empty, 0),
        Any::Str(text) => (ValueType::Str, u64::from(b.text(text.as_bytes()).0)),
        Any::Bool(value) => (ValueType::Bool, u64::from(value)),
        Any::Int(value) => (ValueType::Int, value.cast_unsigned()),
        Any::Double(value) => (ValueType::Double, value.to_bits()),
        Any::Bytes(bytes) => (ValueType::Bytes, u64::from(b.text(bytes).0)),
        Any::Array(_) | Any::KvList(_) => (ValueType::Any, u64::from(b.text(encoded).0)),
    }
}

/// A text of the file, as a number of the builder.
pub(super) fn text(b: &mut Builder, bytes: &[u8]) -> Result<Text, BlockError> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(b.text(bytes)),
        Err(_) => Err(BlockError::corrupt("a string is not UTF-8")),
    }
}

fn other(b: &mut Builder, bytes: &[u8]) -> Result<(ValueType, u64), BlockError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| BlockError::corrupt("a string is not UTF-8"))?;
    let encoded = json::read(text)?;
    let value = any::parse(&encoded).map_err(|e| BlockError::corrupt(e.to_string()))?;
    Ok(value_of(value, &encoded, b))
}

impl Attributes {
    /// Reads the generic list at `path`, whose elements are at `depth`, of `owners` owners.
    pub(super) fn read(
        rows: &Rows<'_>,
        b: &mut Builder,
        path: &str,
        depth: u8,
        owners: usize,
    ) -> Result<Self, BlockError> {
        let leaf = |name: &str| rows.column(&format!("{path}.{name}"));
        let (c, chunk) = leaf("Key")?;
        let key = column::bytes(c, chunk, &rows.range, &mut |bytes| text(b, bytes))?;
        let ends = lists::ends_of(&key, depth, owners)?;
        let key = lists::required(key, ends.last().map_or(0, |&end| end as usize))?;
        let count = key.len();
        let (c, chunk) = leaf("IsArray")?;
        let is_array = lists::required(column::bools(c, chunk, &rows.range)?, count)?;
        let (c, chunk) = leaf("Value")?;
        let texts = column::bytes(c, chunk, &rows.range, &mut |bytes| text(b, bytes))?;
        let (c, chunk) = leaf("ValueInt")?;
        let ints = column::ints(c, chunk, &rows.range)?;
        let (c, chunk) = leaf("ValueDouble")?;
        let doubles = column::doubles(c, chunk, &rows.range)?;
        let (c, chunk) = leaf("ValueBool")?;
        let bools = column::bools(c, chunk, &rows.range)?;
        let (c, chunk) = leaf("ValueUnsupported")?;
        let others = column::bytes(c, chunk, &rows.range, &mut |bytes| other(b, bytes))?;
        fn values<T>(leaf: Decoded<T>, depth: u8, count: usize) -> Result<Values<T>, BlockError> {
            let ends = lists::ends_of(&leaf, depth + 1, count)?;
            let values = lists::required(leaf, ends.last().map_or(0, |&end| end as usize))?;
            Ok(Values { ends, values })
        }
        Ok(Attributes {
            ends,
            key,
            is_array,
            texts: values(texts, depth, count)?,
            ints: values(ints, depth, count)?,
            doubles: values(doubles, depth, count)?,
            bools: values(bools, depth, count)?,
            others: Values { ends: lists::optional(&others, depth, count)?, values: others.values },
            own: Vec::new(),
        })
    }

    /// Adds a fixed column of strings at `path`, for the attribute `key`.
    pub(super) fn fixed_text(
        &mut self,
        rows: &Rows<'_>,
        b: &mut Builder,
        (path, key, depth, owners): (&str, &str, u8, usize),
    ) -> Result<(), BlockError> {
        let (c, chunk) = rows.column(path)?;
        let leaf = column::bytes(c, chunk, &rows.range, &mut |bytes| text(b, bytes))?;
        let values = own(leaf, c.max_rep, depth, owners)?;
        self.add(b, key, OwnValues::Texts(values));
        Ok(())
    }

    /// Adds a fixed column of integers.
    pub(super) fn fixed_int(
        &mut self,
        rows: &Rows<'_>,
        b: &mut Builder,
        (path, key, depth, owners): (&str, &str, u8, usize),
    ) -> Result<(), BlockError> {
        let (c, chunk) = rows.column(path)?;
        let values = own(column::ints(c, chunk, &rows.range)?, c.max_rep, depth, owners)?;
        self.add(b, key, OwnValues::Ints(values));
        Ok(())
    }

    fn add(&mut self, b: &mut Builder, key: &str, values: OwnValues) {
        self.own.push(Own { key: b.text(key.as_bytes()), values });
    }

    /// Adds the slots of a scope, whose group is `path`.
    pub(super) fn slots(
        &mut self,
        rows: &Rows<'_>,
        b: &mut Builder,
        scope: Scope,
        (path, depth, owners): (&str, u8, usize),
    ) -> Result<(), BlockError> {
        let (mut strings, mut ints) = (0, 0);
        let all = rows.dedicated.iter().filter(|c| c.scope == scope);
        for DedicatedColumn { name, column_type, .. } in all {
            match column_type {
                ColumnType::String => {
                    strings += 1;
                    let path = format!("{path}.DedicatedAttributes.String{strings:02}");
                    if rows.leaves.want(&path) {
                        self.fixed_text(rows, b, (&path, name, depth, owners))?;
                    }
                }
                ColumnType::Int => {
                    ints += 1;
                    let path = format!("{path}.DedicatedAttributes.Int{ints:02}");
                    if rows.leaves.want(&path) {
                        self.fixed_int(rows, b, (&path, name, depth, owners))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Hands out the attributes of an owner: the generic ones, then those of columns.
    pub(super) fn of(
        &self,
        owner: usize,
        b: &mut Builder,
        mut attr: impl FnMut(&mut Builder, Attr),
    ) {
        for i in owned(&self.ends, owner) {
            let Some(&key) = self.key.get(i) else { continue };
            let (value_type, value) = self.generic(i, b);
            attr(b, Attr { key, value_type, value });
        }
        for Own { key, values } in &self.own {
            let (value_type, value) = match values {
                OwnValues::Texts(values) => match values.of(owner) {
                    [] => continue,
                    [text] => (ValueType::Str, u64::from(text.0)),
                    many => array(b, many, put_text),
                },
                OwnValues::Ints(values) => match values.of(owner) {
                    [] => continue,
                    [n] => (ValueType::Int, n.cast_unsigned()),
                    many => array(b, many, put_int),
                },
            };
            attr(b, Attr { key: *key, value_type, value });
        }
    }

    fn generic(&self, i: usize, b: &mut Builder) -> (ValueType, u64) {
        if let [other, ..] = self.others.of(i) {
            return *other;
        }
        if self.is_array.get(i) == Some(&true) {
            return match (self.texts.of(i), self.ints.of(i), self.doubles.of(i), self.bools.of(i)) {
                ([], [], [], bools) => array(b, bools, put_bool),
                ([], [], doubles, _) => array(b, doubles, put_double),
                ([], ints, _, _) => array(b, ints, put_int),
                (texts, _, _, _) => array(b, texts, put_text),
            };
        }
        match (self.texts.of(i), self.ints.of(i), self.doubles.of(i), self.bools.of(i)) {
            ([text, ..], ..) => (ValueType::Str, u64::from(text.0)),
            (_, [n, ..], ..) => (ValueType::Int, n.cast_unsigned()),
            (_, _, [double, ..], _) => (ValueType::Double, *double),
            (_, _, _, [value, ..]) => (ValueType::Bool, u64::from(*value)),
            _ => (ValueType::Empty, 0),
        }
    }
}

/// A column's values by owner: optional in vParquet4, repeated in vParquet5.
fn own<T>(
    leaf: Decoded<T>,
    max_rep: u8,
    depth: u8,
    owners: usize,
) -> Result<Values<T>, BlockError> {
    let ends = if max_rep > depth {
        lists::ends_of(&leaf, depth + 1, owners)?
    } else {
        lists::optional(&leaf, depth, owners)?
    };
    let values = lists::required(leaf, ends.last().map_or(0, |&end| end as usize))?;
    Ok(Values { ends, values })
}

fn put_text(out: &mut Vec<u8>, text: &Text, b: &Builder) {
    put::bytes(out, 1, b.columns().texts.get(*text));
}

fn put_int(out: &mut Vec<u8>, n: &i64, _: &Builder) {
    put::uint(out, 3, n.cast_unsigned());
}

fn put_double(out: &mut Vec<u8>, bits: &u64, _: &Builder) {
    put::fixed64(out, 4, *bits);
}

fn put_bool(out: &mut Vec<u8>, value: &bool, _: &Builder) {
    put::uint(out, 2, u64::from(*value));
}

/// An array as an encoded `AnyValue`.
fn array<T>(
    b: &mut Builder,
    elements: &[T],
    element: fn(&mut Vec<u8>, &T, &Builder),
) -> (ValueType, u64) {
    let mut encoded = Vec::new();
    put::message(&mut encoded, 5, |array| {
        for value in elements {
            put::message(array, 1, |out| element(out, value, b));
        }
    });
    (ValueType::Any, u64::from(b.text(&encoded).0))
}
