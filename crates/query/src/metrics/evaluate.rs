//! What a chunk adds to the counters of a query.

use super::buckets::Buckets;
use super::compare;
use super::counters::{Counted, Counters, Numbers};
use super::distinct::{Distinct, element_count};
use super::examples::Examples;
use super::grid::Grid;
use super::labels::Key;
use crate::answer::Label;
use crate::chunk::{Bits, Chunk, Field, Level, NONE, Types, Value, Values};
use crate::eval::{EvalError, Operand, element_of, fields, run};
use std::collections::HashMap;
use std::ops::Range;
use tributary_traceql::ast::{Attribute, MetricsFunction, MetricsQuery};

/// Most memory of one chunk's counters, bytes.
const MOST: usize = 32 << 20;

/// Adds the spans of `mask` that the query finds.
pub(super) fn evaluate(
    chunk: &dyn Chunk,
    mask: &Bits,
    query: &MetricsQuery,
    grid: Grid,
    exemplars: usize,
    counters: &mut Counters,
) -> Result<(), EvalError> {
    if mask.has_none() {
        return Ok(());
    }
    let spans = run(chunk, &query.pipeline, mask)?.spans(mask.len());
    if spans.has_none() {
        return Ok(());
    }
    if let MetricsFunction::Compare { selection, range, .. } = &query.function {
        return compare::evaluate(chunk, &spans, (selection, *range), grid, counters);
    }
    let starts = chunk.column(&Field::SpanStart, Types::ALL)?;
    let groups = Groups::new(chunk, query.function.by(), &spans)?;
    let measure = Measure::new(chunk, &query.function)?;
    let steps = grid.steps();
    if groups.keys.len().saturating_mul(steps).saturating_mul(8) > MOST {
        return Err(EvalError::Query(format!(
            "{} series of {steps} steps are more than can be counted: group by less, or take longer steps",
            groups.keys.len()
        )));
    }
    let mut counted: Vec<Option<Counted>> = Vec::new();
    counted.resize_with(groups.keys.len(), || None);
    let mut examples = Examples::new(chunk, exemplars)?;
    let mut step = Step::default();
    for span in spans.ones() {
        let at = starts.int(span).cast_unsigned();
        if !step.move_to(grid, at) {
            continue;
        }
        let step = step.number;
        let value = match &measure {
            Measure::Count => None,
            Measure::Of { operand, .. } => match number(operand, chunk, span) {
                Some(value) => Some(value),
                None => continue,
            },
        };
        let group = groups.of(span);
        let Some(slot) = counted.get_mut(group) else { continue };
        let counted = slot.get_or_insert_with(|| Counted {
            numbers: measure.empty(steps),
            examples: if exemplars > 0 { vec![None; steps] } else { Vec::new() },
        });
        if counted.numbers.add(step, value)
            && let Some(examples) = &mut examples
            && let Some(known) = counted.examples.get_mut(step)
        {
            examples.see(chunk, span, at, value.map(|value| value.number), known);
        }
    }
    for (key, counted) in groups.keys.into_iter().zip(counted) {
        if let Some(counted) = counted {
            counters.add(Key(key), counted);
        }
    }
    Ok(())
}

/// The step that the span before was in: the next is mostly in the same one.
#[derive(Default)]
struct Step {
    number: usize,
    times: Range<u64>,
}

impl Step {
    /// Goes to the step that a time lies in, if there is one.
    #[inline]
    fn move_to(&mut self, grid: Grid, at: u64) -> bool {
        if self.times.contains(&at) {
            return true;
        }
        let Some(number) = grid.step_of(at) else { return false };
        (self.number, self.times) = (number, grid.times_of(number));
        true
    }
}

/// A number of a span: as it is shown, and as a power of two has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    number: f64,
    /// The whole number that buckets are made of; none for doubles.
    whole: Option<i64>,
}

enum Measure {
    Count,
    Of { operand: Operand, kind: Kind },
}

#[derive(Clone, Copy)]
enum Kind {
    Smallest,
    Largest,
    Sum,
    Buckets,
}

impl Measure {
    fn new(chunk: &dyn Chunk, function: &MetricsFunction) -> Result<Measure, EvalError> {
        use MetricsFunction as F;
        let (of, kind) = match function {
            F::Rate { .. } | F::Count { .. } | F::Compare { .. } => return Ok(Measure::Count),
            F::Min { of, .. } => (of, Kind::Smallest),
            F::Max { of, .. } => (of, Kind::Largest),
            F::Sum { of, .. } | F::Avg { of, .. } => (of, Kind::Sum),
            F::Quantile { of, .. } | F::Histogram { of, .. } => (of, Kind::Buckets),
        };
        Ok(Measure::Of { operand: operand(chunk, of)?, kind })
    }

    fn empty(&self, steps: usize) -> Numbers {
        match self {
            Measure::Count => Numbers::Counts(vec![0; steps]),
            Measure::Of { kind, .. } => match kind {
                Kind::Smallest => Numbers::Smallest(vec![f64::NAN; steps]),
                Kind::Largest => Numbers::Largest(vec![f64::NAN; steps]),
                Kind::Sum => Numbers::Sums(vec![Default::default(); steps]),
                Kind::Buckets => Numbers::Buckets(vec![Buckets::default(); steps]),
            },
        }
    }
}

impl Numbers {
    /// Adds a span to a step. Whether it could be.
    fn add(&mut self, step: usize, value: Option<Number>) -> bool {
        let number = value.map_or(f64::NAN, |value| value.number);
        match self {
            Numbers::Counts(counts) => counts.get_mut(step).is_some_and(|n| {
                *n += 1;
                true
            }),
            Numbers::Smallest(all) => all.get_mut(step).is_some_and(|n| {
                *n = n.min(number);
                true
            }),
            Numbers::Largest(all) => all.get_mut(step).is_some_and(|n| {
                *n = n.max(number);
                true
            }),
            Numbers::Sums(all) => all.get_mut(step).is_some_and(|(sum, count)| {
                sum.add(number);
                *count += 1;
                true
            }),
            Numbers::Buckets(all) => {
                let bucket = value.and_then(|value| value.whole).and_then(super::quantile::bucket);
                match (bucket, all.get_mut(step)) {
                    (Some(bucket), Some(buckets)) => {
                        buckets.count(bucket);
                        true
                    }
                    _ => false,
                }
            }
        }
    }
}

/// The operand of a function, for numbers.
fn operand(chunk: &dyn Chunk, attribute: &Attribute) -> Result<Operand, EvalError> {
    let (first, second) = fields(attribute);
    // An unscoped attribute is looked for at the resource only where the span has none at all, one
    // of a list at the next element only where the one before has none.
    let is_single = second.is_none() && !matches!(first.level(), Level::Event | Level::Link);
    Operand::new(chunk, attribute, if is_single { Types::NUMBER } else { Types::ALL })
}

#[expect(clippy::cast_precision_loss, reason = "as all metrics")]
fn number(operand: &Operand, chunk: &dyn Chunk, span: usize) -> Option<Number> {
    let Values::One(value) = operand.get(chunk, span) else { return None };
    Some(match value {
        Value::Int(n) => Number { number: n as f64, whole: Some(n) },
        Value::Float(n) => Number { number: n, whole: None },
        // Durations are seconds, their buckets are of ns.
        Value::Duration(ns) => Number { number: ns as f64 / 1e9, whole: Some(ns) },
        _ => return None,
    })
}

/// Numbers of groups by span.
pub(super) struct Groups {
    /// Group of each span; empty when there is one group alone.
    of: Vec<u32>,
    /// Values of the labels of each group.
    pub(super) keys: Vec<Vec<Label>>,
}

impl Groups {
    pub(super) fn new(
        chunk: &dyn Chunk,
        by: &[Attribute],
        spans: &Bits,
    ) -> Result<Groups, EvalError> {
        let mut groups = Groups { of: Vec::new(), keys: vec![Vec::new()] };
        for attribute in by {
            groups.split(chunk, attribute, spans)?;
        }
        Ok(groups)
    }

    #[inline]
    pub(super) fn of(&self, span: usize) -> usize {
        self.of.get(span).map_or(0, |group| *group as usize)
    }

    /// Splits all groups by the value of one more attribute.
    fn split(
        &mut self,
        chunk: &dyn Chunk,
        attribute: &Attribute,
        spans: &Bits,
    ) -> Result<(), EvalError> {
        let mut values = Distinct::groups();
        let (field, second) = fields(attribute);
        let one = match (&second, field.level()) {
            (None, Level::Event | Level::Link) | (Some(_), _) => None,
            _ => {
                let column = chunk.column(&field, Types::ALL)?;
                Some(values.of_column(&column, element_count(chunk, &field)))
            }
        };
        let operand = match one {
            Some(_) => None,
            None => Some(Operand::new(chunk, attribute, Types::ALL)?),
        };
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let mut keys: Vec<Vec<Label>> = Vec::new();
        let mut of = vec![0u32; spans.len()];
        let mut last: Option<((u32, u32), u32)> = None;
        for span in spans.ones() {
            let value = match (&one, &operand) {
                (Some(one), _) => {
                    let element = element_of(chunk, &field, span);
                    element.and_then(|i| one.get(i)).copied().unwrap_or(NONE)
                }
                (None, Some(operand)) => values.of_values(operand.get(chunk, span)),
                (None, None) => NONE,
            };
            let before = u32::try_from(self.of(span)).unwrap_or(NONE);
            let pair = (before, value);
            let number = match last {
                Some((known, number)) if known == pair => number,
                _ => *numbers.entry(pair).or_insert_with(|| {
                    let mut key = self.keys.get(before as usize).cloned().unwrap_or_default();
                    key.push(values.label(value));
                    keys.push(key);
                    u32::try_from(keys.len() - 1).unwrap_or(NONE)
                }),
            };
            last = Some((pair, number));
            if let Some(slot) = of.get_mut(span) {
                *slot = number;
            }
        }
        (self.of, self.keys) = (of, keys);
        Ok(())
    }
}
