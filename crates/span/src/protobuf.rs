//! Protobuf's wire format, read and written by hand.
//!
//! The road of a span never builds a message tree: [`Fields`] walks the bytes of one message and
//! hands out borrowed fields, [`put`] appends fields to a buffer. Format:
//! <https://protobuf.dev/programming-guides/encoding/>.
//!
//! Invariants
//! 1. Nothing is allocated by what a length claims: a length longer than the rest is an error.
//! 2. Every error is an error of the bytes: no input panics.
//! 3. Groups (wire types 3 and 4, long deprecated) are skipped whole: no field of ours is one. A group's
//!    end without its beginning and field number 0 are errors.

pub mod put;
mod utf8;

pub use utf8::mend_utf8;

/// Why bytes are not a protobuf message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The bytes end inside a field.
    #[error("the message ends inside a field")]
    Truncated,
    /// A varint has more than ten bytes.
    #[error("a varint has more than ten bytes")]
    LongVarint,
    /// Field number 0, or a wire type that no message of today has.
    #[error("field number or wire type that cannot occur")]
    BadTag,
    /// A field that is known has another wire type than its definition says.
    #[error("field {0} has the wrong wire type")]
    WrongType(u32),
    /// Messages nested deeper than allowed.
    #[error("values are nested deeper than {0} levels")]
    TooDeep(usize),
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field<'a> {
    /// The field's number, 1 or more.
    pub number: u32,
    /// Its value in one of the four wire types.
    pub value: Value<'a>,
}

/// A field's value by wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: string, bytes, message or packed list.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
    /// Wire types 3 and 4: a group, skipped.
    Group,
}

impl Value<'_> {
    fn wire(&self) -> u8 {
        match self {
            Value::Varint(_) => b'v',
            Value::Fixed64(_) => b'8',
            Value::Bytes(_) => b'b',
            Value::Fixed32(_) => b'4',
            Value::Group => b'g',
        }
    }
}

/// The fields of a message that are known, as a letter a number from 1 up: `v` a varint, `b` bytes (a
/// string, a message), `8` and `4` fixed64 and fixed32, `.` one that is not known.
#[derive(Debug, Clone, Copy)]
pub struct Known(pub &'static [u8]);

impl Known {
    /// Whether a field that is known is of its wire type.
    #[inline]
    pub fn has(self, field: &Field<'_>) -> Option<bool> {
        let wire = self.0.get((field.number as usize).wrapping_sub(1));
        wire.filter(|&&wire| wire != b'.').map(|&wire| wire == field.value.wire())
    }
}

impl<'a> Field<'a> {
    /// The field as bytes, string or message.
    ///
    /// # Errors
    /// When it has another wire type.
    pub fn bytes(&self) -> Result<&'a [u8], Malformed> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed::WrongType(self.number)),
        }
    }

    /// The field as a string.
    ///
    /// # Errors
    /// When it has another wire type or is not UTF-8.
    pub fn text(&self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed::NotUtf8)
    }

    /// The field as a varint (int, uint, bool, enum).
    ///
    /// # Errors
    /// When it has another wire type.
    pub fn varint(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(n) => Ok(n),
            _ => Err(Malformed::WrongType(self.number)),
        }
    }

    /// The field as a varint cut to 32 bits, as protobuf's own decoders cut it.
    ///
    /// # Errors
    /// When it has another wire type.
    pub fn varint32(&self) -> Result<u32, Malformed> {
        self.varint().map(low32)
    }

    /// The field as fixed64 or double.
    ///
    /// # Errors
    /// When it has another wire type.
    pub fn fixed64(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Fixed64(n) => Ok(n),
            _ => Err(Malformed::WrongType(self.number)),
        }
    }

    /// The field as fixed32.
    ///
    /// # Errors
    /// When it has another wire type.
    pub fn fixed32(&self) -> Result<u32, Malformed> {
        match self.value {
            Value::Fixed32(n) => Ok(n),
            _ => Err(Malformed::WrongType(self.number)),
        }
    }
}

/// A varint cut to 32 bits, as protobuf's own decoders cut it.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts 32-bit fields like this")]
pub fn low32(n: u64) -> u32 {
    n as u32
}

/// Walks the fields of one message, in the order in which they stand.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// A walk over the message in `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Fields { rest: bytes }
    }

    /// What has not been walked yet: a row of whole fields.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field that `known` has, in the wire type that it has there. A known field of another
    /// wire type is one that is not set, as protobuf's own decoders have it; `odd` counts it.
    ///
    /// # Errors
    /// When the bytes are not a message; the walk must not go on then.
    #[inline]
    pub fn next_of(&mut self, known: Known, odd: &mut u64) -> Result<Option<Field<'a>>, Malformed> {
        while let Some(field) = self.next_field()? {
            match known.has(&field) {
                Some(true) => return Ok(Some(field)),
                Some(false) => *odd += 1,
                None => {}
            }
        }
        Ok(None)
    }

    /// The same of a message in a message, which costs nothing but itself: its end is where it cannot be
    /// read on, and `odd` counts that.
    #[inline]
    pub fn next_readable(&mut self, known: Known, odd: &mut u64) -> Option<Field<'a>> {
        self.next_of(known, odd).unwrap_or_else(|_| {
            *odd += 1;
            self.rest = &[];
            None
        })
    }

    /// The next field, or `None` at the end of the message.
    ///
    /// # Errors
    /// When the bytes are not a message; the walk must not go on then.
    #[inline]
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = take_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed::BadTag)?;
        if number == 0 || number > 0x1fff_ffff {
            return Err(Malformed::BadTag);
        }
        let value = match tag & 7 {
            0 => Value::Varint(take_varint(&mut self.rest)?),
            1 => Value::Fixed64(u64::from_le_bytes(take_array(&mut self.rest)?)),
            2 => Value::Bytes(take_counted(&mut self.rest)?),
            5 => Value::Fixed32(u32::from_le_bytes(take_array(&mut self.rest)?)),
            3 => {
                self.skip_group()?;
                Value::Group
            }
            _ => return Err(Malformed::BadTag),
        };
        Ok(Some(Field { number, value }))
    }

    /// Skips to behind the end of a group, whatever is nested in it.
    #[cold]
    #[inline(never)]
    fn skip_group(&mut self) -> Result<(), Malformed> {
        let mut open = 1u32;
        while open > 0 {
            match take_varint(&mut self.rest)? & 7 {
                0 => drop(take_varint(&mut self.rest)?),
                1 => drop(take_array::<8>(&mut self.rest)?),
                2 => drop(take_counted(&mut self.rest)?),
                3 => open = open.saturating_add(1),
                4 => open -= 1,
                5 => drop(take_array::<4>(&mut self.rest)?),
                _ => return Err(Malformed::BadTag),
            }
        }
        Ok(())
    }
}

/// Takes a varint off the front of `rest`.
///
/// # Errors
/// When `rest` ends inside it or it has more than ten bytes.
#[inline(always)]
pub fn take_varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    match rest.split_first() {
        Some((&first, tail)) if first < 0x80 => {
            *rest = tail;
            Ok(u64::from(first))
        }
        _ => take_long_varint(rest),
    }
}

#[inline(never)]
fn take_long_varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0u64;
    for (i, &byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            *rest = rest.get(i + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(if rest.len() < 10 { Malformed::Truncated } else { Malformed::LongVarint })
}

/// Takes a length and so many bytes off the front of `rest`.
///
/// # Errors
/// When `rest` ends inside it.
#[inline(always)]
pub(crate) fn take_counted<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let len = usize::try_from(take_varint(rest)?).map_err(|_| Malformed::Truncated)?;
    let (bytes, tail) = rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
    *rest = tail;
    Ok(bytes)
}

/// Takes `N` bytes off the front of `rest`.
///
/// # Errors
/// When `rest` is shorter.
#[inline]
pub fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (bytes, tail) = rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
    *rest = tail;
    Ok(*bytes)
}

#[cfg(test)]
mod tests;
