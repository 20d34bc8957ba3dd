//! `/api/search`: the traces, what is said of each, and which of their spans.

use crate::asked::ask_all;
use crate::compared::{same, typed};
use crate::differs::{COUNTED_BY_TEMPO, Differs, SEARCH, SEARCH_OF_OURS, SEARCH_OF_TEMPO};
use crate::places::{Stored, memory, of_tempo, of_tempo_v5, ours, wait};
use crate::questions::{Question, answered};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tributary_query::How;
use tributary_query::search::{SearchPlan, TagSearch, Window, pipeline_of_tags};
use tributary_query::search::{search_group, search_memory};
use tributary_query::{Label, SetHit, SpanHit, TraceHit};
use tributary_traceql::ast::Root;

const SECOND: u64 = 1_000_000_000;

fn duration(text: &str) -> u64 {
    let query = tributary_traceql::parse(&format!("{{ duration > {text} }}")).unwrap();
    let text = format!("{:?}", query.root);
    let digits = text.split("Duration(").nth(1).unwrap();
    digits.split(')').next().unwrap().parse().unwrap()
}

/// `k=v k2="v 2"`.
fn logfmt(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => after.split_at(after.find(' ').unwrap_or(after.len())),
        };
        all.push((key.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    all
}

fn plan(question: &Question) -> SearchPlan {
    let window = Window {
        start: question.number("start").unwrap() * SECOND,
        end: question.number("end").unwrap() * SECOND,
    };
    let limit = question.number("limit").map_or(20, |n| n as usize);
    let per_set = question.number("spss").filter(|n| *n > 0).map_or(3, |n| n as usize);
    match question.param("q") {
        Some(text) => {
            let Root::Search(pipeline) = tributary_traceql::parse(text).unwrap().root else {
                panic!("{text} is no search")
            };
            SearchPlan::new(pipeline, window, limit, per_set)
        }
        None => {
            let tags = question.param("tags").unwrap_or_default();
            let tags = logfmt(tags);
            let search = TagSearch {
                tags,
                min_duration: question.param("minDuration").map(duration),
                max_duration: question.param("maxDuration").map(duration),
            };
            SearchPlan::new(pipeline_of_tags(&search), window, limit, per_set).without_sets()
        }
    }
}

fn of_block(stored: &Stored, plan: &SearchPlan) -> Result<Vec<TraceHit>, String> {
    let mut all = Vec::new();
    let block = stored.block();
    for group in 0..block.row_groups() {
        let hits = match stored {
            Stored::Folder(_, source) => {
                wait(search_group(block, source, group, plan, &How::default()))
            }
            Stored::Ours(_, source) => {
                wait(search_group(block, &**source, group, plan, &How::default()))
            }
        };
        all.extend(hits.map_err(|e| e.to_string())?.traces);
    }
    all.sort_by_key(|hit| std::cmp::Reverse(hit.start));
    all.truncate(plan.limit());
    Ok(all)
}

fn pairs(attributes: &[(String, Label)]) -> Vec<Value> {
    let mut all: Vec<Value> =
        attributes.iter().map(|(key, value)| json!([key, typed(value)])).collect();
    all.sort_by_key(Value::to_string);
    all
}

fn sorted(value: &Value) -> Vec<Value> {
    let mut all = value.as_array().cloned().unwrap_or_default();
    all.sort_by_key(Value::to_string);
    all
}

fn same_pairs(got: &[(String, Label)], right: &Value) -> Result<(), String> {
    let (got, right) = (pairs(got), sorted(right));
    if got.len() == right.len() && got.iter().zip(&right).all(|(a, b)| same(a, b)) {
        return Ok(());
    }
    Err(format!("{} instead of {}", Value::from(got), Value::from(right)))
}

fn check_span(span: &SpanHit, right: &Value, attributes: bool) -> Result<(), String> {
    let times = [span.start.to_string(), span.duration.cast_signed().to_string()];
    let wanted = [right[1].as_str().unwrap(), right[2].as_str().unwrap()];
    if times != wanted {
        return Err(format!("times {times:?} instead of {wanted:?}"));
    }
    let name = right[0].as_str().unwrap();
    if !name.is_empty() && span.name.as_deref() != Some(name) {
        return Err(format!("name {:?} instead of {name}", span.name));
    }
    if attributes { same_pairs(&span.attributes, &right[3]) } else { Ok(()) }
}

fn check_set(set: &SetHit, right: &Value, per_set: usize, attributes: bool) -> Result<(), String> {
    if u64::from(set.matched) != right["matched"].as_u64().unwrap() {
        return Err(format!("{} matched instead of {}", set.matched, right["matched"]));
    }
    if attributes {
        same_pairs(&set.attributes, &right["attributes"])?;
    }
    if set.spans.len() != per_set.min(set.matched as usize) {
        return Err(format!("{} spans listed", set.spans.len()));
    }
    if right["spans"].is_null() {
        return Ok(());
    }
    for span in &set.spans {
        // Zipkin's two sides of a call share an id; the second has a mark behind it.
        let id = span.id.to_string();
        let marked = format!("{id}+");
        let starts = span.start.to_string();
        let (one, two) = (&right["spans"][&id], &right["spans"][&marked]);
        let right = if two[1] == starts.as_str() { two } else { one };
        if right.is_null() {
            return Err(format!("span {id} does not match"));
        }
        check_span(span, right, attributes).map_err(|why| format!("span {id}: {why}"))?;
    }
    Ok(())
}

fn check(question: &Question, plan: &SearchPlan, hits: &[TraceHit]) -> Result<(), String> {
    let ids = question.whole["ids"].as_object().unwrap();
    let got: BTreeSet<String> = hits.iter().map(|hit| hit.id.to_string()).collect();
    let wrong: Vec<&String> = got.iter().filter(|id| !ids.contains_key(*id)).take(3).collect();
    if !wrong.is_empty() {
        return Err(format!("traces that do not match: {wrong:?}"));
    }
    if got.len() != plan.limit().min(ids.len()) {
        let missing: Vec<&String> = ids.keys().filter(|id| !got.contains(*id)).take(3).collect();
        return Err(format!("{} traces of {}, not {missing:?}", got.len(), ids.len()));
    }
    if !hits.is_sorted_by(|a, b| a.start >= b.start) {
        return Err("not the newest first".to_owned());
    }
    let attributes = question.whole["no_attrs"].as_bool() != Some(true);
    for hit in hits {
        let id = hit.id.to_string();
        check_trace(question, plan, hit, &id, attributes).map_err(|why| format!("{id}: {why}"))?;
    }
    Ok(())
}

fn check_trace(
    question: &Question,
    plan: &SearchPlan,
    hit: &TraceHit,
    id: &str,
    attributes: bool,
) -> Result<(), String> {
    let right = &question.whole["ids"][id];
    let service = hit.root_service.clone();
    let service = service.unwrap_or_else(|| "<root span not yet received>".to_owned());
    let said = json!([hit.start.to_string(), service, hit.root_name, hit.duration / 1_000_000]);
    let wanted = json!([right[0], right[2], right[3], right[4]]);
    if said != wanted {
        return Err(format!("{said} instead of {wanted}"));
    }
    let mut matched: Vec<u64> = hit.sets.iter().map(|set| set.matched.into()).collect();
    matched.sort_unstable();
    let mut wanted: Vec<u64> =
        right[1].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
    wanted.sort_unstable();
    if matched != wanted {
        return Err(format!("matched {matched:?} instead of {wanted:?}"));
    }
    let whole = &question.whole["answer"][id];
    if whole.is_null() {
        return Ok(());
    }
    let services: BTreeMap<&str, Value> =
        hit.services.iter().map(|s| (s.service.as_str(), json!([s.spans, s.errors]))).collect();
    if json!(services) != whole["stats"] {
        return Err(format!("services {} instead of {}", json!(services), whole["stats"]));
    }
    let order = |attributes: &Value, matched: u64| {
        format!("{}{matched:09}", Value::from(sorted(attributes)))
    };
    let mut sets: Vec<&SetHit> = hit.sets.iter().collect();
    sets.sort_by_key(|set| order(&Value::from(pairs(&set.attributes)), set.matched.into()));
    let mut right: Vec<&Value> = whole["sets"].as_array().unwrap().iter().collect();
    right.sort_by_key(|set| order(&set["attributes"], set["matched"].as_u64().unwrap()));
    for (set, right) in sets.iter().zip(right) {
        check_set(set, right, plan.spans_per_set(), attributes)?;
    }
    Ok(())
}

fn ask(
    what: &str,
    differs: &[Differs],
    answer: impl Fn(&Question, &SearchPlan) -> Result<Vec<TraceHit>, String>,
) {
    let questions = answered("search");
    ask_all(
        what,
        &questions,
        differs,
        |q| q.param("q").or(q.param("tags")).unwrap_or_default().to_owned(),
        |question| {
            let plan = plan(question);
            check(question, &plan, &answer(question, &plan)?)
        },
    );
}

#[test]
fn in_blocks_of_tempo() {
    let blocks = of_tempo();
    ask("blocks of Tempo", &[SEARCH, SEARCH_OF_TEMPO].concat(), |q, plan| {
        of_block(&blocks[q.data.as_str()], plan)
    });
}

#[test]
fn in_a_block_of_tempo_with_vparquet5() {
    let (blocks, v5) = (of_tempo(), of_tempo_v5());
    let differs: Vec<Differs> = [SEARCH, SEARCH_OF_TEMPO]
        .concat()
        .into_iter()
        .filter(|(id, _)| !COUNTED_BY_TEMPO.contains(id))
        .collect();
    ask("vParquet5", &differs, |q, plan| {
        of_block(if q.data == "shop" { &v5 } else { &blocks[q.data.as_str()] }, plan)
    });
}

#[test]
fn in_blocks_of_our_own() {
    let blocks = ours();
    ask("blocks of our own", &[SEARCH, SEARCH_OF_OURS].concat(), |q, plan| {
        of_block(&blocks[q.data.as_str()], plan)
    });
}

#[test]
fn in_memory() {
    let memory = memory();
    ask("memory", &[SEARCH, SEARCH_OF_OURS].concat(), |q, plan| {
        search_memory(&memory[q.data.as_str()], plan).map_err(|e| e.to_string())
    });
}
