//! What a receiver counts. Plain numbers: how they are published is their owner's business.

use crate::fault::Fault;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tributary_span::otlp::{Outcome, Reject};

/// A number that many tasks raise.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// Lowers it; for gauges.
    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counters of one receiver, that is of one socket. Everything but `connections_open` only rises.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections open now.
    pub connections_open: Count,
    /// Connections accepted.
    pub connections: Count,
    /// Failures to accept a connection (no file descriptors, mostly).
    pub accept_errors: Count,
    /// Requests begun. Each ends as one of the `requests_…`, unless it was cut off with its
    /// connection.
    pub requests: Count,
    /// Bytes of their bodies as they came, compressed or not.
    pub bytes: Count,
    /// Bytes of OTLP handed on, after decompression and translation.
    pub otlp_bytes: Count,
    /// Requests taken, some of whose spans may have been rejected.
    pub requests_accepted: Count,
    /// Spans taken.
    pub spans: Count,
    /// Spans refused one by one (partial success), by the reason of the request's first.
    pub rejected: Rejected,
    /// Requests refused because there was no room. The sender still owns the spans.
    pub requests_refused: Count,
    /// Requests that are not what they say they are.
    pub requests_malformed: Count,
    /// Requests above the limit.
    pub requests_too_large: Count,
    /// Requests in a form not spoken here: encoding, content type, HTTP version, method.
    pub requests_unsupported: Count,
    /// Requests whose body did not come in time, or whose sender went away.
    pub requests_broken: Count,
    /// Requests for paths that nothing is served on.
    pub requests_unknown: Count,
}

/// Spans refused by reason.
#[derive(Debug, Default)]
pub struct Rejected {
    /// No valid trace id.
    pub trace_id: Count,
    /// No valid span id.
    pub span_id: Count,
    /// A parent id of a wrong length.
    pub parent_id: Count,
    /// A single span that is too large.
    pub too_large: Count,
    /// Text that is not UTF-8.
    pub not_utf8: Count,
}

impl Counters {
    /// Name, reason (empty where there is none) and value of every counter, for whoever publishes.
    pub fn each(&self, mut put: impl FnMut(&'static str, &'static str, u64)) {
        put("connections_open", "", self.connections_open.get());
        put("connections", "", self.connections.get());
        put("accept_errors", "", self.accept_errors.get());
        put("requests_begun", "", self.requests.get());
        put("requests", "accepted", self.requests_accepted.get());
        put("requests", "refused", self.requests_refused.get());
        put("requests", "malformed", self.requests_malformed.get());
        put("requests", "too_large", self.requests_too_large.get());
        put("requests", "unsupported", self.requests_unsupported.get());
        put("requests", "broken", self.requests_broken.get());
        put("requests", "unknown", self.requests_unknown.get());
        put("bytes", "", self.bytes.get());
        put("otlp_bytes", "", self.otlp_bytes.get());
        put("spans_accepted", "", self.spans.get());
        put("spans_rejected", "trace_id", self.rejected.trace_id.get());
        put("spans_rejected", "span_id", self.rejected.span_id.get());
        put("spans_rejected", "parent_id", self.rejected.parent_id.get());
        put("spans_rejected", "too_large", self.rejected.too_large.get());
        put("spans_rejected", "not_utf8", self.rejected.not_utf8.get());
    }

    pub(crate) fn taken(&self, outcome: &Outcome) {
        self.requests_accepted.add(1);
        self.spans.add(outcome.accepted);
        let reason = match outcome.first {
            Some(Reject::TraceId) => &self.rejected.trace_id,
            Some(Reject::SpanId) => &self.rejected.span_id,
            Some(Reject::ParentId) => &self.rejected.parent_id,
            Some(Reject::TooLarge(_)) => &self.rejected.too_large,
            Some(Reject::NotUtf8) => &self.rejected.not_utf8,
            None => return,
        };
        reason.add(outcome.rejected);
    }

    pub(crate) fn fault(&self, fault: &Fault) {
        let count = match fault {
            Fault::Refused(_) => &self.requests_refused,
            Fault::Malformed(_) | Fault::Framing(_) | Fault::Cardinality => {
                &self.requests_malformed
            }
            Fault::TooLarge(_) => &self.requests_too_large,
            Fault::Encoding | Fault::ContentType(_) | Fault::Version | Fault::Method => {
                &self.requests_unsupported
            }
            Fault::Slow | Fault::Gone(_) => &self.requests_broken,
            Fault::Path(_) => &self.requests_unknown,
        };
        count.add(1);
    }
}
