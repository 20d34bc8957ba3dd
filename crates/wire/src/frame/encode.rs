//! Columns to frames.

mod dictionary;
mod learn;
mod resources;
mod rows;
mod shapes;
mod texts;
mod values;

use super::definition::{Definition, bits};
use super::envelope::{Envelope, VERSION};
use super::number::BitWriter;
use super::zip;
use bytes::Bytes;
use dictionary::{Dictionary, Entries};
use learn::Learned;
use rows::Rows;
pub(super) use rows::{STEPS, UNITS};
use shapes::{BatchShapes, Context};
use std::collections::VecDeque;
use std::ops::Range;
use texts::BatchTexts;
use tributary_span::columns::{Builder, Columns, Text, Translation};
use tributary_span::protobuf::put::varint;
use values::Values;

/// One batch of spans, encoded. It never changes afterwards, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The encoded spans: `Frame.payload`.
    pub payload: Bytes,
    /// The dictionary that they refer to: `Frame.dict`.
    pub dict: u32,
    /// The receiver must know the definitions `0..needs` of that dictionary.
    pub needs: u32,
    /// How many spans there are: `Frame.spans`.
    pub spans: u32,
}

/// Encodes the frames of one lane and owns the lane's dictionaries.
///
/// A full dictionary is followed by a fresh one once that would pay. Definitions of earlier
/// dictionaries are kept for frames that may have to be sent again, until [`Encoder::release`].
#[derive(Debug, Default)]
pub struct Encoder {
    number: u32,
    dictionary: Dictionary,
    learned: Learned,
    earlier: VecDeque<(u32, Entries)>,
    batch: Batch,
}

/// What is built for one frame, kept for its memory.
#[derive(Debug, Default)]
struct Batch {
    rows: Rows,
    texts: BatchTexts,
    shapes: BatchShapes,
    values: Values,
    used: Vec<(u32, Used)>,
    resources: Vec<Source>,
    scopes: Vec<Source>,
    /// Entries of `shapes` in the order of the frame's table.
    table: Vec<u32>,
    ids: Vec<u8>,
    bits: BitWriter,
    locals: Vec<u8>,
    rest: Vec<u8>,
    body: Vec<u8>,
    scratch: Vec<u8>,
}

/// A definition that the frame uses: what has it in the batch.
#[derive(Debug, Clone, Copy)]
enum Used {
    Text(Text),
    Resource(u32),
    Shape,
}

/// A resource or a scope of the batch, and where it stands in the frame.
#[derive(Debug, Clone, Copy, Default)]
struct Source {
    used: bool,
    number: Option<u32>,
    place: u32,
}

impl Encoder {
    /// An encoder with an empty dictionary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Encodes the spans as one frame. The columns must hold their invariants.
    pub fn encode(&mut self, columns: &Columns) -> EncodedFrame {
        if self.dictionary.is_useless() {
            let entries = self.dictionary.restart();
            self.earlier.push_back((self.number, entries));
            self.learned.clear();
            self.number = self.number.wrapping_add(1);
        }
        let (dictionary, learned) = (&mut self.dictionary, &mut self.learned);
        let payload = self.batch.encode(columns, dictionary, learned).unwrap_or_else(|Repeats| {
            let distinct = without_repeats(columns);
            self.batch.encode(&distinct, dictionary, learned).unwrap_or_default()
        });
        let needs = self.batch.used.last().map_or(0, |&(number, _)| number + 1);
        let spans = columns.len() as u32;
        EncodedFrame { payload: payload.into(), dict: self.number, needs, spans }
    }

    /// The definitions `range` of dictionary `dict`, as bytes for [`Decoder::define`]; `None` when
    /// the encoder has no such dictionary (any more) or it has fewer definitions.
    ///
    /// [`Decoder::define`]: super::Decoder::define
    pub fn definitions(&self, dict: u32, range: Range<u32>) -> Option<Bytes> {
        if dict == self.number {
            return self.dictionary.entries().blob(range);
        }
        self.earlier.iter().find(|(number, _)| *number == dict)?.1.blob(range)
    }

    /// Forgets all dictionaries before `dict` but the current one: no un-acknowledged frame needs
    /// them any more.
    pub fn release(&mut self, dict: u32) {
        self.earlier.retain(|(number, _)| *number >= dict);
    }
}

/// The columns say one thing in two places, such as a text with two numbers.
struct Repeats;

/// The same spans in columns that say each thing once. A builder makes them like that, but not every
/// source of columns does.
fn without_repeats(columns: &Columns) -> Columns {
    let (mut builder, mut known) = (Builder::new(), Translation::default());
    (0..columns.len()).for_each(|row| builder.copy_span(columns, row, &mut known));
    builder.take()
}

impl Batch {
    fn encode(
        &mut self,
        columns: &Columns,
        dictionary: &mut Dictionary,
        learned: &mut Learned,
    ) -> Result<Vec<u8>, Repeats> {
        self.ids.clear();
        self.bits.clear();
        self.locals.clear();
        self.rest.clear();
        self.body.clear();
        self.used.clear();
        self.texts.start(columns);
        self.rows.arrange(columns);
        let texts = &mut self.texts;
        let mut context = Context { columns, dictionary, texts, learned };
        self.shapes.assign(&self.rows.order, &mut context);
        self.place_resources(columns, dictionary);
        self.place_shapes();
        self.values.start(columns, &self.shapes, &self.table);
        self.values.fill(columns, &self.shapes, &self.rows.order, &mut self.texts);
        self.note_local_uses(columns);
        self.texts.settle(dictionary, columns, &mut self.used);
        let defined = self.place_used()?;

        self.write_locals(columns, defined);
        self.write_rows(columns);
        self.values.write(&mut self.texts, defined, &mut self.rest, &mut self.bits);
        Ok(self.assemble(columns))
    }

    /// Looks up or defines the resources in use, and notes which scopes the frame must carry.
    fn place_resources(&mut self, columns: &Columns, dictionary: &mut Dictionary) {
        self.resources.clear();
        self.resources.resize(columns.resources.attrs_end.len(), Source::default());
        self.scopes.clear();
        self.scopes.resize(columns.scopes.attrs_end.len(), Source::default());
        for &resource in &columns.spans.resource {
            if let Some(source) = self.resources.get_mut(resource as usize) {
                source.used = true;
            }
        }
        let mut locals = 0;
        for (i, source) in self.resources.iter_mut().enumerate().filter(|(_, source)| source.used) {
            let (texts, scratch) = (&mut self.texts, &mut self.scratch);
            source.number = resources::resource(columns, dictionary, texts, i as u32, scratch);
            match source.number {
                Some(number) => self.used.push((number, Used::Resource(i as u32))),
                // Counted from here on, and shifted when the number of definitions is known.
                None => {
                    source.place = locals;
                    locals += 1;
                }
            }
        }
        let mut locals = 0;
        let bare = self.shapes.entries.iter().filter(|entry| entry.number.is_none());
        for entry in bare {
            let Some(shape) = self.shapes.shapes.get(entry.shape as usize) else { continue };
            let scope = shape.scope();
            if shape.of == super::definition::Of::Span
                && let Some(source) = self.scopes.get_mut(scope as usize)
                && !source.used
            {
                *source = Source { used: true, number: None, place: locals };
                locals += 1;
            }
        }
    }

    /// Puts the entries into the order of the frame's table: those with definitions by number, then
    /// the others.
    fn place_shapes(&mut self) {
        self.table.clear();
        self.table.extend(0..self.shapes.entries.len() as u32);
        let entries = &mut self.shapes.entries;
        self.table.sort_by_key(|&i| {
            entries.get(i as usize).and_then(|entry| entry.number).unwrap_or(u32::MAX)
        });
        for (place, &i) in self.table.iter().enumerate() {
            if let Some(entry) = entries.get_mut(i as usize) {
                entry.place = place as u32;
                self.used.extend(entry.number.map(|number| (number, Used::Shape)));
            }
        }
    }

    /// Counts the texts that the frame's own definitions refer to.
    fn note_local_uses(&mut self, columns: &Columns) {
        let texts = &mut self.texts;
        let mut uses = |text: Text| {
            texts.uses(text);
            Some(0)
        };
        for (i, _) in self.scopes.iter().enumerate().filter(|(_, source)| source.used) {
            resources::describe_scope(columns, i as u32, &mut uses);
        }
        let own = self.resources.iter().enumerate().filter(|(_, h)| h.used && h.number.is_none());
        for (i, _) in own {
            resources::describe_resource(columns, i as u32, &mut uses);
        }
        for entry in self.shapes.entries.iter().filter(|entry| entry.number.is_none()) {
            if let Some(shape) = self.shapes.shapes.get(entry.shape as usize) {
                shapes::describe(columns, shape, 0, &mut uses);
            }
        }
    }

    /// Sorts what is in use by number and places texts and resources. Returns the number of texts.
    fn place_used(&mut self) -> Result<u32, Repeats> {
        self.used.sort_unstable_by_key(|&(number, _)| number);
        let (mut texts, mut resources) = (0u32, 0u32);
        let mut before = None;
        for &(number, used) in &self.used {
            if before.replace(number) == Some(number) {
                return Err(Repeats);
            }
            match used {
                Used::Text(text) => {
                    self.texts.put(text, texts);
                    texts += 1;
                }
                Used::Resource(resource) => {
                    if let Some(source) = self.resources.get_mut(resource as usize) {
                        source.place = resources;
                    }
                    resources += 1;
                }
                Used::Shape => {}
            }
        }
        let own = self.resources.iter_mut().filter(|source| source.used && source.number.is_none());
        own.for_each(|source| source.place += resources);
        Ok(texts)
    }

    /// Writes the definitions that the frame carries itself.
    fn write_locals(&mut self, columns: &Columns, defined: u32) {
        let texts = &mut self.texts;
        let mut place = |text: Text| match text {
            Text::EMPTY => Some(0),
            text => Some(1 + texts.place(text, defined).0),
        };
        let (scratch, out) = (&mut self.scratch, &mut self.locals);
        let mut put = |out: &mut Vec<u8>, definition: Option<Definition>| {
            scratch.clear();
            definition.iter().for_each(|definition| definition.write(scratch));
            varint(out, scratch.len() as u64);
            out.extend_from_slice(scratch);
        };
        let mut count = 0u64;
        // In the order of their places: scopes by first use, resources by number.
        let mut scopes: Vec<_> = self.scopes.iter().enumerate().filter(|(_, h)| h.used).collect();
        scopes.sort_by_key(|(_, source)| source.place);
        for (i, _) in scopes {
            put(out, resources::describe_scope(columns, i as u32, &mut place));
            count += 1;
        }
        let own = self.resources.iter().enumerate().filter(|(_, h)| h.used && h.number.is_none());
        for (i, _) in own {
            put(out, resources::describe_resource(columns, i as u32, &mut place));
            count += 1;
        }
        for &i in &self.table {
            let Some(entry) = self.shapes.entries.get(i as usize) else { continue };
            let Some(shape) = self.shapes.shapes.get(entry.shape as usize) else { continue };
            if entry.number.is_none() {
                let scope =
                    self.scopes.get(shape.scope() as usize).map_or(0, |source| source.place);
                put(out, shapes::describe(columns, shape, scope, &mut place));
                count += 1;
            }
        }
        scratch.clear();
        varint(scratch, count);
        out.splice(0..0, scratch.iter().copied());
    }

    /// Writes all columns but those of values.
    fn write_rows(&mut self, columns: &Columns) {
        let (out, shapes) = (&mut self.rest, &self.shapes);
        varint(out, self.rows.groups.len() as u64);
        for &(trace, count) in &self.rows.groups {
            varint(out, u64::from(count));
            let id = columns.traces.get(trace as usize).copied().unwrap_or_default();
            self.ids.extend_from_slice(&id.0);
        }
        let place = |entry: u32| {
            u64::from(shapes.entries.get(entry as usize).map_or(0, |entry| entry.place))
        };
        shapes.spans.iter().for_each(|&entry| varint(out, place(entry)));
        if self.resources.iter().filter(|source| source.used).count() > 1 {
            for &row in &self.rows.order {
                let number = columns.spans.resource.get(row as usize).copied().unwrap_or_default();
                let source = self.resources.get(number as usize).copied().unwrap_or_default();
                varint(out, u64::from(source.place));
            }
        }
        self.rows.write_ids(columns, out, &mut self.ids);
        self.rows.write_times(columns, out, &mut self.bits);
        self.write_rare(columns);
    }

    /// Writes counts, events and links: columns that few spans have anything in.
    fn write_rare(&mut self, columns: &Columns) {
        let (out, shapes, s) = (&mut self.rest, &self.shapes, &columns.spans);
        let rows = || {
            let spans = self.rows.order.iter().zip(&shapes.spans);
            spans.map(|(&row, &entry)| (row as usize, shapes.bits(entry)))
        };
        let owners = |bit: u32| rows().filter(move |(_, bits)| bits & bit != 0).map(|(row, _)| row);
        for row in owners(bits::DROPPED) {
            for column in [&s.dropped_attrs, &s.dropped_events, &s.dropped_links] {
                varint(out, u64::from(column.get(row).copied().unwrap_or_default()));
            }
        }
        owners(bits::EVENTS).for_each(|row| varint(out, columns.events_of(row).len() as u64));
        owners(bits::LINKS).for_each(|row| varint(out, columns.links_of(row).len() as u64));
        let place = |entry: u32| {
            u64::from(shapes.entries.get(entry as usize).map_or(0, |entry| entry.place))
        };
        shapes.events.iter().for_each(|&entry| varint(out, place(entry)));
        shapes.links.iter().for_each(|&entry| varint(out, place(entry)));
        for row in owners(bits::EVENTS) {
            let mut before = s.start.get(row).copied().unwrap_or_default();
            for &time in columns.events.time.get(columns.events_of(row)).unwrap_or_default() {
                out.push(self.bits.put_number(time.wrapping_sub(before).cast_signed()));
                before = time;
            }
        }
        let events = owners(bits::EVENTS).flat_map(|row| columns.events_of(row));
        for (i, &entry) in events.zip(&shapes.events) {
            if shapes.bits(entry) & bits::DROPPED != 0 {
                let dropped = columns.events.dropped_attrs.get(i).copied().unwrap_or_default();
                varint(out, u64::from(dropped));
            }
        }
        let links = owners(bits::LINKS).flat_map(|row| columns.links_of(row));
        for (i, &entry) in links.zip(&shapes.links) {
            let l = &columns.links;
            self.ids.extend_from_slice(&l.trace.get(i).copied().unwrap_or_default().0);
            self.ids.extend_from_slice(&l.span.get(i).copied().unwrap_or_default().0);
            if shapes.bits(entry) & bits::DROPPED != 0 {
                varint(out, u64::from(l.dropped_attrs.get(i).copied().unwrap_or_default()));
            }
        }
    }

    /// Puts the parts together.
    fn assemble(&mut self, columns: &Columns) -> Vec<u8> {
        let body = &mut self.body;
        varint(body, self.used.len() as u64);
        let mut lowest = 0;
        for &(number, _) in &self.used {
            varint(body, u64::from(number - lowest));
            lowest = number + 1;
        }
        varint(body, self.texts.literals.len() as u64);
        for &text in &self.texts.literals {
            varint(body, columns.texts.get(text).len() as u64);
        }
        body.extend_from_slice(&self.locals);
        body.extend_from_slice(&self.rest);
        for &text in &self.texts.literals {
            body.extend_from_slice(columns.texts.get(text));
        }
        let packed = zip::compress(body).filter(|packed| packed.len() < body.len());
        let (plain, packed) = match &packed {
            Some(packed) => (&[][..], packed.as_slice()),
            None => (body.as_slice(), &[][..]),
        };
        let (ids, bits) = (self.ids.as_slice(), self.bits.finish());
        Envelope { version: VERSION, ids, bits, plain, packed }.write()
    }
}
