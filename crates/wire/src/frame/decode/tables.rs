//! A frame's tables: what its numbers stand for, from the stream's definitions and its own.

use super::reader::Reader;
use super::{Definitions, MISMATCH, check_value};
use crate::frame::FrameError;
use crate::frame::definition::{Definition, Of, Ref, Shape, Slot, from_wire};
use hashbrown::HashMap;
use std::ops::Range;
use tributary_span::columns::{Attr, Attrs, Columns, Text, ValueType};

const NONE: u32 = u32::MAX;

/// A shape or a template as rows refer to it.
#[derive(Debug)]
pub(super) struct FrameShape {
    pub(super) of: Of,
    pub(super) bits: u32,
    pub(super) scope: u32,
    pub(super) name: Text,
    pub(super) kind: i32,
    pub(super) status: i32,
    pub(super) flags: u32,
    /// Its attributes in [`Tables::attrs`]; holes have no value yet.
    pub(super) attrs: Range<usize>,
    /// Its holes in [`Tables::holes`].
    pub(super) holes: Range<usize>,
}

/// A slot without a value, and the column that has its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    pub(super) slot: u32,
    pub(super) column: u32,
}

/// The tables of the frame at hand.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// Texts by place; the first `defined` ones have definitions.
    pub(super) texts: Vec<Text>,
    defined: u32,
    /// Place of the first text that no definition of the frame's own refers to.
    pub(super) next_literal: u32,
    /// Texts that are not UTF-8, sorted.
    not_utf8: Vec<Text>,
    pub(super) shapes: Vec<FrameShape>,
    pub(super) attrs: Attrs,
    pub(super) holes: Vec<Hole>,
    /// Types of the columns of values.
    pub(super) columns: Vec<ValueType>,
    /// Resources by place, as numbers of the columns.
    pub(super) resources: Vec<u32>,
    /// The frame's own scopes by place, as numbers of the columns.
    scopes: Vec<u32>,
    by_key: HashMap<(Text, u8), u32>,
    /// What a definition's number is in the columns: a text or a scope.
    placed: Vec<u32>,
    referenced: Vec<u32>,
}

/// Where the refs of a definition lead.
#[derive(Clone, Copy)]
enum Source<'d> {
    Stream(&'d Definitions),
    Frame,
}

impl Tables {
    /// Reads the head of a body and fills the tables, and `columns` with all but the spans.
    pub(super) fn read(
        &mut self,
        dict: u32,
        definitions: &Definitions,
        reader: &mut Reader<'_>,
        columns: &mut Columns,
    ) -> Result<(), FrameError> {
        self.clear();
        self.placed.resize(definitions.len(), NONE);
        // Columns of trace states and of status messages.
        self.columns.extend([ValueType::Str, ValueType::Str]);
        let mut lowest = 0u32;
        for _ in 0..reader.count()? {
            let beyond = FrameError::Malformed("a definition's number beyond all bounds");
            let number = lowest.checked_add(reader.number()?).ok_or(beyond)?;
            lowest = number.saturating_add(1);
            let undefined = FrameError::Undefined { dict, number };
            let definition = definitions.get(number).ok_or(undefined)?;
            self.referenced.push(number);
            let source = Source::Stream(definitions);
            match definition {
                Definition::Text { .. } => {
                    let text = self.text(source, number + 1, columns)?;
                    self.texts.push(text);
                }
                Definition::Resource { .. } => {
                    let place = self.resource(source, definition, columns)?;
                    self.resources.push(place);
                }
                Definition::Shape(shape) => self.shape(source, shape, None, columns)?,
                Definition::Template { base, fixed, values } => {
                    let Some(Definition::Shape(shape)) = definitions.get(*base) else {
                        return Err(MISMATCH);
                    };
                    self.referenced.push(*base);
                    self.shape(source, shape, Some((*fixed, values)), columns)?;
                }
                Definition::Scope { .. } => return Err(MISMATCH),
            }
        }
        self.defined = self.texts.len() as u32;
        self.next_literal = self.defined;
        self.literals(reader, columns)?;
        for _ in 0..reader.count()? {
            let len = reader.number()? as usize;
            let definition = Definition::parse(reader.take(len)?)?;
            match &definition {
                Definition::Resource { .. } => {
                    let place = self.resource(Source::Frame, &definition, columns)?;
                    self.resources.push(place);
                }
                Definition::Scope { .. } => {
                    let place = self.scope(Source::Frame, &definition, columns)?;
                    self.scopes.push(place);
                }
                Definition::Shape(shape) => self.shape(Source::Frame, shape, None, columns)?,
                Definition::Text { .. } | Definition::Template { .. } => return Err(MISMATCH),
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.defined = 0;
        self.not_utf8.clear();
        self.shapes.clear();
        self.attrs.key.clear();
        self.attrs.value_type.clear();
        self.attrs.value.clear();
        self.holes.clear();
        self.columns.clear();
        self.resources.clear();
        self.scopes.clear();
        self.by_key.clear();
        self.placed.clear();
        self.referenced.clear();
    }

    /// The numbers of all definitions that were looked at, sorted.
    pub(super) fn take_referenced(&mut self) -> Vec<u32> {
        self.referenced.sort_unstable();
        self.referenced.dedup();
        self.referenced.clone()
    }

    /// Whether a text is UTF-8.
    pub(super) fn is_utf8(&self, text: Text) -> bool {
        self.not_utf8.is_empty() || self.not_utf8.binary_search(&text).is_err()
    }

    fn literals(
        &mut self,
        reader: &mut Reader<'_>,
        columns: &mut Columns,
    ) -> Result<(), FrameError> {
        let count = reader.count()?;
        let mut lengths = Vec::with_capacity(count);
        reader.numbers(count, usize::MAX, &mut lengths)?;
        let total = lengths.iter().map(|&len| len as usize).sum();
        let mut bytes = reader.take_back(total)?;
        let utf8 = std::str::from_utf8(bytes).ok();
        let mut at = 0;
        for len in lengths {
            let Some((literal, rest)) = bytes.split_at_checked(len as usize) else { break };
            bytes = rest;
            let text = columns.texts.push(literal);
            self.texts.push(text);
            at += literal.len();
            let fine = utf8.is_some_and(|all| all.is_char_boundary(at))
                || std::str::from_utf8(literal).is_ok();
            if !fine {
                self.not_utf8.push(text);
            }
        }
        self.not_utf8.sort_unstable();
        Ok(())
    }

    fn text(
        &mut self,
        source: Source<'_>,
        reference: Ref,
        columns: &mut Columns,
    ) -> Result<Text, FrameError> {
        let Some(number) = reference.checked_sub(1) else { return Ok(Text::EMPTY) };
        let Source::Stream(definitions) = source else {
            self.next_literal = self.next_literal.max(number.saturating_add(1));
            return self.texts.get(number as usize).copied().ok_or(MISMATCH);
        };
        let Some(placed) = self.placed.get_mut(number as usize) else { return Err(MISMATCH) };
        if *placed != NONE {
            return Ok(Text(*placed));
        }
        let Some(Definition::Text { bytes, utf8 }) = definitions.get(number) else {
            return Err(MISMATCH);
        };
        let text = columns.texts.push(bytes);
        *placed = text.0;
        if !utf8 {
            self.not_utf8.push(text);
        }
        self.referenced.push(number);
        Ok(text)
    }

    /// A text that must be a string.
    fn string(
        &mut self,
        source: Source<'_>,
        reference: Ref,
        columns: &mut Columns,
    ) -> Result<Text, FrameError> {
        let text = self.text(source, reference, columns)?;
        if self.is_utf8(text) { Ok(text) } else { Err(FrameError::Malformed("not UTF-8")) }
    }

    /// A value as it stands in columns.
    fn value(
        &mut self,
        source: Source<'_>,
        value_type: ValueType,
        value: u64,
        columns: &mut Columns,
    ) -> Result<u64, FrameError> {
        if !value_type.is_text() {
            return Ok(value);
        }
        let reference = u32::try_from(value).map_err(|_| MISMATCH)?;
        let text = self.text(source, reference, columns)?;
        if matches!(source, Source::Frame) {
            let utf8 = self.is_utf8(text);
            check_value(value_type, value, |_| Ok((columns.texts.get(text), utf8)))?;
        }
        Ok(u64::from(text.0))
    }

    fn attr(
        &mut self,
        source: Source<'_>,
        slot: &Slot,
        columns: &mut Columns,
    ) -> Result<Attr, FrameError> {
        let key = self.string(source, slot.key, columns)?;
        Ok(Attr {
            key,
            value_type: slot.value_type,
            value: self.value(source, slot.value_type, slot.value, columns)?,
        })
    }

    fn resource(
        &mut self,
        source: Source<'_>,
        definition: &Definition,
        columns: &mut Columns,
    ) -> Result<u32, FrameError> {
        let Definition::Resource { schema_url, entity_refs, dropped, attrs } = definition else {
            return Err(MISMATCH);
        };
        for slot in attrs {
            let attr = self.attr(source, slot, columns)?;
            columns.resource_attrs.push(attr);
        }
        let schema_url = self.string(source, *schema_url, columns)?;
        let entity_refs = self.text(source, *entity_refs, columns)?;
        let r = &mut columns.resources;
        r.attrs_end.push(columns.resource_attrs.len() as u32);
        r.dropped_attrs.push(*dropped);
        r.schema_url.push(schema_url);
        r.entity_refs.push(entity_refs);
        Ok(r.attrs_end.len() as u32 - 1)
    }

    fn scope(
        &mut self,
        source: Source<'_>,
        definition: &Definition,
        columns: &mut Columns,
    ) -> Result<u32, FrameError> {
        let Definition::Scope { name, version, schema_url, dropped, attrs } = definition else {
            return Err(MISMATCH);
        };
        for slot in attrs {
            let attr = self.attr(source, slot, columns)?;
            columns.scope_attrs.push(attr);
        }
        let name = self.string(source, *name, columns)?;
        let version = self.string(source, *version, columns)?;
        let schema_url = self.string(source, *schema_url, columns)?;
        let s = &mut columns.scopes;
        s.name.push(name);
        s.version.push(version);
        s.attrs_end.push(columns.scope_attrs.len() as u32);
        s.dropped_attrs.push(*dropped);
        s.schema_url.push(schema_url);
        Ok(s.attrs_end.len() as u32 - 1)
    }

    /// Number of a shape's scope in the columns.
    fn scope_of(
        &mut self,
        source: Source<'_>,
        scope: u32,
        columns: &mut Columns,
    ) -> Result<u32, FrameError> {
        let Source::Stream(definitions) = source else {
            return self.scopes.get(scope as usize).copied().ok_or(MISMATCH);
        };
        let place = scope as usize;
        match self.placed.get(place) {
            Some(&placed) if placed != NONE => return Ok(placed),
            _ => {}
        }
        let definition = definitions.get(scope).ok_or(MISMATCH)?;
        let number = self.scope(source, definition, columns)?;
        self.placed.get_mut(place).into_iter().for_each(|placed| *placed = number);
        self.referenced.push(scope);
        Ok(number)
    }

    fn shape(
        &mut self,
        source: Source<'_>,
        shape: &Shape,
        template: Option<(u64, &[u64])>,
        columns: &mut Columns,
    ) -> Result<(), FrameError> {
        let (attrs, holes) = (self.attrs.len(), self.holes.len());
        let (fixed, values) = template.unwrap_or_default();
        let mut values = values.iter();
        for (i, slot) in shape.slots.iter().enumerate() {
            let key = self.string(source, slot.key, columns)?;
            let mut value = 0;
            if i < 64 && fixed & 1 << i != 0 {
                let on_wire = values.next().copied().ok_or(MISMATCH)?;
                value = self.value(
                    source,
                    slot.value_type,
                    from_wire(slot.value_type, on_wire)?,
                    columns,
                )?;
            } else if slot.value_type != ValueType::Empty {
                let types = &mut self.columns;
                let column =
                    *self.by_key.entry((key, slot.value_type as u8)).or_insert_with(|| {
                        types.push(slot.value_type);
                        types.len() as u32 - 1
                    });
                self.holes.push(Hole { slot: i as u32, column });
            }
            self.attrs.push(Attr { key, value_type: slot.value_type, value });
        }
        let scope = match shape.of {
            Of::Span => self.scope_of(source, shape.scope, columns)?,
            Of::Event | Of::Link => 0,
        };
        let name = self.string(source, shape.name, columns)?;
        self.shapes.push(FrameShape {
            of: shape.of,
            bits: shape.bits,
            scope,
            name,
            kind: shape.kind,
            status: shape.status,
            flags: shape.flags,
            attrs: attrs..self.attrs.len(),
            holes: holes..self.holes.len(),
        });
        Ok(())
    }
}
