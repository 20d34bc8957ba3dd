//! A query as a tree: what is left when it was read and checked.
//!
//! Each type prints itself in TraceQL (`Display`), and what is printed reads back as an equal tree.

mod attribute;
mod field;
mod metrics;
mod spanset;
mod value;

pub use attribute::{Attribute, Intrinsic, Scope};
pub use field::{BinaryOp, FieldExpr, Pattern};
pub use metrics::{Comparison, MathOp, MetricsExpr, MetricsFunction, MetricsQuery, SecondStage};
pub use spanset::{
    Aggregate, Pipeline, Relation, ScalarFilter, SpansetExpr, SpansetOp, Stage, StructuralMode,
};
pub use value::{CompareOp, Kind, Static, Status};

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is asked.
    pub root: Root,
    /// `with(name = value, …)`, in the order written. Unknown names are kept, and mean nothing.
    pub hints: Vec<(String, Static)>,
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Root {
    /// Traces: the spansets that come out of a pipeline.
    Search(Pipeline),
    /// Numbers over time.
    Metrics(MetricsExpr),
}
