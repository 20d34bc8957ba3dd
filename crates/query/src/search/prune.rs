//! Row groups that cannot match, told from dictionaries alone.

use crate::chunk::{Field, keys_of, owner};
use std::collections::HashMap;
use std::sync::Arc;
use tributary_block::dedicated::ColumnType;
use tributary_block::{Block, Dictionary};
use tributary_traceql::ast::{
    Attribute, BinaryOp, FieldExpr, Intrinsic, Pipeline, Scope, SpansetExpr, SpansetOp, Stage,
    StructuralMode,
};

/// Conditions of which one trace, or one span, must meet each: any that no entry of its column's
/// dictionary meets rules a row group out.
pub(crate) fn required(pipeline: &Pipeline) -> Vec<&FieldExpr> {
    let mut all = Vec::new();
    of_pipeline(pipeline, &mut all);
    all
}

fn of_pipeline<'q>(pipeline: &'q Pipeline, all: &mut Vec<&'q FieldExpr>) {
    for stage in &pipeline.stages {
        // What comes after a split may be asked of other spans, but still of some.
        if let Stage::Spanset(expr) = stage {
            of_spanset(expr, all);
        }
    }
}

fn of_spanset<'q>(expr: &'q SpansetExpr, all: &mut Vec<&'q FieldExpr>) {
    match expr {
        SpansetExpr::Filter(expr) => all.extend(expr.conjuncts()),
        SpansetExpr::Pipeline(inner) => of_pipeline(inner, all),
        SpansetExpr::Binary { op: SpansetOp::Union, .. } => {}
        SpansetExpr::Binary {
            op: SpansetOp::Structural(_, StructuralMode::Negated),
            right,
            ..
        } => of_spanset(right, all),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left, all);
            of_spanset(right, all);
        }
    }
}

/// Attribute of a condition that only a text, or any value of the key, can meet.
fn attribute(expr: &FieldExpr) -> Option<&Attribute> {
    match expr {
        FieldExpr::Exists { attribute, negated: false } | FieldExpr::In { attribute, .. } => {
            Some(attribute)
        }
        FieldExpr::Match { operand, .. } => match &**operand {
            FieldExpr::Attribute(attribute) => Some(attribute),
            _ => None,
        },
        FieldExpr::Binary { op: BinaryOp::Compare(_), left, right } => match (&**left, &**right) {
            (FieldExpr::Attribute(attribute), FieldExpr::Static(_))
            | (FieldExpr::Static(_), FieldExpr::Attribute(attribute)) => Some(attribute),
            _ => None,
        },
        FieldExpr::Attribute(attribute) => Some(attribute),
        _ => None,
    }
}

/// The leaf of an intrinsic's texts.
pub(crate) fn leaf(intrinsic: Intrinsic) -> Option<&'static str> {
    Some(match intrinsic {
        Intrinsic::Name => "rs.ss.Spans.Name",
        Intrinsic::RootName => "RootSpanName",
        Intrinsic::RootService => "RootServiceName",
        Intrinsic::EventName => "rs.ss.Spans.Events.Name",
        Intrinsic::ScopeName => "rs.ss.Scope.Name",
        Intrinsic::ScopeVersion => "rs.ss.Scope.Version",
        _ => return None,
    })
}

fn place<'q>(block: &Block, field: &'q Field) -> Option<Vec<(String, Option<&'q str>)>> {
    match field {
        Field::Intrinsic(intrinsic) => Some(vec![(leaf(*intrinsic)?.to_owned(), None)]),
        Field::Named(Scope::Resource, key) if &**key == "service.name" => {
            Some(vec![("rs.Resource.ServiceName".to_owned(), None)])
        }
        Field::Named(scope, key) => {
            let own = owner(*scope).and_then(|owner| block.own_column(owner, key));
            match own {
                Some(own) if own.column_type == ColumnType::Int => None,
                Some(own) => {
                    let generic = (keys_of(*scope).to_owned(), Some(&**key));
                    Some(vec![(own.path, None), generic])
                }
                None => Some(vec![(keys_of(*scope).to_owned(), Some(&**key))]),
            }
        }
        _ => None,
    }
}

/// The dictionaries to be read first: those that conditions can be judged by, and those of the keys
/// of all attributes that the query touches.
pub(crate) fn dictionaries(
    block: &Block,
    conditions: &[&FieldExpr],
    fields: &[Field],
) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let judged: Vec<Field> = conditions
        .iter()
        .filter_map(|expr| attribute(expr))
        .flat_map(|attribute| {
            let (first, second) = crate::eval::fields(attribute);
            [Some(first), second].into_iter().flatten()
        })
        .collect();
    for field in judged.iter() {
        paths.extend(place(block, field).unwrap_or_default().into_iter().map(|(path, _)| path));
    }
    for field in fields {
        if let Field::Named(scope, _) = field {
            paths.push(keys_of(*scope).to_owned());
        }
    }
    paths.retain(|path| block.has_leaf(path));
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// Whether the dictionaries say that no span of the row group meets one of the conditions.
pub(crate) fn is_ruled_out(
    block: &Block,
    conditions: &[&FieldExpr],
    dictionaries: &HashMap<String, Arc<Dictionary>>,
) -> bool {
    conditions.iter().any(|expr| cannot_be_met(block, expr, dictionaries) == Some(true))
}

/// Whether no entry meets the condition; none when the dictionaries do not say.
fn cannot_be_met(
    block: &Block,
    expr: &FieldExpr,
    dictionaries: &HashMap<String, Arc<Dictionary>>,
) -> Option<bool> {
    let attribute = attribute(expr)?;
    let (first, second) = crate::eval::fields(attribute);
    let mut places = Vec::new();
    for field in [Some(&first), second.as_ref()].into_iter().flatten() {
        places.extend(place(block, field)?);
    }
    for (path, key) in &places {
        let dictionary = dictionaries.get(path)?;
        let may = match key {
            Some(key) => dictionary.entries().any(|entry| entry == key.as_bytes()),
            None => dictionary.entries().any(|entry| text_may(expr, entry)),
        };
        if may {
            return Some(false);
        }
    }
    Some(true)
}

fn text_may(expr: &FieldExpr, text: &[u8]) -> bool {
    crate::eval::text_passes(expr, text).unwrap_or(true)
}
