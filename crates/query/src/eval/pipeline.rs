//! Pipelines: stage by stage, from all spans of a chunk to sets of spans.

use super::EvalError;
use super::aggregate::Aggregator;
use super::expression::{OwnedValue, prepare};
use super::spanset::{Judged, spanset};
use crate::chunk::{Bits, Chunk};
use std::collections::BTreeMap;
use tributary_traceql::ast::{FieldExpr, Pipeline, ScalarFilter, Stage};

/// A set of spans of one trace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    /// The trace's number in the chunk.
    pub(crate) trace: usize,
    /// The spans, rising.
    pub(crate) spans: Vec<u32>,
    /// What `by()` and aggregates say of the set.
    pub(crate) said: Said,
}

/// Names and values of what is said of a set.
pub(crate) type Said = Vec<(String, OwnedValue)>;

/// What comes out of a pipeline.
#[derive(Debug, Clone)]
pub(crate) enum Sets {
    /// At most one set a trace: the spans of all of them, and what aggregates say, by trace.
    Plain { spans: Bits, said: BTreeMap<usize, Said> },
    /// Any number of sets a trace, in the order of traces.
    Split(Vec<Set>),
}

impl Sets {
    /// The spans of all sets, of a chunk of `len` spans.
    pub(crate) fn spans(&self, len: usize) -> Bits {
        match self {
            Sets::Plain { spans, .. } => spans.clone(),
            Sets::Split(sets) => {
                let mut all = Bits::none(len);
                sets.iter().flat_map(|s| &s.spans).for_each(|span| all.insert(*span as usize));
                all
            }
        }
    }

    /// Whether there is no span in any set.
    pub(crate) fn has_none(&self) -> bool {
        match self {
            Sets::Plain { spans, .. } => spans.has_none(),
            Sets::Split(sets) => sets.is_empty(),
        }
    }

    /// Traces that have a set, rising.
    pub(crate) fn traces(&self, chunk: &dyn Chunk) -> Vec<usize> {
        let mut traces: Vec<usize> = match self {
            Sets::Plain { spans, .. } => chunk.shape().traces_with(spans),
            Sets::Split(sets) => sets.iter().map(|set| set.trace).collect(),
        };
        traces.dedup();
        traces
    }

    /// The sets of a trace.
    pub(crate) fn of_trace(&self, chunk: &dyn Chunk, trace: usize) -> Vec<Set> {
        match self {
            Sets::Plain { spans, said } => {
                let range = chunk.shape().spans_of(trace);
                let spans: Vec<u32> =
                    spans.ones_in(range).filter_map(|span| u32::try_from(span).ok()).collect();
                let said = said.get(&trace).cloned().unwrap_or_default();
                if spans.is_empty() { Vec::new() } else { vec![Set { trace, spans, said }] }
            }
            Sets::Split(sets) => {
                let from = sets.partition_point(|set| set.trace < trace);
                sets.iter().skip(from).take_while(|set| set.trace == trace).cloned().collect()
            }
        }
    }
}

/// Runs a pipeline over the spans of `mask`.
///
/// # Errors
/// When the chunk does not give what is needed, or the pipeline wants what cannot be done.
pub(crate) fn run(chunk: &dyn Chunk, pipeline: &Pipeline, mask: &Bits) -> Result<Sets, EvalError> {
    let mut sets = Sets::Plain { spans: mask.clone(), said: BTreeMap::new() };
    for stage in &pipeline.stages {
        if sets.has_none() {
            break;
        }
        sets = match stage {
            Stage::Spanset(expr) => match sets {
                Sets::Plain { spans, said } => {
                    Sets::Plain { spans: spanset(chunk, expr, &spans)?, said }
                }
                Sets::Split(ref split) => {
                    let judged = Judged::new(chunk, expr, &sets.spans(mask.len()))?;
                    let kept =
                        split.iter().map(|set| Set { spans: judged.of(&set.spans), ..set.clone() });
                    Sets::Split(kept.filter(|set| !set.spans.is_empty()).collect())
                }
            },
            Stage::Scalar(filter) => scalar(chunk, filter, sets)?,
            Stage::GroupBy(expr) => group(chunk, expr, &sets)?,
            Stage::Coalesce => Sets::Plain { spans: sets.spans(mask.len()), said: BTreeMap::new() },
            Stage::Select(_) => sets,
        };
    }
    Ok(sets)
}

fn scalar(chunk: &dyn Chunk, filter: &ScalarFilter, sets: Sets) -> Result<Sets, EvalError> {
    let aggregator = Aggregator::new(chunk, filter)?;
    match sets {
        Sets::Plain { mut spans, mut said } => {
            let all = Sets::Plain { spans: spans.clone(), said: BTreeMap::new() };
            for trace in all.traces(chunk) {
                let range = chunk.shape().spans_of(trace);
                match aggregator
                    .judge(chunk, spans.count_in(range.clone()), || spans.ones_in(range.clone()))
                {
                    Some(value) => {
                        let value = (aggregator.name.clone(), value);
                        said.entry(trace).or_default().push(value);
                    }
                    None => spans.remove_range(range),
                }
            }
            Ok(Sets::Plain { spans, said })
        }
        Sets::Split(split) => {
            let mut kept = Vec::new();
            for mut set in split {
                let spans = || set.spans.iter().map(|span| *span as usize);
                if let Some(value) = aggregator.judge(chunk, set.spans.len(), spans) {
                    set.said.push((aggregator.name.clone(), value));
                    kept.push(set);
                }
            }
            Ok(Sets::Split(kept))
        }
    }
}

fn group(chunk: &dyn Chunk, expr: &FieldExpr, sets: &Sets) -> Result<Sets, EvalError> {
    let ready = prepare(chunk, expr)?;
    let name = format!("by({})", expr.label());
    let mut split = Vec::new();
    for trace in sets.traces(chunk) {
        for set in sets.of_trace(chunk, trace) {
            let mut groups: Vec<(OwnedValue, Vec<u32>)> = Vec::new();
            for &span in &set.spans {
                let value = ready.value(chunk, span as usize).owned();
                match groups.iter_mut().find(|(known, _)| known.is_same(&value)) {
                    Some((_, spans)) => spans.push(span),
                    None => groups.push((value, vec![span])),
                }
            }
            split.extend(groups.into_iter().map(|(value, spans)| {
                let mut said = set.said.clone();
                said.push((name.clone(), value));
                Set { trace, spans, said }
            }));
        }
    }
    Ok(Sets::Split(split))
}
