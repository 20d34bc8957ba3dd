//! A search in one row group of a stored block.

use super::describe::Describer;
use super::prune::{dictionaries, is_ruled_out, required};
use super::{Found, SearchPlan, find};
use crate::answer::{Cost, TraceHit};
use crate::chunk::Field;
use crate::eval::EvalError;
use crate::scan::{GroupScan, How, ScanError};
use crate::split::{Factors, MetBy, add};
use tributary_block::{Block, Source};
use tributary_traceql::ast::Intrinsic;

/// What a row group has.
#[derive(Debug, Default)]
pub struct GroupHits {
    /// Its newest traces that match, newest first, no more than are wanted.
    pub traces: Vec<TraceHit>,
    /// Where traces are judged as wholes: what the parts of those meet that were left out, since they
    /// have parts elsewhere.
    pub met: MetBy,
    /// What it cost.
    pub cost: Cost,
}

/// Searches a row group.
///
/// # Errors
/// When its bytes cannot be had or are wrong, or the query wants what cannot be done.
pub async fn search_group<S: Source>(
    block: &Block,
    source: &S,
    group: usize,
    plan: &SearchPlan,
    how: &How,
) -> Result<GroupHits, ScanError> {
    let meta = block.meta();
    let (start, end) = meta.extent();
    let window = plan.window().unless_within(start, end);
    let mut scan = GroupScan::new(block, source, group, how);
    let mut hits = GroupHits::default();
    hits.cost.jobs_done = 1;

    let conditions = required(plan.pipeline());
    let whole = plan.needs_whole_traces();
    let mut factors = Factors::asked(&[plan.pipeline()], whole, &how.except);
    let judged: Vec<_> = match &factors {
        None => conditions.clone(),
        Some(factors) => factors.conditions().chain(conditions.iter().copied()).collect(),
    };
    let all = plan.fields();
    let paths = dictionaries(block, &judged, &all);
    let known = scan.read_dictionaries(&paths).await?;
    let is_searched = !is_ruled_out(block, &conditions, known);
    factors = factors.and_then(|factors| factors.without(|c| is_ruled_out(block, c, known)));
    let mut found: Vec<(usize, Found)> = Vec::new();
    if is_searched || factors.is_some() {
        let mut first = all;
        if !window.is_all() {
            let duration = Field::Intrinsic(Intrinsic::TraceDuration);
            first.extend([Field::TraceStart, duration]);
        }
        scan.read_likely(&first).await?;
        let (mut spans, mut traces) = (0, 0);
        scan.each(
            |chunk, _| {
                let shape = chunk.shape();
                let found = match is_searched {
                    true => find(chunk, plan, window, &how.except)?,
                    false => Vec::new(),
                };
                let met = match &factors {
                    Some(factors) => factors.met(chunk, &how.except)?,
                    None => MetBy::new(),
                };
                Ok((found, met, shape.spans(), shape.traces()))
            },
            |rows, (some, met, with_spans, with_traces)| {
                spans += with_spans as u64;
                traces += with_traces as u64;
                found.extend(some.into_iter().map(|found| (rows.start + found.trace, found)));
                add(&mut hits.met, met);
                plan.wants_newest() || found.len() < plan.limit()
            },
        )
        .await?;
        (hits.cost.spans, hits.cost.traces) = (spans, traces);
    }
    found.sort_by_key(|(row, found)| (std::cmp::Reverse(found.start), *row));
    found.truncate(plan.limit());
    hits.traces = describe(&mut scan, plan, found).await?;
    (hits.cost.bytes, hits.cost.reads) = (scan.bytes, scan.reads);
    Ok(hits)
}

/// What is said of traces, by row: piece by piece, of each the rows from the first that is told to
/// the last.
async fn describe<S: Source>(
    scan: &mut GroupScan<'_, S>,
    plan: &SearchPlan,
    found: Vec<(usize, Found)>,
) -> Result<Vec<TraceHit>, ScanError> {
    let mut by_row: Vec<(usize, &(usize, Found))> = found.iter().enumerate().collect();
    by_row.sort_by_key(|(_, (row, _))| *row);
    let mut said: Vec<Option<TraceHit>> = found.iter().map(|_| None).collect();
    let fields = Describer::fields(plan);
    let mut rest = by_row.as_slice();
    for piece in scan.pieces().collect::<Vec<_>>() {
        let (here, later) = rest.split_at(rest.partition_point(|(_, (row, _))| *row < piece.end));
        rest = later;
        let (Some((_, (first, _))), Some((_, (last, _)))) = (here.first(), here.last()) else {
            continue;
        };
        let told = scan.some(*first..*last + 1, &fields, |chunk| {
            let describer = Describer::new(chunk, plan)?;
            let hits = here
                .iter()
                .map(|(n, (row, found))| Ok((*n, describer.trace(row - first, &found.sets)?)));
            hits.collect::<Result<Vec<_>, EvalError>>()
        });
        for (n, hit) in told.await? {
            if let Some(slot) = said.get_mut(n) {
                *slot = Some(hit);
            }
        }
    }
    Ok(said.into_iter().flatten().collect())
}
