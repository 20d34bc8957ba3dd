//! The attributes that an answer lists of each span: those that the query touches, with the values
//! that met its conditions.

use super::expression::OwnedValue;
use super::filter::Condition;
use super::{EvalError, element_of, fields, list_ends};
use crate::chunk::{Chunk, Column, Field, Types, Values};
use std::rc::Rc;
use tributary_span::columns::owned;
use tributary_traceql::ast::{
    Aggregate, Attribute, FieldExpr, Intrinsic, Pipeline, SpansetExpr, Stage,
};

/// An attribute to be listed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    field: Field,
    /// Its key without the scope.
    key: String,
    /// Conditions on it, of which a value must meet one; any value does when there are none.
    conditions: Vec<FieldExpr>,
}

impl Listed {
    /// Where it is found.
    pub(crate) fn field(&self) -> &Field {
        &self.field
    }
}

/// What is to be listed for a pipeline.
pub(crate) fn listed(pipeline: &Pipeline) -> Vec<Listed> {
    let mut uses = Vec::new();
    of_pipeline(pipeline, &mut uses);
    let mut all: Vec<(Listed, bool)> = Vec::new();
    for (attribute, condition) in uses {
        if !is_listed(attribute) {
            continue;
        }
        let (first, second) = fields(attribute);
        for field in [Some(first), second].into_iter().flatten() {
            let known = all.iter().position(|(listed, _)| listed.field == field);
            let at = known.unwrap_or_else(|| {
                let key = match attribute {
                    Attribute::Named { key, .. } => key.to_string(),
                    Attribute::Intrinsic { intrinsic, .. } => intrinsic.label().to_owned(),
                };
                all.push((Listed { field, key, conditions: Vec::new() }, false));
                all.len() - 1
            });
            if let Some((listed, takes_any)) = all.get_mut(at) {
                match &condition {
                    Some(condition) => listed.conditions.push(condition.clone()),
                    None => *takes_any = true,
                }
            }
        }
    }
    let any = |(listed, takes_any): (Listed, bool)| {
        if takes_any { Listed { conditions: Vec::new(), ..listed } } else { listed }
    };
    all.into_iter().map(any).collect()
}

/// Not what stands in an answer anyway (name, duration, ids), nor what is the trace's.
fn is_listed(attribute: &Attribute) -> bool {
    !matches!(
        attribute,
        Attribute::Intrinsic {
            intrinsic: Intrinsic::Name
                | Intrinsic::Duration
                | Intrinsic::SpanId
                | Intrinsic::TraceId
                | Intrinsic::TraceDuration
                | Intrinsic::RootName
                | Intrinsic::RootService,
            ..
        }
    )
}

/// An attribute, and the condition that it stands in alone.
type Use<'q> = (&'q Attribute, Option<FieldExpr>);

fn of_pipeline<'q>(pipeline: &'q Pipeline, all: &mut Vec<Use<'q>>) {
    let any = |expr: &'q FieldExpr, all: &mut Vec<Use<'q>>| {
        all.extend(expr.attributes().map(|attribute| (attribute, None)));
    };
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => of_spanset(expr, all),
            Stage::Scalar(filter) => match &filter.aggregate {
                Aggregate::Count => {}
                Aggregate::Max(expr)
                | Aggregate::Min(expr)
                | Aggregate::Avg(expr)
                | Aggregate::Sum(expr) => any(expr, all),
            },
            Stage::GroupBy(expr) => any(expr, all),
            Stage::Coalesce => {}
            Stage::Select(attributes) => all.extend(attributes.iter().map(|a| (a, None))),
        }
    }
}

fn of_spanset<'q>(expr: &'q SpansetExpr, all: &mut Vec<Use<'q>>) {
    match expr {
        SpansetExpr::Filter(expr) => of_field(expr, all),
        SpansetExpr::Pipeline(inner) => of_pipeline(inner, all),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left, all);
            of_spanset(right, all);
        }
    }
}

fn of_field<'q>(expr: &'q FieldExpr, all: &mut Vec<Use<'q>>) {
    use tributary_traceql::ast::BinaryOp;
    match expr {
        FieldExpr::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            of_field(left, all);
            of_field(right, all);
        }
        _ if Condition::of(expr).is_some() => {
            all.extend(expr.attributes().map(|attribute| (attribute, Some(expr.clone()))));
        }
        FieldExpr::Not(inner) => match &**inner {
            FieldExpr::Exists { attribute, negated } => {
                let attribute_is = attribute.clone();
                let turned = FieldExpr::Exists { attribute: attribute_is, negated: !negated };
                all.push((attribute, Some(turned)));
            }
            _ => all.extend(inner.attributes().map(|attribute| (attribute, None))),
        },
        _ => all.extend(expr.attributes().map(|attribute| (attribute, None))),
    }
}

/// A list of attributes over a chunk.
pub(crate) struct Lister<'q> {
    all: Vec<Ready<'q>>,
}

struct Ready<'q> {
    listed: &'q Listed,
    conditions: Vec<Condition<'q>>,
    column: Rc<Column>,
    /// Ends of the spans' lists, when the field is of their elements.
    ends: Option<Rc<Vec<u32>>>,
}

impl<'q> Lister<'q> {
    /// Gets the columns.
    pub(crate) fn new(chunk: &dyn Chunk, listed: &'q [Listed]) -> Result<Self, EvalError> {
        let mut all = Vec::with_capacity(listed.len());
        for listed in listed {
            let ends = list_ends(chunk, &listed.field)?;
            let conditions = listed.conditions.iter().filter_map(Condition::of).collect();
            let column = chunk.column(&listed.field, Types::ALL)?;
            all.push(Ready { listed, conditions, column, ends });
        }
        Ok(Lister { all })
    }

    /// What is listed of a span.
    pub(crate) fn of(&self, chunk: &dyn Chunk, span: usize) -> Vec<(String, OwnedValue)> {
        let mut found = Vec::new();
        for ready in &self.all {
            let element = match &ready.ends {
                Some(ends) => self.element(ready, ends, span),
                None => element_of(chunk, &ready.listed.field, span),
            };
            let values = element.map_or(Values::Nil, |element| ready.column.get(element));
            if let Some(value) = ready.shown(values) {
                found.push((ready.listed.key.clone(), value));
            }
        }
        found
    }

    /// The event or link of a span that is shown: the last that meets all conditions on its kind,
    /// else the last that meets one on this attribute.
    fn element(&self, ready: &Ready<'_>, ends: &[u32], span: usize) -> Option<usize> {
        let level = ready.listed.field.level();
        let all = |element: &usize| {
            let same = self.all.iter().filter(|r| r.listed.field.level() == level);
            same.flat_map(|r| r.conditions.iter().map(|c| (&r.column, c)))
                .all(|(column, condition)| condition.holds(column.get(*element)))
        };
        let fits = |element: &usize| ready.shown(ready.column.get(*element)).is_some();
        let mut elements = owned(ends, span).rev();
        elements.clone().find(|e| fits(e) && all(e)).or_else(|| elements.find(fits))
    }
}

impl Ready<'_> {
    /// What is shown of the values of an element.
    fn shown(&self, values: Values<'_>) -> Option<OwnedValue> {
        if self.conditions.is_empty() {
            return Some(OwnedValue::of(values)).filter(|value| *value != OwnedValue::Nil);
        }
        match values {
            Values::Nil | Values::Unseen => {
                let wants_nil = self.conditions.iter().any(|c| c.holds(values));
                wants_nil.then(|| OwnedValue::Str(b"nil".to_vec()))
            }
            Values::One(_) => {
                let meets = self.conditions.iter().any(|c| c.holds(values));
                meets.then(|| OwnedValue::of(values))
            }
            Values::Many { cells, values, .. } => {
                let single = values.iter().filter_map(|cell| cells.single(*cell));
                let meeting = single
                    .map(Values::One)
                    .filter(|one| self.conditions.iter().any(|condition| condition.holds(*one)));
                let mut meeting: Vec<OwnedValue> = meeting.map(OwnedValue::of).collect();
                match meeting.len() {
                    0 => None,
                    1 => meeting.pop(),
                    _ => Some(OwnedValue::List(meeting)),
                }
            }
        }
    }
}
