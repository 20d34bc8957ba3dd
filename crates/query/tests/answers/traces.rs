//! `/api/traces/{id}` and `/api/v2/traces/{id}`: the spans of one trace, all of them or those that
//! a filter finds. Ids that the two sides of a call share are parted.

use super::asked::ask_all;
use super::differs::Differs;
use super::places::batches;
use super::questions::{Question, answered};
use http::Request;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tributary_query::api::{Call, Found, Settings, read};
use tributary_span::Columns;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::protobuf::Fields;

const DIFFERS: [Differs; 0] = [];

/// The bytes of a trace in an answer's body, and whether it says that it is a part.
fn unwrapped(question: &Question, body: &[u8]) -> (Vec<u8>, bool) {
    if !question.path.contains("/v2/") {
        return (body.to_owned(), false);
    }
    let (mut fields, mut trace, mut partial) = (Fields::new(body), None, (false, false));
    while let Some(field) = fields.next_field().unwrap() {
        match field.number {
            1 => trace = Some(field.bytes().unwrap().to_owned()),
            3 => partial.0 = field.varint().unwrap() == 1,
            4 => partial.1 = !field.text().unwrap().is_empty(),
            _ => {}
        }
    }
    assert_eq!(partial.0, partial.1, "a part says why");
    (trace.unwrap(), partial.0)
}

/// The spans of an answer, in the recorded form as far as they are compared.
fn spans(trace: &Columns) -> Vec<Value> {
    let spans = &trace.spans;
    let of_row = |row: usize| {
        let parent = spans.parent[row];
        let parent = if parent.is_zero() { String::new() } else { parent.to_string() };
        json!({
            "trace": trace.trace_of(row).to_string(),
            "id": spans.id[row].to_string(),
            "parent": parent,
            "name": trace.texts.str(spans.name[row]),
            "kind": spans.kind[row],
            "start": spans.start[row].to_string(),
            "end": spans.end[row].to_string(),
            "status": spans.status_code[row],
            "attrs": trace.attrs_of_span(row).len(),
            "events": trace.events_of(row).len(),
            "links": trace.links_of(row).len(),
        })
    };
    (0..trace.len()).map(of_row).collect()
}

/// The recorded spans, as far as they are compared.
fn right(answer: &Value) -> Vec<Value> {
    let count = |value: &Value| value.as_array().unwrap().len();
    let of_span = |span: &Value| {
        let mut right = span.clone();
        right["status"] = span["status"][0].clone();
        for list in ["attrs", "events", "links"] {
            right[list] = count(&span[list]).into();
        }
        for left_out in ["res", "scope", "state", "dropped"] {
            right.as_object_mut().unwrap().remove(left_out);
        }
        right
    };
    answer["spans"].as_array().unwrap().iter().map(of_span).collect()
}

/// Ids that are free: parents by name and kind in their place.
fn without_ids(spans: &mut [Value]) {
    let named =
        |span: &Value| (span["id"].clone().to_string(), json!([span["name"], span["kind"]]));
    let by_id: BTreeMap<String, Value> = spans.iter().map(named).collect();
    assert_eq!(by_id.len(), spans.len(), "each has an id of its own");
    for span in spans {
        span["id"] = Value::Null;
        if let Some(parent) = by_id.get(&span["parent"].to_string()) {
            span["parent"] = parent.clone();
        }
    }
}

fn ask(question: &Question) -> Result<(), String> {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let params = question.params.iter().map(|(k, v)| format!("{k}={}", escaped(v)));
    let target = format!("{}?{}", question.path, params.collect::<Vec<_>>().join("&"));
    let request = Request::get(&target).header("accept", "application/protobuf");
    let (request, ()) = request.body(()).unwrap().into_parts();
    let Ok(Call::Trace(call)) = read(&request, &Settings::default()) else {
        return Err(format!("not understood: {target}"));
    };
    let parts = batches()[question.data.as_str()].clone();
    let shown = call.shown(Found { parts, ..Found::default() });
    let answer = shown.map_or_else(|refused| refused, |shown| shown.whole());
    if answer.status != 200 {
        return Err(format!("{answer:?}"));
    }
    let (trace, is_part) = unwrapped(question, &answer.body);
    let mut builder = Builder::new();
    append_all(&mut builder, &trace, &Limits::default()).unwrap();
    let (mut got, recorded) = (spans(builder.columns()), &question.whole["answer"]);
    let mut wanted = right(recorded);
    if is_part != (recorded["status"] == "PARTIAL") {
        return Err(format!("a part: {is_part}, right is {}", recorded["status"]));
    }
    if question.whole["free_ids"] == true {
        without_ids(&mut got);
        without_ids(&mut wanted);
    }
    got.sort_by_key(Value::to_string);
    wanted.sort_by_key(Value::to_string);
    if got.len() != wanted.len() {
        return Err(format!("{} spans, right are {}", got.len(), wanted.len()));
    }
    match got.iter().zip(&wanted).find(|(got, wanted)| got != wanted) {
        Some((got, wanted)) => Err(format!("{got}, right is {wanted}")),
        None => Ok(()),
    }
}

#[test]
fn traces_by_id() {
    let questions = answered("traces");
    let text = |question: &Question| format!("{} {:?}", question.path, question.params);
    ask_all("traces", &questions, &DIFFERS, text, ask);
}
