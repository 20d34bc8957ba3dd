//! What was written and seen, for people and for Prometheus.

use super::ledger::{Finding, Outcome};
use super::plan::{Plan, Protocol};
use std::collections::BTreeMap;
use std::fmt::Write;
use tributary_telemetry::{Counter, Gauge, Histogram, Text, Type};

/// Upper bounds of the times until a trace is seen, seconds.
const SEEN: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Counters from the program's start.
#[derive(Debug)]
pub(crate) struct Tally {
    written: BTreeMap<Protocol, Counter>,
    not_taken: BTreeMap<Protocol, Counter>,
    looks: BTreeMap<&'static str, BTreeMap<Outcome, Counter>>,
    missing_spans: Counter,
    seen: Histogram,
    /// Traces that are not done with.
    pub(crate) owed: Gauge,
}

impl Tally {
    /// Nothing counted yet, of these stages.
    pub(crate) fn new(stages: impl IntoIterator<Item = &'static str>) -> Tally {
        let outcomes = || Outcome::ALL.into_iter().map(|o| (o, Counter::default())).collect();
        let by_protocol = || Protocol::ALL.into_iter().map(|p| (p, Counter::default())).collect();
        Tally {
            written: by_protocol(),
            not_taken: by_protocol(),
            looks: stages.into_iter().map(|stage| (stage, outcomes())).collect(),
            missing_spans: Counter::default(),
            seen: Histogram::new(SEEN),
            owed: Gauge::default(),
        }
    }

    /// A trace was acknowledged, or was not taken.
    pub(crate) fn written(&self, by: Protocol, is_taken: bool) {
        let counters = if is_taken { &self.written } else { &self.not_taken };
        counters.get(&by).into_iter().for_each(Counter::inc);
    }

    /// A look has ended.
    pub(crate) fn found(&self, finding: &Finding) {
        let counter = self.looks.get(finding.stage).and_then(|looks| looks.get(&finding.outcome));
        counter.into_iter().for_each(Counter::inc);
        self.missing_spans.add(finding.spans as u64);
        finding.took.into_iter().for_each(|took| self.seen.observe(took.as_secs_f64()));
    }

    /// Looks that ended so.
    pub(crate) fn looks(&self, outcome: Outcome) -> u64 {
        self.looks.values().filter_map(|looks| looks.get(&outcome)).map(Counter::get).sum()
    }

    /// Traces that were acknowledged, and that were not taken.
    pub(crate) fn traces(&self) -> (u64, u64) {
        let sum = |all: &BTreeMap<Protocol, Counter>| all.values().map(Counter::get).sum();
        (sum(&self.written), sum(&self.not_taken))
    }

    /// All of it in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        let mut text = Text::new("tributary_verify_");
        text.family("written_total", Type::Counter, "Traces that were acknowledged.");
        for (protocol, count) in &self.written {
            text.sample("written_total", &[("protocol", protocol.name())], count.get());
        }
        text.family(
            "not_taken_total",
            Type::Counter,
            "Traces that nothing acknowledged, however often they were sent.",
        );
        for (protocol, count) in &self.not_taken {
            text.sample("not_taken_total", &[("protocol", protocol.name())], count.get());
        }
        text.family("looks_total", Type::Counter, "Looks at acknowledged traces, by way and end: fine, late, missing, double, different, or unanswered.");
        for (stage, looks) in &self.looks {
            for (outcome, count) in looks {
                let labels = [("stage", *stage), ("outcome", outcome.name())];
                text.sample("looks_total", &labels, count.get());
            }
        }
        text.family(
            "missing_spans_total",
            Type::Counter,
            "Acknowledged spans that a look did not find.",
        );
        text.sample("missing_spans_total", &[], self.missing_spans.get());
        text.family(
            "seen_seconds",
            Type::Histogram,
            "Time from when a trace could be looked for until it was seen whole.",
        );
        text.histogram("seen_seconds", &self.seen);
        text.family("owed", Type::Gauge, "Traces that are still to be looked at.");
        text.sample("owed", &[], self.owed.get());
        text.into_string()
    }

    /// One line a kind of outcome that occurred.
    pub(crate) fn summary(&self) -> String {
        let (written, not_taken) = self.traces();
        let mut said = format!("{written} traces acknowledged");
        if not_taken > 0 {
            write!(said, ", {not_taken} not taken").unwrap_or_default();
        }
        for outcome in Outcome::ALL {
            let count = self.looks(outcome);
            if count > 0 {
                write!(said, "; {count} looks {}", outcome.name()).unwrap_or_default();
            }
        }
        said
    }
}

/// A finding as a line: which trace, where, how old, and what is wrong.
pub(crate) fn line(plan: &Plan, finding: &Finding) -> String {
    let kind = plan.kind(finding.slot);
    format!(
        "{}: trace {} ({}, slot {}), looked at by {} at the age of {:.1} s: {}",
        finding.outcome.name(),
        plan.trace(finding.slot),
        kind.name(),
        finding.slot,
        finding.stage,
        finding.age.as_secs_f64(),
        finding.told,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_found_is_counted_and_said() {
        let tally = Tally::new(["id", "search"]);
        let finding = |outcome, spans, took| Finding {
            slot: 5,
            stage: "id",
            outcome,
            spans,
            age: Duration::from_millis(61_200),
            took,
            told: "2 spans missing".to_owned(),
        };
        tally.written(Protocol::Otlp, true);
        tally.written(Protocol::Zipkin, false);
        tally.found(&finding(Outcome::Fine, 0, Some(Duration::from_millis(200))));
        tally.found(&finding(Outcome::Missing, 2, None));
        let text = tally.render();
        for line in [
            "tributary_verify_written_total{protocol=\"otlp\"} 1",
            "tributary_verify_not_taken_total{protocol=\"zipkin\"} 1",
            "tributary_verify_looks_total{stage=\"id\",outcome=\"missing\"} 1",
            "tributary_verify_looks_total{stage=\"search\",outcome=\"fine\"} 0",
            "tributary_verify_missing_spans_total 2",
            "tributary_verify_seen_seconds_bucket{le=\"0.25\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        assert_eq!(
            tally.summary(),
            "1 traces acknowledged, 1 not taken; 1 looks fine; 1 looks missing"
        );
        let plan = Plan::new("v", Duration::from_secs(10), &[]);
        let said = line(&plan, &finding(Outcome::Missing, 2, None));
        let expected = format!(
            "missing: trace {} (split, slot 5), looked at by id at the age of 61.2 s: 2 spans missing",
            plan.trace(5)
        );
        assert_eq!(said, expected);
    }
}
