//! One query put to the evaluator in each place, and to the interpreter.

use crate::metrics::{AllSeries, Times};
use crate::pipeline::Refused;
use crate::places::Places;
use crate::said::{Near, Said, found, right};
use crate::world::World;
use std::collections::BTreeMap;
use tributary_query::metrics::{Grid, MetricsPlan};
use tributary_query::search::{SearchPlan, Window};
use tributary_traceql::ast::{MetricsExpr, Query, Root};

/// The answer of a place must be the right one, or none where there is none. What follows `by()` and
/// cannot be done may go unnoticed where nothing matches.
fn same<T: PartialEq + std::fmt::Debug>(
    right: &Result<T, Refused>,
    got: Result<T, String>,
    is_empty: impl Fn(&T) -> bool,
) -> Result<(), String> {
    match (right, got) {
        (Ok(right), Ok(got)) if *right == got => Ok(()),
        (Err(Refused), Err(_)) => Ok(()),
        (Err(Refused), Ok(got)) if is_empty(&got) => Ok(()),
        (right, got) => Err(format!("\n  got {got:?}\nright {right:?}")),
    }
}

pub(crate) fn search(
    world: &World,
    places: &Places,
    query: Query,
    window: Window,
) -> Result<(), String> {
    let Root::Search(pipeline) = query.root else { return Err("no search".to_owned()) };
    let right = right(world, &pipeline, window);
    let plan = SearchPlan::new(pipeline, window, 100, 100);
    let memory = places.search_memory(&plan).map(|hits| found(&hits));
    same(&right, memory, |_| false).map_err(|why| format!("in memory: {why}"))?;
    let block = places.search_block(&plan).map(|hits| found(&hits));
    same(&right, block, Said::is_empty).map_err(|why| format!("in a block: {why}"))
}

fn near(series: AllSeries) -> BTreeMap<String, Vec<(i64, Near)>> {
    let near = |all: Vec<(i64, f64)>| all.into_iter().map(|(at, n)| (at, Near(n))).collect();
    series.into_iter().map(|(labels, all)| (labels, near(all))).collect()
}

pub(crate) fn count(
    world: &World,
    places: &Places,
    query: Query,
    times: Times,
) -> Result<(), String> {
    let mut simple = query.clone();
    tributary_traceql::simplify(&mut simple);
    let Root::Metrics(MetricsExpr::Query(asked)) = &query.root else {
        return Err("no metrics".to_owned());
    };
    let right = world.metrics(asked, times).map(near);
    let grid = Grid::range(times.start, times.end, times.step);
    for query in [&query, &simple] {
        let Root::Metrics(expr) = &query.root else { return Err("no metrics".to_owned()) };
        let plan = MetricsPlan::new(expr.clone(), grid, 0, 10_000);
        let memory = places.metrics_memory(&plan).map(near);
        same(&right, memory, |_| false).map_err(|why| format!("in memory: {why}"))?;
        let block = places.metrics_block(&plan).map(near);
        same(&right, block, |_| true).map_err(|why| format!("in a block: {why}"))?;
    }
    Ok(())
}
