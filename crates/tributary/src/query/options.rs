//! The flags of `tributary query`.

use super::moment::{self, Moment};
use super::range::Range;
use crate::common::address::{Address, DEFAULT};
use crate::common::caller::Caller;
use std::time::Duration;
use tributary_settings::value;
use tributary_span::TraceId;

/// What is asked, and who. Ends with 0 when the answer is whole, 1 when there is none, 2 when parts of
/// it are missing, 64 when the arguments are wrong.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// TraceQL: `{ status = error }` lists traces, `{ } | rate()` draws numbers. With --tags and
    /// --values only spans that it finds count.
    pub(super) query: Option<String>,
    /// Draw one trace.
    #[arg(long, value_name = "ID", value_parser = trace_id, conflicts_with_all = [
        "query", "metrics", "instant", "step", "tags", "values", "since", "start", "end", "limit", "spss", "follow",
    ])]
    pub(super) trace: Option<TraceId>,
    /// Insist on numbers: an error if the query asks for traces.
    #[arg(long, conflicts_with_all = ["tags", "values", "follow"])]
    pub(super) metrics: bool,
    /// One number for the whole time in place of one for each step.
    #[arg(long, conflicts_with_all = ["tags", "values", "follow", "step"])]
    pub(super) instant: bool,
    /// Time between two numbers. The server chooses if not given.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with_all = ["tags", "values", "follow"])]
    pub(super) step: Option<Duration>,
    /// List names of attributes, of one scope or of all: resource, span, event, link,
    /// instrumentation, intrinsic.
    #[arg(long, value_name = "SCOPE", num_args = 0..=1, value_parser = scope, conflicts_with_all = ["values", "follow", "spss"])]
    pub(super) tags: Option<Option<&'static str>>,
    /// List values of an attribute, such as `resource.service.name` or `name`.
    #[arg(long, value_name = "TAG", conflicts_with_all = ["follow", "spss"])]
    pub(super) values: Option<String>,
    /// How long before the end the time begins: 1h if not given, 1m with --follow.
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "start")]
    since: Option<Duration>,
    /// When the time begins: RFC 3339, or Unix seconds.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    start: Option<Moment>,
    /// When it ends; now if not given.
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with = "follow")]
    end: Option<Moment>,
    /// Traces, names or values at most. Of traces the newest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: Option<u32>,
    /// Spans of each trace that are listed, where --json shows them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) spss: Option<u32>,
    /// The server's answer as it came; with --follow one line of JSON for each trace.
    #[arg(long)]
    pub(super) json: bool,
    /// Go on and show new traces as they come, each once, until Ctrl-C.
    #[arg(long)]
    pub(super) follow: bool,
    /// The ingester's query port, or Tempo's.
    #[arg(long, env = "TRIBUTARY_URL", value_name = "URL", default_value = DEFAULT, value_parser = Address::read)]
    pub(super) url: Address,
    #[command(flatten)]
    pub(super) caller: Caller,
}

impl Options {
    /// The time that is asked about.
    pub(super) fn range(&self, now: Moment) -> Result<Range, String> {
        let usual = if self.follow { 60 } else { 3600 };
        let since = self.since.unwrap_or(Duration::from_secs(usual));
        Range::new(since, self.start, self.end, now)
    }
}

fn trace_id(text: &str) -> Result<TraceId, String> {
    TraceId::from_hex(text.trim()).map_err(|why| format!("`{text}` is no trace id: {why}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    match value::duration(text.trim())? {
        Duration::ZERO => Err(format!("`{text}` is no time at all")),
        time => Ok(time),
    }
}

const SCOPES: [(&str, &str); 6] = [
    ("resource", "resource"),
    ("span", "span"),
    ("event", "event"),
    ("link", "link"),
    ("instrumentation", "instrumentation"),
    ("intrinsic", "intrinsic"),
];

fn scope(text: &str) -> Result<&'static str, String> {
    value::choice(text, &SCOPES).map_err(|why| match text.contains('{') {
        true => format!("{why}; a query stands before --tags"),
        false => why,
    })
}

#[cfg(test)]
mod tests;
