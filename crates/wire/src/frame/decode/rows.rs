//! A frame's rows: spans, events and links.

use super::DecodeLimits;
use super::reader::Reader;
use super::tables::{FrameShape, Tables};
use super::values::Values;
use crate::frame::FrameError;
use crate::frame::definition::{Of, bits};
use crate::frame::encode::{STEPS, UNITS};
use crate::frame::number::BitReader;
use tributary_span::columns::{Attrs, Columns, Text, ValueType};
use tributary_span::{SpanId, TraceId};

const NONE: u32 = u32::MAX;

/// Columns of values that are there in every frame.
const STATES: u32 = 0;
const MESSAGES: u32 = 1;

/// The parts of a payload beside its body.
pub(super) struct Frame<'a> {
    pub(super) ids: &'a [u8],
    pub(super) bits: &'a [u8],
    pub(super) limits: DecodeLimits,
}

/// Which shape each row has.
struct Shapes {
    spans: Vec<u32>,
    events: Vec<u32>,
    links: Vec<u32>,
}

/// Reads all rows into `columns`.
pub(super) fn read(
    frame: &Frame<'_>,
    tables: &Tables,
    mut reader: Reader<'_>,
    columns: &mut Columns,
) -> Result<(), FrameError> {
    let mut ids = Ids { rest: frame.ids };
    let mut bits = BitReader::new(frame.bits);
    let groups = traces(&frame.limits, &mut ids, &mut reader, columns)?;
    let spans = columns.spans.trace.len();
    let mut shapes = Shapes { spans: Vec::new(), events: Vec::new(), links: Vec::new() };
    shapes.spans = shapes_of(tables, Of::Span, spans, &mut reader)?;
    resources(tables, spans, &mut reader, columns)?;
    span_ids(&groups, &mut ids, &mut reader, columns)?;
    times(&groups, &mut reader, &mut bits, columns)?;
    of_shapes(tables, &shapes.spans, columns);
    rare(tables, &mut shapes, &mut ids, &mut reader, &mut bits, columns)?;
    let counts = shapes.counts(frame, tables)?;
    let mut values = Values::read(&counts, tables, columns, &mut reader, &mut bits)?;
    if reader.len() > 0 || !ids.rest.is_empty() {
        return Err(FrameError::Malformed("bytes that belong to nothing"));
    }
    fill(tables, &shapes, &mut values, columns);
    Ok(())
}

/// What is left of the ids.
struct Ids<'a> {
    rest: &'a [u8],
}

impl Ids<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let short = FrameError::Malformed("the ids end early");
        let (id, rest) = self.rest.split_first_chunk::<N>().ok_or(short)?;
        self.rest = rest;
        Ok(*id)
    }
}

/// Reads the traces; returns the number of spans of each.
fn traces(
    limits: &DecodeLimits,
    ids: &mut Ids<'_>,
    reader: &mut Reader<'_>,
    columns: &mut Columns,
) -> Result<Vec<u32>, FrameError> {
    let mut groups = Vec::new();
    let count = reader.count()?;
    reader.numbers(count, usize::MAX, &mut groups)?;
    let spans = groups.iter().fold(0usize, |sum, &n| sum.saturating_add(n as usize));
    if spans > limits.spans {
        return Err(FrameError::TooLarge { what: "spans", limit: limits.spans });
    }
    // Each span has eight bytes among the ids, so what is made for them is bounded by the payload.
    if spans > ids.rest.len() / 8 || groups.contains(&0) {
        return Err(FrameError::Malformed("fewer ids than spans, or a trace without spans"));
    }
    columns.spans.trace.reserve(spans);
    for (trace, &count) in groups.iter().enumerate() {
        let id = TraceId(ids.take()?);
        if id.is_zero() {
            return Err(ZERO);
        }
        columns.traces.push(id);
        columns.spans.trace.extend(std::iter::repeat_n(trace as u32, count as usize));
    }
    Ok(groups)
}

const ZERO: FrameError = FrameError::Malformed("an id of zero");

fn resources(
    tables: &Tables,
    spans: usize,
    reader: &mut Reader<'_>,
    columns: &mut Columns,
) -> Result<(), FrameError> {
    match tables.resources.as_slice() {
        [] if spans > 0 => return Err(FrameError::Malformed("spans without a resource")),
        [] => {}
        [only] => columns.spans.resource.extend(std::iter::repeat_n(*only, spans)),
        several => {
            reader.numbers(spans, several.len(), &mut columns.spans.resource)?;
            for place in &mut columns.spans.resource {
                *place = several.get(*place as usize).copied().unwrap_or_default();
            }
        }
    }
    Ok(())
}

fn span_ids(
    groups: &[u32],
    ids: &mut Ids<'_>,
    reader: &mut Reader<'_>,
    columns: &mut Columns,
) -> Result<(), FrameError> {
    let s = &mut columns.spans;
    let spans = s.trace.len();
    s.id.reserve(spans);
    for _ in 0..spans {
        let id = SpanId(ids.take()?);
        if id.is_zero() {
            return Err(ZERO);
        }
        s.id.push(id);
    }
    let astray = FrameError::Malformed("a parent that is not there");
    s.parent.reserve(spans);
    let mut parent_rows = Vec::with_capacity(spans);
    let mut first = 0;
    for &count in groups {
        for row in first..first + count as usize {
            let (parent, parent_row) = match reader.number()? {
                0 => (SpanId::default(), NONE),
                1 => (SpanId(ids.take()?), NONE),
                _ if row == first => return Err(astray),
                2 => (s.id.get(row - 1).copied().unwrap_or_default(), row as u32 - 1),
                code if code < 2 + STEPS => {
                    let mut at = row - 1;
                    for _ in 3..code {
                        at = parent_rows.get(at).copied().unwrap_or(NONE) as usize;
                    }
                    let parent = s.parent.get(at).copied().ok_or(astray.clone())?;
                    (parent, parent_rows.get(at).copied().unwrap_or(NONE))
                }
                code => {
                    let back = (code - 2 - STEPS) as usize;
                    let at = row.checked_sub(back).filter(|&at| at >= first && at < row);
                    let at = at.ok_or(astray.clone())?;
                    (s.id.get(at).copied().unwrap_or_default(), at as u32)
                }
            };
            s.parent.push(parent);
            parent_rows.push(parent_row);
        }
        first += count as usize;
    }
    Ok(())
}

fn times(
    groups: &[u32],
    reader: &mut Reader<'_>,
    bits: &mut BitReader<'_>,
    columns: &mut Columns,
) -> Result<(), FrameError> {
    let s = &mut columns.spans;
    let units = reader.byte()?;
    let unit = |code: u8| UNITS.get(usize::from(code & 3)).copied().unwrap_or(1);
    let (start_unit, duration_unit) = (unit(units), unit(units >> 2));
    let spans = s.id.len();
    let mut classes = reader.take(spans)?.iter();
    s.start.reserve(spans);
    let mut group_start = 0u64;
    for &count in groups {
        let mut before = group_start;
        for (i, &class) in classes.by_ref().take(count as usize).enumerate() {
            let start = before.wrapping_add(bits.take_number(class)?.cast_unsigned());
            s.start.push(start.wrapping_mul(start_unit));
            before = start;
            if i == 0 {
                group_start = start;
            }
        }
    }
    let classes = reader.take(spans)?;
    s.end.reserve(spans);
    for (&class, start) in classes.iter().zip(&s.start) {
        let duration = bits.take_number(class)?.cast_unsigned().wrapping_mul(duration_unit);
        s.end.push(start.wrapping_add(duration));
    }
    Ok(())
}

/// Fills the columns that follow from the shapes alone.
fn of_shapes(tables: &Tables, spans: &[u32], columns: &mut Columns) {
    let s = &mut columns.spans;
    let shapes = || spans.iter().filter_map(|&shape| tables.shapes.get(shape as usize));
    let spans = spans.len();
    s.scope.reserve(spans);
    s.name.reserve(spans);
    s.kind.reserve(spans);
    s.status_code.reserve(spans);
    s.flags.reserve(spans);
    for shape in shapes() {
        s.scope.push(shape.scope);
        s.name.push(shape.name);
        s.kind.push(shape.kind);
        s.status_code.push(shape.status);
        s.flags.push(shape.flags);
    }
}

/// Reads counts, events and links.
fn rare(
    tables: &Tables,
    shapes: &mut Shapes,
    ids: &mut Ids<'_>,
    reader: &mut Reader<'_>,
    bits: &mut BitReader<'_>,
    columns: &mut Columns,
) -> Result<(), FrameError> {
    let spans = shapes.spans.len();
    let s = &mut columns.spans;
    s.dropped_attrs.resize(spans, 0);
    s.dropped_events.resize(spans, 0);
    s.dropped_links.resize(spans, 0);
    let owners = |bit: u32| {
        let bits = shapes.spans.iter().map(|&shape| bits_of(tables, shape));
        bits.enumerate().filter(move |(_, bits)| bits & bit != 0).map(|(row, _)| row)
    };
    for row in owners(bits::DROPPED) {
        for column in [&mut s.dropped_attrs, &mut s.dropped_events, &mut s.dropped_links] {
            let dropped = reader.number()?;
            column.get_mut(row).into_iter().for_each(|count| *count = dropped);
        }
    }
    let ends = |bit: u32, reader: &mut Reader<'_>| -> Result<Vec<u32>, FrameError> {
        let mut ends = vec![0u32; spans];
        for row in owners(bit) {
            let count = reader.count()? as u32;
            ends.get_mut(row).into_iter().for_each(|end| *end = count);
        }
        let mut total = 0u32;
        for end in &mut ends {
            total = total.checked_add(*end).ok_or(FrameError::Malformed("counts beyond bounds"))?;
            *end = total;
        }
        Ok(ends)
    };
    s.events_end = ends(bits::EVENTS, reader)?;
    s.links_end = ends(bits::LINKS, reader)?;
    let events = s.events_end.last().copied().unwrap_or_default() as usize;
    let links = s.links_end.last().copied().unwrap_or_default() as usize;
    shapes.events = shapes_of(tables, Of::Event, events, reader)?;
    shapes.links = shapes_of(tables, Of::Link, links, reader)?;

    let classes = reader.take(events)?;
    let mut classes = classes.iter();
    for row in 0..spans {
        let range = tributary_span::columns::owned(&s.events_end, row);
        let mut before = s.start.get(row).copied().unwrap_or_default();
        for &class in classes.by_ref().take(range.len()) {
            before = before.wrapping_add(bits.take_number(class)?.cast_unsigned());
            columns.events.time.push(before);
        }
    }
    for &shape in &shapes.events {
        let dropped =
            if bits_of(tables, shape) & bits::DROPPED != 0 { reader.number()? } else { 0 };
        columns.events.dropped_attrs.push(dropped);
        let name = tables.shapes.get(shape as usize).map_or(Text::EMPTY, |shape| shape.name);
        columns.events.name.push(name);
    }
    for &shape in &shapes.links {
        let dropped =
            if bits_of(tables, shape) & bits::DROPPED != 0 { reader.number()? } else { 0 };
        let l = &mut columns.links;
        l.dropped_attrs.push(dropped);
        l.trace.push(TraceId(ids.take()?));
        l.span.push(SpanId(ids.take()?));
        l.flags.push(tables.shapes.get(shape as usize).map_or(0, |shape| shape.flags));
    }
    Ok(())
}

fn bits_of(tables: &Tables, shape: u32) -> u32 {
    tables.shapes.get(shape as usize).map_or(0, |shape| shape.bits)
}

/// Reads a column of shapes, which must all be of the same owners.
fn shapes_of(
    tables: &Tables,
    of: Of,
    count: usize,
    reader: &mut Reader<'_>,
) -> Result<Vec<u32>, FrameError> {
    let mut shapes = Vec::new();
    reader.numbers(count, tables.shapes.len(), &mut shapes)?;
    let fits = |&shape: &u32| tables.shapes.get(shape as usize).is_some_and(|s| s.of == of);
    if shapes.iter().all(fits) {
        Ok(shapes)
    } else {
        Err(FrameError::Malformed("a shape of another owner"))
    }
}

impl Shapes {
    /// How many values each column has. Proves as well that the columns to come are within the
    /// frame's limit: a shape may have more attributes than a span has bytes.
    fn counts(&self, frame: &Frame<'_>, tables: &Tables) -> Result<Vec<usize>, FrameError> {
        const ATTR: usize = 13;
        let mut used = vec![0usize; tables.shapes.len()];
        let all = [&self.spans, &self.events, &self.links];
        for &shape in all.into_iter().flatten() {
            used.get_mut(shape as usize).into_iter().for_each(|count| *count += 1);
        }
        let mut counts = vec![0usize; tables.columns.len()];
        let mut attrs = 0usize;
        let mut add = |column: u32, used: usize| {
            counts.get_mut(column as usize).into_iter().for_each(|count| *count += used);
        };
        for (&used, shape) in used.iter().zip(&tables.shapes) {
            attrs = attrs.saturating_add(used.saturating_mul(shape.attrs.len()));
            let holes = tables.holes.get(shape.holes.clone()).unwrap_or_default();
            holes.iter().for_each(|hole| add(hole.column, used));
            if shape.bits & bits::TRACE_STATE != 0 && shape.of != Of::Event {
                add(STATES, used);
            }
            if shape.bits & bits::STATUS_MESSAGE != 0 && shape.of == Of::Span {
                add(MESSAGES, used);
            }
        }
        let limit = frame.limits.bytes;
        if attrs.saturating_mul(ATTR) > limit {
            return Err(FrameError::TooLarge { what: "bytes", limit });
        }
        Ok(counts)
    }
}

/// Fills the columns that take values: row by row, each row's events and links after it.
fn fill(tables: &Tables, shapes: &Shapes, values: &mut Values, columns: &mut Columns) {
    let spans = shapes.spans.len();
    let (mut events, mut links) = (shapes.events.iter(), shapes.links.iter());
    let s = &mut columns.spans;
    s.trace_state.resize(spans, Text::EMPTY);
    s.status_message.resize(spans, Text::EMPTY);
    s.attrs_end.reserve(spans);
    for (row, &shape) in shapes.spans.iter().enumerate() {
        let Some(shape) = tables.shapes.get(shape as usize) else { continue };
        let s = &mut columns.spans;
        attrs(tables, shape, values, &mut columns.span_attrs);
        s.attrs_end.push(columns.span_attrs.len() as u32);
        if shape.bits == 0 {
            continue;
        }
        let text = |values: &mut Values, column: u32| Text(values.take(column) as u32);
        if shape.bits & bits::TRACE_STATE != 0 {
            let state = text(values, STATES);
            s.trace_state.get_mut(row).into_iter().for_each(|slot| *slot = state);
        }
        if shape.bits & bits::STATUS_MESSAGE != 0 {
            let message = text(values, MESSAGES);
            s.status_message.get_mut(row).into_iter().for_each(|slot| *slot = message);
        }
        let owned = |ends: &[u32]| tributary_span::columns::owned(ends, row).len();
        for &event in events.by_ref().take(owned(&s.events_end)) {
            let Some(event) = tables.shapes.get(event as usize) else { continue };
            attrs(tables, event, values, &mut columns.event_attrs);
            columns.events.attrs_end.push(columns.event_attrs.len() as u32);
        }
        for &link in links.by_ref().take(owned(&s.links_end)) {
            let Some(link) = tables.shapes.get(link as usize) else { continue };
            attrs(tables, link, values, &mut columns.link_attrs);
            columns.links.attrs_end.push(columns.link_attrs.len() as u32);
            let with_state = link.bits & bits::TRACE_STATE != 0;
            let state = if with_state { text(values, STATES) } else { Text::EMPTY };
            columns.links.trace_state.push(state);
        }
    }
}

/// Appends the attributes of one row.
#[inline]
fn attrs(tables: &Tables, shape: &FrameShape, values: &mut Values, out: &mut Attrs) {
    let from = out.len();
    let range = shape.attrs.clone();
    out.key.extend_from_slice(tables.attrs.key.get(range.clone()).unwrap_or_default());
    out.value_type
        .extend_from_slice(tables.attrs.value_type.get(range.clone()).unwrap_or_default());
    out.value.extend_from_slice(tables.attrs.value.get(range).unwrap_or_default());
    for hole in tables.holes.get(shape.holes.clone()).unwrap_or_default() {
        debug_assert_ne!(tables.columns.get(hole.column as usize), Some(&ValueType::Empty));
        let value = values.take(hole.column);
        out.value.get_mut(from + hole.slot as usize).into_iter().for_each(|slot| *slot = value);
    }
}
