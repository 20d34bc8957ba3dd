//! What the answer says of a trace that matches.

use super::SearchPlan;
use crate::answer::{Label, SetHit, SpanHit, TraceHit};
use crate::chunk::{Chunk, Column, Field, Types, id_text};
use crate::eval::{EvalError, Lister, OwnedValue, Set};
use std::rc::Rc;
use tributary_span::{SpanId, TraceId};
use tributary_traceql::ast::{Intrinsic, Kind, Static, Status};

/// Columns that answers are made of.
pub(crate) struct Describer<'c> {
    chunk: &'c dyn Chunk,
    plan: &'c SearchPlan,
    ids: Rc<Column>,
    starts: Rc<Column>,
    durations: Rc<Column>,
    root_services: Rc<Column>,
    root_names: Rc<Column>,
    span_ids: Rc<Column>,
    span_starts: Rc<Column>,
    span_durations: Rc<Column>,
    names: Option<Rc<Column>>,
    lister: Lister<'c>,
}

/// Intrinsics that are told of each trace and span.
const TOLD: [Intrinsic; 7] = [
    Intrinsic::TraceId,
    Intrinsic::TraceDuration,
    Intrinsic::RootService,
    Intrinsic::RootName,
    Intrinsic::SpanId,
    Intrinsic::Duration,
    Intrinsic::Name,
];

/// A value as answers have it: durations, statuses, kinds and ids are texts.
pub(crate) fn label(value: &OwnedValue) -> Label {
    match value {
        OwnedValue::Nil => Label::Nil,
        OwnedValue::Str(text) => Label::Str(String::from_utf8_lossy(text).into_owned()),
        OwnedValue::Int(n) => Label::Int(*n),
        OwnedValue::Float(n) => Label::Float(*n),
        OwnedValue::Bool(is) => Label::Bool(*is),
        OwnedValue::Duration(ns) => Label::Str(Static::Duration(*ns).to_string()),
        OwnedValue::Status(n) => Label::Str(
            Status::from_number(*n).map_or_else(|| n.to_string(), |s| s.name().to_owned()),
        ),
        OwnedValue::Kind(n) => {
            Label::Str(Kind::from_number(*n).map_or_else(|| n.to_string(), |k| k.name().to_owned()))
        }
        OwnedValue::Id(id) => {
            let (text, len) = id_text(id);
            let text = text.get(..len).unwrap_or_default();
            // Ids of traces are shown without the zeros at their front, as everywhere in the API.
            let zeros = text.iter().take_while(|digit| **digit == b'0' && len == 32).count();
            let text = text.get(zeros..).unwrap_or_default();
            Label::Str(String::from_utf8_lossy(text).into_owned())
        }
        OwnedValue::List(all) => Label::List(all.iter().map(label).collect()),
    }
}

impl<'c> Describer<'c> {
    /// The fields that are told.
    pub(crate) fn fields(plan: &SearchPlan) -> Vec<Field> {
        let mut all = vec![Field::TraceStart, Field::SpanStart];
        all.extend(TOLD.map(Field::Intrinsic));
        if plan.says_sets() {
            all.extend(plan.listed().iter().map(|listed| listed.field().clone()));
        }
        all
    }

    /// Gets the columns of a chunk.
    pub(crate) fn new(chunk: &'c dyn Chunk, plan: &'c SearchPlan) -> Result<Self, EvalError> {
        if plan.says_sets() && chunk.shape().traces() > 0 {
            // What is read for them is asked for first, so that no column is made in vain.
            chunk.services(0)?;
        }
        let column = |field: Field| chunk.column(&field, Types::ALL);
        let intrinsic = |intrinsic| column(Field::Intrinsic(intrinsic));
        let mut names = None;
        if plan.says_sets() {
            names = Some(intrinsic(Intrinsic::Name)?);
        }
        let listed = if plan.says_sets() { plan.listed() } else { &[] };
        Ok(Describer {
            chunk,
            plan,
            ids: intrinsic(Intrinsic::TraceId)?,
            starts: column(Field::TraceStart)?,
            durations: intrinsic(Intrinsic::TraceDuration)?,
            root_services: intrinsic(Intrinsic::RootService)?,
            root_names: intrinsic(Intrinsic::RootName)?,
            span_ids: intrinsic(Intrinsic::SpanId)?,
            span_starts: column(Field::SpanStart)?,
            span_durations: intrinsic(Intrinsic::Duration)?,
            names,
            lister: Lister::new(chunk, listed)?,
        })
    }

    /// What is said of a trace, whose sets number their spans from its first.
    pub(crate) fn trace(&self, trace: usize, sets: &[Set]) -> Result<TraceHit, EvalError> {
        let root_service = self.root_services.text(trace);
        let root_name = self.root_names.text(trace);
        let sets = sets.iter().filter(|_| self.plan.says_sets());
        Ok(TraceHit {
            id: TraceId(id(&self.ids, trace)),
            root_service: (!root_service.is_empty() || !root_name.is_empty())
                .then_some(root_service),
            root_name,
            start: self.starts.int(trace).cast_unsigned(),
            duration: self.durations.int(trace).cast_unsigned(),
            sets: sets.map(|set| self.set(trace, set)).collect(),
            services: match self.plan.says_sets() {
                true => self.chunk.services(trace)?,
                false => Vec::new(),
            },
        })
    }

    fn set(&self, trace: usize, set: &Set) -> SetHit {
        let first = self.chunk.shape().spans_of(trace).start;
        let spans = set.spans.iter().take(self.plan.spans_per_set());
        SetHit {
            matched: u32::try_from(set.spans.len()).unwrap_or(u32::MAX),
            attributes: set
                .said
                .iter()
                .map(|(name, value)| (name.clone(), or_nil(label(value))))
                .collect(),
            spans: spans.map(|span| self.span(first + *span as usize)).collect(),
        }
    }

    fn span(&self, span: usize) -> SpanHit {
        let listed = self.lister.of(self.chunk, span).into_iter();
        SpanHit {
            id: SpanId(id(&self.span_ids, span)),
            name: self.names.as_ref().map(|names| names.text(span)),
            start: self.span_starts.int(span).cast_unsigned(),
            duration: self.span_durations.int(span).cast_unsigned(),
            attributes: listed.map(|(key, value)| (key, label(&value))).collect(),
        }
    }
}

/// What is missing is the text `nil` where a set says its group.
fn or_nil(label: Label) -> Label {
    match label {
        Label::Nil => Label::Str("nil".to_owned()),
        other => other,
    }
}

fn id<const N: usize>(column: &Column, element: usize) -> [u8; N] {
    let ids = match column {
        Column::Ids(ids) => ids.get(element),
        _ => None,
    };
    ids.and_then(|id| id.try_into().ok()).unwrap_or([0; N])
}
