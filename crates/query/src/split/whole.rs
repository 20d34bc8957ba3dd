//! What is about whole traces, so that parts of them cannot be judged alone.

use tributary_traceql::ast::{
    Attribute, BinaryOp, CompareOp, FieldExpr, Intrinsic, Pipeline, SpansetExpr, SpansetOp, Stage,
    Static,
};

/// Whether an expression is about the whole trace of a span.
pub(crate) fn needs_whole(expr: &FieldExpr) -> bool {
    let conjuncts = expr.conjuncts();
    conjuncts.into_iter().any(|expr| !is_of_roots(expr) && names_what_is_of_traces(expr))
}

/// Whether an expression names what comes from all spans of a trace.
pub(crate) fn names_what_is_of_traces(expr: &FieldExpr) -> bool {
    expr.attributes().any(|attribute| {
        matches!(
            attribute,
            Attribute::Intrinsic {
                intrinsic: Intrinsic::RootName
                    | Intrinsic::RootService
                    | Intrinsic::TraceDuration
                    | Intrinsic::ChildCount
                    | Intrinsic::NestedSetLeft
                    | Intrinsic::NestedSetParent
                    | Intrinsic::NestedSetRight,
                ..
            }
        )
    })
}

/// Whether it is `nestedSetParent < 0`, by which roots are told: a span is one or not whatever else is
/// in its trace.
fn is_of_roots(expr: &FieldExpr) -> bool {
    let FieldExpr::Binary { op: BinaryOp::Compare(CompareOp::Less), left, right } = expr else {
        return false;
    };
    let parent = Intrinsic::NestedSetParent;
    matches!(&**left, FieldExpr::Attribute(Attribute::Intrinsic { intrinsic, .. }) if *intrinsic == parent)
        && **right == FieldExpr::Static(Static::Int(0))
}

/// Whether a pipeline relates spans to each other by their parents.
pub(crate) fn relates_spans(pipeline: &Pipeline) -> bool {
    fn spanset(expr: &SpansetExpr) -> bool {
        match expr {
            SpansetExpr::Filter(_) => false,
            SpansetExpr::Pipeline(inner) => relates_spans(inner),
            SpansetExpr::Binary { op, left, right } => {
                matches!(op, SpansetOp::Structural(..)) || spanset(left) || spanset(right)
            }
        }
    }
    pipeline.stages.iter().any(|stage| matches!(stage, Stage::Spanset(expr) if spanset(expr)))
}

/// Whether a pipeline can judge a trace only as a whole.
pub(crate) fn pipeline_needs_whole(pipeline: &Pipeline) -> bool {
    pipeline.stages.iter().any(|stage| match stage {
        Stage::Spanset(SpansetExpr::Filter(expr)) | Stage::GroupBy(expr) => needs_whole(expr),
        Stage::Spanset(_) | Stage::Scalar(_) => true,
        Stage::Coalesce => false,
        Stage::Select(attributes) => {
            attributes.iter().any(|a| needs_whole(&FieldExpr::Attribute(a.clone())))
        }
    })
}
