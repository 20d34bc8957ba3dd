//! Frames to columns.

mod reader;
mod rows;
mod tables;
mod values;

use super::definition::{self, Definition, OVERHEAD, Of};
use super::envelope::Envelope;
use super::{FrameError, MAX_DEFINITIONS_BYTES, zip};
use bytes::Bytes;
use reader::Reader;
use std::cell::RefCell;
use tables::Tables;
use tributary_span::columns::{Columns, ValueType};
use tributary_span::otlp::any;

/// What one frame may cost the receiver.
#[derive(Debug, Clone, Copy)]
pub struct DecodeLimits {
    /// Bytes of a payload after decompression, and of the columns that come of it.
    pub bytes: usize,
    /// Spans in a payload.
    pub spans: usize,
}

impl Default for DecodeLimits {
    /// 64 MiB and 256 Ki spans: far above what a sidecar sends.
    fn default() -> Self {
        DecodeLimits { bytes: 64 << 20, spans: 256 << 10 }
    }
}

/// A decoded frame.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The spans, by trace and by start within a trace; they pass [`Columns::check`].
    pub columns: Columns,
    /// Numbers of the definitions that the payload needs, sorted, closed under reference.
    pub referenced: Vec<u32>,
}

/// Decodes the frames of one stream and holds the definitions of its current dictionary.
#[derive(Debug)]
pub struct Decoder {
    limits: DecodeLimits,
    dict: u32,
    definitions: Definitions,
}

/// Memory that decoding works in. It serves a thread and not a stream: an ingester has thousands of
/// streams, each of which would keep as much as its largest frame has ever taken.
#[derive(Debug, Default)]
struct Workspace {
    unpacked: Vec<u8>,
    tables: Tables,
}

/// What a thread keeps from one frame to the next, in bytes of the largest unpacked one.
const KEPT: usize = 4 << 20;

thread_local! {
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// Lends the thread's memory to `work`.
fn with_workspace<T>(work: impl FnOnce(&mut Workspace) -> T) -> T {
    WORKSPACE.with_borrow_mut(|workspace| {
        let done = work(workspace);
        if workspace.unpacked.capacity() > KEPT {
            *workspace = Workspace::default();
        }
        done
    })
}

/// Definitions by number, all of which refer to known ones of the right sort.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    by_number: Vec<Option<Definition>>,
    bytes: usize,
}

impl Decoder {
    /// A decoder without definitions.
    pub fn new(limits: DecodeLimits) -> Self {
        Decoder { limits, dict: 0, definitions: Definitions::default() }
    }

    /// Adds definitions to dictionary `dict`. Another number than that of the call before drops the
    /// dictionary before it (W12).
    ///
    /// # Errors
    /// When the bytes are no definitions, do not fit those known, or are more than a dictionary may
    /// hold. The stream is of no use then.
    pub fn define(&mut self, dict: u32, bytes: &[u8]) -> Result<(), FrameError> {
        if dict != self.dict {
            self.definitions = Definitions::default();
            self.dict = dict;
        }
        with_workspace(|workspace| {
            let entries = definition::entries(bytes, &mut workspace.unpacked)?;
            let add = |(number, entry)| self.definitions.add(dict, number, entry);
            entries.into_iter().try_for_each(add)
        })
    }

    /// Decodes one payload.
    ///
    /// # Errors
    /// When it cannot be decoded with the definitions at hand or breaks a limit.
    pub fn decode(&self, dict: u32, payload: &[u8]) -> Result<Decoded, FrameError> {
        with_workspace(|workspace| self.decode_in(workspace, dict, payload))
    }

    fn decode_in(
        &self,
        Workspace { unpacked, tables }: &mut Workspace,
        dict: u32,
        payload: &[u8],
    ) -> Result<Decoded, FrameError> {
        let envelope = Envelope::parse(payload)?;
        let body = match envelope.packed {
            [] => envelope.plain,
            packed => zip::decompress(packed, self.limits.bytes, unpacked)?,
        };
        let none = Definitions::default();
        let definitions = if dict == self.dict { &self.definitions } else { &none };
        let mut reader = Reader::new(body);
        let mut columns = Columns::default();
        tables.read(dict, definitions, &mut reader, &mut columns)?;
        let frame = rows::Frame { ids: envelope.ids, bits: envelope.bits, limits: self.limits };
        rows::read(&frame, tables, reader, &mut columns)?;
        debug_assert_eq!(columns.check(), Ok(()));
        Ok(Decoded { columns, referenced: tables.take_referenced() })
    }

    /// The definitions with these numbers, numbers kept, as bytes for [`Decoder::define`] of a fresh
    /// decoder: what a journal segment stores beside the frames that need them. Export before
    /// the next dictionary is defined.
    ///
    /// # Errors
    /// When there is no definition with one of the numbers.
    pub fn export(&self, numbers: &[u32]) -> Result<Bytes, FrameError> {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut entries = Vec::with_capacity(sorted.len());
        for number in sorted {
            let mut bytes = Vec::new();
            self.definitions
                .get(number)
                .ok_or(FrameError::Undefined { dict: self.dict, number })?
                .write(&mut bytes);
            entries.push((number, bytes));
        }
        if entries.is_empty() {
            return Ok(Bytes::new());
        }
        Ok(definition::blob(entries.iter().map(|(n, bytes)| (*n, bytes.as_slice()))).into())
    }
}

impl Definitions {
    pub(super) fn get(&self, number: u32) -> Option<&Definition> {
        self.by_number.get(number as usize)?.as_ref()
    }

    fn len(&self) -> usize {
        self.by_number.len()
    }

    fn add(&mut self, dict: u32, number: u32, entry: &[u8]) -> Result<(), FrameError> {
        let definition = Definition::parse(entry)?;
        if let Some(known) = self.get(number) {
            let same = *known == definition;
            return if same { Ok(()) } else { Err(FrameError::Malformed("another definition")) };
        }
        let limit = MAX_DEFINITIONS_BYTES;
        self.bytes += entry.len() + OVERHEAD;
        // Numbers have no gaps where they are made, so that bound holds for them as well.
        if self.bytes > limit || number as usize >= limit / OVERHEAD {
            return Err(FrameError::TooLarge { what: "bytes of definitions", limit });
        }
        self.verify(dict, number, &definition)?;
        let place = number as usize;
        if self.by_number.len() <= place {
            self.by_number.resize(place + 1, None);
        }
        if let Some(slot) = self.by_number.get_mut(place) {
            *slot = Some(definition);
        }
        Ok(())
    }

    /// Proves that a definition's references exist and are what they should be.
    fn verify(&self, dict: u32, number: u32, definition: &Definition) -> Result<(), FrameError> {
        let referred = |to: u32| match self.get(to) {
            Some(found) if to < number => Ok(found),
            _ => Err(FrameError::Undefined { dict, number: to }),
        };
        let text = |reference: u32| match reference.checked_sub(1).map(referred).transpose()? {
            None => Ok((&[][..], true)),
            Some(Definition::Text { bytes, utf8 }) => Ok((&**bytes, *utf8)),
            Some(_) => Err(MISMATCH),
        };
        let string = |reference: u32| if text(reference)?.1 { Ok(()) } else { Err(MISMATCH) };
        let value = |value_type: ValueType, value: u64| {
            check_value(value_type, value, |reference| {
                text(u32::try_from(reference).map_err(|_| MISMATCH)?)
            })
        };
        match definition {
            Definition::Text { .. } => Ok(()),
            Definition::Resource { schema_url, entity_refs, attrs, .. } => {
                string(*schema_url)?;
                text(*entity_refs)?;
                attrs
                    .iter()
                    .try_for_each(|a| string(a.key).and_then(|()| value(a.value_type, a.value)))
            }
            Definition::Scope { name, version, schema_url, attrs, .. } => {
                [name, version, schema_url].into_iter().try_for_each(|&r| string(r))?;
                attrs
                    .iter()
                    .try_for_each(|a| string(a.key).and_then(|()| value(a.value_type, a.value)))
            }
            Definition::Shape(shape) => {
                if shape.of == Of::Span
                    && !matches!(referred(shape.scope)?, Definition::Scope { .. })
                {
                    return Err(MISMATCH);
                }
                string(shape.name)?;
                shape.slots.iter().try_for_each(|slot| string(slot.key))
            }
            Definition::Template { base, fixed, values } => {
                let Definition::Shape(shape) = referred(*base)? else { return Err(MISMATCH) };
                let slots = shape.slots.len();
                if shape.of != Of::Span || slots < 64 && fixed >> slots != 0 {
                    return Err(MISMATCH);
                }
                let fixed = (0..64).zip(&shape.slots).filter(|(slot, _)| fixed & 1 << slot != 0);
                fixed.zip(values).try_for_each(|((_, slot), &on_wire)| {
                    value(slot.value_type, definition::from_wire(slot.value_type, on_wire)?)
                })
            }
        }
    }
}

const MISMATCH: FrameError = FrameError::Malformed("a reference to another sort of definition");

/// Proves that a value is one that its type can have; `text` gives a text by its ref, and whether
/// it is UTF-8.
fn check_value<'a>(
    value_type: ValueType,
    value: u64,
    text: impl FnOnce(u64) -> Result<(&'a [u8], bool), FrameError>,
) -> Result<(), FrameError> {
    let fine = match value_type {
        ValueType::Str => text(value)?.1,
        ValueType::Bytes => text(value).map(|_| true)?,
        ValueType::Any => any::check(text(value)?.0).is_ok(),
        ValueType::Empty => value == 0,
        ValueType::Bool => value <= 1,
        ValueType::Int | ValueType::Double => true,
    };
    if fine { Ok(()) } else { Err(FrameError::Malformed("a value that its type cannot have")) }
}
