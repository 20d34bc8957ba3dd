//! Questions that were put to a real Tempo: what it takes is taken here, and what it refuses is
//! refused.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use tributary_testkit::data::{data_dir, inflate};
use tributary_traceql::{QueryError, parse, parse_attribute, parse_filter_leniently};

/// A recorded question.
struct Question {
    file: String,
    status: u64,
    path: String,
    query: Option<String>,
    error: String,
}

fn questions() -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for folder in ["tempo-answers", "query-cases"] {
        let dir = data_dir()?.join(folder);
        for entry in fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !file.ends_with(".jsonl.zst") {
                continue;
            }
            for line in inflate(&path)?.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                let line: Value = serde_json::from_slice(line)?;
                questions.push(question(&file, &line));
            }
        }
    }
    ensure!(questions.len() > 900, "only {} questions", questions.len());
    Ok(questions)
}

fn question(file: &str, line: &Value) -> Question {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    // The older of the files has neither path nor params.
    let kind = line["kind"].as_str().unwrap_or_default();
    Question {
        file: format!("{file} {}", line["id"]),
        status: line["status"].as_u64().unwrap_or(200),
        path: text(&line["path"]).unwrap_or_else(|| format!("/{kind}")),
        query: ["/params/q", "/params/query", "/q"]
            .into_iter()
            .find_map(|at| line.pointer(at).and_then(text)),
        error: text(&line["error"]).unwrap_or_default(),
    }
}

impl Question {
    /// Whether a list of tags or values is asked for, which reads its filter leniently.
    fn is_lenient(&self) -> bool {
        self.path.contains("tag") || self.path.contains("values")
    }

    /// Whether the query itself is what is wrong.
    fn query_is_wrong(&self) -> bool {
        let marks =
            ["invalid TraceQL query", "parse error at", "compiling query", "failed to parse"];
        // The older file has no texts, and no other mistakes.
        let unnamed = self.error.is_empty() && self.file.starts_with("vParquet4");
        self.status == 400 && (unnamed || marks.iter().any(|mark| self.error.contains(mark)))
    }
}

fn is_placed(error: &QueryError) -> bool {
    let line = error.to_string();
    error.position().is_some_and(|at| at.line >= 1 && at.column >= 1)
        && line.starts_with("invalid TraceQL query: ")
        && !line.contains('\n')
}

#[test]
fn what_tempo_takes_is_taken_and_printed_back() -> Result<()> {
    let mut taken = 0;
    for question in questions()? {
        let Some(query) = &question.query else { continue };
        if question.is_lenient() || question.query_is_wrong() {
            continue;
        }
        let parsed = parse(query).with_context(|| format!("{}: {query}", question.file))?;
        let printed = parsed.to_string();
        let again = parse(&printed).with_context(|| format!("{query} printed as {printed}"))?;
        ensure!(parsed == again, "{query} printed as {printed} is another query");
        taken += 1;
    }
    ensure!(taken > 800, "only {taken}");
    Ok(())
}

#[test]
fn what_tempo_refuses_is_refused_with_its_place() -> Result<()> {
    let mut refused = 0;
    for question in questions()? {
        let Some(query) = &question.query else { continue };
        if question.is_lenient() || !question.query_is_wrong() {
            continue;
        }
        let Err(error) = parse(query) else { anyhow::bail!("{}: {query}", question.file) };
        ensure!(is_placed(&error), "{query}: {error}");
        refused += 1;
    }
    ensure!(refused > 90, "only {refused}");
    Ok(())
}

#[test]
fn filters_of_tag_questions_are_never_refused() -> Result<()> {
    for question in questions()?.iter().filter(|question| question.is_lenient()) {
        if let Some(query) = &question.query {
            parse_filter_leniently(query).with_context(|| query.clone())?;
        }
    }
    Ok(())
}

#[test]
fn names_of_tags_are_read() -> Result<()> {
    let mut names = 0;
    for question in questions()? {
        let of_v2 = question.path.strip_prefix("/api/v2/search/tag/");
        let Some(name) = of_v2.and_then(|path| path.strip_suffix("/values")) else { continue };
        let name = unescape(name)?;
        match parse_attribute(&name) {
            Ok(_) => ensure!(question.status == 200, "{name} is taken"),
            Err(error) => ensure!(question.status == 400 && is_placed(&error), "{name}: {error}"),
        }
        names += 1;
    }
    ensure!(names > 50, "only {names}");
    Ok(())
}

/// `%2F` and the like.
fn unescape(text: &str) -> Result<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2).context("cut short")?;
        bytes.push(u8::from_str_radix(hex, 16)?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Ok(String::from_utf8(bytes)?)
}

/// Spansets of search answers and labels of metrics are named by the text of expressions.
#[test]
fn names_in_answers_are_what_expressions_print() -> Result<()> {
    let mut found = 0;
    for file in ["tempo-answers/search.jsonl.zst", "tempo-answers/metrics.jsonl.zst"] {
        let text = inflate(&data_dir()?.join(file))?;
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let line: Value = serde_json::from_slice(line)?;
            // The older way to search has no query.
            let Some(query) = line["params"]["q"].as_str() else { continue };
            let query = parse(query)?;
            let labels = labels(&query);
            for key in keys(&line["answer"]) {
                found += 1;
                ensure!(labels.contains(&key), "{key} is not among {labels:?} of {query}");
            }
        }
    }
    ensure!(found > 300, "only {found}");
    Ok(())
}

/// All that may name something in the answer to a query.
fn labels(query: &tributary_traceql::Query) -> Vec<String> {
    use tributary_traceql::ast::{MetricsExpr, Pipeline, Root, Stage};
    fn of_pipeline(pipeline: &Pipeline, labels: &mut Vec<String>) {
        for stage in &pipeline.stages {
            match stage {
                Stage::GroupBy(expr) => labels.push(format!("by({})", expr.label())),
                Stage::Scalar(filter) => labels.push(filter.aggregate.label()),
                _ => {}
            }
        }
    }
    fn of_metrics(metrics: &MetricsExpr, labels: &mut Vec<String>) {
        match metrics {
            MetricsExpr::Scalar(_) => {}
            MetricsExpr::Query(query) => {
                of_pipeline(&query.pipeline, labels);
                labels.extend(query.function.by().iter().map(|attribute| attribute.label()));
            }
            MetricsExpr::Math { left, right, .. } => {
                of_metrics(left, labels);
                of_metrics(right, labels);
            }
        }
    }
    let mut labels = Vec::new();
    match &query.root {
        Root::Search(pipeline) => of_pipeline(pipeline, &mut labels),
        Root::Metrics(metrics) => of_metrics(metrics, &mut labels),
    }
    labels
}

/// The names in an answer that come from expressions.
fn keys(answer: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, value) in answer.as_object().into_iter().flatten() {
        // Of search: spansets with their attributes.
        for set in value["sets"].as_array().into_iter().flatten() {
            for attribute in set["attributes"].as_array().into_iter().flatten() {
                keys.extend(attribute[0].as_str().map(ToOwned::to_owned));
            }
        }
        // Of metrics: the labels as JSON, each with its value.
        if let Ok(Value::Array(labels)) = serde_json::from_str(key) {
            let names = labels.iter().filter_map(|label| label[0].as_str());
            let own = names.filter(|name| !name.starts_with("__") && *name != "p");
            keys.extend(own.map(ToOwned::to_owned));
        }
    }
    keys
}
