//! The evaluator's answers, in memory and from a block.

use crate::build::columns;
use crate::data::Span;
use crate::metrics::AllSeries;
use tributary_block::{Block, FinishedBlock, WriterSettings, write};
use tributary_query::metrics::{MetricsPlan, metrics_group, metrics_memory};
use tributary_query::search::{SearchPlan, search_group, search_memory};
use tributary_query::{How, MetricsAnswer, TraceHit, join};
use tributary_span::Columns;
use uuid::Uuid;

/// The same spans in memory and in a block.
pub(crate) struct Places {
    runtime: tokio::runtime::Runtime,
    memory: Columns,
    source: FinishedBlock,
    block: Block,
}

impl Places {
    /// Of spans that arrive in two batches, some of them in both.
    pub(crate) fn new(batches: [&[Span]; 2]) -> Places {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let batches = batches.map(columns);
        let memory = join(&batches, |_| true).spans;
        let both: Vec<&Columns> = batches.iter().collect();
        let settings = WriterSettings::default();
        let source = write(Uuid::from_u128(7), "single-tenant", &both, &settings).unwrap();
        let block = runtime.block_on(Block::open(&source, source.meta.clone())).unwrap();
        Places { runtime, memory, source, block }
    }

    pub(crate) fn search_memory(&self, plan: &SearchPlan) -> Result<Vec<TraceHit>, String> {
        search_memory(&self.memory, plan).map_err(|error| error.to_string())
    }

    pub(crate) fn search_block(&self, plan: &SearchPlan) -> Result<Vec<TraceHit>, String> {
        let mut all = Vec::new();
        for group in 0..self.block.row_groups() {
            let how = How::default();
            let found = search_group(&self.block, &self.source, group, plan, &how);
            all.extend(self.runtime.block_on(found).map_err(|error| error.to_string())?.traces);
        }
        Ok(all)
    }

    pub(crate) fn metrics_memory(&self, plan: &MetricsPlan) -> Result<AllSeries, String> {
        let mut partial = plan.nothing();
        metrics_memory(&self.memory, plan, &mut partial).map_err(|error| error.to_string())?;
        Ok(series(plan.finish(&partial)))
    }

    pub(crate) fn metrics_block(&self, plan: &MetricsPlan) -> Result<AllSeries, String> {
        let mut partial = plan.nothing();
        for group in 0..self.block.row_groups() {
            let how = How::default();
            let counted = metrics_group(&self.block, &self.source, group, plan, &how, &mut partial);
            self.runtime.block_on(counted).map_err(|error| error.to_string())?;
        }
        Ok(series(plan.finish(&partial)))
    }
}

fn series(answer: MetricsAnswer) -> AllSeries {
    let all = answer.series.into_iter().map(|series| {
        let samples = series.samples.iter().map(|sample| (sample.at, sample.value));
        (format!("{:?}", series.labels), samples.collect())
    });
    all.collect()
}
