//! What a receiver counts, and how the program that runs it publishes that.

use crate::complaints::Complaints;
use crate::fault::Fault;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use tokio::net::UdpSocket;
use tributary_span::otlp::{Outcome, Reject};
use tributary_telemetry::{Counter, Gauge, Text, Type};

/// Counters of one receiver. Everything but `connections_open` only rises.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections open now.
    pub connections_open: Gauge,
    /// Connections accepted.
    pub connections: Counter,
    /// Connections that began with a TLS handshake.
    pub connections_tls: Counter,
    /// Connections that brought something else than HTTP.
    pub connections_not_http: Counter,
    /// Failures to accept a connection (no file descriptors, mostly).
    pub accept_errors: Counter,
    /// Requests begun. Each ends as one of the `requests_…`, unless it was cut off with its
    /// connection.
    pub requests: Counter,
    /// Bytes of their bodies as they came, compressed or not.
    pub bytes: Counter,
    /// Bytes of OTLP handed on, after decompression and translation.
    pub otlp_bytes: Counter,
    /// Requests taken, some of whose spans may have been rejected.
    pub requests_accepted: Counter,
    /// Requests that were taken and are not empty, with no span that is known here.
    pub requests_spanless: Counter,
    /// Requests that carry no spans and were answered (sampling strategies).
    pub requests_answered: Counter,
    /// Spans taken.
    pub spans: Counter,
    /// Spans refused one by one (partial success), by the reason of the request's first.
    pub rejected: Rejected,
    /// Texts that were not UTF-8, and were mended.
    pub values_mended: Counter,
    /// Values that could not be read, and were left out.
    pub values_left_out: Counter,
    /// Requests refused because there was no room, or because of what their tenant has sent. The sender
    /// still owns the spans.
    pub requests_refused: Counter,
    /// Requests that are not what they say they are.
    pub requests_malformed: Counter,
    /// Requests above the limit.
    pub requests_too_large: Counter,
    /// Requests that are not understood here: encoding, content type, HTTP version, method.
    pub requests_unsupported: Counter,
    /// Requests whose body did not come in time, or whose sender went away.
    pub requests_broken: Counter,
    /// Requests for paths that nothing is served on.
    pub requests_unknown: Counter,
    /// Spans in datagrams that there was no room for: no sender will send them again.
    pub spans_dropped: Counter,
    kernel: Mutex<Kernel>,
    pub(crate) complaints: Complaints,
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
    pub trace_id: Counter,
    /// No valid span id.
    pub span_id: Counter,
    /// A single span that is too large.
    pub too_large: Counter,
    /// Not a message.
    pub malformed: Counter,
}

impl Counters {
    /// Spans refused one by one, by reason.
    pub fn spans_rejected(&self) -> [(&'static str, u64); 4] {
        let Rejected { trace_id, span_id, too_large, malformed } = &self.rejected;
        [
            ("trace_id", trace_id.get()),
            ("span_id", span_id.get()),
            ("too_large", too_large.get()),
            ("malformed", malformed.get()),
        ]
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
        let requests =
            if outcome.spanless { &self.requests_spanless } else { &self.requests_accepted };
        requests.add(1);
        self.spans.add(outcome.accepted);
        self.values_mended.add(outcome.mended);
        self.values_left_out.add(outcome.left_out);
        self.rejected(outcome);
    }

    /// Spans of a request that were refused one by one.
    pub(crate) fn rejected(&self, outcome: &Outcome) {
        let reason = match outcome.first {
            Some(Reject::TraceId) => &self.rejected.trace_id,
            Some(Reject::SpanId) => &self.rejected.span_id,
            Some(Reject::TooLarge(_)) => &self.rejected.too_large,
            Some(Reject::Malformed(_)) => &self.rejected.malformed,
            None => return,
        };
        reason.add(outcome.rejected);
    }

    pub(crate) fn fault(&self, fault: &Fault) {
        let count = match fault {
            Fault::Refused(_) | Fault::Limited(_) => &self.requests_refused,
            Fault::Tenant(_) | Fault::Malformed(_) | Fault::Framing(_) | Fault::Cardinality => {
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

/// Results and values of a family's samples of one receiver; a result is empty where it is the
/// only one.
type Samples = fn(&Counters) -> Vec<(&'static str, u64)>;

/// Every family: its name, what it is, and its samples.
#[rustfmt::skip]
const FAMILIES: [(&str, Type, Samples); 13] = [
    ("accept_errors_total", Type::Counter, |c| one(&c.accept_errors)),
    ("bytes_total", Type::Counter, |c| one(&c.bytes)),
    ("connections_total", Type::Counter, |c| one(&c.connections)),
    ("connections_unreadable_total", Type::Counter, |c| vec![
        ("tls", c.connections_tls.get()),
        ("not_http", c.connections_not_http.get()),
    ]),
    ("connections_open", Type::Gauge, |c| {
        vec![("", u64::try_from(c.connections_open.get()).unwrap_or(0))]
    }),
    ("datagrams_dropped_total", Type::Counter, |c| vec![("kernel", c.kernel_dropped())]),
    ("otlp_bytes_total", Type::Counter, |c| one(&c.otlp_bytes)),
    ("requests_total", Type::Counter, |c| vec![
        ("accepted", c.requests_accepted.get()),
        ("spanless", c.requests_spanless.get()),
        ("answered", c.requests_answered.get()),
        ("refused", c.requests_refused.get()),
        ("malformed", c.requests_malformed.get()),
        ("too_large", c.requests_too_large.get()),
        ("unsupported", c.requests_unsupported.get()),
        ("broken", c.requests_broken.get()),
        ("unknown", c.requests_unknown.get()),
    ]),
    ("requests_begun_total", Type::Counter, |c| one(&c.requests)),
    ("spans_accepted_total", Type::Counter, |c| one(&c.spans)),
    ("spans_dropped_total", Type::Counter, |c| vec![("refused", c.spans_dropped.get())]),
    ("spans_rejected_total", Type::Counter, |c| c.spans_rejected().to_vec()),
    ("values_faulty_total", Type::Counter, |c| vec![
        ("mended", c.values_mended.get()),
        ("left_out", c.values_left_out.get()),
    ]),
];

fn one(counter: &Counter) -> Vec<(&'static str, u64)> {
    vec![("", counter.get())]
}

/// Writes the counters of named receivers: each family once, its samples labelled by receiver and,
/// where there are several, by result.
pub fn render_metrics(text: &mut Text, receivers: &[(&str, &Counters)]) {
    if receivers.is_empty() {
        return;
    }
    for (name, r#type, samples) in FAMILIES {
        let name = format!("receiver_{name}");
        text.family(&name, r#type, "Of one receiver.");
        for (receiver, counters) in receivers {
            for (result, value) in samples(counters) {
                let labels = [("receiver", *receiver), ("result", result)];
                let labels = if result.is_empty() { &labels[..1] } else { &labels[..] };
                text.sample(&name, labels, value);
            }
        }
    }
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
