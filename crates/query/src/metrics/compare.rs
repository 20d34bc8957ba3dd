//! `compare()`: how often values of all attributes occur among some spans, and among the others.

use super::counters::{Counted, Counters, Numbers};
use super::grid::Grid;
use super::labels::Key;
use super::steps::Steps;
use crate::answer::Label;
use crate::chunk::{Bits, Chunk, Column, Field, Level, Types, Values};
use crate::eval::{EvalError, OwnedValue, element_of, filter};
use crate::search::label;
use std::collections::{BTreeMap, HashMap};
use tributary_traceql::ast::{FieldExpr, Intrinsic, Scope};

/// More values than this of one attribute are not told apart.
const TOO_MANY: usize = 10_000;

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
    // Step of each span that counts, and which of the two it belongs to.
    let mut counted: Vec<(usize, usize, bool)> = Vec::new();
    for span in spans.ones() {
        let at = starts.int(span);
        let Some(step) = grid.step_of(at.cast_unsigned()) else { continue };
        let within = range.is_none_or(|(start, end)| at >= start && at < end);
        counted.push((span, step, selected.has(span) && within));
    }
    if counted.is_empty() {
        return Ok(());
    }
    let named = [Scope::Resource, Scope::Span]
        .into_iter()
        .map(|scope| Ok::<_, EvalError>((scope, chunk.keys(scope)?)))
        .collect::<Result<Vec<_>, _>>()?;
    let named = named
        .iter()
        .flat_map(|(scope, keys)| keys.iter().map(|key| Field::Named(*scope, key.clone())));
    let fields: Vec<Field> = INTRINSICS.into_iter().map(Field::Intrinsic).chain(named).collect();
    for field in &fields {
        let column = chunk.column(field, Types::ALL)?;
        of_field(chunk, field, &column, &counted, grid, counters);
    }
    Ok(())
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
    column: &Column,
    counted: &[(usize, usize, bool)],
    grid: Grid,
    counters: &mut Counters,
) {
    let mut values = Distinct::default();
    // Counts by number of the value, for the two kinds of spans.
    let mut counts: Vec<[Vec<u64>; 2]> = Vec::new();
    // Numbers of a dictionary's entries, and of the elements that spans share.
    let mut by_entry: Vec<Option<u32>> = Vec::new();
    let mut by_element: Vec<Option<Option<u32>>> = Vec::new();
    let is_shared = !matches!(field.level(), Level::Span);
    for &(span, step, is_selected) in counted {
        let Some(element) = element_of(chunk, field, span) else { continue };
        if is_shared && let Some(Some(known)) = by_element.get(element) {
            count(&mut counts, *known, (step, is_selected), grid);
            continue;
        }
        let number = match column.entry(element) {
            Some(entry) => {
                let entry = entry as usize;
                if by_entry.len() <= entry {
                    by_entry.resize(entry + 1, None);
                }
                match by_entry.get_mut(entry) {
                    Some(Some(known)) => Some(*known),
                    Some(slot) => {
                        *slot = values.number(column.get(element));
                        *slot
                    }
                    None => None,
                }
            }
            None if column.is_missing(element) => None,
            None => values.number(column.get(element)),
        };
        if is_shared {
            if by_element.len() <= element {
                by_element.resize(element + 1, None);
            }
            if let Some(slot) = by_element.get_mut(element) {
                *slot = Some(number);
            }
        }
        count(&mut counts, number, (step, is_selected), grid);
    }
    let labels = values.labels;
    let name = Label::Str(name(field));
    for (value, counts) in labels.into_iter().zip(counts) {
        for (is_selected, counts) in [false, true].into_iter().zip(counts) {
            if counts.iter().all(|n| *n == 0) {
                continue;
            }
            let key = Key(vec![Label::Bool(is_selected), name.clone(), value.clone()]);
            let numbers = Numbers::Counts(counts);
            counters.add(key, Counted { numbers, examples: Vec::new() });
        }
    }
}

/// Counts a span for the value with a number.
fn count(
    counts: &mut Vec<[Vec<u64>; 2]>,
    number: Option<u32>,
    (step, is_selected): (usize, bool),
    grid: Grid,
) {
    let Some(number) = number.map(|number| number as usize) else { return };
    if counts.len() <= number {
        counts.resize_with(number + 1, || [vec![0; grid.steps()], vec![0; grid.steps()]]);
    }
    let counts = counts.get_mut(number).and_then(|c| c.get_mut(usize::from(is_selected)));
    if let Some(n) = counts.and_then(|counts| counts.get_mut(step)) {
        *n += 1;
    }
}

/// Distinct values of an attribute, numbered.
#[derive(Default)]
struct Distinct {
    numbers: HashMap<Key, u32>,
    labels: Vec<Label>,
}

impl Distinct {
    fn number(&mut self, values: Values<'_>) -> Option<u32> {
        let value = match OwnedValue::of(values) {
            OwnedValue::Nil => return None,
            // Arrays count for the total alone.
            OwnedValue::List(_) => Label::Nil,
            value => label(&value),
        };
        let next = u32::try_from(self.labels.len()).ok()?;
        let number = *self.numbers.entry(Key(vec![value.clone()])).or_insert(next);
        if number == next {
            self.labels.push(value);
        }
        Some(number)
    }
}

/// Series of the most frequent values of each attribute, and of the totals.
#[expect(clippy::cast_precision_loss, reason = "numbers of spans")]
pub(super) fn series(counters: &Counters, top: usize, grid: Grid) -> Vec<Steps> {
    type Values<'c> = Vec<(&'c Label, &'c Vec<u64>)>;
    let mut by_attribute: BTreeMap<(bool, &str), Values<'_>> = BTreeMap::new();
    for (key, counted) in &counters.series {
        let [Label::Bool(is_selected), Label::Str(name), value] = key.0.as_slice() else {
            continue;
        };
        if let Numbers::Counts(counts) = &counted.numbers {
            by_attribute.entry((*is_selected, name)).or_default().push((value, counts));
        }
    }
    let mut all = Vec::new();
    for ((is_selected, name), mut values) in by_attribute {
        let kind = if is_selected { "selection" } else { "baseline" };
        let meta = |kind: &str| ("__meta_type".to_owned(), Label::Str(kind.to_owned()));
        let floats = |counts: &[u64]| counts.iter().map(|n| Some(*n as f64)).collect();
        let mut total = vec![0; grid.steps()];
        for (_, counts) in &values {
            total.iter_mut().zip(*counts).for_each(|(total, n)| *total += n);
        }
        values.retain(|(value, _)| **value != Label::Nil);
        let nil = Label::Str("nil".to_owned());
        all.push(Steps {
            labels: vec![meta(&format!("{kind}_total")), (name.to_owned(), nil)],
            values: floats(&total),
            exemplars: Vec::new(),
        });
        if values.len() > TOO_MANY {
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
        values.sort_by_cached_key(|(value, counts)| {
            (std::cmp::Reverse(counts.iter().sum::<u64>()), Key(vec![(*value).clone()]))
        });
        for (value, counts) in values.into_iter().take(top) {
            all.push(Steps {
                labels: vec![meta(kind), (name.to_owned(), value.clone())],
                values: floats(counts),
                exemplars: Vec::new(),
            });
        }
    }
    all
}
