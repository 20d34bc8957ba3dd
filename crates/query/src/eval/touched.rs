//! The attributes that a query touches: those that its answer shows of each span.

use tributary_traceql::ast::{Aggregate, Attribute, FieldExpr, Pipeline, SpansetExpr, Stage};

/// The attributes of a pipeline in the order in which they stand there, each once.
pub(crate) fn touched(pipeline: &Pipeline) -> Vec<Attribute> {
    let mut all = Vec::new();
    of_pipeline(pipeline, &mut all);
    let mut once: Vec<Attribute> = Vec::new();
    for attribute in all {
        if !once.contains(&attribute) {
            once.push(attribute);
        }
    }
    once
}

fn of_pipeline(pipeline: &Pipeline, all: &mut Vec<Attribute>) {
    for stage in &pipeline.stages {
        match stage {
            Stage::Spanset(expr) => of_spanset(expr, all),
            Stage::Scalar(filter) => match &filter.aggregate {
                Aggregate::Count => {}
                Aggregate::Max(expr)
                | Aggregate::Min(expr)
                | Aggregate::Avg(expr)
                | Aggregate::Sum(expr) => of_field(expr, all),
            },
            Stage::GroupBy(expr) => of_field(expr, all),
            Stage::Coalesce => {}
            Stage::Select(attributes) => all.extend(attributes.iter().cloned()),
        }
    }
}

fn of_spanset(expr: &SpansetExpr, all: &mut Vec<Attribute>) {
    match expr {
        SpansetExpr::Filter(expr) => of_field(expr, all),
        SpansetExpr::Pipeline(inner) => of_pipeline(inner, all),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left, all);
            of_spanset(right, all);
        }
    }
}

fn of_field(expr: &FieldExpr, all: &mut Vec<Attribute>) {
    match expr {
        FieldExpr::Static(_) => {}
        FieldExpr::Attribute(a)
        | FieldExpr::Exists { attribute: a, .. }
        | FieldExpr::In { attribute: a, .. } => all.push(a.clone()),
        FieldExpr::Negate(inner) | FieldExpr::Not(inner) => of_field(inner, all),
        FieldExpr::Match { operand, .. } => of_field(operand, all),
        FieldExpr::Binary { left, right, .. } => {
            of_field(left, all);
            of_field(right, all);
        }
    }
}
