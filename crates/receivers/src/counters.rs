//! What a receiver counts. Plain numbers: how they are published is their owner's business.

use crate::fault::Fault;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use tokio::net::UdpSocket;
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

/// Counters of one receiver. Everything but `connections_open` only rises.
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
    /// Requests that carry no spans and were answered (sampling strategies).
    pub requests_answered: Count,
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
    /// Spans in datagrams that there was no room for: there is nobody to send them again.
    pub spans_dropped: Count,
    kernel: Mutex<Kernel>,
}

/// Datagrams that the kernel dropped before they could be read.
#[derive(Debug, Default)]
struct Kernel {
    /// Sockets, each with the last count that was read.
    watched: Vec<(KernelDrops, u64)>,
    /// What was counted for sockets that are gone.
    gone: u64,
}

impl Kernel {
    fn read(&mut self) -> u64 {
        for (drops, last) in &mut self.watched {
            *last = drops.read().unwrap_or(*last);
        }
        self.gone + self.watched.iter().map(|(_, last)| last).sum::<u64>()
    }
}

/// Where the kernel counts the datagrams that it drops for a socket: the last column of its
/// table of sockets. Read when it is asked for, so that it costs a datagram nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelDrops {
    inode: u64,
}

impl KernelDrops {
    /// The count of this socket.
    pub(crate) fn of(socket: &UdpSocket) -> io::Result<Self> {
        let inode = fs::metadata(format!("/proc/self/fd/{}", socket.as_raw_fd()))?.ino();
        Ok(KernelDrops { inode })
    }

    fn read(self) -> Option<u64> {
        ["/proc/self/net/udp", "/proc/self/net/udp6"]
            .iter()
            .find_map(|table| self.find(&fs::read_to_string(table).ok()?))
    }

    fn find(self, table: &str) -> Option<u64> {
        const INODE: usize = 9;
        let inode = self.inode.to_string();
        let line = table.lines().find(|l| l.split_whitespace().nth(INODE) == Some(&inode))?;
        line.split_whitespace().last()?.parse().ok()
    }
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
        put("requests", "answered", self.requests_answered.get());
        put("requests", "refused", self.requests_refused.get());
        put("requests", "malformed", self.requests_malformed.get());
        put("requests", "too_large", self.requests_too_large.get());
        put("requests", "unsupported", self.requests_unsupported.get());
        put("requests", "broken", self.requests_broken.get());
        put("requests", "unknown", self.requests_unknown.get());
        put("datagrams_dropped", "kernel", self.kernel_dropped());
        put("spans_dropped", "refused", self.spans_dropped.get());
        put("bytes", "", self.bytes.get());
        put("otlp_bytes", "", self.otlp_bytes.get());
        put("spans_accepted", "", self.spans.get());
        put("spans_rejected", "trace_id", self.rejected.trace_id.get());
        put("spans_rejected", "span_id", self.rejected.span_id.get());
        put("spans_rejected", "parent_id", self.rejected.parent_id.get());
        put("spans_rejected", "too_large", self.rejected.too_large.get());
        put("spans_rejected", "not_utf8", self.rejected.not_utf8.get());
    }

    /// Datagrams that the kernel dropped, as far as it can be asked.
    pub fn kernel_dropped(&self) -> u64 {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner).read()
    }

    /// Publishes the kernel's count for a socket from now on.
    pub(crate) fn watch_kernel(&self, drops: KernelDrops) {
        let mut kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        kernel.watched.push((drops, 0));
    }

    /// Keeps the last count of a socket: it goes away.
    pub(crate) fn keep_kernel(&self, drops: KernelDrops) {
        let mut kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        kernel.read();
        let lasts = kernel.watched.extract_if(.., |(watched, _)| *watched == drops);
        let last: u64 = lasts.map(|(_, last)| last).sum();
        kernel.gone += last;
    }

    pub(crate) fn taken(&self, outcome: &Outcome) {
        self.requests_accepted.add(1);
        self.spans.add(outcome.accepted);
        self.rejected(outcome);
    }

    /// Spans of a request that were refused one by one.
    pub(crate) fn rejected(&self, outcome: &Outcome) {
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

/// The counters of named receivers in Prometheus' text format 0.0.4: one family each, its name
/// behind `prefix`, labelled by receiver and, where there is one, by reason.
pub fn page(prefix: &str, receivers: &[(&str, &Counters)]) -> String {
    let mut samples: Vec<(&str, &str, &str, u64)> = Vec::new();
    for (receiver, counters) in receivers {
        counters.each(|name, reason, value| samples.push((name, receiver, reason, value)));
    }
    // Families must not be torn apart; within one the order of the receivers stays.
    samples.sort_by_key(|(name, ..)| *name);
    let mut page = String::new();
    for family in samples.chunk_by(|a, b| a.0 == b.0) {
        let Some((name, ..)) = family.first() else { continue };
        let (end, kind) =
            if name.ends_with("_open") { ("", "gauge") } else { ("_total", "counter") };
        let name = format!("{prefix}receiver_{name}{end}");
        page += &format!("# HELP {name} Of one receiver.\n# TYPE {name} {kind}\n");
        for (_, receiver, reason, value) in family {
            let result = match *reason {
                "" => String::new(),
                reason => format!(",result=\"{reason}\""),
            };
            page += &format!("{name}{{receiver=\"{receiver}\"{result}}} {value}\n");
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_stand_in_the_kernels_table() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
              70: 0100007F:1AAF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 12\n\
             171: 0100007F:1AB0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0\n";
        for (inode, drops) in [(4711, Some(12)), (4712, Some(0)), (471, None)] {
            assert_eq!(KernelDrops { inode }.find(table), drops, "{inode}");
        }
    }
}
