//! From a question to the text that answers it.

use super::options::Options;
use super::question::{Kind, Question};
use super::server::{AskError, JSON, Server};
use super::{NONE, PARTIAL, chart, metrics, names, search, table};
use crate::common::terminal::Terminal;
use crate::common::trace::{PROTOBUF, envelope};
use crate::common::waterfall::{Style, waterfall};
use serde::de::DeserializeOwned;
use tributary_span::TraceId;

/// What a person is told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The answer.
    pub(crate) text: String,
    /// What is worth knowing beside it.
    pub(crate) notes: Vec<String>,
    /// The exit code.
    pub(crate) code: u8,
}

/// Asks, and draws what comes.
pub(crate) async fn answer(
    server: &Server,
    question: &Question,
    options: &Options,
    terminal: &Terminal,
) -> Result<Told, AskError> {
    let Question { kind, path, parameters } = question;
    let accept = match kind {
        Kind::Trace(_) if !options.json => PROTOBUF,
        _ => JSON,
    };
    let body = server.ask(path, parameters, accept).await?;
    if options.json {
        let mut text = String::from_utf8_lossy(&body).into_owned();
        text.push('\n');
        // Traces and numbers say in the same way that they are not whole.
        let partial = read::<metrics::Answer>(&body);
        let partial = partial.is_ok_and(|answer| answer.partial().is_some());
        return Ok(Told { text, code: if partial { PARTIAL } else { 0 }, ..Told::default() });
    }
    let told = match kind {
        Kind::Trace(id) => trace(*id, &body, terminal),
        Kind::Search => traces(&body, options, terminal),
        Kind::Range => read::<metrics::Answer>(&body)
            .map(|answer| numbers(&answer, chart::charts(&answer.series, terminal.room()))),
        Kind::Instant => read::<metrics::Answer>(&body)
            .map(|answer| numbers(&answer, chart::values(&answer.series))),
        Kind::Tags => read::<names::Tags>(&body).map(|tags| list(&tags.lines())),
        Kind::Values => read::<names::Values>(&body).map(|values| list(&values.lines())),
    };
    told.map_err(|why| server.unreadable(path, &why))
}

/// Reads an answer in JSON.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(body)?)
}

fn trace(id: TraceId, body: &[u8], terminal: &Terminal) -> anyhow::Result<Told> {
    let answer = envelope(body)?;
    let partial = answer.partial.map(|why| missing(&why));
    let mut told = Told { notes: partial.into_iter().collect(), ..Told::default() };
    told.code = if told.notes.is_empty() { 0 } else { PARTIAL };
    if answer.spans.is_empty() {
        let known = if told.notes.is_empty() { "" } else { ", as far as is known" };
        told.notes.push(format!("no trace {id}{known}"));
        told.code = NONE;
    } else {
        let style = Style { width: terminal.width(), colour: terminal.colour() };
        told.text = lines(&waterfall(&answer.spans, style));
    }
    Ok(told)
}

fn traces(body: &[u8], options: &Options, terminal: &Terminal) -> anyhow::Result<Told> {
    /// Of servers that are not told how many.
    const USUAL: u32 = 20;
    let mut traces = read::<search::Answer>(body)?.traces;
    if traces.is_empty() {
        return Ok(nothing());
    }
    search::newest_first(&mut traces);
    let text = lines(&table::table(&traces, terminal.room()));
    let limit = options.limit.unwrap_or(USUAL) as usize;
    let full = (traces.len() >= limit)
        .then(|| format!("{limit} traces, as many as --limit lets through: there may be more"));
    Ok(Told { text, notes: full.into_iter().collect(), code: 0 })
}

fn numbers(answer: &metrics::Answer, drawn: Vec<String>) -> Told {
    let mut told = list(&drawn);
    if let Some(why) = answer.partial() {
        told.notes = vec![missing(why)];
        told.code = PARTIAL;
    }
    told
}

fn list(all: &[String]) -> Told {
    match all {
        [] => nothing(),
        all => Told { text: lines(all), ..Told::default() },
    }
}

fn nothing() -> Told {
    let notes = vec!["nothing matches in that time (--since or --start say when)".to_owned()];
    Told { notes, ..Told::default() }
}

fn missing(why: &str) -> String {
    format!("parts are missing: {}", super::value::clean(why))
}

fn lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}
