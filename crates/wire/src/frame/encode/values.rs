//! Values that no template says, in columns: those of one key and type side by side.

use super::shapes::{BatchShapes, Entry, table};
use super::texts::BatchTexts;
use crate::frame::definition::bits;
use crate::frame::number::BitWriter;
use crate::frame::values::{Mode, cost};
use hashbrown::HashMap;
use std::ops::Range;
use tributary_span::columns::{Columns, Text, ValueType, owned};
use tributary_span::protobuf::put::varint;

/// Column of trace states.
const STATES: usize = 0;
/// Column of status messages.
const MESSAGES: usize = 1;

#[derive(Debug)]
struct Column {
    value_type: ValueType,
    values: Vec<u64>,
}

/// The columns of one frame.
#[derive(Debug, Default)]
pub(super) struct Values {
    columns: Vec<Column>,
    /// Columns in use; the others are there for their memory.
    len: usize,
    by_key: HashMap<(Text, u8), u32>,
    /// Slots of entries that have values here, and their columns.
    holes: Vec<(u32, u32)>,
    /// Those of each entry.
    of_entry: Vec<Range<usize>>,
}

impl Values {
    /// Makes a column for each key and type of a hole, in the order of the frame's table of shapes.
    pub(super) fn start(&mut self, columns: &Columns, shapes: &BatchShapes, table_order: &[u32]) {
        self.columns.iter_mut().for_each(|column| column.values.clear());
        self.len = 0;
        self.by_key.clear();
        self.holes.clear();
        self.of_entry.clear();
        self.of_entry.resize(shapes.entries.len(), 0..0);
        self.column(ValueType::Str);
        self.column(ValueType::Str);
        for &entry in table_order {
            let from = self.holes.len();
            if let Some(entry) = shapes.entries.get(entry as usize) {
                self.holes_of(columns, shapes, entry);
            }
            if let Some(range) = self.of_entry.get_mut(entry as usize) {
                *range = from..self.holes.len();
            }
        }
    }

    fn holes_of(&mut self, columns: &Columns, shapes: &BatchShapes, entry: &Entry) {
        let Some(shape) = shapes.shapes.get(entry.shape as usize) else { return };
        for (slot, attr) in table(columns, shape.of).range(shape.attrs()).enumerate() {
            let fixed = slot < 64 && entry.fixed & 1 << slot != 0;
            if fixed || attr.value_type == ValueType::Empty {
                continue;
            }
            let key = (attr.key, attr.value_type as u8);
            let column = match self.by_key.get(&key) {
                Some(&column) => column,
                None => {
                    let column = self.column(attr.value_type);
                    self.by_key.insert(key, column);
                    column
                }
            };
            self.holes.push((slot as u32, column));
        }
    }

    fn column(&mut self, value_type: ValueType) -> u32 {
        match self.columns.get_mut(self.len) {
            Some(column) => column.value_type = value_type,
            None => self.columns.push(Column { value_type, values: Vec::new() }),
        }
        self.len += 1;
        self.len as u32 - 1
    }

    /// Puts all values into their columns, row by row, each row's events and links after it.
    pub(super) fn fill(
        &mut self,
        columns: &Columns,
        shapes: &BatchShapes,
        order: &[u32],
        texts: &mut BatchTexts,
    ) {
        let mut events = shapes.events.iter();
        let mut links = shapes.links.iter();
        for (&row, &entry) in order.iter().zip(&shapes.spans) {
            let row = row as usize;
            let attrs = owned(&columns.spans.attrs_end, row);
            self.fill_holes(entry, columns.span_attrs.value.get(attrs), texts);
            let bits = shapes.bits(entry);
            if bits == 0 {
                continue;
            }
            if bits & bits::TRACE_STATE != 0 {
                self.text(STATES, columns.spans.trace_state.get(row), texts);
            }
            if bits & bits::STATUS_MESSAGE != 0 {
                self.text(MESSAGES, columns.spans.status_message.get(row), texts);
            }
            if bits & bits::EVENTS != 0 {
                for (i, &entry) in columns.events_of(row).zip(events.by_ref()) {
                    let attrs = owned(&columns.events.attrs_end, i);
                    self.fill_holes(entry, columns.event_attrs.value.get(attrs), texts);
                }
            }
            if bits & bits::LINKS != 0 {
                for (i, &entry) in columns.links_of(row).zip(links.by_ref()) {
                    let attrs = owned(&columns.links.attrs_end, i);
                    self.fill_holes(entry, columns.link_attrs.value.get(attrs), texts);
                    if shapes.bits(entry) & bits::TRACE_STATE != 0 {
                        self.text(STATES, columns.links.trace_state.get(i), texts);
                    }
                }
            }
        }
    }

    #[inline]
    fn fill_holes(&mut self, entry: u32, values: Option<&[u64]>, texts: &mut BatchTexts) {
        let values = values.unwrap_or_default();
        let range = self.of_entry.get(entry as usize).cloned().unwrap_or_default();
        for &(slot, column) in self.holes.get(range).unwrap_or_default() {
            let value = values.get(slot as usize).copied().unwrap_or_default();
            if let Some(column) = self.columns.get_mut(column as usize) {
                column.values.push(value);
                if column.value_type.is_text() {
                    texts.uses(Text(value as u32));
                }
            }
        }
    }

    fn text(&mut self, column: usize, text: Option<&Text>, texts: &mut BatchTexts) {
        let text = text.copied().unwrap_or_default();
        texts.uses(text);
        if let Some(column) = self.columns.get_mut(column) {
            column.values.push(u64::from(text.0));
        }
    }

    /// Appends the columns. `defined` is the number of texts in the frame that have definitions.
    pub(super) fn write(
        &self,
        texts: &mut BatchTexts,
        defined: u32,
        body: &mut Vec<u8>,
        bits: &mut BitWriter,
    ) {
        for column in self.columns.iter().take(self.len) {
            match column.value_type {
                ValueType::Empty => {}
                ValueType::Str | ValueType::Bytes | ValueType::Any => {
                    for &value in &column.values {
                        let code = match Text(value as u32) {
                            Text::EMPTY => 0,
                            text => match texts.place(text, defined) {
                                (_, true) => 1,
                                (place, false) => 2 + place,
                            },
                        };
                        varint(body, u64::from(code));
                    }
                }
                ValueType::Bool => body.extend(column.values.iter().map(|&value| value as u8 & 1)),
                ValueType::Int => {
                    if column.values.is_empty() {
                        continue;
                    }
                    let values = column.values.iter().map(|value| value.cast_signed());
                    let mode = cost(values.clone());
                    body.push(mode as u8);
                    let mut before = 0i64;
                    for value in values {
                        let number = match mode {
                            Mode::Plain => value,
                            Mode::Delta => value.wrapping_sub(before),
                        };
                        body.push(bits.put_number(number));
                        before = value;
                    }
                }
                ValueType::Double => {
                    for &value in &column.values {
                        // Trailing zero bytes of round numbers are left out.
                        let bytes = 8 - value.trailing_zeros().min(64) / 8;
                        body.push(bytes as u8);
                        if bytes > 0 {
                            bits.put(value >> (64 - 8 * bytes), 8 * bytes);
                        }
                    }
                }
            }
        }
    }
}
