//! Sets of spans and pipelines.

use super::{attributes, wrapped};
use crate::ast::{
    Aggregate, FieldExpr, Pipeline, Relation, ScalarFilter, SpansetExpr, SpansetOp, Stage,
    StructuralMode,
};
use crate::parser::has_pipeline;
use std::fmt::{Display, Formatter, Result};

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (i, stage) in self.stages.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            stage.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Spanset(expr) => expr.fmt(f),
            Self::Scalar(filter) => filter.fmt(f),
            Self::GroupBy(expr) => {
                f.write_str("by(")?;
                expr.fmt(f)?;
                f.write_str(")")
            }
            Self::Coalesce => f.write_str("coalesce()"),
            Self::Select(selected) => {
                f.write_str("select(")?;
                attributes(f, selected)?;
                f.write_str(")")
            }
        }
    }
}

impl Display for SpansetExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Filter(expr) => filter(f, expr),
            Self::Pipeline(pipeline) => wrapped(f, true, pipeline),
            Self::Binary { op, left, right } => {
                // Beside a pipeline all operands stand in parentheses.
                let all = has_pipeline(self);
                match op {
                    SpansetOp::Structural(..) => {
                        side(f, left, all || is_chain(left))?;
                        write!(f, " {op} ")?;
                        side(f, right, all || matches!(**right, Self::Binary { .. }))
                    }
                    _ => {
                        chain(f, *op, left, all, true)?;
                        write!(f, " {op} ")?;
                        chain(f, *op, right, all, false)
                    }
                }
            }
        }
    }
}

/// `{ … }`
pub(super) fn filter(f: &mut Formatter<'_>, expr: &FieldExpr) -> Result {
    f.write_str("{ ")?;
    expr.fmt(f)?;
    f.write_str(" }")
}

/// An operand; a pipeline brings its own parentheses.
fn side(f: &mut Formatter<'_>, expr: &SpansetExpr, parentheses: bool) -> Result {
    wrapped(f, parentheses && !matches!(expr, SpansetExpr::Pipeline(_)), expr)
}

/// A side of `&&` or `||`: operands of the same operator go on, however they are grouped. `first`
/// is whether nothing stands before it.
fn chain(
    f: &mut Formatter<'_>,
    op: SpansetOp,
    expr: &SpansetExpr,
    all: bool,
    first: bool,
) -> Result {
    match expr {
        SpansetExpr::Binary { op: inner, left, right } if *inner == op => {
            chain(f, op, left, all, first)?;
            write!(f, " {op} ")?;
            chain(f, op, right, all, false)
        }
        _ => side(f, expr, all || !first && is_chain(expr)),
    }
}

fn is_chain(expr: &SpansetExpr) -> bool {
    matches!(expr, SpansetExpr::Binary { op: SpansetOp::And | SpansetOp::Union, .. })
}

impl Display for SpansetOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (relation, mode) = match self {
            Self::And => return f.write_str("&&"),
            Self::Union => return f.write_str("||"),
            Self::Structural(relation, mode) => (relation, mode),
        };
        f.write_str(match mode {
            StructuralMode::Plain => "",
            StructuralMode::Negated => "!",
            StructuralMode::Union => "&",
        })?;
        f.write_str(match relation {
            Relation::Child => ">",
            Relation::Descendant => ">>",
            Relation::Parent => "<",
            Relation::Ancestor => "<<",
            Relation::Sibling => "~",
        })
    }
}

impl Display for ScalarFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.aggregate.fmt(f)?;
        write!(f, " {} {}", self.op, self.value)
    }
}

impl Aggregate {
    /// The key that answers show its value under.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{self:#}")
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (name, expr) = match self {
            Self::Count => return f.write_str("count()"),
            Self::Max(expr) => ("max", expr),
            Self::Min(expr) => ("min", expr),
            Self::Avg(expr) => ("avg", expr),
            Self::Sum(expr) => ("sum", expr),
        };
        write!(f, "{name}(")?;
        expr.fmt(f)?;
        f.write_str(")")
    }
}
