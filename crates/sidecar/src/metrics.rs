//! What the sidecar counts, and how that is published: Prometheus' text format 0.0.4.

use tributary_receivers::Counters;
use tributary_telemetry::{Counter, Text, Type};

/// Everything that is counted between the receivers and the ingesters.
///
/// At rest `accepted = acked + dropped` of every reason; while working the rest is in the buffer.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Spans taken into the buffer.
    pub accepted: Counter,
    /// Spans refused one by one: their sender was told, and should not send them again.
    pub rejected: Counter,
    /// Spans of whole requests that were read and then refused; their sender still owns them.
    /// (Mostly a request is refused before it is read; the receivers count those.)
    pub refused: Counter,
    /// Requests refused before or after they were read.
    pub requests_refused: Counter,
    /// Tenants of which nothing was held and that made way for others.
    pub tenants_forgotten: Counter,
    /// Spans in object storage.
    pub acked: Counter,
    /// Spans that an ingester rejected for good.
    pub dropped_rejected: Counter,
    /// Spans that were not acknowledged when the grace period after SIGTERM ended.
    pub dropped_shutdown: Counter,
    /// Spans in frames that could not be sent. Never more than 0 unless there is a bug.
    pub dropped_internal: Counter,
    /// Payload and definition bytes handed to streams, repeats included.
    pub wire_bytes: Counter,
    /// The definitions among them.
    pub definition_bytes: Counter,
    /// Frames handed to streams, repeats included.
    pub frames_sent: Counter,
    /// Frames handed to a stream that an earlier one had carried already.
    pub frames_resent: Counter,
    /// Streams opened.
    pub streams_opened: Counter,
    /// Streams that broke, or stopped answering.
    pub streams_lost: Counter,
    /// Failures to connect.
    pub connect_failures: Counter,
    /// Streams that ingesters refused because they do not know who calls.
    pub refused_unauthenticated: Counter,
    /// Streams that ingesters refused because this caller may not name its tenant.
    pub refused_permission_denied: Counter,
    /// Streams that were not asked for because the own token cannot be read.
    pub refused_token: Counter,
    /// Names looked up without success.
    pub resolve_failures: Counter,
}

/// How full the buffer is: what is read, not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gauges {
    /// Bytes held.
    pub buffer_bytes: u64,
    /// Most bytes held.
    pub buffer_limit_bytes: u64,
    /// Streams attached.
    pub streams: u64,
    /// Frames without acknowledgement.
    pub unacked_frames: u64,
    /// Spans in them.
    pub unacked_spans: u64,
    /// Spans in open columns.
    pub open_spans: u64,
    /// Tenants that are known.
    pub tenants: u64,
    /// Groups that traces are routed by.
    pub groups: u64,
}

/// Before each name.
const PREFIX: &str = "tributary_sidecar_";

impl Metrics {
    /// All of it as text. `receivers` are named.
    pub fn render(&self, gauges: &Gauges, receivers: &[(&str, &Counters)]) -> String {
        let mut text = Text::new(PREFIX);
        let accepted = self.accepted.get();
        counter(&mut text, "spans_accepted_total", "Spans taken into the buffer.", accepted);
        self.render_rejected(&mut text, receivers);
        counter(
            &mut text,
            "spans_refused_total",
            "Spans of requests that were read and then refused; their sender still owns them.",
            self.refused.get(),
        );
        counter(
            &mut text,
            "requests_refused_total",
            "Requests refused because of a full buffer or the end, mostly before they were read.",
            self.requests_refused.get(),
        );
        counter(&mut text, "spans_acked_total", "Spans in object storage.", self.acked.get());
        text.family("spans_dropped_total", Type::Counter, "Spans lost, by reason.");
        for (reason, count) in [
            ("rejected", &self.dropped_rejected),
            ("shutdown", &self.dropped_shutdown),
            ("internal", &self.dropped_internal),
        ] {
            text.sample("spans_dropped_total", &[("reason", reason)], count.get());
        }
        for (name, help, count) in [
            (
                "wire_bytes_total",
                "Payloads and definitions sent, repeats included.",
                &self.wire_bytes,
            ),
            ("definition_bytes_total", "The definitions among them.", &self.definition_bytes),
            ("frames_sent_total", "Frames sent, repeats included.", &self.frames_sent),
            ("frames_resent_total", "Frames sent again on another stream.", &self.frames_resent),
            ("streams_opened_total", "Streams opened to ingesters.", &self.streams_opened),
            ("streams_lost_total", "Streams that broke or stopped answering.", &self.streams_lost),
            ("connect_failures_total", "Failures to open a stream.", &self.connect_failures),
            ("resolve_failures_total", "Names looked up in vain.", &self.resolve_failures),
            (
                "tenants_forgotten_total",
                "Tenants without spans that made way for others.",
                &self.tenants_forgotten,
            ),
        ] {
            counter(&mut text, name, help, count.get());
        }
        text.family(
            "streams_refused_total",
            Type::Counter,
            "Streams refused because of who calls, by reason.",
        );
        for (reason, count) in [
            ("unauthenticated", &self.refused_unauthenticated),
            ("permission_denied", &self.refused_permission_denied),
            ("token", &self.refused_token),
        ] {
            text.sample("streams_refused_total", &[("reason", reason)], count.get());
        }
        for (name, help, value) in [
            ("buffer_bytes", "Bytes of spans held.", gauges.buffer_bytes),
            ("buffer_limit_bytes", "Most bytes of spans held.", gauges.buffer_limit_bytes),
            ("streams", "Streams open to ingesters.", gauges.streams),
            ("unacked_frames", "Frames that wait for an acknowledgement.", gauges.unacked_frames),
            ("unacked_spans", "Spans in them.", gauges.unacked_spans),
            ("open_spans", "Spans that wait for their batch.", gauges.open_spans),
            ("tenants", "Tenants that are known, 16 at most.", gauges.tenants),
            ("groups", "Groups that traces are routed by.", gauges.groups),
        ] {
            text.family(name, Type::Gauge, help);
            text.sample(name, &[], value);
        }
        tributary_receivers::render_metrics(&mut text, receivers);
        text.into_string()
    }

    /// The receivers know the reasons of what they refused themselves.
    fn render_rejected(&self, text: &mut Text, receivers: &[(&str, &Counters)]) {
        const NAME: &str = "spans_rejected_total";
        text.family(NAME, Type::Counter, "Spans refused one by one, by reason.");
        let mut by_reason: Vec<(&str, u64)> = Vec::new();
        for (reason, count) in receivers.iter().flat_map(|(_, c)| c.spans_rejected()) {
            match by_reason.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += count,
                None => by_reason.push((reason, count)),
            }
        }
        let named: u64 = by_reason.iter().map(|(_, count)| count).sum();
        let other = ("other", self.rejected.get().saturating_sub(named));
        for (reason, count) in by_reason.into_iter().chain([other]) {
            text.sample(NAME, &[("reason", reason)], count);
        }
    }
}

/// A counter without labels.
fn counter(text: &mut Text, name: &str, help: &str, value: u64) {
    text.family(name, Type::Counter, help);
    text.sample(name, &[], value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_well_formed() {
        let metrics = Metrics::default();
        metrics.accepted.add(7);
        metrics.rejected.add(2);
        let grpc = Counters::default();
        let http = Counters::default();
        http.rejected.trace_id.add(2);
        let gauges = Gauges { buffer_bytes: 5, ..Gauges::default() };
        let text = metrics.render(&gauges, &[("otlp-grpc", &grpc), ("otlp-http", &http)]);
        for line in [
            "tributary_sidecar_spans_accepted_total 7",
            "tributary_sidecar_spans_rejected_total{reason=\"trace_id\"} 2",
            "tributary_sidecar_spans_rejected_total{reason=\"other\"} 0",
            "tributary_sidecar_spans_dropped_total{reason=\"shutdown\"} 0",
            "tributary_sidecar_buffer_bytes 5",
            "tributary_sidecar_receiver_connections_open{receiver=\"otlp-grpc\"} 0",
            "tributary_sidecar_receiver_requests_total{receiver=\"otlp-http\",result=\"refused\"} 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        let mut families: Vec<_> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
        let all = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), all, "no family stands twice");
        for sample in text.lines().filter(|l| !l.starts_with('#')) {
            let (name, value) = sample.rsplit_once(' ').unwrap();
            assert!(value.parse::<u64>().is_ok(), "{sample}");
            let family = name.split('{').next().unwrap();
            assert!(families.iter().any(|f| f.contains(&format!(" {family} "))), "{sample}");
        }
    }
}
