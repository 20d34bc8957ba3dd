//! One look at one trace: the question, and what its answer says.

use super::case::{Case, SERVICE, TRACE_KEY};
use super::compare::{Differences, compare};
use super::ledger::{Outcome, Seen};
use super::past::Notes;
use super::stage::Look;
use crate::common::address::Address;
use crate::common::http::Http;
use crate::common::trace;
use anyhow::{Context, bail};
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;
use tributary_span::{Columns, TraceId};

const JSON: &str = "application/json";

/// Who is asked.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) http: Http,
    pub(crate) address: Address,
}

impl Reader {
    /// Looks at a trace in one way.
    pub(crate) async fn look(&self, case: &Case, look: Look) -> Seen {
        let seen = match look {
            Look::Id => self.by_id(case).await,
            Look::Search => self.by_search(case).await,
            Look::Metrics => self.by_metrics(case).await,
        };
        seen.unwrap_or_else(|why| match why.is::<Denied>() {
            true => Seen::Denied(format!("{why:#}")),
            false => Seen::Unanswered(format!("{why:#}")),
        })
    }

    /// The notes of a trace, if it is there.
    pub(crate) async fn notes(&self, trace: TraceId) -> anyhow::Result<Option<Notes>> {
        Ok(Notes::of(&self.fetch(trace).await?.0))
    }

    /// The spans of a trace, and why there may be more.
    async fn fetch(&self, id: TraceId) -> anyhow::Result<(Columns, Option<String>)> {
        let url = self.address.url(&trace::path(id), &[]);
        let (status, body) = self.http.get(&url, trace::PROTOBUF).await?;
        match status {
            StatusCode::OK => {
                let answer =
                    trace::envelope(&body).context("the answer is no TraceByIDResponse")?;
                Ok((answer.spans, answer.partial))
            }
            // So Tempo says it.
            StatusCode::NOT_FOUND => Ok((Columns::default(), None)),
            _ => Err(refused(&url, status, &body)),
        }
    }

    async fn by_id(&self, case: &Case) -> anyhow::Result<Seen> {
        let (spans, partial) = self.fetch(case.trace).await?;
        Ok(by_id(compare(case, &spans), partial))
    }

    async fn by_search(&self, case: &Case) -> anyhow::Result<Seen> {
        let answer = self.json("/api/search", case, &filter(case)).await?;
        Ok(counted(case, matched(&answer, case.trace)))
    }

    async fn by_metrics(&self, case: &Case) -> anyhow::Result<Seen> {
        let query = format!("{} | count_over_time()", filter(case));
        let answer = self.json("/api/metrics/query", case, &query).await?;
        if answer.get("status").and_then(Value::as_str) == Some("PARTIAL") {
            let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
            bail!("a part of the answer is missing: {message}");
        }
        Ok(counted(case, sum(&answer)))
    }

    async fn json(&self, path: &str, case: &Case, query: &str) -> anyhow::Result<Value> {
        let (start, end) = case.time();
        let parameters = [
            ("q", query.to_owned()),
            ("start", start.as_secs().saturating_sub(1).to_string()),
            ("end", (end + Duration::from_secs(2)).as_secs().to_string()),
        ];
        let url = self.address.url(path, &parameters);
        let (status, body) = self.http.get(&url, JSON).await?;
        if status != StatusCode::OK {
            return Err(refused(&url, status, &body));
        }
        serde_json::from_slice(&body).with_context(|| format!("the answer of {url}"))
    }
}

/// Who asks is not known, or may not read what is asked for.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Denied(String);

/// The server said no.
fn refused(url: &str, status: StatusCode, body: &[u8]) -> anyhow::Error {
    let told = format!("{url} answered {status}: {}", String::from_utf8_lossy(body).trim());
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Denied(told).into(),
        _ => anyhow::Error::msg(told),
    }
}

/// Finds the spans of one trace, as people find theirs.
fn filter(case: &Case) -> String {
    format!("{{ resource.service.name = \"{SERVICE}\" && span.{TRACE_KEY} = \"{}\" }}", case.trace)
}

fn by_id(differences: Differences, partial: Option<String>) -> Seen {
    if differences.is_empty() {
        return Seen::Whole;
    }
    let told = differences.to_string();
    match (partial, differences.is_missing_only()) {
        (Some(why), true) => {
            Seen::Unanswered(format!("{told}; a part of the answer is missing: {why}"))
        }
        (None, true) => Seen::Missing { spans: differences.missing, told },
        (_, false) if differences.double > 0 => {
            Seen::Wrong { outcome: Outcome::Double, passes: false, told }
        }
        (_, false) => Seen::Wrong { outcome: Outcome::Different, passes: false, told },
    }
}

/// As many spans were counted as there are, or not.
fn counted(case: &Case, count: u64) -> Seen {
    let all = case.spans.len() as u64;
    let told = || format!("{count} spans are counted, {all} were written");
    match count.cmp(&all) {
        std::cmp::Ordering::Equal => Seen::Whole,
        std::cmp::Ordering::Less => {
            Seen::Missing { spans: usize::try_from(all - count).unwrap_or(0), told: told() }
        }
        // What was sent again to another ingester stands in two blocks until they are merged.
        std::cmp::Ordering::Greater => {
            Seen::Wrong { outcome: Outcome::Double, passes: true, told: told() }
        }
    }
}

/// How many spans of a trace match, in a `SearchResponse`: `traces` [ { `traceID`, `spanSets` [ {
/// `matched` } ] } ]. Ids may lack zeros at their beginning.
fn matched(answer: &Value, trace: TraceId) -> u64 {
    let id = trace.to_string();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
    let is_it = |found: &&Value| {
        let found = found.get("traceID").and_then(Value::as_str).unwrap_or_default();
        format!("{found:0>32}") == id
    };
    let traces = list(answer, "traces").unwrap_or_default();
    let found = traces.iter().find(is_it);
    let sets = found.and_then(|found| list(found, "spanSets")).unwrap_or_default();
    sets.iter().map(|set| number(set.get("matched"))).sum()
}

/// The sum of all series of an instant query: `series` [ { `value` } ].
fn sum(answer: &Value) -> u64 {
    let series = answer.get("series").and_then(Value::as_array);
    series.into_iter().flatten().map(|series| number(series.get("value"))).sum()
}

/// A whole number that is not negative, which JSON may carry as a text.
fn number(value: Option<&Value>) -> u64 {
    let real = match value {
        Some(Value::String(text)) => text.parse::<f64>().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    let real = real.filter(|real| *real >= 0.0 && *real < 1e15).unwrap_or(0.0);
    Duration::from_secs_f64(real.round()).as_secs()
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;
    use serde_json::json;

    fn case() -> Case {
        Case::of(&Plan::new("v", Duration::from_secs(10), &[]), 0)
    }

    #[test]
    fn what_the_answer_by_id_says() {
        let d = |missing, double, different| Differences {
            missing,
            double,
            different,
            ..Differences::default()
        };
        let partial = || Some("an ingester is away".to_owned());
        let name = |seen: Seen| match seen {
            Seen::Whole => "whole".to_owned(),
            Seen::Missing { spans, .. } => format!("{spans} missing"),
            Seen::Wrong { outcome, .. } => outcome.name().to_owned(),
            Seen::Unanswered(why) => format!("unanswered: {why}"),
            Seen::Denied(why) => format!("denied: {why}"),
        };
        let table = [
            (d(0, 0, 0), None, "whole"),
            (d(0, 0, 0), partial(), "whole"),
            (d(2, 0, 0), None, "2 missing"),
            (
                d(2, 0, 0),
                partial(),
                "unanswered: 2 spans missing; a part of the answer is missing: an ingester is away",
            ),
            (d(2, 1, 0), None, "double"),
            (d(0, 0, 1), partial(), "different"),
        ];
        for (differences, partial, expected) in table {
            assert_eq!(name(by_id(differences, partial)), expected);
        }
    }

    #[test]
    fn matching_spans_are_counted() {
        let case = case();
        let id = case.trace.to_string();
        let answer = |id: &str, matched: Value| {
            json!({"traces": [
                {"traceID": "abc", "spanSets": [{"matched": 9}]},
                {"traceID": id, "spanSets": [{"matched": matched}]},
            ]})
        };
        let table = [
            (answer(&id, json!(4)), 4),
            (answer(&id, json!("3")), 3),
            (answer("def", json!(4)), 0),
            (json!({}), 0),
            (json!({"traces": [{"traceID": id}]}), 0),
        ];
        for (answer, expected) in table {
            assert_eq!(matched(&answer, case.trace), expected, "{answer}");
        }
        assert_eq!(
            matched(
                &answer("abc", json!(1)),
                TraceId::from_hex("00000000000000000000000000000abc").unwrap()
            ),
            9
        );
        assert!(matches!(counted(&case, 4), Seen::Whole));
        assert!(matches!(counted(&case, 1), Seen::Missing { spans: 3, .. }));
        assert!(matches!(counted(&case, 5), Seen::Wrong { outcome: Outcome::Double, .. }));
    }

    #[test]
    fn series_are_summed() {
        let table = [
            (json!({"series": [{"value": 4.0}]}), 4),
            (json!({"series": [{"value": "2"}, {"value": 2}, {}]}), 4),
            (json!({"series": [{"value": "NaN"}, {"value": -1}]}), 0),
            (json!({}), 0),
        ];
        for (answer, expected) in table {
            assert_eq!(sum(&answer), expected, "{answer}");
        }
    }
}
