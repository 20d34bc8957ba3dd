//! What is said of traces, by the evaluator and by the interpreter, in one form.

use crate::data::TIME;
use crate::metrics::label;
use crate::pipeline::Refused;
use crate::value::Has;
use crate::world::World;
use std::collections::BTreeMap;
use tributary_query::search::Window;
use tributary_query::{Label, TraceHit};
use tributary_traceql::ast::Pipeline;

/// All that an answer says of traces, in a form that is compared and read by people.
pub(crate) type Said = BTreeMap<String, Vec<(String, Vec<Near>)>>;

/// A double that may be computed in another order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near(pub(crate) f64);

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
pub(crate) fn found(hits: &[TraceHit]) -> Said {
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
pub(crate) fn right(world: &World, pipeline: &Pipeline, window: Window) -> Result<Said, Refused> {
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
