//! What the sidecar counts, and how that is published: Prometheus' text format 0.0.4.

use crate::buffer::Gauges;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tributary_receivers::Counters;

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Everything that is counted between the receivers and the ingesters.
///
/// At rest `accepted = acked + dropped` of every reason; while working the rest is in the buffer.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Spans taken into the buffer.
    pub accepted: Count,
    /// Spans refused one by one: their sender was told, and should not send them again.
    pub rejected: Count,
    /// Spans of whole requests that were read and then refused; their sender still owns them.
    /// (Mostly a request is refused before it is read; the receivers count those.)
    pub refused: Count,
    /// Requests refused before or after they were read.
    pub requests_refused: Count,
    /// Spans in object storage.
    pub acked: Count,
    /// Spans that an ingester rejected for good.
    pub dropped_rejected: Count,
    /// Spans that were not acknowledged when the grace period after SIGTERM ended.
    pub dropped_shutdown: Count,
    /// Spans in frames that could not be sent. Never more than 0 unless there is a bug.
    pub dropped_internal: Count,
    /// Payload and definition bytes handed to streams, repeats included.
    pub wire_bytes: Count,
    /// The definitions among them.
    pub definition_bytes: Count,
    /// Frames handed to streams, repeats included.
    pub frames_sent: Count,
    /// Frames handed to a stream that an earlier one had carried already.
    pub frames_resent: Count,
    /// Streams opened.
    pub streams_opened: Count,
    /// Streams that broke, or stopped answering.
    pub streams_lost: Count,
    /// Failures to connect.
    pub connect_failures: Count,
    /// Names looked up without success.
    pub resolve_failures: Count,
}

impl Metrics {
    /// Spans that are lost.
    pub fn dropped(&self) -> u64 {
        self.dropped_rejected.get() + self.dropped_shutdown.get() + self.dropped_internal.get()
    }

    /// All of it as text. `receivers` are named.
    pub fn render(&self, gauges: &Gauges, receivers: &[(&str, &Counters)]) -> String {
        let mut page = Page::default();
        page.counter("spans_accepted", "Spans taken into the buffer.", self.accepted.get());
        page.family("spans_rejected_total", "counter", "Spans refused one by one, by reason.");
        let mut named = 0;
        for (reason, count) in rejected_by_reason(receivers) {
            named += count;
            page.sample("spans_rejected_total", &[("reason", reason)], count);
        }
        let other = self.rejected.get().saturating_sub(named);
        page.sample("spans_rejected_total", &[("reason", "other")], other);
        page.counter(
            "spans_refused",
            "Spans of requests that were read and then refused; their sender still owns them.",
            self.refused.get(),
        );
        page.counter(
            "requests_refused",
            "Requests refused because of a full buffer or the end, mostly before they were read.",
            self.requests_refused.get(),
        );
        page.counter("spans_acked", "Spans in object storage.", self.acked.get());
        page.family("spans_dropped_total", "counter", "Spans lost, by reason.");
        for (reason, count) in [
            ("rejected", &self.dropped_rejected),
            ("shutdown", &self.dropped_shutdown),
            ("internal", &self.dropped_internal),
        ] {
            page.sample("spans_dropped_total", &[("reason", reason)], count.get());
        }
        for (name, help, count) in [
            ("wire_bytes", "Payloads and definitions sent, repeats included.", &self.wire_bytes),
            ("definition_bytes", "The definitions among them.", &self.definition_bytes),
            ("frames_sent", "Frames sent, repeats included.", &self.frames_sent),
            ("frames_resent", "Frames sent again on another stream.", &self.frames_resent),
            ("streams_opened", "Streams opened to ingesters.", &self.streams_opened),
            ("streams_lost", "Streams that broke or stopped answering.", &self.streams_lost),
            ("connect_failures", "Failures to open a stream.", &self.connect_failures),
            ("resolve_failures", "Names looked up in vain.", &self.resolve_failures),
        ] {
            page.counter(name, help, count.get());
        }
        for (name, help, value) in [
            ("buffer_bytes", "Bytes of spans held.", gauges.buffer_bytes),
            ("buffer_limit_bytes", "Most bytes of spans held.", gauges.buffer_limit_bytes),
            ("streams", "Streams open to ingesters.", gauges.streams),
            ("unacked_frames", "Frames that wait for an acknowledgement.", gauges.unacked_frames),
            ("unacked_spans", "Spans in them.", gauges.unacked_spans),
            ("open_spans", "Spans that wait for their batch.", gauges.open_spans),
            ("groups", "Groups that traces are routed by.", gauges.groups),
        ] {
            page.family(name, "gauge", help);
            page.sample(name, &[], value);
        }
        page.text + &tributary_receivers::page(PREFIX, receivers)
    }
}

fn rejected_by_reason(receivers: &[(&str, &Counters)]) -> Vec<(&'static str, u64)> {
    let mut reasons: Vec<(&'static str, u64)> = Vec::new();
    for (_, counters) in receivers {
        counters.each(|name, reason, value| {
            if name == "spans_rejected" {
                match reasons.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, sum)) => *sum += value,
                    None => reasons.push((reason, value)),
                }
            }
        });
    }
    reasons
}

#[derive(Default)]
struct Page {
    text: String,
}

/// Before each name.
const PREFIX: &str = "tributary_sidecar_";

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.write(format_args!("{PREFIX}{name}"));
        for (i, (label, text)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            self.write(format_args!("{open}{label}=\"{text}\""));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{close} {value}\n"));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let name = format!("{name}_total");
        self.family(&name, "counter", help);
        self.sample(&name, &[], value);
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).unwrap_or_else(|_| unreachable!("writing to a string"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_well_formed() {
        let metrics = Metrics::default();
        metrics.accepted.add(7);
        metrics.rejected.add(2);
        let grpc = Counters::default();
        let http = Counters::default();
        http.rejected.trace_id.add(2);
        let gauges = Gauges { buffer_bytes: 5, ..Gauges::default() };
        let page = metrics.render(&gauges, &[("otlp-grpc", &grpc), ("otlp-http", &http)]);
        for line in [
            "tributary_sidecar_spans_accepted_total 7",
            "tributary_sidecar_spans_rejected_total{reason=\"trace_id\"} 2",
            "tributary_sidecar_spans_rejected_total{reason=\"other\"} 0",
            "tributary_sidecar_spans_dropped_total{reason=\"shutdown\"} 0",
            "tributary_sidecar_buffer_bytes 5",
            "tributary_sidecar_receiver_connections_open{receiver=\"otlp-grpc\"} 0",
            "tributary_sidecar_receiver_requests_total{receiver=\"otlp-http\",result=\"refused\"} 0",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
        }
        let mut families: Vec<_> = page.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let all = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), all, "no family stands twice");
        for sample in page.lines().filter(|l| !l.starts_with('#')) {
            let (name, value) = sample.rsplit_once(' ').unwrap();
            assert!(value.parse::<u64>().is_ok(), "{sample}");
            let family = name.split('{').next().unwrap();
            assert!(families.iter().any(|f| f.contains(&format!(" {family} "))), "{sample}");
        }
    }
}
