//! Definitions: what frames refer to instead of saying it again.
//!
//! # Layout
//!
//! One definition is a tag byte and its fields. Numbers are LEB128 varints, signed ones zigzag.
//! A *ref* is 0 for the empty text, or 1 plus the number of a text: within a dictionary the number
//! of a definition, within a frame's own definitions a place in the frame's table of texts.
//!
//! | tag | what | fields |
//! |---|---|---|
//! | 0 | text | its bytes, to the end |
//! | 1 | resource | schema url ref, entity refs ref, dropped, attributes |
//! | 2 | scope | name ref, version ref, schema url ref, dropped, attributes |
//! | 3 | span shape | bits, scope number, name ref, kind (signed), status (signed), flags, slots |
//! | 4 | event shape | bits, name ref, slots |
//! | 5 | link shape | bits, flags, slots |
//! | 6 | template | number of a span shape, mask of its slots that have a value here, the values |
//!
//! A slot is a key ref and a type's byte: an attribute without its value. An attribute is a slot and
//! a value. A value is a varint: a text's ref, a signed number, a bool, or a double's bits
//! with its bytes in reverse (round numbers are short then); [`ValueType::Empty`] has none. Slots and
//! attributes follow their count.
//!
//! A blob of definitions is a header byte (1: as it is, 2: the rest is a zstd frame without its
//! magic number) and a row of entries: the distance of its number from the lowest possible one, the
//! length of the definition, the definition.
//!
//! Invariants
//! 1. A definition refers only to definitions with lower numbers, and to those of the right sort.
//! 2. Numbers rise within a blob. The same number always stands for the same definition.
//! 3. Definitions of one dictionary have at most [`MAX_DEFINITIONS_BYTES`] together, each counted with
//!    [`OVERHEAD`].

use super::{FrameError, MAX_DEFINITIONS_BYTES};
use tributary_span::columns::ValueType;
use tributary_span::protobuf::{put::varint, take_varint};

/// What one definition counts beside its own bytes.
pub(super) const OVERHEAD: usize = 8;

/// A reference to a text: 0 is the empty one, otherwise 1 plus its number.
pub(super) type Ref = u32;

/// An attribute, or of a shape one without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) key: Ref,
    pub(super) value_type: ValueType,
    /// A ref or the value's bits; 0 in a shape.
    pub(super) value: u64,
}

/// Which columns have something to say about a span (or an event or a link) of a shape.
pub(super) mod bits {
    pub(in crate::frame) const TRACE_STATE: u32 = 1;
    pub(in crate::frame) const STATUS_MESSAGE: u32 = 2;
    pub(in crate::frame) const DROPPED: u32 = 4;
    pub(in crate::frame) const EVENTS: u32 = 8;
    pub(in crate::frame) const LINKS: u32 = 16;
}

/// What many spans, events or links have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) of: Of,
    pub(super) bits: u32,
    /// Spans: the scope's number.
    pub(super) scope: u32,
    /// Spans and events.
    pub(super) name: Ref,
    /// Spans.
    pub(super) kind: i32,
    /// Spans.
    pub(super) status: i32,
    /// Spans and links.
    pub(super) flags: u32,
    pub(super) slots: Vec<Slot>,
}

/// Whose shape it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Span,
    Event,
    Link,
}

/// A definition, parsed. Refs and scope numbers are as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Definition {
    Text {
        bytes: Box<[u8]>,
        utf8: bool,
    },
    Resource {
        schema_url: Ref,
        entity_refs: Ref,
        dropped: u32,
        attrs: Vec<Slot>,
    },
    Scope {
        name: Ref,
        version: Ref,
        schema_url: Ref,
        dropped: u32,
        attrs: Vec<Slot>,
    },
    Shape(Shape),
    /// `values` has one for each bit of `fixed`, lowest first, as they stand on the wire.
    Template {
        base: u32,
        fixed: u64,
        values: Vec<u64>,
    },
}

impl Definition {
    /// Appends the definition's bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Definition::Text { bytes, .. } => write_text(out, bytes),
            Definition::Resource { schema_url, entity_refs, dropped, attrs } => {
                out.push(1);
                [schema_url, entity_refs, dropped]
                    .into_iter()
                    .for_each(|n| varint(out, u64::from(*n)));
                write_slots(out, attrs, true);
            }
            Definition::Scope { name, version, schema_url, dropped, attrs } => {
                out.push(2);
                [name, version, schema_url, dropped]
                    .into_iter()
                    .for_each(|n| varint(out, u64::from(*n)));
                write_slots(out, attrs, true);
            }
            Definition::Shape(shape) => {
                out.push(3 + shape.of as u8);
                varint(out, u64::from(shape.bits));
                if shape.of == Of::Span {
                    varint(out, u64::from(shape.scope));
                }
                if shape.of != Of::Link {
                    varint(out, u64::from(shape.name));
                }
                if shape.of == Of::Span {
                    varint(out, on_wire(ValueType::Int, i64::from(shape.kind).cast_unsigned()));
                    varint(out, on_wire(ValueType::Int, i64::from(shape.status).cast_unsigned()));
                }
                if shape.of != Of::Event {
                    varint(out, u64::from(shape.flags));
                }
                write_slots(out, &shape.slots, false);
            }
            Definition::Template { base, fixed, values } => {
                out.push(6);
                varint(out, u64::from(*base));
                varint(out, *fixed);
                values.iter().for_each(|&value| varint(out, value));
            }
        }
    }

    /// Parses a definition's bytes, all of them.
    pub(super) fn parse(bytes: &[u8]) -> Result<Definition, FrameError> {
        let (&tag, mut rest) = bytes.split_first().ok_or(BAD)?;
        let rest = &mut rest;
        let definition = match tag {
            0 => {
                let bytes = std::mem::take(rest);
                let utf8 = std::str::from_utf8(bytes).is_ok();
                Definition::Text { bytes: bytes.into(), utf8 }
            }
            1 => Definition::Resource {
                schema_url: number(rest)?,
                entity_refs: number(rest)?,
                dropped: number(rest)?,
                attrs: slots(rest, true)?,
            },
            2 => Definition::Scope {
                name: number(rest)?,
                version: number(rest)?,
                schema_url: number(rest)?,
                dropped: number(rest)?,
                attrs: slots(rest, true)?,
            },
            3..=5 => {
                let of = [Of::Span, Of::Event, Of::Link].into_iter().nth(usize::from(tag) - 3);
                let of = of.ok_or(BAD)?;
                let bits = number(rest)?;
                if bits > 31 {
                    return Err(BAD);
                }
                let scope = if of == Of::Span { number(rest)? } else { 0 };
                let name = if of == Of::Link { 0 } else { number(rest)? };
                let (kind, status) =
                    if of == Of::Span { (signed32(rest)?, signed32(rest)?) } else { (0, 0) };
                let flags = if of == Of::Event { 0 } else { number(rest)? };
                let slots = slots(rest, false)?;
                Definition::Shape(Shape { of, bits, scope, name, kind, status, flags, slots })
            }
            6 => {
                let base = number(rest)?;
                let fixed = long(rest)?;
                let mut values = Vec::with_capacity(fixed.count_ones() as usize);
                for _ in 0..fixed.count_ones() {
                    values.push(long(rest)?);
                }
                Definition::Template { base, fixed, values }
            }
            _ => return Err(BAD),
        };
        if rest.is_empty() { Ok(definition) } else { Err(BAD) }
    }
}

const BAD: FrameError = FrameError::Malformed("a definition");

/// Appends a text's definition.
pub(super) fn write_text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(0);
    out.extend_from_slice(bytes);
}

fn write_slots(out: &mut Vec<u8>, slots: &[Slot], values: bool) {
    varint(out, slots.len() as u64);
    for slot in slots {
        varint(out, u64::from(slot.key));
        out.push(slot.value_type as u8);
        if values && slot.value_type != ValueType::Empty {
            varint(out, on_wire(slot.value_type, slot.value));
        }
    }
}

fn slots(rest: &mut &[u8], values: bool) -> Result<Vec<Slot>, FrameError> {
    let count = number(rest)? as usize;
    // Each takes two bytes at least.
    if count > rest.len() / 2 {
        return Err(BAD);
    }
    let mut slots = Vec::with_capacity(count);
    for _ in 0..count {
        let key = number(rest)?;
        let value_type = ValueType::from_u8(take_byte(rest)?).ok_or(BAD)?;
        let value = if values && value_type != ValueType::Empty {
            from_wire(value_type, long(rest)?)?
        } else {
            0
        };
        slots.push(Slot { key, value_type, value });
    }
    Ok(slots)
}

/// A value (a ref for texts) as definitions write it.
pub(super) fn on_wire(value_type: ValueType, value: u64) -> u64 {
    match value_type {
        ValueType::Int => (value << 1) ^ (value.cast_signed() >> 63).cast_unsigned(),
        ValueType::Double => value.swap_bytes(),
        _ => value,
    }
}

/// The value (a ref for texts) that definitions write like this.
pub(super) fn from_wire(value_type: ValueType, value: u64) -> Result<u64, FrameError> {
    match value_type {
        ValueType::Int => Ok((value >> 1) ^ (value & 1).wrapping_neg()),
        ValueType::Double => Ok(value.swap_bytes()),
        ValueType::Bool if value > 1 => Err(BAD),
        ValueType::Empty if value != 0 => Err(BAD),
        ValueType::Str | ValueType::Bytes | ValueType::Any if u32::try_from(value).is_err() => {
            Err(BAD)
        }
        _ => Ok(value),
    }
}

fn signed32(rest: &mut &[u8]) -> Result<i32, FrameError> {
    let n = from_wire(ValueType::Int, long(rest)?)?;
    i32::try_from(n.cast_signed()).map_err(|_| BAD)
}

fn long(rest: &mut &[u8]) -> Result<u64, FrameError> {
    take_varint(rest).map_err(|_| BAD)
}

/// Takes a varint that fits 32 bits.
#[inline]
pub(super) fn number(rest: &mut &[u8]) -> Result<u32, FrameError> {
    u32::try_from(take_varint(rest).map_err(|_| BAD)?).map_err(|_| BAD)
}

#[inline]
pub(super) fn take_byte(rest: &mut &[u8]) -> Result<u8, FrameError> {
    let (&byte, tail) = rest.split_first().ok_or(BAD)?;
    *rest = tail;
    Ok(byte)
}

/// Packs entries, which must come with rising numbers, into a blob.
pub(super) fn blob<'a>(entries: impl Iterator<Item = (u32, &'a [u8])>) -> Vec<u8> {
    let mut out = vec![1];
    let mut lowest = 0;
    for (number, bytes) in entries {
        varint(&mut out, u64::from(number - lowest));
        varint(&mut out, bytes.len() as u64);
        out.extend_from_slice(bytes);
        lowest = number + 1;
    }
    let Some(plain) = out.get(1..).filter(|plain| plain.len() > 128) else { return out };
    match super::zip::compress(plain) {
        Some(mut packed) if packed.len() < plain.len() => {
            packed.insert(0, 2);
            packed
        }
        _ => out,
    }
}

/// The entries of a blob, unpacked to `scratch`.
pub(super) fn entries<'a>(
    blob: &'a [u8],
    scratch: &'a mut Vec<u8>,
) -> Result<Vec<(u32, &'a [u8])>, FrameError> {
    let Some((&header, body)) = blob.split_first() else { return Ok(Vec::new()) };
    let mut rest = match header {
        1 => body,
        // Twice: what counts is the definitions' own size, which is checked when they are added.
        2 => super::zip::decompress(body, 2 * MAX_DEFINITIONS_BYTES, scratch)?,
        other => return Err(FrameError::Version(u32::from(other))),
    };
    let mut entries = Vec::new();
    let mut lowest = 0u32;
    while !rest.is_empty() {
        let id = lowest.checked_add(number(&mut rest)?).ok_or(BAD)?;
        let len = number(&mut rest)? as usize;
        let (bytes, tail) = rest.split_at_checked(len).ok_or(BAD)?;
        entries.push((id, bytes));
        lowest = id.checked_add(1).ok_or(BAD)?;
        rest = tail;
    }
    Ok(entries)
}
