//! Metrics from one row group of a stored block.

use super::{MetricsPlan, Partial};
use crate::answer::Cost;
use crate::chunk::{Field, each_once, leave_out};
use crate::scan::{GroupScan, How, ScanError};
use crate::search::{dictionaries, is_ruled_out, required};
use crate::split::{Factors, MetBy, add};
use tributary_block::{Block, Source};
use tributary_traceql::ast::FieldExpr;

/// Adds what a row group has. Gives what that cost and, where traces are judged as wholes, what the
/// parts of those meet that were left out, since they have parts elsewhere.
///
/// # Errors
/// When its bytes cannot be had or are wrong, the query wants what cannot be done, or there is more
/// than can be counted.
pub async fn metrics_group<S: Source>(
    block: &Block,
    source: &S,
    group: usize,
    plan: &MetricsPlan,
    how: &How,
    partial: &mut Partial,
) -> Result<(Cost, MetBy), ScanError> {
    let mut scan = GroupScan::new(block, source, group, how);
    let mut cost = Cost { jobs_done: 1, ..Cost::default() };
    let queries = plan.queries();
    let conditions: Vec<Vec<&FieldExpr>> =
        queries.iter().map(|query| required(&query.pipeline)).collect();
    let pipelines = plan.pipelines();
    let mut factors = Factors::asked(&pipelines, plan.needs_whole_traces(), &how.except);
    let of_factors: Vec<&FieldExpr> = factors.iter().flat_map(Factors::conditions).collect();
    let all = plan.fields();
    let judged = conditions.iter().chain(std::iter::once(&of_factors));
    let mut paths: Vec<String> =
        judged.flat_map(|conditions| dictionaries(block, conditions, &all)).collect();
    paths.sort_unstable();
    paths.dedup();
    let known = scan.read_dictionaries(&paths).await?;
    let wanted = conditions.iter().any(|conditions| !is_ruled_out(block, conditions, known));
    factors = factors.and_then(|factors| factors.without(|c| is_ruled_out(block, c, known)));
    let mut met_by = MetBy::new();
    if wanted || factors.is_some() {
        let starts = std::iter::once(Field::SpanStart);
        let first: Vec<Field> = starts.chain(all).collect();
        scan.read_likely(&first).await?;
        let mut of_group = plan.nothing();
        scan.each(
            |chunk, _| {
                let mut mask = each_once(chunk)?;
                leave_out(chunk, &how.except, &mut mask)?;
                // A piece that needs more leaves is asked again: it counts on its own until it is
                // through.
                let mut of_piece = plan.nothing();
                plan.over(chunk, &mask, &mut of_piece)?;
                let met = match &factors {
                    Some(factors) => factors.met(chunk, &how.except)?,
                    None => MetBy::new(),
                };
                Ok((of_piece, met, chunk.shape().spans(), chunk.shape().traces()))
            },
            |_, (of_piece, met, spans, traces)| {
                cost.spans += spans as u64;
                cost.traces += traces as u64;
                add(&mut met_by, met);
                of_group.merge(of_piece);
                true
            },
        )
        .await?;
        partial.merge(of_group);
    }
    (cost.bytes, cost.reads) = (scan.bytes, scan.reads);
    Ok((cost, met_by))
}
