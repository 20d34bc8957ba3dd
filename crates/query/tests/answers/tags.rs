//! Names of attributes and their values.

use crate::asked::ask_all;
use crate::differs::TAGS;
use crate::metrics::call;
use crate::places::{Stored, memory, of_tempo, ours, wait};
use crate::questions::{Question, answered};
use serde_json::Value;
use std::collections::BTreeSet;
use tributary_query::How;
use tributary_query::api::{Call, TagsCall, ValuesCall, Version};
use tributary_query::search::Window;
use tributary_query::tags::{
    Among, Names, TagValues, Wanted, names_group, names_memory, values_group, values_memory,
};
use tributary_span::Columns;

enum Place<'p> {
    Block(&'p Stored),
    Memory(&'p Columns),
}

fn window(time: Option<tributary_query::api::TimeRange>) -> Window {
    const SECOND: u64 = 1_000_000_000;
    time.map_or(Window { start: 0, end: 0 }, |time| Window {
        start: time.start * SECOND,
        end: time.end.saturating_mul(SECOND),
    })
}

fn names(place: &Place<'_>, call: &TagsCall) -> Names {
    let among = Among { window: window(call.time), filter: call.filter.as_ref() };
    let mut names = Names::default();
    match place {
        Place::Memory(columns) => names_memory(columns, among, &mut names).unwrap(),
        Place::Block(stored) => {
            let block = stored.block();
            for group in 0..block.row_groups() {
                let _cost = match stored {
                    Stored::Folder(_, source) => {
                        wait(names_group(block, source, group, among, &How::default(), &mut names))
                    }
                    Stored::Ours(_, source) => wait(names_group(
                        block,
                        &**source,
                        group,
                        among,
                        &How::default(),
                        &mut names,
                    )),
                }
                .unwrap();
            }
        }
    }
    names
}

fn values(place: &Place<'_>, call: &ValuesCall) -> TagValues {
    let among = Among { window: window(call.time), filter: call.filter.as_ref() };
    let wanted = Wanted::new(&call.attribute, call.version == Version::V1);
    let mut values = TagValues::default();
    match place {
        Place::Memory(columns) => values_memory(columns, &wanted, among, &mut values).unwrap(),
        Place::Block(stored) => {
            let block = stored.block();
            for group in 0..block.row_groups() {
                let _cost = match stored {
                    Stored::Folder(_, source) => wait(values_group(
                        block,
                        source,
                        group,
                        &wanted,
                        among,
                        &How::default(),
                        &mut values,
                    )),
                    Stored::Ours(_, source) => wait(values_group(
                        block,
                        &**source,
                        group,
                        &wanted,
                        among,
                        &How::default(),
                        &mut values,
                    )),
                }
                .unwrap();
            }
        }
    }
    values
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// With a limit so many, all of them right; else all.
fn check_set(
    what: &str,
    got: &BTreeSet<String>,
    right: &BTreeSet<String>,
    limit: Option<usize>,
) -> Result<(), String> {
    let more: Vec<_> = got.difference(right).take(5).collect();
    let less: Vec<_> = right.difference(got).take(5).collect();
    let is_right = match limit.filter(|limit| *limit > 0) {
        Some(limit) => more.is_empty() && got.len() == right.len().min(limit),
        None => more.is_empty() && less.is_empty(),
    };
    if is_right { Ok(()) } else { Err(format!("{what}: {more:?} too many, {less:?} missing")) }
}

fn check_tags(question: &Question, body: &Value) -> Result<(), String> {
    let right = question.whole["answer"].as_object().unwrap();
    let limit = question.param("limit").and_then(|limit| limit.parse().ok());
    let got: Vec<(String, BTreeSet<String>)> = match body["scopes"].as_array() {
        Some(scopes) => scopes
            .iter()
            .map(|scope| (scope["name"].as_str().unwrap().to_owned(), texts(&scope["tags"])))
            .collect(),
        None => vec![(String::new(), texts(&body["tagNames"]))],
    };
    let got: Vec<_> = got.into_iter().filter(|(_, names)| !names.is_empty()).collect();
    let names: BTreeSet<String> = got.iter().map(|(name, _)| name.clone()).collect();
    check_set("scopes", &names, &right.keys().cloned().collect(), None)?;
    got.iter().try_for_each(|(scope, names)| check_set(scope, names, &texts(&right[scope]), limit))
}

fn check_values(question: &Question, body: &Value) -> Result<(), String> {
    let pairs = |all: &Value| -> BTreeSet<String> {
        all.as_array()
            .into_iter()
            .flatten()
            .map(|value| match value {
                Value::Array(pair) => format!("{} {}", pair[0].as_str().unwrap(), pair[1]),
                Value::Object(_) => {
                    format!("{} {}", value["type"].as_str().unwrap_or_default(), value["value"])
                }
                text => format!(" {text}"),
            })
            .collect()
    };
    let limit = question.param("limit").and_then(|limit| limit.parse().ok());
    check_set("values", &pairs(&body["tagValues"]), &pairs(&question.whole["answer"]), limit)
}

fn ask<'p>(what: &str, place: impl Fn(&Question) -> Place<'p>) {
    let questions = answered("tags");
    ask_all(
        what,
        &questions,
        TAGS,
        |q| format!("{} {}", q.path, q.param("q").unwrap_or_default()),
        |question| {
            let answer = match call(question) {
                Call::Ready(answer) => answer,
                Call::Tags(call) => {
                    let names = names(&place(question), &call);
                    call.answer(&names.finish())
                }
                Call::Values(call) => {
                    let values = values(&place(question), &call);
                    call.answer(&values.finish())
                }
                other => panic!("{other:?}"),
            };
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            match question.whole["kind"].as_str().unwrap() {
                "tags" => check_tags(question, &body),
                _ => check_values(question, &body),
            }
        },
    );
}

#[test]
fn in_blocks_of_tempo() {
    let blocks = of_tempo();
    ask("blocks of Tempo", |q| Place::Block(&blocks[q.data.as_str()]));
}

#[test]
fn in_blocks_of_our_own() {
    let blocks = ours();
    ask("blocks of our own", |q| Place::Block(&blocks[q.data.as_str()]));
}

#[test]
fn in_memory() {
    let memory = memory();
    ask("memory", |q| Place::Memory(&memory[q.data.as_str()]));
}
