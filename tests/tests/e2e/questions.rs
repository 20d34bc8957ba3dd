//! Recorded questions with Grafana Tempo's answers, put to one of two ingesters over spans that lie in
//! blocks and in the memory of both, the traces split between them.

use ::http::Method;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use tributary_testkit::http::{self, Connection};
use tributary_testkit::wait::{SOON, wait_for};
use tributary_testkit::{data_dir, recordings};
use tributary_tests::ingester::HOLD;
use tributary_tests::{Ingester, Place};

/// Questions whose answer differs from the recorded one by design: relations hold in traces without a
/// root, and children are counted there, too.
const DIFFERS: [&str; 12] = [
    "s-search-004",
    "s-search-460",
    "s-search-461",
    "s-search-465",
    "s-search-466",
    "s-search-470",
    "s-search-471",
    "s-search-640",
    "s-query_range-055",
    "s-query_range-056",
    "s-query_range-057",
    "s-query_range-067",
];

fn flags() -> Vec<&'static str> {
    let receivers = ["--receivers=otlp-http", "--otlp-http-listen=127.0.0.1:0"];
    receivers.iter().chain(HOLD).copied().collect()
}

/// Two ingesters on one store.
async fn two(place: &Place) -> Result<[Ingester; 2]> {
    let first = Ingester::start(place, &flags()).await?;
    Ok([first, Ingester::start(place, &flags()).await?])
}

/// Sends requests to the two in turn.
async fn send(ingesters: &mut [Ingester; 2], requests: &[Vec<u8>]) -> Result<()> {
    for (n, request) in requests.iter().enumerate() {
        let ingester = ingesters.get_mut(n % 2).context("one of two")?;
        let to = ingester.process.listening("otlp-http", SOON).await?;
        let body = request.clone();
        let answer = http::post(to, "/v1/traces", "application/x-protobuf", body).await?;
        ensure!(answer.status == 200, "{}", answer.text());
    }
    Ok(())
}

/// The recorded questions of a file about these spans.
fn recorded(file: &str) -> Result<Vec<Value>> {
    let path = data_dir()?.join("tempo-answers").join(format!("{file}.jsonl.zst"));
    let bytes = tributary_testkit::data::inflate(&path)?;
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let all = lines.map(serde_json::from_slice).collect::<Result<Vec<Value>, _>>()?;
    let about = |q: &Value| q["data"] == "shop" && q["status"] == 200 && q["compare"].is_null();
    let differs = |q: &Value| DIFFERS.iter().any(|id| q["id"] == *id);
    Ok(all.into_iter().filter(|q| about(q) && !differs(q)).collect())
}

fn target(question: &Value) -> Result<String> {
    let escape = |text: &str| -> String {
        let escaped = text.bytes().map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => (b as char).to_string(),
            b => format!("%{b:02X}"),
        });
        escaped.collect()
    };
    let parameters = question["params"].as_object().context("parameters")?.iter();
    let pairs = parameters.map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", escape(&text))
    });
    let path = question["path"].as_str().context("a path")?;
    Ok(format!("{path}?{}", pairs.collect::<Vec<_>>().join("&")))
}

/// The traces of an answer with the numbers of their matching spans.
fn traces(answer: &Value) -> BTreeMap<String, Vec<u64>> {
    let all = answer["traces"].as_array().into_iter().flatten();
    all.map(|trace| {
        let sets = trace["spanSets"].as_array().into_iter().flatten();
        let mut matched: Vec<u64> = sets.filter_map(|set| set["matched"].as_u64()).collect();
        matched.sort_unstable();
        (format!("{:0>32}", trace["traceID"].as_str().unwrap_or_default()), matched)
    })
    .collect()
}

fn check_search(question: &Value, answer: &Value) -> Result<()> {
    let right = question["ids"].as_object().context("ids")?;
    let limit = question.pointer("/params/limit").and_then(Value::as_u64).unwrap_or(20);
    let got = traces(answer);
    ensure!(
        got.len() as u64 == limit.min(right.len() as u64),
        "{} traces of {}, without {:?}",
        got.len(),
        right.len(),
        right.keys().filter(|id| !got.contains_key(*id)).take(5).collect::<Vec<_>>()
    );
    for (id, matched) in got {
        let right = right.get(&id).with_context(|| format!("trace {id} does not match"))?;
        let mut wanted: Vec<u64> =
            right[1].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        wanted.sort_unstable();
        ensure!(matched == wanted, "trace {id}: matched {matched:?} instead of {wanted:?}");
    }
    Ok(())
}

/// What the samples of all series come to.
fn check_metrics(question: &Value, answer: &Value) -> Result<()> {
    let right = question["answer"].as_object().context("series")?;
    let series = answer["series"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(series.len() == right.len(), "{} series of {}", series.len(), right.len());
    let of_samples = |samples: &Value| -> f64 {
        let all = samples.as_array().into_iter().flatten();
        all.filter_map(|sample| sample["value"].as_f64()).sum()
    };
    let got: f64 = series.iter().map(|s| of_samples(&s["samples"])).sum();
    let values = right.values().filter_map(Value::as_object).flat_map(|s| s.values());
    let wanted: f64 = values.filter_map(Value::as_f64).sum();
    ensure!((got - wanted).abs() <= 1e-6 * wanted.abs(), "{got} in all instead of {wanted}");
    Ok(())
}

#[tokio::test]
async fn answers_are_the_same_wherever_the_spans_are() -> Result<()> {
    let place = Place::folder()?;
    let requests: Vec<Vec<u8>> =
        recordings()?.into_iter().flat_map(|r| r.records.into_iter().skip(6).take(4)).collect();
    let (first, second) = requests.split_at(requests.len() / 2);

    let mut ingesters = two(&place).await?;
    send(&mut ingesters, first).await?;
    let [one, two_of_them] = ingesters;
    one.stop().await?;
    two_of_them.stop().await?;
    let mut ingesters = two(&place).await?;
    send(&mut ingesters, second).await?;

    let mut query = Connection::open(ingesters[0].http).await?;
    let mut wrong = Vec::new();
    let (mut searches, mut metrics) = (0, 0);
    for question in recorded("search")? {
        let answer = query.send(Method::GET, &target(&question)?, &[], "").await?;
        ensure!(answer.status == 200, "{}: {}", question["id"], answer.text());
        if let Err(why) = check_search(&question, &serde_json::from_slice(&answer.body)?) {
            wrong.push(format!(
                "{} {}: {why:#}",
                question["id"],
                question.pointer("/params/q").unwrap_or(&Value::Null)
            ));
        }
        searches += 1;
    }
    for question in recorded("metrics")? {
        if question["kind"] != "query_range" {
            continue;
        }
        let answer = query.send(Method::GET, &target(&question)?, &[], "").await?;
        ensure!(answer.status == 200, "{}: {}", question["id"], answer.text());
        if let Err(why) = check_metrics(&question, &serde_json::from_slice(&answer.body)?) {
            wrong.push(format!(
                "{} {}: {why:#}",
                question["id"],
                question.pointer("/params/q").unwrap_or(&Value::Null)
            ));
        }
        metrics += 1;
    }
    ensure!(
        wrong.is_empty(),
        "of {searches} searches and {metrics} metrics:\n{}",
        wrong.join("\n")
    );
    ensure!(searches > 150 && metrics > 50, "{searches} searches, {metrics} metrics");
    for ingester in ingesters {
        ingester.stop().await?;
    }
    Ok(())
}

/// A request with one span, as OTLP's JSON.
fn one_span(name: &str, id: u64, parent: u64) -> Value {
    let hex = |n: u64| if n == 0 { String::new() } else { format!("{n:016x}") };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let start = now.map(|since| since.as_nanos()).unwrap_or_default();
    serde_json::json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{
        "traceId": "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e", "spanId": hex(id), "parentSpanId": hex(parent),
        "name": name, "kind": 1, "startTimeUnixNano": start.to_string(),
        "endTimeUnixNano": (start + 1_000_000).to_string(),
    }] }] }] })
}

/// A span that meets no filter links two that do, and each lies in the memory of another ingester.
#[tokio::test]
async fn a_span_in_another_ingesters_memory_links_two_that_match() -> Result<()> {
    let place = Place::folder()?;
    let mut ingesters = Vec::new();
    for (name, id, parent) in [("first", 1, 0), ("middle", 2, 1), ("last", 3, 2)] {
        let mut ingester = Ingester::start(&place, &flags()).await?;
        let to = ingester.process.listening("otlp-http", SOON).await?;
        let body = serde_json::to_vec(&one_span(name, id, parent))?;
        let answer = http::post(to, "/v1/traces", "application/json", body).await?;
        ensure!(answer.status == 200, "{}", answer.text());
        ingesters.push(ingester);
    }
    let query = "%7Bname%3D%22first%22%7D%20%3E%3E%20%7Bname%3D%22last%22%7D";
    let metric = format!("{query}%20%7C%20count_over_time%28%29");
    for ingester in &ingesters {
        let asked = format!("/api/search?q={query}");
        let found = wait_for("the trace", SOON, || async {
            let answer = http::send(ingester.http, Method::GET, &asked, &[], "").await;
            let answer = answer.map_err(|e| e.to_string())?;
            let found: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            match traces(&found).is_empty() {
                true => Err(format!("{} {}", answer.status, answer.text())),
                false => Ok(found),
            }
        });
        let found = found.await?;
        ensure!(traces(&found).into_values().eq([vec![1]]), "{found}");
        let asked = format!("/api/metrics/query?q={metric}&since=10m");
        let answer = http::send(ingester.http, Method::GET, &asked, &[], "").await?;
        let said: Value = serde_json::from_slice(&answer.body)?;
        ensure!(said["series"][0]["value"].as_f64() == Some(1.0), "{said}");
    }
    for ingester in ingesters {
        ingester.stop().await?;
    }
    Ok(())
}
