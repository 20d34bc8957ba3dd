//! The same question, cheaper to answer.
//!
//! Constants are computed, and comparisons of one attribute with many constants become one look at
//! it. What is done must never change an answer. So two things are left alone that look tempting:
//! `!(a = x)` is not `a != x`, since a missing attribute makes every comparison false; and what may
//! be no boolean at run time (`.a`) does not take the place of what is one (`true && .a`).

mod fold;
mod join;

#[cfg(test)]
mod same;
#[cfg(test)]
mod tests;

use crate::ast::{
    BinaryOp, FieldExpr, MetricsExpr, MetricsFunction, Pipeline, Query, Root, SpansetExpr, Stage,
    Static,
};
use crate::parser::Balanced;

/// Makes a query's filters cheaper without changing its answer.
///
/// Expressions that name something in the answer (`by(…)`, aggregates) stay as they were written.
pub fn simplify(query: &mut Query) {
    match &mut query.root {
        Root::Search(pipeline) => of_pipeline(pipeline),
        Root::Metrics(metrics) => of_metrics(metrics),
    }
}

fn of_metrics(metrics: &mut MetricsExpr) {
    match metrics {
        MetricsExpr::Scalar(_) => {}
        MetricsExpr::Math { left, right, .. } => {
            of_metrics(left);
            of_metrics(right);
        }
        MetricsExpr::Query(query) => {
            of_pipeline(&mut query.pipeline);
            if let MetricsFunction::Compare { selection, .. } = &mut query.function {
                simplify_field(selection);
            }
        }
    }
}

fn of_pipeline(pipeline: &mut Pipeline) {
    for stage in &mut pipeline.stages {
        if let Stage::Spanset(expr) = stage {
            of_spanset(expr);
        }
    }
}

fn of_spanset(expr: &mut SpansetExpr) {
    match expr {
        SpansetExpr::Filter(expr) => simplify_field(expr),
        SpansetExpr::Pipeline(pipeline) => of_pipeline(pipeline),
        SpansetExpr::Binary { left, right, .. } => {
            of_spanset(left);
            of_spanset(right);
        }
    }
}

/// Makes a filter's expression cheaper without changing for which spans it is true.
pub fn simplify_field(expr: &mut FieldExpr) {
    let whole = std::mem::replace(expr, FieldExpr::Static(Static::Nil));
    *expr = simplified(whole, false);
}

/// `compared` is whether only the number counts, not whether it is a duration.
fn simplified(expr: FieldExpr, compared: bool) -> FieldExpr {
    match expr {
        FieldExpr::Static(_)
        | FieldExpr::Attribute(_)
        | FieldExpr::Exists { .. }
        | FieldExpr::In { .. } => expr,
        FieldExpr::Negate(operand) => FieldExpr::Negate(Box::new(simplified(*operand, compared))),
        FieldExpr::Not(operand) => match simplified(*operand, false) {
            FieldExpr::Static(Static::Bool(value)) => FieldExpr::Static(Static::Bool(!value)),
            FieldExpr::Not(inner) if is_boolean(&inner) => *inner,
            operand => FieldExpr::Not(Box::new(operand)),
        },
        FieldExpr::Match { operand, patterns, negated } => match simplified(*operand, true) {
            FieldExpr::Static(Static::Str(text)) => {
                let found = patterns.iter().any(|pattern| pattern.matches(text.as_bytes()));
                FieldExpr::Static(Static::Bool(found != negated))
            }
            operand => FieldExpr::Match { operand: Box::new(operand), patterns, negated },
        },
        FieldExpr::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), .. } => logical(op, expr),
        FieldExpr::Binary { op, left, right } => {
            let compared = compared || matches!(op, BinaryOp::Compare(_));
            let (left, right) = (simplified(*left, compared), simplified(*right, compared));
            if let (FieldExpr::Static(a), FieldExpr::Static(b)) = (&left, &right)
                && let Some(value) = fold::binary(op, a, b, compared)
            {
                return FieldExpr::Static(value);
            }
            FieldExpr::Binary { op, left: Box::new(left), right: Box::new(right) }
        }
    }
}

fn logical(op: BinaryOp, expr: FieldExpr) -> FieldExpr {
    let mut operands = Vec::new();
    expr.operands(op, &mut operands);
    let simple = operands.into_iter().map(|operand| simplified(operand, false));
    // A simpler operand may be of the same operator again.
    let mut operands = Vec::new();
    simple.for_each(|operand| operand.operands(op, &mut operands));
    // What decides alone, and what changes nothing.
    let (deciding, idle) = (Static::Bool(op == BinaryOp::Or), Static::Bool(op == BinaryOp::And));
    if operands.iter().any(can_fail) {
        // Which operands are looked at decides whether there is an answer at all.
        return FieldExpr::balanced(op, operands).unwrap_or(FieldExpr::Static(idle));
    }
    if operands.contains(&FieldExpr::Static(deciding.clone())) {
        return FieldExpr::Static(deciding);
    }
    if operands.iter().all(is_boolean) {
        operands.retain(|operand| *operand != FieldExpr::Static(idle.clone()));
        operands = join::operands(op, operands);
    }
    FieldExpr::balanced(op, operands).unwrap_or(FieldExpr::Static(idle))
}

/// Whether an expression is true or false for every span.
fn is_boolean(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(value) => matches!(value, Static::Bool(_)),
        FieldExpr::Exists { .. } | FieldExpr::Match { .. } | FieldExpr::In { .. } => true,
        FieldExpr::Binary { op: BinaryOp::Compare(_), .. } => true,
        FieldExpr::Binary { op: BinaryOp::And | BinaryOp::Or, left, right } => {
            is_boolean(left) && is_boolean(right)
        }
        FieldExpr::Not(operand) => is_boolean(operand),
        FieldExpr::Attribute(_) | FieldExpr::Negate(_) | FieldExpr::Binary { .. } => false,
    }
}

/// Whether there is a division or a power in it: an integer's may have no outcome.
fn can_fail(expr: &FieldExpr) -> bool {
    match expr {
        FieldExpr::Static(_)
        | FieldExpr::Attribute(_)
        | FieldExpr::Exists { .. }
        | FieldExpr::In { .. } => false,
        FieldExpr::Negate(operand) | FieldExpr::Not(operand) | FieldExpr::Match { operand, .. } => {
            can_fail(operand)
        }
        FieldExpr::Binary { op, left, right } => {
            matches!(op, BinaryOp::Divide | BinaryOp::Modulo | BinaryOp::Power)
                || can_fail(left)
                || can_fail(right)
        }
    }
}
