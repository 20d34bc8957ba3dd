//! Metrics from spans: counters over time, that add up from any parts.
//!
//! A plan is put to chunks one by one ([`metrics_group`]); each adds to a
//! [`Partial`]. Partials of several places are merged, and one end makes series of the whole
//! ([`MetricsPlan::finish`]). Nothing here assembles a trace unless the filter is about structure.

mod buckets;
mod compare;
mod compared;
mod counters;
mod distinct;
mod evaluate;
mod examples;
mod finish;
mod grid;
mod group;
mod labels;
mod quantile;
mod second;
mod steps;

pub use counters::Partial;
pub use grid::Grid;
pub use group::metrics_group;

use crate::chunk::{Field, parts_of};
use crate::eval::{EvalError, fields};
use crate::scan::Reads;
use crate::search::fields_of;
use crate::split::{needs_whole, pipeline_needs_whole, relates_spans};
use tributary_block::Parts;
use tributary_traceql::ast::{
    Attribute, FieldExpr, MetricsExpr, MetricsFunction, MetricsQuery, Pipeline,
};

/// A metrics query, ready to be put to any chunk.
#[derive(Debug, Clone)]
pub struct MetricsPlan {
    expr: MetricsExpr,
    grid: Grid,
    exemplars: usize,
    max_series: usize,
}

impl MetricsPlan {
    /// The plan for an expression over a grid, with so many exemplars and no more than so many
    /// series.
    pub fn new(expr: MetricsExpr, grid: Grid, exemplars: usize, max_series: usize) -> Self {
        MetricsPlan { expr, grid, exemplars, max_series }
    }

    /// When.
    pub fn grid(&self) -> Grid {
        self.grid
    }

    /// The queries in it, in the order in which partials have them.
    pub(crate) fn queries(&self) -> Vec<&MetricsQuery> {
        fn of<'q>(expr: &'q MetricsExpr, all: &mut Vec<&'q MetricsQuery>) {
            match expr {
                MetricsExpr::Query(query) => all.push(query),
                MetricsExpr::Scalar(_) => {}
                MetricsExpr::Math { left, right, .. } => {
                    of(left, all);
                    of(right, all);
                }
            }
        }
        let mut all = Vec::new();
        of(&self.expr, &mut all);
        all
    }

    /// Whether a trace can only be judged when all of its spans are at hand.
    pub fn needs_whole_traces(&self) -> bool {
        self.queries().iter().any(|query| {
            let of_trace =
                |attribute: &&Attribute| needs_whole(&FieldExpr::Attribute((*attribute).clone()));
            pipeline_needs_whole(&query.pipeline)
                || query.function.by().iter().any(|a| of_trace(&a))
                || matches!(query.function, MetricsFunction::Compare { .. })
        })
    }

    /// The fields that it looks at.
    pub fn fields(&self) -> Vec<Field> {
        let queries = self.queries();
        let of_by = queries.iter().flat_map(|query| query.function.by()).flat_map(|attribute| {
            let (first, second) = fields(attribute);
            [Some(first), second].into_iter().flatten()
        });
        let of_pipelines = queries.iter().flat_map(|query| fields_of(&query.pipeline));
        of_pipelines.chain(of_by).collect()
    }

    /// What is read of row groups.
    pub fn reads(&self) -> Reads {
        let takes_all =
            |query: &&MetricsQuery| matches!(query.function, MetricsFunction::Compare { .. });
        match self.queries().iter().any(takes_all) {
            true => Reads::All,
            false => Reads::Fields(self.fields()),
        }
    }

    /// What spans must have for it to be put to them.
    pub fn parts(&self) -> Parts {
        let mut all = self.fields();
        for query in self.queries() {
            if matches!(query.function, MetricsFunction::Compare { .. }) {
                return Parts::ALL;
            }
            let measured = query.function.measured().map(fields);
            all.extend(
                measured.into_iter().flat_map(|(first, second)| [Some(first), second]).flatten(),
            );
        }
        let mut parts = parts_of(&all);
        parts.parents |= self.pipelines().into_iter().any(relates_spans);
        parts
    }

    /// The pipelines in it.
    pub fn pipelines(&self) -> Vec<&Pipeline> {
        self.queries().into_iter().map(|query| &query.pipeline).collect()
    }

    /// An empty partial.
    pub fn nothing(&self) -> Partial {
        Partial::new(self.queries().len())
    }

    /// Adds what a chunk has.
    ///
    /// # Errors
    /// When the chunk does not give what is needed, or there is more than can be counted.
    pub(crate) fn over(
        &self,
        chunk: &dyn crate::chunk::Chunk,
        mask: &crate::chunk::Bits,
        partial: &mut Partial,
    ) -> Result<(), EvalError> {
        for (query, counters) in self.queries().into_iter().zip(partial.queries_mut()) {
            evaluate::evaluate(chunk, mask, query, self.grid, self.exemplars, counters)?;
        }
        Ok(())
    }
}

/// Adds what spans in memory have, which must be as [`crate::join()`] leaves them.
///
/// # Errors
/// When the query wants what cannot be done, or there is more than can be counted.
pub fn metrics_memory(
    columns: &tributary_span::Columns,
    plan: &MetricsPlan,
    partial: &mut Partial,
) -> Result<(), EvalError> {
    let chunk = crate::chunk::MemoryChunk::new(columns);
    let mask = crate::chunk::Bits::all(columns.len());
    plan.over(&chunk, &mask, partial)
}
