//! Questions that a real Tempo was asked, of which this crate must refuse and must understand the
//! same ones.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use http::Request;
use serde_json::Value;
use tributary_query::api::{self, Answer, Call, Found, Settings};
use tributary_testkit::data::{data_dir, inflate};

/// Lines of the recorded files of one name, from both folders.
fn recorded(name: &str) -> Vec<Value> {
    let folders = ["tempo-answers", "query-cases"].map(|folder| data_dir().unwrap().join(folder));
    let texts = folders.map(|folder| inflate(&folder.join(name)).unwrap());
    let lines = texts.iter().flat_map(|text| text.split(|byte| *byte == b'\n'));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Paths are recorded as they are written in a URL, parameters without escapes.
fn ask(question: &Value) -> Result<Call, Answer> {
    let mut target = question["path"].as_str().unwrap().to_owned();
    for (i, (name, value)) in question["params"].as_object().unwrap().iter().enumerate() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        target.push_str(&format!("{}{name}={value}", if i == 0 { "?" } else { "&" }));
    }
    let (request, ()) = Request::get(&target).body(()).unwrap().into_parts();
    api::read(&request, &Settings::default())
}

fn report(wrong: &[String], all: usize) {
    assert!(all > 0, "there are such questions");
    assert!(wrong.is_empty(), "{} of {all} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn errors_have_their_status_and_what_grafana_looks_for() {
    let questions = recorded("errors.jsonl.zst");
    let mut wrong = Vec::new();
    for question in &questions {
        let answer = match ask(question) {
            Err(answer) | Ok(Call::Ready(answer)) => answer,
            Ok(Call::Trace(call)) => call.shown(Found::default()).unwrap().whole(),
            Ok(call) => {
                wrong.push(format!("{question}: understood as {call:?}"));
                continue;
            }
        };
        let text = std::str::from_utf8(&answer.body).unwrap();
        let must_match = match question["must_match"].as_str() {
            // The only two patterns, so that no regular expressions are needed.
            Some("range specified by start and end.*exceeds") => text
                .split_once("range specified by start and end")
                .is_some_and(|(_, after)| after.contains("exceeds")),
            Some("metrics query time range exceeds the maximum allowed duration") => {
                text.contains("metrics query time range exceeds the maximum allowed duration")
            }
            Some(other) => panic!("a new pattern: {other}"),
            None => true,
        };
        let told = question["error"] == "" || !text.is_empty();
        let one_line = !text.contains('\n');
        let status = u64::from(answer.status.as_u16()) == question["status"];
        if !(must_match && told && one_line && status) {
            wrong.push(format!("{question}: {} {text:?}", answer.status));
        }
    }
    report(&wrong, questions.len());
}

#[test]
fn questions_with_answers_are_understood() {
    let kinds = |kind: &str, call: &Call| match call {
        Call::Search(_) => kind == "search",
        Call::Metrics(call) => kind == if call.instant { "query" } else { "query_range" },
        Call::Tags(_) => kind == "tags",
        Call::Values(_) => kind == "values",
        Call::Ready(_) => kind == "tags" || kind == "values",
        Call::Trace(_) => kind == "trace",
    };
    let (mut wrong, mut all) = (Vec::new(), 0);
    for name in ["search", "metrics", "tags"] {
        for question in recorded(&format!("{name}.jsonl.zst")) {
            all += 1;
            match ask(&question) {
                Ok(call) if kinds(question["kind"].as_str().unwrap(), &call) => {}
                Ok(call) => wrong.push(format!("{question}: understood as {call:?}")),
                Err(answer) => wrong.push(format!(
                    "{} {}: {} {:?}",
                    question["path"], question["params"], answer.status, answer.body
                )),
            }
        }
    }
    report(&wrong, all);
}
