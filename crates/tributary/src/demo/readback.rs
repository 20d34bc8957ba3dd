//! Traces read back by their ids, and compared with the story.

use super::story::{self, StoryTrace};
use crate::common::http::Http;
use crate::common::trace::{Answer, fetch};
use futures_util::StreamExt;
use futures_util::stream;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tributary_span::{Columns, SpanId};

/// Questions that are under way at a time.
const PARALLEL: usize = 4;

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReadBack {
    /// Traces asked for.
    pub(crate) traces: u64,
    /// Spans that came back as they were told.
    pub(crate) spans: u64,
    /// Spans that did not.
    pub(crate) missing: u64,
    /// What was wrong, one line a trace; the first few.
    pub(crate) faults: Vec<String>,
    /// Time to each answer.
    pub(crate) times: Vec<Duration>,
}

/// Faults that are kept.
const FAULTS: usize = 5;

impl ReadBack {
    /// The time within which half of the answers came.
    pub(crate) fn median(&self) -> Option<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    fn add(&mut self, trace: &StoryTrace, time: Duration, answer: anyhow::Result<Answer>) {
        self.traces += 1;
        self.times.push(time);
        let told = trace.spans.len() as u64;
        let (missing, why) = match answer {
            Ok(answer) => {
                let missing = missing(trace, &answer.spans);
                let partial = answer.partial.map(|why| format!(" ({why})")).unwrap_or_default();
                (missing, format!("{missing} of {told} spans are missing or differ{partial}"))
            }
            Err(error) => (told, format!("{error:#}")),
        };
        self.spans += told - missing;
        self.missing += missing;
        if missing > 0 && self.faults.len() < FAULTS {
            self.faults.push(format!("trace {}: {why}", trace.id));
        }
    }
}

/// Reads traces `0..traces` of the story back. `progress` is told how many have been read.
pub(crate) async fn read_back(
    http: &Http,
    base: &str,
    seed: u64,
    traces: u64,
    mut progress: impl FnMut(u64),
) -> ReadBack {
    let questions = (0..traces).map(|number| async move {
        let trace = story::trace(seed, number);
        let started = Instant::now();
        let answer = fetch(http, base, trace.id).await;
        (trace, started.elapsed(), answer)
    });
    let mut answers = stream::iter(questions).buffer_unordered(PARALLEL);
    let mut read = ReadBack::default();
    while let Some((trace, time, answer)) = answers.next().await {
        read.add(&trace, time, answer);
        progress(read.traces);
    }
    read
}

/// Spans of the story that are not in `columns` with the same id, parent, kind and name.
fn missing(trace: &StoryTrace, columns: &Columns) -> u64 {
    let s = &columns.spans;
    let fields = s.id.iter().zip(&s.parent).zip(s.kind.iter().zip(&s.name)).enumerate();
    let there: BTreeSet<(SpanId, SpanId, i32, &str)> = fields
        .filter(|&(row, _)| columns.trace_of(row) == trace.id)
        .map(|(_, ((&id, &parent), (&kind, &name)))| (id, parent, kind, columns.texts.str(name)))
        .collect();
    let told = trace.spans.iter().map(|s| (s.id, s.parent, s.kind as i32, s.name));
    told.filter(|span| !there.contains(span)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::super::export::exports;
    use super::*;
    use crate::common::trace::envelope;
    use tributary_span::protobuf::put;

    /// What the API answers when it has the spans of these services.
    fn answer(trace: &StoryTrace, services: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let exports = exports(&[(trace.clone(), Duration::from_secs(9))]);
        put::message(&mut out, 1, |t| {
            exports.iter().take(services).for_each(|e| t.extend(&e.body))
        });
        put::bytes(&mut out, 2, &[]);
        out
    }

    #[test]
    fn a_trace_that_came_back_whole() {
        let trace = story::trace(1, 0);
        let mut read = ReadBack::default();
        read.add(&trace, Duration::ZERO, envelope(&answer(&trace, 3)));
        assert_eq!((read.spans, read.missing), (trace.spans.len() as u64, 0));
        assert!(read.faults.is_empty());
    }

    #[test]
    fn what_did_not_come_back_is_counted() {
        let (trace, other) = (story::trace(1, 0), story::trace(1, 1));
        let told = trace.spans.len() as u64;
        let frontend = trace.spans.iter().filter(|s| s.service == story::Service::Frontend).count();
        let table = [
            (envelope(&answer(&trace, 1)), told - frontend as u64),
            (envelope(&answer(&other, 3)), told),
            (envelope(&[]), told),
            (envelope(&[10, 99]), told),
        ];
        for (i, (answer, expected)) in table.into_iter().enumerate() {
            let mut read = ReadBack::default();
            read.add(&trace, Duration::ZERO, answer);
            assert_eq!(read.missing, expected, "case {i}");
            assert_eq!(read.spans, told - expected, "case {i}");
            assert_eq!(read.faults.len(), 1, "case {i}");
        }
    }

    #[test]
    fn a_partial_answer_counts_by_what_is_in_it() {
        let trace = story::trace(1, 0);
        for (services, fine) in [(3, true), (1, false)] {
            let mut partial = answer(&trace, services);
            put::uint(&mut partial, 3, 1);
            put::bytes(&mut partial, 4, b"an ingester is away");
            let mut read = ReadBack::default();
            read.add(&trace, Duration::ZERO, envelope(&partial));
            assert_eq!((read.missing == 0, read.faults.is_empty()), (fine, fine));
            assert!(read.faults.iter().all(|fault| fault.contains("an ingester is away")));
        }
    }
}
