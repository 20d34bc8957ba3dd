//! What the injector counts, and how it is published.

use tributary_telemetry::{Counter, Gauge, Histogram, Text, Type};

/// What became of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Result {
    /// The sidecar was put in, or put right.
    Injected,
    /// It was there.
    Unchanged,
    /// None was asked for.
    NotWanted,
    /// The pod cannot have one.
    Skipped,
    /// What the pod asks for cannot be had.
    Refused,
    /// By a fault of the injector.
    Fault,
    /// It was no pod that is made.
    Ignored,
}

impl Result {
    const ALL: [(Result, &'static str); 7] = [
        (Result::Injected, "injected"),
        (Result::Unchanged, "unchanged"),
        (Result::NotWanted, "not-wanted"),
        (Result::Skipped, "skipped"),
        (Result::Refused, "refused"),
        (Result::Fault, "fault"),
        (Result::Ignored, "ignored"),
    ];
}

/// Why a request got no review for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// It was no review.
    Malformed,
    /// Its body was too large.
    Large,
    /// Its body did not come in time.
    Late,
    /// Too many bodies were being read.
    Busy,
    /// It was none of the injector's paths.
    Unknown,
}

impl Unanswered {
    const ALL: [(Unanswered, &'static str); 5] = [
        (Unanswered::Malformed, "malformed"),
        (Unanswered::Large, "large"),
        (Unanswered::Late, "late"),
        (Unanswered::Busy, "busy"),
        (Unanswered::Unknown, "unknown"),
    ];
}

/// How handshakes ended.
const HANDSHAKES: [&str; 3] = ["done", "failed", "late"];

/// Upper bounds of buckets for answers: they take microseconds.
const SECONDS: [f64; 9] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0];

/// All of it.
#[derive(Debug)]
pub(crate) struct Metrics {
    reviews: [Counter; Result::ALL.len()],
    unanswered: [Counter; Unanswered::ALL.len()],
    handshakes: [Counter; HANDSHAKES.len()],
    /// From the last byte of a request to the answer.
    pub(crate) review_seconds: Histogram,
    /// When the certificate expires, in seconds since 1970; 0 while there is none.
    pub(crate) certificate_expires: Gauge,
    /// Files that could not be read or used when they were last looked at.
    pub(crate) files_unusable: Gauge,
    /// Times that the API server could not be asked for what an own authority needs.
    pub(crate) authority_failures: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            reviews: Default::default(),
            unanswered: Default::default(),
            handshakes: Default::default(),
            review_seconds: Histogram::new(&SECONDS),
            certificate_expires: Gauge::default(),
            files_unusable: Gauge::default(),
            authority_failures: Counter::default(),
        }
    }
}

impl Metrics {
    /// A pod was answered for.
    pub(crate) fn reviewed(&self, result: Result) {
        let mut all = Result::ALL.iter().zip(&self.reviews);
        all.find(|((known, _), _)| *known == result)
            .into_iter()
            .for_each(|(_, counter)| counter.inc());
    }

    /// A request got no review.
    pub(crate) fn unanswered(&self, why: Unanswered) {
        let mut all = Unanswered::ALL.iter().zip(&self.unanswered);
        all.find(|((known, _), _)| *known == why)
            .into_iter()
            .for_each(|(_, counter)| counter.inc());
    }

    /// A handshake has ended so.
    pub(crate) fn handshake(&self, how: &'static str) {
        let mut all = HANDSHAKES.iter().zip(&self.handshakes);
        all.find(|(known, _)| **known == how).into_iter().for_each(|(_, counter)| counter.inc());
    }

    /// The page.
    pub(crate) fn render(&self) -> String {
        let mut text = Text::new("tributary_injector_");
        text.family(
            "reviews_total",
            Type::Counter,
            "Pods that were answered for, by what became of them.",
        );
        for ((_, name), counter) in Result::ALL.iter().zip(&self.reviews) {
            text.sample("reviews_total", &[("result", name)], counter.get());
        }
        text.family(
            "unanswered_total",
            Type::Counter,
            "Requests that got no review for an answer.",
        );
        for ((_, name), counter) in Unanswered::ALL.iter().zip(&self.unanswered) {
            text.sample("unanswered_total", &[("reason", name)], counter.get());
        }
        text.family("handshakes_total", Type::Counter, "Handshakes of TLS, by how they ended.");
        for (name, counter) in HANDSHAKES.iter().zip(&self.handshakes) {
            text.sample("handshakes_total", &[("outcome", name)], counter.get());
        }
        text.family("review_seconds", Type::Histogram, "From a request's last byte to its answer.");
        text.histogram("review_seconds", &self.review_seconds);
        let expires = "When the certificate expires, in seconds since 1970; 0 while there is none.";
        text.family("certificate_expires_seconds", Type::Gauge, expires);
        text.sample("certificate_expires_seconds", &[], self.certificate_expires.get());
        let unusable = "Files that could not be read or used when they were last looked at.";
        text.family("files_unusable", Type::Gauge, unusable);
        text.sample("files_unusable", &[], self.files_unusable.get());
        let failures = "Times that the API server was asked for an own authority in vain.";
        text.family("authority_failures_total", Type::Counter, failures);
        text.sample("authority_failures_total", &[], self.authority_failures.get());
        text.into_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_testkit::prometheus::families;

    #[test]
    fn every_value_has_its_counter() {
        let metrics = Metrics::default();
        Result::ALL.iter().for_each(|(result, _)| metrics.reviewed(*result));
        Unanswered::ALL.iter().for_each(|(why, _)| metrics.unanswered(*why));
        HANDSHAKES.iter().for_each(|how| metrics.handshake(how));
        let page = metrics.render();
        let counted = page.lines().filter(|line| line.contains("{") && line.ends_with("} 1"));
        assert_eq!(counted.count(), 7 + 5 + 3, "{page}");
        let families = families(&page).unwrap();
        assert_eq!(families.len(), 7);
        // And is explained, with its type and labels, and nothing else is.
        let explained = include_str!("../../../docs/operations.md");
        let rows = explained.lines().filter(|line| line.starts_with("| `tributary_injector_"));
        assert_eq!(rows.count(), families.len());
        for family in families {
            let label = page.lines().find_map(|line| {
                let labels = line.strip_prefix(&format!("{}{{", family.name))?;
                Some(format!("{{{}}}", labels.split_once('=')?.0))
            });
            let row =
                format!("| `{}{}` | {} | ", family.name, label.unwrap_or_default(), family.r#type);
            assert!(explained.contains(&row), "docs/operations.md lacks {row}");
        }
    }
}
