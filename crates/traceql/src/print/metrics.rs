//! Metrics queries.

use super::{attributes, list, spanset};
use crate::ast::{Comparison, MetricsExpr, MetricsFunction, MetricsQuery, SecondStage};
use std::fmt::{Display, Formatter, Result};

impl Display for MetricsExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Query(query) => query.fmt(f),
            Self::Scalar(number) => write!(f, "{number:?}"),
            Self::Math { op, left, right, then } => {
                side(f, left)?;
                write!(f, " {op} ")?;
                side(f, right)?;
                stages(f, then)
            }
        }
    }
}

fn side(f: &mut Formatter<'_>, expr: &MetricsExpr) -> Result {
    super::wrapped(f, !matches!(expr, MetricsExpr::Scalar(_)), expr)
}

fn stages(f: &mut Formatter<'_>, then: &[SecondStage]) -> Result {
    then.iter().try_for_each(|stage| stage.fmt(f))
}

impl Display for MetricsQuery {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.pipeline.fmt(f)?;
        f.write_str(" | ")?;
        self.function.fmt(f)?;
        stages(f, &self.then)
    }
}

impl Display for MetricsFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.name())?;
        match self {
            Self::Rate { .. } | Self::Count { .. } => {}
            Self::Min { of, .. }
            | Self::Max { of, .. }
            | Self::Sum { of, .. }
            | Self::Avg { of, .. }
            | Self::Histogram { of, .. } => of.fmt(f)?,
            Self::Quantile { of, quantiles, .. } => {
                of.fmt(f)?;
                f.write_str(", ")?;
                list(f, quantiles, |f, quantile| write!(f, "{quantile:?}"))?;
            }
            Self::Compare { selection, top, range } => {
                spanset::filter(f, selection)?;
                write!(f, ", {top}")?;
                if let Some((start, end)) = range {
                    write!(f, ", {start}, {end}")?;
                }
            }
        }
        f.write_str(")")?;
        if self.by().is_empty() {
            return Ok(());
        }
        f.write_str(" by(")?;
        attributes(f, self.by())?;
        f.write_str(")")
    }
}

/// With what stands before it: a blank, or the pipe.
impl Display for SecondStage {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::TopK(count) => write!(f, " | topk({count})"),
            Self::BottomK(count) => write!(f, " | bottomk({count})"),
            Self::Filter(comparison) => write!(f, " {comparison}"),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {:?}", self.op, self.value)
    }
}
