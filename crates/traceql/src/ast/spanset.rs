//! Sets of spans of one trace, and what a pipeline does with them.

use super::{Attribute, CompareOp, FieldExpr, Static};

/// Stages, each working on the spansets that the one before leaves. The first is a
/// [`Stage::Spanset`], or one that works on all spans of the trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// At least one.
    pub stages: Vec<Stage>,
}

/// A step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Keeps the spans that an expression finds among those given.
    Spanset(SpansetExpr),
    /// Keeps the spansets whose aggregate compares well.
    Scalar(ScalarFilter),
    /// Splits each spanset by the value of an expression.
    GroupBy(FieldExpr),
    /// Makes one spanset of all again.
    Coalesce,
    /// Adds attributes to the spans of the answer.
    Select(Vec<Attribute>),
}

/// What finds spans of a trace.
#[derive(Debug, Clone, PartialEq)]
pub enum SpansetExpr {
    /// `{ … }`: the spans for which the expression is true.
    Filter(FieldExpr),
    /// `( … | … )` as an operand: a pipeline in parentheses.
    Pipeline(Box<Pipeline>),
    /// Two operands.
    Binary {
        /// How they are combined.
        op: SpansetOp,
        /// Left of it.
        left: Box<SpansetExpr>,
        /// Right of it.
        right: Box<SpansetExpr>,
    },
}

/// How two sets of spans are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpansetOp {
    /// `&&`: both together, if neither is empty.
    And,
    /// `||`: both together.
    Union,
    /// By place in the tree of the trace.
    Structural(Relation, StructuralMode),
}

/// How a right-hand span stands to a left-hand one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `>`: its direct child.
    Child,
    /// `>>`: below it.
    Descendant,
    /// `<`: its parent.
    Parent,
    /// `<<`: above it.
    Ancestor,
    /// `~`: another child of its parent.
    Sibling,
}

/// Which spans a structural operator gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StructuralMode {
    /// `>`: right-hand spans that stand so to some left-hand span.
    Plain,
    /// `!>`: right-hand spans that stand so to none.
    Negated,
    /// `&>`: both sides of each pair that stands so.
    Union,
}

/// `aggregate op constant`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarFilter {
    /// What is computed over a spanset.
    pub aggregate: Aggregate,
    /// How it is compared.
    pub op: CompareOp,
    /// With which number or duration.
    pub value: Static,
}

/// A number over a spanset.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    /// How many spans.
    Count,
    /// The largest value among the spans that have one.
    Max(FieldExpr),
    /// The smallest.
    Min(FieldExpr),
    /// The mean.
    Avg(FieldExpr),
    /// The sum.
    Sum(FieldExpr),
}
