//! Thrift's two encodings, walked: the binary protocol and the compact one.
//!
//! Formats: <https://github.com/apache/thrift/tree/master/doc/specs>. Binary: every field is a type
//! byte, an `i16` id and a value of fixed width, big-endian; strings, lists and maps begin with an
//! `i32` size. Compact: ids are deltas beside the type in one byte, integers zigzag varints,
//! booleans are in the type, doubles little-endian.
//!
//! Invariants
//! 1. Nothing is allocated by what a size claims, and nothing is read beyond the end.
//! 2. A list cannot have more elements than there are bytes left.
//! 3. Nesting below [`MOST_DEEP`], or an error: no input overflows the stack.
//!
//! A known field of another type is one that is not set, as in protobuf; the reader counts it.

use crate::fault::Fault;
use std::cell::Cell;
use tributary_span::protobuf::{take_array, take_varint};

/// Containers nested deeper than this are refused, as Thrift's own libraries do. No message of ours has
/// more than eight.
const MOST_DEEP: u8 = 64;

/// What is wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the Thrift that is expected here: {0}")]
pub(crate) struct Bad(&'static str);

impl From<Bad> for Fault {
    fn from(bad: Bad) -> Fault {
        Fault::Malformed(bad.to_string())
    }
}

/// The type of a field or element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    Struct,
    Map,
    /// A list or a set, which are the same on the wire.
    List,
    Uuid,
}

/// The head of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) id: i16,
    pub(crate) ty: Type,
    /// The value of a boolean whose type is its value.
    flag: Option<bool>,
}

/// A place in Thrift bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    compact: bool,
    /// Fields and lists of another type than they have by their definition, so far.
    pub(crate) odd: &'a Cell<u64>,
}

/// A walk over the fields of one struct.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Walk {
    last: i16,
}

impl Walk {
    /// The next field that `known` has, of the type that it has there. `known` is a letter an id from 1
    /// up: `i` an integer of any width, `s` a string or bytes, `t` a struct, `l` a list, `b`, `d`, and `.`
    /// for one that is not known.
    #[inline]
    pub(crate) fn next_of(
        &mut self,
        reader: &mut Reader<'_>,
        known: &[u8],
    ) -> Result<Option<Field>, Bad> {
        while let Some(field) = self.next(reader)? {
            let letter =
                usize::try_from(field.id).ok().and_then(|id| known.get(id.wrapping_sub(1)));
            match letter {
                Some(&letter) if letter == field.ty.letter() => return Ok(Some(field)),
                Some(b'.') | None => {}
                Some(_) => reader.is_odd(),
            }
            reader.skip(&field)?;
        }
        Ok(None)
    }

    /// The next field's head, or `None` at the struct's end. Its value must be read or skipped.
    pub(crate) fn next(&mut self, reader: &mut Reader<'_>) -> Result<Option<Field>, Bad> {
        let head = reader.byte()?;
        if !reader.compact {
            if head == 0 {
                return Ok(None);
            }
            let id = i16::from_be_bytes(reader.array()?);
            return Ok(Some(Field { id, ty: binary_type(head)?, flag: None }));
        }
        if head & 0x0f == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(reader.zigzag()?).map_err(|_| Bad("a field's number"))?,
            delta => self.last.wrapping_add(i16::from(delta)),
        };
        self.last = id;
        let flag = match head & 0x0f {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        };
        Ok(Some(Field { id, ty: compact_type(head & 0x0f)?, flag }))
    }
}

impl Type {
    fn letter(self) -> u8 {
        match self {
            Type::Bool => b'b',
            Type::I8 | Type::I16 | Type::I32 | Type::I64 => b'i',
            Type::Double => b'd',
            Type::Binary => b's',
            Type::Struct => b't',
            Type::List => b'l',
            Type::Map | Type::Uuid => b'-',
        }
    }
}

fn binary_type(byte: u8) -> Result<Type, Bad> {
    Ok(match byte {
        2 => Type::Bool,
        3 => Type::I8,
        4 => Type::Double,
        6 => Type::I16,
        8 => Type::I32,
        10 => Type::I64,
        11 => Type::Binary,
        12 => Type::Struct,
        13 => Type::Map,
        14 | 15 => Type::List,
        16 => Type::Uuid,
        _ => return Err(Bad("an unknown type")),
    })
}

fn compact_type(nibble: u8) -> Result<Type, Bad> {
    Ok(match nibble {
        1 | 2 => Type::Bool,
        3 => Type::I8,
        4 => Type::I16,
        5 => Type::I32,
        6 => Type::I64,
        7 => Type::Double,
        8 => Type::Binary,
        9 | 10 => Type::List,
        11 => Type::Map,
        12 => Type::Struct,
        13 => Type::Uuid,
        _ => return Err(Bad("an unknown type")),
    })
}

impl<'a> Reader<'a> {
    /// Before bytes of the binary protocol.
    pub(crate) fn binary(bytes: &'a [u8], odd: &'a Cell<u64>) -> Self {
        Reader { rest: bytes, compact: false, odd }
    }

    fn is_odd(&self) {
        self.odd.set(self.odd.get() + 1);
    }

    /// Before a message in whichever protocol its first byte tells. Reads its head: the name of
    /// the method. What follows is the struct of its arguments.
    pub(crate) fn message(bytes: &'a [u8], odd: &'a Cell<u64>) -> Result<(Self, &'a [u8]), Bad> {
        let mut reader = Reader { rest: bytes, compact: bytes.first() == Some(&0x82), odd };
        let name;
        if reader.compact {
            reader.byte()?;
            if reader.byte()? & 0x1f != 1 {
                return Err(Bad("a version of the compact protocol that is not 1"));
            }
            reader.varint()?;
            name = reader.bytes()?;
        } else if bytes.first() == Some(&0x80) {
            let [_, version, _, _] = reader.array()?;
            if version != 1 {
                return Err(Bad("a version of the binary protocol that is not 1"));
            }
            name = reader.bytes()?;
            reader.array::<4>()?;
        } else {
            // The old head: name, type, number.
            name = reader.bytes()?;
            reader.array::<5>()?;
        }
        Ok((reader, name))
    }

    fn byte(&mut self) -> Result<u8, Bad> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        take_array(&mut self.rest).map_err(|_| Bad("the bytes end too early"))
    }

    fn varint(&mut self) -> Result<u64, Bad> {
        take_varint(&mut self.rest).map_err(|_| Bad("a bad varint"))
    }

    fn zigzag(&mut self) -> Result<i64, Bad> {
        let n = self.varint()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    /// The size that stands before bytes or elements.
    fn size(&mut self) -> Result<usize, Bad> {
        let size = if self.compact {
            usize::try_from(self.varint()?)
        } else {
            usize::try_from(i32::from_be_bytes(self.array()?))
        };
        size.ok().filter(|&size| size <= self.rest.len()).ok_or(Bad("a size beyond the end"))
    }

    /// A field's boolean.
    pub(crate) fn bool(&mut self, field: &Field) -> Result<bool, Bad> {
        match (field.ty, field.flag) {
            (Type::Bool, Some(flag)) => Ok(flag),
            (Type::Bool, None) => Ok(self.byte()? != 0),
            _ => Err(Bad("a boolean is expected")),
        }
    }

    /// A field's integer of any width.
    pub(crate) fn int(&mut self, field: &Field) -> Result<i64, Bad> {
        Ok(match field.ty {
            Type::I8 => i64::from(i8::from_be_bytes(self.array()?)),
            Type::I16 | Type::I32 | Type::I64 if self.compact => self.zigzag()?,
            Type::I16 => i64::from(i16::from_be_bytes(self.array()?)),
            Type::I32 => i64::from(i32::from_be_bytes(self.array()?)),
            Type::I64 => i64::from_be_bytes(self.array()?),
            _ => return Err(Bad("an integer is expected")),
        })
    }

    /// A field's double.
    pub(crate) fn double(&mut self, field: &Field) -> Result<f64, Bad> {
        match field.ty {
            Type::Double if self.compact => Ok(f64::from_le_bytes(self.array()?)),
            Type::Double => Ok(f64::from_be_bytes(self.array()?)),
            _ => Err(Bad("a double is expected")),
        }
    }

    /// A field's string or bytes.
    pub(crate) fn binary_of(&mut self, field: &Field) -> Result<&'a [u8], Bad> {
        if field.ty == Type::Binary { self.bytes() } else { Err(Bad("a string is expected")) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], Bad> {
        let size = self.size()?;
        let (bytes, rest) = self.rest.split_at_checked(size).ok_or(Bad("a size beyond the end"))?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A list of structs: how many there are. Each is walked next. Of a list of others there are none.
    pub(crate) fn structs(&mut self) -> Result<usize, Bad> {
        match self.list()? {
            (_, 0) => Ok(0),
            (Type::Struct, size) => Ok(size),
            (ty, size) => {
                self.is_odd();
                (0..size).try_for_each(|_| self.skip_value(ty, MOST_DEEP))?;
                Ok(0)
            }
        }
    }

    fn list(&mut self) -> Result<(Type, usize), Bad> {
        let head = self.byte()?;
        if !self.compact {
            let size = self.size()?;
            // Empty lists may have any type; some clients write 0.
            return if size == 0 { Ok((Type::Bool, 0)) } else { Ok((binary_type(head)?, size)) };
        }
        let size = match usize::from(head >> 4) {
            15 => self.size()?,
            size if size <= self.rest.len() => size,
            _ => return Err(Bad("a size beyond the end")),
        };
        if size == 0 { Ok((Type::Bool, 0)) } else { Ok((compact_type(head & 0x0f)?, size)) }
    }

    /// Skips a field's value.
    pub(crate) fn skip(&mut self, field: &Field) -> Result<(), Bad> {
        if field.flag.is_some() { Ok(()) } else { self.skip_value(field.ty, MOST_DEEP) }
    }

    fn skip_value(&mut self, ty: Type, deep: u8) -> Result<(), Bad> {
        let below = || deep.checked_sub(1).ok_or(Bad("values are nested too deep"));
        match ty {
            Type::Bool | Type::I8 => drop(self.byte()?),
            Type::I16 | Type::I32 | Type::I64 if self.compact => drop(self.varint()?),
            Type::I16 => drop(self.array::<2>()?),
            Type::I32 => drop(self.array::<4>()?),
            Type::I64 | Type::Double => drop(self.array::<8>()?),
            Type::Uuid => drop(self.array::<16>()?),
            Type::Binary => drop(self.bytes()?),
            Type::Struct => {
                let below = below()?;
                let mut walk = Walk::default();
                while let Some(field) = walk.next(self)? {
                    if field.flag.is_none() {
                        self.skip_value(field.ty, below)?;
                    }
                }
            }
            Type::List => {
                let below = below()?;
                let (ty, size) = self.list()?;
                (0..size).try_for_each(|_| self.skip_value(ty, below))?;
            }
            Type::Map => {
                let below = below()?;
                let (key, value, size) = self.map()?;
                for _ in 0..size {
                    self.skip_value(key, below)?;
                    self.skip_value(value, below)?;
                }
            }
        }
        Ok(())
    }

    fn map(&mut self) -> Result<(Type, Type, usize), Bad> {
        if self.compact {
            let size = self.size()?;
            if size == 0 {
                return Ok((Type::Bool, Type::Bool, 0));
            }
            let types = self.byte()?;
            return Ok((compact_type(types >> 4)?, compact_type(types & 0x0f)?, size));
        }
        let [key, value] = self.array()?;
        let size = self.size()?;
        if size == 0 {
            return Ok((Type::Bool, Type::Bool, 0));
        }
        Ok((binary_type(key)?, binary_type(value)?, size))
    }
}

#[cfg(test)]
mod tests;
