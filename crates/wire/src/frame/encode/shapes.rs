//! What the spans of a batch have in common: shapes, and templates that fix some of their values.
//!
//! A shape is all of a span but its ids, times and values; the dictionary learns which values of
//! a shape hardly change, and templates say those in advance. Both are found by comparing rows of
//! the batch at hand with each other, and only once a batch with what earlier batches held.

use super::dictionary::{Dictionary, fingerprint};
use super::learn::{Learned, MAX_SLOTS};
use super::texts::BatchTexts;
use crate::frame::definition::{self, Definition, Of, Shape, Slot, bits};
use hashbrown::HashTable;
use std::ops::Range;
use tributary_span::columns::{Attrs, Columns, Text, ValueType, owned};

const NONE: u32 = u32::MAX;

/// A shape as it occurs in the batch.
#[derive(Debug)]
pub(super) struct BatchShape {
    pub(super) of: Of,
    /// Everything but the attributes, packed for comparison.
    head: [u64; 3],
    /// Attributes of its first span (event, link) in their table.
    attrs: Range<usize>,
    count: u32,
    /// Number of its definition, if it has one.
    number: Option<u32>,
    /// What is known of its values.
    learned: usize,
    /// Slots that templates of it fix, as a mask.
    fixed: u64,
    /// The entry that stands for it, once one is needed.
    entry: u32,
}

/// A shape and values for its fixed slots, as they occur in the batch.
#[derive(Debug)]
struct BatchTemplate {
    shape: u32,
    /// Place of the first attribute of its first span.
    attrs: usize,
    count: u32,
    entry: u32,
}

/// What a row of the frame refers to.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) shape: u32,
    /// Slots whose values the entry says.
    pub(super) fixed: u64,
    /// Number of the definition; `None` for a shape that the frame itself carries.
    pub(super) number: Option<u32>,
    /// Place in the frame's table of shapes.
    pub(super) place: u32,
}

#[derive(Debug, Default)]
pub(super) struct BatchShapes {
    table: HashTable<(u64, u32)>,
    pub(super) shapes: Vec<BatchShape>,
    template_table: HashTable<(u64, u32)>,
    templates: Vec<BatchTemplate>,
    pub(super) entries: Vec<Entry>,
    /// Entry of each span, event and link, in the order of the frame.
    pub(super) spans: Vec<u32>,
    pub(super) events: Vec<u32>,
    pub(super) links: Vec<u32>,
    definition: Vec<u8>,
}

/// What resolving against the dictionary needs.
pub(super) struct Context<'a> {
    pub(super) columns: &'a Columns,
    pub(super) dictionary: &'a mut Dictionary,
    pub(super) texts: &'a mut BatchTexts,
    pub(super) learned: &'a mut Learned,
}

fn pick<T: Copy + Default>(column: &[T], row: usize) -> T {
    column.get(row).copied().unwrap_or_default()
}

/// The table that attributes of such an owner stand in.
pub(super) fn table(columns: &Columns, of: Of) -> &Attrs {
    match of {
        Of::Span => &columns.span_attrs,
        Of::Event => &columns.event_attrs,
        Of::Link => &columns.link_attrs,
    }
}

fn pack(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// The bits of a span: which rare columns have something to say about it.
#[inline]
fn span_bits(columns: &Columns, row: usize) -> u32 {
    let s = &columns.spans;
    let dropped =
        pick(&s.dropped_attrs, row) | pick(&s.dropped_events, row) | pick(&s.dropped_links, row);
    let flag = |set: bool, bit: u32| if set { bit } else { 0 };
    flag(!pick(&s.trace_state, row).is_empty(), bits::TRACE_STATE)
        | flag(!pick(&s.status_message, row).is_empty(), bits::STATUS_MESSAGE)
        | flag(dropped != 0, bits::DROPPED)
        | flag(!columns.events_of(row).is_empty(), bits::EVENTS)
        | flag(!columns.links_of(row).is_empty(), bits::LINKS)
}

#[inline]
fn mix(hash: u64, value: u64) -> u64 {
    let product = u128::from(hash ^ value) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

impl BatchShapes {
    /// Finds the entry of each span, event and link of the batch; rows in the given order.
    pub(super) fn assign(&mut self, order: &[u32], context: &mut Context<'_>) {
        self.table.clear();
        self.shapes.clear();
        self.template_table.clear();
        self.templates.clear();
        self.entries.clear();
        self.spans.clear();
        self.events.clear();
        self.links.clear();
        let columns = context.columns;
        for &row in order {
            self.group(columns, row as usize);
        }
        let mut learning = false;
        for i in 0..self.shapes.len() {
            learning |= self.resolve(i, context);
        }
        if learning {
            self.learn(order, context);
        }
        self.fix(order, context);
        for i in 0..self.templates.len() {
            self.resolve_template(i, context);
        }
        for span in &mut self.spans {
            if let Some(template) = self.templates.get(*span as usize) {
                *span = template.entry;
            }
        }
        let (mut events, mut links) =
            (std::mem::take(&mut self.events), std::mem::take(&mut self.links));
        events.iter_mut().chain(&mut links).for_each(|shape| *shape = self.generic(*shape));
        (self.events, self.links) = (events, links);
    }

    /// Notes the shapes of a span and of what it owns.
    #[inline]
    fn group(&mut self, columns: &Columns, row: usize) {
        let s = &columns.spans;
        let bits = span_bits(columns, row);
        let head = [
            pack(pick(&s.name, row).0, pick(&s.scope, row)),
            pack(pick(&s.kind, row).cast_unsigned(), pick(&s.status_code, row).cast_unsigned()),
            pack(pick(&s.flags, row), bits),
        ];
        let shape = self.find(columns, Of::Span, head, owned(&s.attrs_end, row));
        self.spans.push(shape);
        if bits & bits::EVENTS != 0 {
            for i in columns.events_of(row) {
                let dropped = pick(&columns.events.dropped_attrs, i) != 0;
                let bits = if dropped { bits::DROPPED } else { 0 };
                let head = [u64::from(pick(&columns.events.name, i).0), 0, pack(0, bits)];
                let range = owned(&columns.events.attrs_end, i);
                let shape = self.find(columns, Of::Event, head, range);
                self.events.push(shape);
            }
        }
        if bits & bits::LINKS != 0 {
            for i in columns.links_of(row) {
                let l = &columns.links;
                let dropped = if pick(&l.dropped_attrs, i) != 0 { bits::DROPPED } else { 0 };
                let state = if pick(&l.trace_state, i).is_empty() { 0 } else { bits::TRACE_STATE };
                let head = [0, 0, pack(pick(&l.flags, i), dropped | state)];
                let shape = self.find(columns, Of::Link, head, owned(&l.attrs_end, i));
                self.links.push(shape);
            }
        }
    }

    #[inline]
    fn find(&mut self, columns: &Columns, of: Of, head: [u64; 3], attrs: Range<usize>) -> u32 {
        let attributes = table(columns, of);
        let keys = attributes.key.get(attrs.clone()).unwrap_or_default();
        let types = attributes.value_type.get(attrs.clone()).unwrap_or_default();
        let mut hash = head.iter().fold(of as u64, |hash, &n| mix(hash, n));
        for (key, value_type) in keys.iter().zip(types) {
            hash = mix(hash, pack(key.0, *value_type as u32));
        }
        let shapes = &self.shapes;
        let same = |&(_, i): &(u64, u32)| {
            shapes.get(i as usize).is_some_and(|shape| {
                shape.head == head
                    && shape.of == of
                    && attributes.key.get(shape.attrs.clone()) == Some(keys)
                    && attributes.value_type.get(shape.attrs.clone()) == Some(types)
            })
        };
        let found = match self.table.find(hash, same) {
            Some(&(_, found)) => found,
            None => {
                let new = self.shapes.len() as u32;
                self.shapes.push(BatchShape {
                    of,
                    head,
                    attrs,
                    count: 0,
                    number: None,
                    learned: usize::MAX,
                    fixed: 0,
                    entry: NONE,
                });
                self.table.insert_unique(hash, (hash, new), |&(hash, _)| hash);
                new
            }
        };
        if let Some(shape) = self.shapes.get_mut(found as usize) {
            shape.count += 1;
        }
        found
    }

    /// Looks a shape up in the dictionary, or defines it. Returns whether its values are still to be
    /// learned.
    fn resolve(&mut self, i: usize, context: &mut Context<'_>) -> bool {
        let Some(shape) = self.shapes.get_mut(i) else { return false };
        let add = context.dictionary.roomy() || shape.count > 1 || {
            let seen = content(context, shape);
            context.dictionary.sightings(seen) > 0
        };
        shape.number = define(context, shape, add, &mut self.definition);
        let Some(number) = shape.number else { return false };
        if shape.of != Of::Span || shape.attrs.len() > MAX_SLOTS {
            return false;
        }
        shape.learned = context.learned.of_shape(number, shape.attrs.len());
        let Some(learned) = context.learned.get(shape.learned) else { return false };
        shape.fixed = learned.fixed;
        learned.is_learning()
    }

    /// Shows the values of the batch to what is learned about its shapes.
    fn learn(&mut self, order: &[u32], context: &mut Context<'_>) {
        let columns = context.columns;
        for (&row, &shape) in order.iter().zip(&self.spans) {
            let Some(shape) = self.shapes.get(shape as usize) else { continue };
            let Some(learned) = context.learned.get_mut(shape.learned) else { continue };
            if learned.is_learning() {
                let range = owned(&columns.spans.attrs_end, row as usize);
                let prints = columns.span_attrs.range(range).map(|attr| match attr.value_type {
                    ValueType::Str | ValueType::Bytes | ValueType::Any => {
                        fingerprint(columns.texts.get(attr.text()))
                    }
                    _ => mix(7, attr.value),
                });
                learned.see(prints);
            }
        }
        for shape in &mut self.shapes {
            if let Some(learned) = context.learned.get_mut(shape.learned) {
                shape.fixed = learned.decide();
            }
        }
    }

    /// Turns the spans' shapes into templates, or (above all templates' numbers) entries.
    fn fix(&mut self, order: &[u32], context: &mut Context<'_>) {
        let columns = context.columns;
        let values = columns.span_attrs.value.as_slice();
        for at in 0..self.spans.len() {
            let (Some(&number), Some(&row)) = (self.spans.get(at), order.get(at)) else { break };
            let Some(shape) = self.shapes.get(number as usize) else { continue };
            let attrs = owned(&columns.spans.attrs_end, row as usize);
            let own = values.get(attrs.clone()).unwrap_or_default();
            let fixed = shape.fixed;
            let hash = ones(fixed).fold(u64::from(number), |hash, slot| mix(hash, pick(own, slot)));
            let templates = &self.templates;
            let same = |&(_, i): &(u64, u32)| {
                templates.get(i as usize).is_some_and(|template| {
                    let others = values.get(template.attrs..).unwrap_or_default();
                    template.shape == number
                        && ones(fixed).all(|slot| others.get(slot) == own.get(slot))
                })
            };
            let found = match self.template_table.find(hash, same) {
                Some(&(_, found)) => found,
                None => {
                    let new = self.templates.len() as u32;
                    let template =
                        BatchTemplate { shape: number, attrs: attrs.start, count: 0, entry: NONE };
                    self.templates.push(template);
                    self.template_table.insert_unique(hash, (hash, new), |&(hash, _)| hash);
                    new
                }
            };
            if let Some(template) = self.templates.get_mut(found as usize) {
                template.count += 1;
            }
            if let Some(span) = self.spans.get_mut(at) {
                *span = found;
            }
        }
    }

    /// Finds the entry of a template: a definition of its own, or that of its shape.
    fn resolve_template(&mut self, i: usize, context: &mut Context<'_>) {
        let Some(template) = self.templates.get(i) else { return };
        let Some(shape) = self.shapes.get(template.shape as usize) else { return };
        let number = match shape.number {
            Some(base) if shape.fixed != 0 => {
                define_template(context, base, shape, template, &mut self.definition)
            }
            _ => None,
        };
        let (of, fixed) = (template.shape, shape.fixed);
        let entry = match number {
            None => self.generic(of),
            Some(_) => {
                self.entries.push(Entry { shape: of, fixed, number, place: NONE });
                self.entries.len() as u32 - 1
            }
        };
        if let Some(template) = self.templates.get_mut(i) {
            template.entry = entry;
        }
    }

    /// The bits of an entry's shape.
    #[inline]
    pub(super) fn bits(&self, entry: u32) -> u32 {
        let entry = self.entries.get(entry as usize);
        entry.and_then(|e| self.shapes.get(e.shape as usize)).map_or(0, BatchShape::bits)
    }

    /// The entry of a shape none of whose values are fixed.
    fn generic(&mut self, shape: u32) -> u32 {
        let next = self.entries.len() as u32;
        let Some(found) = self.shapes.get_mut(shape as usize) else { return NONE };
        if found.entry == NONE {
            found.entry = next;
            self.entries.push(Entry { shape, fixed: 0, number: found.number, place: NONE });
        }
        found.entry
    }
}

/// Places of the bits that are set.
#[inline]
pub(super) fn ones(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = mask.trailing_zeros() as usize;
        mask &= mask.wrapping_sub(1);
        (place < 64).then_some(place)
    })
}

/// A shape's definition, its refs made by `text`, its scope's number by `scope`.
pub(super) fn describe(
    columns: &Columns,
    shape: &BatchShape,
    scope: u32,
    mut text: impl FnMut(Text) -> Option<u32>,
) -> Option<Definition> {
    let [names, kinds, rest] = shape.head;
    let mut slots = Vec::with_capacity(shape.attrs.len());
    for attr in table(columns, shape.of).range(shape.attrs.clone()) {
        slots.push(Slot { key: text(attr.key)?, value_type: attr.value_type, value: 0 });
    }
    Some(Definition::Shape(Shape {
        of: shape.of,
        bits: (rest >> 32) as u32,
        scope,
        name: text(Text(names as u32))?,
        kind: (kinds as u32).cast_signed(),
        status: ((kinds >> 32) as u32).cast_signed(),
        flags: rest as u32,
        slots,
    }))
}

impl BatchShape {
    /// The scope's number in the batch.
    pub(super) fn scope(&self) -> u32 {
        self.head.first().map_or(0, |names| (names >> 32) as u32)
    }

    /// Attributes of the first that has the shape.
    pub(super) fn attrs(&self) -> Range<usize> {
        self.attrs.clone()
    }

    pub(super) fn bits(&self) -> u32 {
        self.head.last().map_or(0, |rest| (rest >> 32) as u32)
    }
}

/// A fingerprint of the shape that is the same in every batch.
fn content(context: &Context<'_>, shape: &BatchShape) -> u64 {
    let columns = context.columns;
    let [names, kinds, rest] = shape.head;
    let print = |text: Text| fingerprint(columns.texts.get(text));
    let head = mix(mix(print(Text(names as u32)), kinds), rest);
    table(columns, shape.of)
        .range(shape.attrs.clone())
        .fold(head, |hash, attr| mix(hash, print(attr.key) ^ attr.value_type as u64))
}

fn define(
    context: &mut Context<'_>,
    shape: &BatchShape,
    add: bool,
    out: &mut Vec<u8>,
) -> Option<u32> {
    let Context { columns, dictionary, texts, .. } = context;
    let scope = match shape.of {
        Of::Span => super::resources::scope(columns, dictionary, texts, shape.scope(), add, out)?,
        _ => 0,
    };
    let definition =
        describe(columns, shape, scope, |text| texts.reference(dictionary, columns, text, add))?;
    out.clear();
    definition.write(out);
    if add { dictionary.find_or_add(out) } else { dictionary.find(out) }
}

fn define_template(
    context: &mut Context<'_>,
    base: u32,
    shape: &BatchShape,
    template: &BatchTemplate,
    out: &mut Vec<u8>,
) -> Option<u32> {
    let columns = context.columns;
    let attrs = columns.span_attrs.range(template.attrs..template.attrs + shape.attrs.len());
    let fixed = || ones(shape.fixed).filter_map(|slot| attrs.clone().nth(slot));
    let values = |context: &mut Context<'_>, add: bool| -> Option<Vec<u64>> {
        let Context { columns, dictionary, texts, .. } = context;
        let mut values = Vec::with_capacity(shape.fixed.count_ones() as usize);
        for attr in fixed() {
            let value = match attr.value_type {
                ValueType::Str | ValueType::Bytes | ValueType::Any => {
                    u64::from(texts.reference(dictionary, columns, attr.text(), add)?)
                }
                _ => attr.value,
            };
            values.push(definition::on_wire(attr.value_type, value));
        }
        Some(values)
    };
    let write = |values, out: &mut Vec<u8>| {
        out.clear();
        Definition::Template { base, fixed: shape.fixed, values }.write(out);
    };
    if let Some(known) = values(context, false) {
        write(known, out);
        if let Some(found) = context.dictionary.find(out) {
            return Some(found);
        }
    }
    let print = |attr: tributary_span::columns::Attr| match attr.value_type {
        ValueType::Str | ValueType::Bytes | ValueType::Any => {
            fingerprint(columns.texts.get(attr.text()))
        }
        _ => attr.value,
    };
    let content = fixed().fold(mix(u64::from(base), shape.fixed), |hash, a| mix(hash, print(a)));
    if template.count < 2 && context.dictionary.sightings(content) == 0 {
        return None;
    }
    write(values(context, true)?, out);
    let found = context.dictionary.find_or_add(out)?;
    if let Some(learned) = context.learned.get_mut(shape.learned) {
        learned.defined(fixed().map(print));
    }
    Some(found)
}
