//! `/api/metrics/query_range` and `/api/metrics/query`: series, samples, `compare()`.

use crate::asked::ask_all;
use crate::compared::{same, typed};
use crate::differs::METRICS;
use crate::places::{Stored, memory, of_tempo, ours, wait};
use crate::questions::{Question, answered};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tributary_query::How;
use tributary_query::api::{self, Call, MetricsCall, MetricsForm};
use tributary_query::metrics::{Grid, MetricsPlan, metrics_group, metrics_memory};
use tributary_query::{MetricsAnswer, Series};

pub(crate) fn call(question: &Question) -> Call {
    let encode = |text: &str| {
        let escaped = text.bytes().map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => (b as char).to_string(),
            b => format!("%{b:02X}"),
        });
        escaped.collect::<String>()
    };
    let params: Vec<String> =
        question.params.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    let uri = format!("{}?{}", question.path, params.join("&"));
    let (head, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
    api::read(&head, &api::Settings::default())
        .unwrap_or_else(|refused| panic!("{}: {refused:?}", question.id))
}

fn plan(call: MetricsCall) -> MetricsPlan {
    let grid = match call.instant {
        true => Grid::instant(call.start, call.end),
        false => Grid::range(call.start, call.end, call.step),
    };
    let tributary_traceql::ast::Root::Metrics(expr) = call.query.root else { panic!("no metrics") };
    MetricsPlan::new(expr, grid, call.exemplars, call.max_series)
}

type Samples = BTreeMap<String, Value>;

fn labels(series: &Series) -> Value {
    let mut pairs: Vec<Value> =
        series.labels.iter().map(|(key, value)| json!([key, typed(value)])).collect();
    pairs.sort_by_key(Value::to_string);
    Value::from(pairs)
}

fn samples(series: &Series) -> Samples {
    series.samples.iter().map(|s| (s.at.to_string(), json!(s.value))).collect()
}

fn same_samples(got: &Samples, right: &Value) -> Result<(), String> {
    let right = right.as_object().unwrap();
    let times: BTreeSet<&String> = got.keys().collect();
    let wanted: BTreeSet<&String> = right.keys().collect();
    if times != wanted {
        return Err(format!("samples at {times:?} instead of {wanted:?}"));
    }
    for (at, value) in got {
        if !same(value, &right[at]) {
            return Err(format!("{value} at {at} instead of {}", right[at]));
        }
    }
    Ok(())
}

fn check(question: &Question, form: MetricsForm, answer: &MetricsAnswer) -> Result<(), String> {
    if let Some(top) = question.whole["compare"].as_u64() {
        return check_compare(question, top, answer);
    }
    let right = question.whole["answer"].as_object().unwrap();
    let right: BTreeMap<String, &Value> = right
        .iter()
        .map(|(labels, samples)| {
            let labels: Value = serde_json::from_str(labels).unwrap();
            let mut pairs = labels.as_array().unwrap().clone();
            pairs.sort_by_key(Value::to_string);
            (Value::from(pairs).to_string(), samples)
        })
        .collect();
    let got: BTreeMap<String, &Series> =
        answer.series.iter().map(|series| (labels(series).to_string(), series)).collect();
    assert_eq!(got.len(), answer.series.len(), "a series stands there twice");
    let names: BTreeSet<&String> = got.keys().collect();
    let wanted: BTreeSet<&String> = right.keys().collect();
    if names != wanted {
        let more: Vec<_> = names.difference(&wanted).take(3).collect();
        let less: Vec<_> = wanted.difference(&names).take(3).collect();
        return Err(format!("series {more:?} too many, {less:?} missing"));
    }
    for (labels, series) in got {
        let right = right[&labels];
        let outcome = match form {
            MetricsForm::Range => same_samples(&samples(series), right),
            MetricsForm::Instant => {
                let value = json!(series.samples.first().map_or(0.0, |s| s.value));
                if same(&value, right) {
                    Ok(())
                } else {
                    Err(format!("{value} instead of {right}"))
                }
            }
        };
        outcome.map_err(|why| format!("{labels}: {why}"))?;
    }
    Ok(())
}

/// Values by attribute, each with its samples that are not zero.
type Compared = BTreeMap<String, BTreeMap<String, Samples>>;

fn without_zeros(samples: &Value) -> Samples {
    let all = samples.as_object().unwrap().iter();
    let some = all.filter(|(_, value)| value.as_f64() != Some(0.0));
    some.map(|(at, value)| (at.clone(), value.clone())).collect()
}

fn total(samples: &Samples) -> u64 {
    samples.values().map(|value| value.as_f64().unwrap() as u64).sum()
}

fn check_compare(question: &Question, top: u64, answer: &MetricsAnswer) -> Result<(), String> {
    let mut got = Compared::new();
    let mut totals: BTreeMap<String, Samples> = BTreeMap::new();
    for series in &answer.series {
        let text = |name: &str| {
            let found = series.labels.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| typed(value)[1].as_str().unwrap().to_owned())
        };
        if text("__meta_error").is_some() {
            continue;
        }
        let kind = text("__meta_type").unwrap();
        let (key, value) = series.labels.iter().find(|(key, _)| key != "__meta_type").unwrap();
        let place = json!([kind, key]).to_string();
        let samples = without_zeros(&json!(samples(series)));
        if kind.ends_with("_total") {
            totals.insert(place, samples);
        } else if typed(value) != json!(["s", "nil"]) {
            got.entry(place).or_default().insert(typed(value).to_string(), samples);
        }
    }
    let plain = |text: &str| serde_json::from_str::<Value>(text).unwrap().to_string();
    let right = question.whole["answer_values"].as_object().unwrap();
    let right: BTreeMap<String, &Value> = right.iter().map(|(k, v)| (plain(k), v)).collect();
    let names: BTreeSet<&String> = got.keys().collect();
    let wanted: BTreeSet<&String> = right.keys().collect();
    if names != wanted {
        let more: Vec<_> = names.difference(&wanted).take(5).collect();
        let less: Vec<_> = wanted.difference(&names).take(5).collect();
        return Err(format!("attributes {more:?} too many, {less:?} missing"));
    }
    for (place, values) in &got {
        let right: BTreeMap<String, Samples> = right[place]
            .as_object()
            .unwrap()
            .iter()
            .map(|(value, samples)| (plain(value), without_zeros(samples)))
            .collect();
        for (value, samples) in values {
            if right.get(value) != Some(samples) {
                return Err(format!("{place} {value}: {samples:?}, not {:?}", right.get(value)));
            }
        }
        let mut most: Vec<u64> = right.values().map(total).collect();
        most.sort_unstable_by(|a, b| b.cmp(a));
        most.truncate(top as usize);
        let mut counts: Vec<u64> = values.values().map(total).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        if counts != most {
            return Err(format!("{place}: counts {counts:?} instead of {most:?}"));
        }
    }
    // Attributes with a column in every block of Tempo have other totals there.
    const OWN: [&str; 12] = [
        "resource.service.name",
        "resource.cluster",
        "resource.namespace",
        "resource.pod",
        "resource.container",
        "resource.k8s.cluster.name",
        "resource.k8s.namespace.name",
        "resource.k8s.pod.name",
        "resource.k8s.container.name",
        "span.http.method",
        "span.http.url",
        "span.http.status_code",
    ];
    for (place, samples) in question.whole["answer_totals"].as_object().unwrap() {
        let place: Value = serde_json::from_str(place).unwrap();
        if OWN.contains(&place[1].as_str().unwrap()) {
            continue;
        }
        let got = totals.get(&place.to_string()).cloned().unwrap_or_default();
        if got != without_zeros(samples) {
            return Err(format!("total of {place}: {got:?} instead of {samples}"));
        }
    }
    Ok(())
}

fn of_block(stored: &Stored, plan: &MetricsPlan) -> Result<MetricsAnswer, String> {
    let mut partial = plan.nothing();
    let block = stored.block();
    for group in 0..block.row_groups() {
        let counted = match stored {
            Stored::Folder(_, source) => {
                wait(metrics_group(block, source, group, plan, &How::default(), &mut partial))
            }
            Stored::Ours(_, source) => {
                wait(metrics_group(block, &**source, group, plan, &How::default(), &mut partial))
            }
        };
        counted.map_err(|e| e.to_string())?;
    }
    Ok(plan.finish(&partial))
}

fn ask(what: &str, answer: impl Fn(&Question, &MetricsPlan) -> Result<MetricsAnswer, String>) {
    let questions = answered("metrics");
    ask_all(
        what,
        &questions,
        METRICS,
        |q| q.param("q").or(q.param("query")).unwrap_or_default().to_owned(),
        |question| {
            let Call::Metrics(call) = call(question) else { panic!("no metrics: {question:?}") };
            let form = call.form;
            let plan = plan(call);
            check(question, form, &answer(question, &plan)?)
        },
    );
}

#[test]
fn in_blocks_of_tempo() {
    let blocks = of_tempo();
    ask("blocks of Tempo", |q, plan| of_block(&blocks[q.data.as_str()], plan));
}

#[test]
fn in_blocks_of_our_own() {
    let blocks = ours();
    ask("blocks of our own", |q, plan| of_block(&blocks[q.data.as_str()], plan));
}

#[test]
fn in_memory() {
    let memory = memory();
    ask("memory", |q, plan| {
        let mut partial = plan.nothing();
        metrics_memory(&memory[q.data.as_str()], plan, &mut partial).map_err(|e| e.to_string())?;
        Ok(plan.finish(&partial))
    });
}
