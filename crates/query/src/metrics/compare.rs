//! `compare()`: how often values of all attributes occur among some spans, and among the others.

use super::compared::{Slot, slot_of};
use super::counters::Counters;
use super::distinct::{Distinct, element_count};
use super::grid::Grid;
use super::labels::Key;
use super::steps::Steps;
use crate::answer::Label;
use crate::chunk::{Bits, Chunk, ChunkError, Field, Held, Level, NONE, Types};
use crate::eval::{EvalError, element_of, filter};
use std::collections::HashMap;
use tributary_traceql::ast::{FieldExpr, Intrinsic, Scope};

/// Intrinsics that are compared: those of which one value may stand for many spans.
const INTRINSICS: [Intrinsic; 8] = [
    Intrinsic::Name,
    Intrinsic::Kind,
    Intrinsic::Status,
    Intrinsic::StatusMessage,
    Intrinsic::RootName,
    Intrinsic::RootService,
    Intrinsic::ScopeName,
    Intrinsic::ScopeVersion,
];

/// Spans that count: for each its slot, [`NONE`] for those that do not.
struct Spans {
    slots: Vec<Slot>,
    /// The same by element of the levels above: element, slot, and how many spans.
    above: HashMap<Level, Vec<(u32, Slot, u64)>>,
}

/// Adds the spans: each attribute's values, for those that are selected and for the others.
pub(super) fn evaluate(
    chunk: &dyn Chunk,
    spans: &Bits,
    (selection, range): (&FieldExpr, Option<(i64, i64)>),
    grid: Grid,
    counters: &mut Counters,
) -> Result<(), EvalError> {
    let starts = chunk.column(&Field::SpanStart, Types::ALL)?;
    let selected = filter(chunk, selection, spans)?;
    let mut slots = vec![NONE; spans.len()];
    for span in spans.ones() {
        let at = starts.int(span);
        let Some(step) = grid.step_of(at.cast_unsigned()) else { continue };
        let within = range.is_none_or(|(start, end)| at >= start && at < end);
        if let Some(slot) = slots.get_mut(span) {
            *slot = slot_of(step, selected.has(span) && within);
        }
    }
    if slots.iter().all(|slot| *slot == NONE) {
        return Ok(());
    }
    let mut spans = Spans { slots, above: HashMap::new() };
    let named = [Scope::Resource, Scope::Span]
        .into_iter()
        .map(|scope| Ok::<_, EvalError>((scope, chunk.keys(scope)?)))
        .collect::<Result<Vec<_>, _>>()?;
    let named = named
        .iter()
        .flat_map(|(scope, keys)| keys.iter().map(|key| Field::Named(*scope, key.clone())));
    let fields: Vec<Field> = INTRINSICS.into_iter().map(Field::Intrinsic).chain(named).collect();
    // All that is missing is asked for at once, since each time it is begun from the start.
    let mut needs = Vec::new();
    for field in &fields {
        match chunk.held(field) {
            Ok(held) if needs.is_empty() => of_field(chunk, field, &held, &mut spans, counters),
            Ok(_) => {}
            Err(ChunkError::Needs(more)) => needs.extend(more),
            Err(error) => return Err(error.into()),
        }
    }
    counters.compared.bound();
    if needs.is_empty() { Ok(()) } else { Err(ChunkError::Needs(needs).into()) }
}

fn name(field: &Field) -> String {
    match field {
        Field::Named(scope, key) => format!("{}.{key}", scope.name()),
        Field::Intrinsic(intrinsic) => intrinsic.label().to_owned(),
        Field::OtherServiceNames | Field::SpanStart | Field::TraceStart => String::new(),
    }
}

fn of_field(
    chunk: &dyn Chunk,
    field: &Field,
    held: &Held,
    spans: &mut Spans,
    counters: &mut Counters,
) {
    let mut distinct = Distinct::counted();
    let elements = held.elements.as_ref();
    let len = elements.map_or_else(|| element_count(chunk, field), Vec::len);
    let numbers = distinct.of_column(&held.column, len);
    let labels = distinct.labels();
    if labels.is_empty() {
        return;
    }
    let to = counters.compared.attribute(name(field));
    match (field.level(), elements) {
        (Level::Span, None) => {
            let all = numbers.iter().zip(&spans.slots);
            to.add(labels, all.map(|(number, slot)| (*number, *slot, 1)));
        }
        (Level::Span, Some(elements)) => {
            let slot = |span: &u32| spans.slots.get(*span as usize).copied().unwrap_or(NONE);
            let all = numbers.iter().zip(elements);
            to.add(labels, all.map(|(number, span)| (*number, slot(span), 1)));
        }
        (_, elements) => {
            // The place among the numbers of each element that has one.
            let place = |element: u32| match elements {
                Some(elements) => elements.binary_search(&element).ok(),
                None => Some(element as usize),
            };
            let number = |element| {
                place(element).and_then(|place| numbers.get(place)).copied().unwrap_or(NONE)
            };
            let all = spans.above(chunk, field).iter();
            to.add(labels, all.map(|(element, slot, n)| (number(*element), *slot, *n)));
        }
    }
}

impl Spans {
    /// The spans by element of a field's level, which is one above theirs.
    fn above(&mut self, chunk: &dyn Chunk, field: &Field) -> &[(u32, Slot, u64)] {
        let slots = &self.slots;
        self.above.entry(field.level()).or_insert_with(|| {
            let mut all: Vec<(u32, Slot, u64)> = Vec::new();
            let counted = slots.iter().enumerate().filter(|(_, slot)| **slot != NONE);
            for (span, &slot) in counted {
                let element = element_of(chunk, field, span).and_then(|n| u32::try_from(n).ok());
                let Some(element) = element else { continue };
                match all.last_mut() {
                    Some((last, of, n)) if (*last, *of) == (element, slot) => *n += 1,
                    _ => all.push((element, slot, 1)),
                }
            }
            all
        })
    }
}

/// Series of the most frequent values of each attribute, and of the totals.
#[expect(clippy::cast_precision_loss, reason = "numbers of spans")]
pub(super) fn series(counters: &Counters, top: usize, grid: Grid) -> Vec<Steps> {
    let sides = [false, true].into_iter().flat_map(|is_selected| {
        counters.compared.attributes().map(move |(name, all)| (is_selected, name, all))
    });
    let mut all = Vec::new();
    for (is_selected, name, attribute) in sides {
        let side = attribute.side(is_selected, grid.steps());
        if side.total.iter().all(|n| *n == 0) {
            continue;
        }
        let kind = if is_selected { "selection" } else { "baseline" };
        let meta = |kind: &str| ("__meta_type".to_owned(), Label::Str(kind.to_owned()));
        let floats = |counts: &[u64]| counts.iter().map(|n| Some(*n as f64)).collect();
        let nil = Label::Str("nil".to_owned());
        all.push(Steps {
            labels: vec![meta(&format!("{kind}_total")), (name.to_owned(), nil)],
            values: floats(&side.total),
            exemplars: Vec::new(),
        });
        if side.too_many {
            let error = Label::Str("__too_many_values__".to_owned());
            all.push(Steps {
                labels: vec![
                    meta(kind),
                    ("__meta_error".to_owned(), error),
                    (name.to_owned(), Label::Str("nil".to_owned())),
                ],
                values: vec![Some(0.0); grid.steps()],
                exemplars: Vec::new(),
            });
        }
        let mut values = side.values;
        values.sort_by_cached_key(|(value, counts)| {
            (std::cmp::Reverse(counts.iter().sum::<u64>()), Key(vec![(*value).clone()]))
        });
        for (value, counts) in values.into_iter().take(top) {
            all.push(Steps {
                labels: vec![meta(kind), (name.to_owned(), value.clone())],
                values: floats(&counts),
                exemplars: Vec::new(),
            });
        }
    }
    all
}
