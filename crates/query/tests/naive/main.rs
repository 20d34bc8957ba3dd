//! The evaluator, over columns, against an interpreter that takes span by span: generated queries
//! over generated traces, in memory and in a block.
//!
//! `TRIBUTARY_QUERY_PAIRS=100000` tries as many pairs of a query and traces.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the answer")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "generated numbers are small"
)]

mod build;
mod choices;
mod condition;
mod data;
mod examples;
mod filter;
mod look;
mod metrics;
mod pipeline;
mod places;
mod query;
mod value;
mod world;

use choices::Choices;
use condition::Maker;
use data::{MS, TIME};
use metrics::{AllSeries, Times, label};
use pipeline::Refused;
use places::Places;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tributary_query::metrics::{Grid, MetricsPlan};
use tributary_query::search::{SearchPlan, Window};
use tributary_query::{Label, TraceHit};
use tributary_traceql::ast::{MetricsExpr, Pipeline, Query, Root};
use value::Has;
use world::World;

/// Queries for each set of traces.
const QUERIES: usize = 10;

/// All that an answer says of traces, in a form that is compared and read by people.
type Said = BTreeMap<String, Vec<(String, Vec<Near>)>>;

/// A double that may be computed in another order.
#[derive(Debug, Clone, Copy)]
struct Near(f64);

impl PartialEq for Near {
    fn eq(&self, other: &Near) -> bool {
        let (a, b) = (self.0, other.0);
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
    }
}

fn sort(sets: &mut [(String, Vec<Near>)]) {
    let order = |numbers: &[Near]| numbers.iter().map(|n| n.0.to_bits()).collect::<Vec<_>>();
    sets.sort_by_cached_key(|(text, numbers)| (text.clone(), order(numbers)));
}

fn number(label: &Label, numbers: &mut Vec<Near>) -> String {
    match label {
        Label::Float(n) => {
            numbers.push(Near(*n));
            "a double".to_owned()
        }
        Label::Nil => "Str(\"nil\")".to_owned(),
        other => format!("{other:?}"),
    }
}

/// What the evaluator found.
fn found(hits: &[TraceHit]) -> Said {
    let mut all = Said::new();
    for hit in hits {
        let mut services: Vec<String> = hit
            .services
            .iter()
            .map(|s| format!("{:?} {}/{}", s.service, s.errors, s.spans))
            .collect();
        services.sort();
        let head = format!(
            "{:?} {:?} from {} for {}, {services:?}",
            hit.root_service.as_deref().unwrap_or_default(),
            hit.root_name,
            hit.start - TIME,
            hit.duration,
        );
        let mut sets: Vec<(String, Vec<Near>)> = hit
            .sets
            .iter()
            .map(|set| {
                let mut numbers = Vec::new();
                let said: Vec<String> = set
                    .attributes
                    .iter()
                    .map(|(name, v)| format!("{name} is {}", number(v, &mut numbers)))
                    .collect();
                let mut spans: Vec<String> = set
                    .spans
                    .iter()
                    .map(|s| format!("{} {}+{}", s.id, s.start - TIME, s.duration))
                    .collect();
                spans.sort();
                (format!("{} matched {said:?}: {spans:?}", set.matched), numbers)
            })
            .collect();
        sort(&mut sets);
        sets.insert(0, (head, Vec::new()));
        all.insert(hit.id.to_string(), sets);
    }
    all
}

/// What is right.
fn right(world: &World, pipeline: &Pipeline, window: Window) -> Result<Said, Refused> {
    let mut all = Said::new();
    for trace in &world.traces {
        if trace.start > window.end || trace.start + trace.duration < window.start {
            continue;
        }
        let found = world.run(pipeline, &trace.spans)?;
        if found.is_empty() {
            continue;
        }
        let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for n in &trace.spans {
            let service = services.entry(world.service(*n)).or_default();
            service.0 += usize::from(world.spans[*n].status == 2);
            service.1 += 1;
        }
        let mut services: Vec<String> = services
            .iter()
            .map(|(name, (failed, all))| format!("{name:?} {failed}/{all}"))
            .collect();
        services.sort();
        let head = format!(
            "{:?} {:?} from {} for {}, {services:?}",
            trace.root.map_or("", |root| world.service(root)),
            trace.root.map_or("", |root| world.spans[root].name),
            trace.start - TIME,
            trace.duration,
        );
        let mut sets: Vec<(String, Vec<Near>)> = found
            .iter()
            .map(|set| {
                let mut numbers = Vec::new();
                let shown = |has: &Has| match has {
                    Has::One(value) => label(value),
                    Has::Many { values, .. } => Label::List(values.iter().map(label).collect()),
                    Has::Nothing | Has::Unseen => Label::Nil,
                };
                let said: Vec<String> = set
                    .said
                    .iter()
                    .map(|(name, has)| format!("{name} is {}", number(&shown(has), &mut numbers)))
                    .collect();
                let spans = set.spans.iter().map(|n| &world.spans[*n]);
                let mut spans: Vec<String> = spans
                    .map(|s| {
                        let id = tributary_span::SpanId(s.id);
                        format!("{id} {}+{}", s.start - TIME, s.duration())
                    })
                    .collect();
                spans.sort();
                (format!("{} matched {said:?}: {spans:?}", set.spans.len()), numbers)
            })
            .collect();
        sort(&mut sets);
        sets.insert(0, (head, Vec::new()));
        all.insert(tributary_span::TraceId(trace.id).to_string(), sets);
    }
    Ok(all)
}

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

fn search(world: &World, places: &Places, query: Query, window: Window) -> Result<(), String> {
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

fn count(world: &World, places: &Places, query: Query, times: Times) -> Result<(), String> {
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

fn ask(world: &World, places: &Places, bytes: &[u8]) -> Result<(), String> {
    let mut c = Choices::new(bytes);
    let is_search = c.below(3) > 0;
    let mut maker = Maker::new(&mut c);
    let text = if is_search { maker.search() } else { maker.metrics() };
    let query = tributary_traceql::parse(&text).map_err(|error| format!("{text}\n{error}"))?;
    let asked = if is_search {
        let window = match c.below(4) {
            3 => {
                let start = TIME + c.below(12) as u64 * 250 * MS;
                Window { start, end: start + c.below(4) as u64 * 250 * MS }
            }
            _ => Window::ALL,
        };
        search(world, places, query, window).map_err(|why| format!("{window:?} {why}"))
    } else {
        let start = TIME - 500 * MS + c.below(8) as u64 * 250 * MS;
        let step = c.pick(&[250 * MS, 1000 * MS, 700 * MS]);
        let times = Times { start, end: start + c.below(8) as u64 * 500 * MS + 1, step };
        count(world, places, query, times).map_err(|why| format!("{times:?} {why}"))
    };
    asked.map_err(|why| format!("{text}\n{why}"))
}

fn pairs() -> u32 {
    let chosen = std::env::var("TRIBUTARY_QUERY_PAIRS").ok();
    chosen.map_or(2000, |text| text.parse().unwrap())
}

fn config() -> ProptestConfig {
    let cases = pairs() / QUERIES as u32;
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn columns_answer_as_spans_do(
        data in prop::collection::vec(any::<u8>(), 0..1200),
        queries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..160), QUERIES),
    ) {
        let mut c = Choices::new(&data);
        let spans = data::spans(&mut c);
        let half = c.below(spans.len() + 1);
        // Some arrive in both batches.
        let again = half.saturating_sub(c.below(3));
        let places = Places::new([&spans[..half], &spans[again..]]);
        let world = World::new(spans.clone());
        for bytes in &queries {
            if let Err(why) = ask(&world, &places, bytes) {
                return Err(TestCaseError::fail(format!("{why}\n{spans:#?}")));
            }
        }
    }
}
