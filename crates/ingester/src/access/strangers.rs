//! What comes to a port and is not for it: TLS where there is none, HTTP/1.1 on the wire, spans of
//! applications on either port. Each kind is counted, and told when it happens first and then once a
//! minute, with the sender's address and what to do.

use super::Port;
use crate::metrics::Metrics;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tributary_identity::tls::Stream;
use tributary_telemetry::Repeated;

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// A TLS handshake, and the port has no TLS.
    Tls,
    /// No TLS handshake, or one that failed, and the port has TLS alone.
    NoTls,
    /// Nothing that is spoken here.
    Other,
    /// Spans of an application.
    Spans,
}

/// The first byte of a TLS record with a handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// How HTTP/2 begins (RFC 9113 §3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2";

impl Stranger {
    /// By the first bytes of a connection in the clear.
    fn of(port: Port, first: &[u8]) -> Option<Stranger> {
        let letter = first.first()?;
        match port {
            _ if *letter == HANDSHAKE => Some(Stranger::Tls),
            Port::Wire => {
                let n = first.len().min(HTTP2.len());
                (first.get(..n) != HTTP2.get(..n)).then_some(Stranger::Other)
            }
            // Methods of HTTP are words in capitals.
            _ => (!letter.is_ascii_uppercase()).then_some(Stranger::Other),
        }
    }

    /// By the path of a request that the port does not know.
    pub(crate) fn of_path(path: &str) -> Option<Stranger> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let is_known = match (segments.next(), segments.next(), segments.next_back()) {
            (Some("v1"), Some("traces" | "metrics" | "logs"), None) => true,
            (Some("api"), Some("traces"), None) => true,
            (Some("api"), Some("v1" | "v2"), Some("spans")) => true,
            (Some(service), Some(_), None) => {
                service.starts_with("opentelemetry.proto.") || service.starts_with("jaeger.")
            }
            _ => false,
        };
        is_known.then_some(Stranger::Spans)
    }

    /// What its sender is to do.
    pub(crate) fn advice(self, port: Port) -> &'static str {
        match (self, port) {
            (Stranger::Tls, _) => {
                "a TLS handshake came, and this port has no TLS: let the client use http:// or an \
                 insecure channel, or give the port a certificate"
            }
            (Stranger::NoTls, _) => {
                "no TLS handshake came, or it failed, and this port has TLS alone: let the client use \
                 https:// and trust this certificate"
            }
            (Stranger::Spans, _) => {
                "spans are not taken at this port: applications send to a sidecar, or to the receivers of \
                 an ingester (--receivers): OTLP to 4317 and 4318, Jaeger to 14268 and 14250, Zipkin to \
                 9411"
            }
            (Stranger::Other, Port::Wire) => {
                "what came is no sidecar's stream: applications send to a sidecar or to the receivers \
                 (--receivers), questions go to --http-listen"
            }
            (Stranger::Other, _) => {
                "what came is not HTTP: questions are asked over HTTP here, sidecars stream to \
                 --wire-listen"
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Stranger::Tls => "tls",
            Stranger::NoTls => "no_tls",
            Stranger::Other => "other",
            Stranger::Spans => "spans",
        }
    }
}

/// Those of one port.
#[derive(Debug)]
pub(crate) struct Strangers {
    port: Port,
    metrics: Arc<Metrics>,
    /// By kind.
    told: [Repeated; 4],
}

impl Strangers {
    /// None so far.
    pub(crate) fn new(port: Port, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Strangers { port, metrics, told: Default::default() })
    }

    /// Counts one, and tells it if that is due.
    pub(crate) fn met(&self, who: Stranger, from: SocketAddr, what: Option<&dyn fmt::Display>) {
        let (port, kind) = (self.port.name(), who.name());
        self.metrics.strangers.inc(port, kind);
        let told = self.told.get(who as usize);
        if let Some(times) = told.and_then(|told| told.due(Instant::now().into_std())) {
            let what = what.map(tracing::field::display);
            tracing::warn!(%from, to = port, kind, times, what, "{}", who.advice(self.port));
        }
    }
}

/// A connection whose first bytes are looked at when they are read.
pub(crate) struct Watched {
    stream: Stream,
    from: SocketAddr,
    unread: Option<Arc<Strangers>>,
}

impl Watched {
    /// Inside TLS nothing is looked at: the handshake has told.
    pub(crate) fn new(stream: Stream, from: SocketAddr, strangers: &Arc<Strangers>) -> Self {
        let is_plain = matches!(stream, Stream::Plain(_));
        Watched { stream, from, unread: is_plain.then(|| Arc::clone(strangers)) }
    }

    /// Where its client is.
    pub(crate) fn from(&self) -> SocketAddr {
        self.from
    }

    /// The connection.
    pub(crate) fn stream(&self) -> &Stream {
        &self.stream
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.unread.is_some()
            && read.is_ready()
            && let Some(strangers) = self.unread.take()
        {
            let first = buffer.filled().get(before..).unwrap_or_default();
            if let Some(who) = Stranger::of(strangers.port, first) {
                strangers.met(who, self.from, None);
            }
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_known_by_their_first_bytes() {
        let table: [(&[u8], Option<Stranger>, Option<Stranger>); 8] = [
            (b"", None, None),
            (b"\x16\x03\x01", Some(Stranger::Tls), Some(Stranger::Tls)),
            (b"PRI * HTTP/2.0\r\n", None, None),
            (b"PR", None, None),
            (b"POST /v1/traces HTTP/1.1", Some(Stranger::Other), None),
            (b"GET / HTTP/1.1", Some(Stranger::Other), None),
            (b"*1\r\n$4\r\nPING", Some(Stranger::Other), Some(Stranger::Other)),
            (b"\x82\x81\x01\x09emitBatch", Some(Stranger::Other), Some(Stranger::Other)),
        ];
        for (first, wire, query) in table {
            assert_eq!(Stranger::of(Port::Wire, first), wire, "{first:?}");
            assert_eq!(Stranger::of(Port::Query, first), query, "{first:?}");
        }
    }

    #[test]
    fn spans_are_known_by_their_path() {
        let table = [
            ("/v1/traces", true),
            ("//v1/traces/", true),
            ("/v1/metrics", true),
            ("/api/v2/spans", true),
            ("/api/v1/spans/", true),
            ("/api/traces", true),
            ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", true),
            ("/jaeger.api_v2.CollectorService/PostSpans", true),
            ("/api/traces/1", false),
            ("/api/v2/traces/1", false),
            ("/api/v2/search/tags", false),
            ("/tempopb.StreamingQuerier/Search", false),
            ("/", false),
        ];
        for (path, expected) in table {
            assert_eq!(Stranger::of_path(path).is_some(), expected, "{path}");
        }
    }

    #[test]
    fn each_kind_is_counted_by_its_port() {
        let metrics = Arc::new(Metrics::default());
        let strangers = Strangers::new(Port::Wire, metrics.clone());
        for who in [Stranger::Tls, Stranger::NoTls, Stranger::Other, Stranger::Spans] {
            strangers.met(who, ([127, 0, 0, 1], 1).into(), None);
            let line = format!(
                "tributary_ingester_strangers_total{{port=\"wire\",kind=\"{}\"}} 1",
                who.name()
            );
            assert!(metrics.render(&[]).contains(&line), "{line}");
        }
    }
}
