//! Traces of the story as OTLP, sent the way SDKs send them: each service its own requests.

use super::story::{Service, SpanKind, StorySpan, StoryTrace, Value};
use crate::common::otlp::all_taken;
use bytes::{Buf, BufMut, Bytes};
use std::time::Duration;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tributary_span::TraceId;
use tributary_span::columns::{self, Attr, Builder, LinkFields, SpanFields};
use tributary_span::otlp::encode;

/// A request of one service, and how many spans are in it.
#[derive(Debug, Clone)]
pub(crate) struct Export {
    pub(crate) body: Bytes,
    pub(crate) spans: u64,
}

/// The requests of all services for traces that begin at the given times (since the epoch).
pub(crate) fn exports(traces: &[(StoryTrace, Duration)]) -> Vec<Export> {
    Service::ALL.iter().map(|&service| export(service, traces)).filter(|e| e.spans > 0).collect()
}

fn export(service: Service, traces: &[(StoryTrace, Duration)]) -> Export {
    let mut out = Builder::new();
    let pod = format!("{}-7c9d8b6f5-x2x{}", service.name(), service as u8);
    for (key, value) in [
        ("service.name", service.name()),
        ("service.namespace", "shop"),
        ("service.version", "1.4.2"),
        ("deployment.environment.name", "demo"),
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", pod.as_str()),
        ("telemetry.sdk.name", "tributary-demo"),
        ("telemetry.sdk.language", "rust"),
    ] {
        let attr = attribute(&mut out, key, &value.into());
        out.resource_attr(attr);
    }
    let resource = out.end_resource(0, Default::default(), Default::default());
    let (name, version) = (out.text(b"tributary.demo"), out.text(b"1.0.0"));
    let scope = out.end_scope(name, version, 0, Default::default());
    for (trace, start) in traces {
        for span in trace.spans.iter().filter(|span| span.service == service) {
            put_span(&mut out, trace.id, *start, span, (resource, scope));
        }
    }
    let rows: Vec<u32> = (0u32..).take(out.len()).collect();
    let mut body = Vec::new();
    encode::resource_spans(&mut body, out.columns(), &rows);
    Export { body: body.into(), spans: out.len() as u64 }
}

fn put_span(out: &mut Builder, trace: TraceId, base: Duration, span: &StorySpan, home: (u32, u32)) {
    let at = |time: Duration| u64::try_from((base + time).as_nanos()).unwrap_or(u64::MAX);
    for (key, value) in &span.attributes {
        let attr = attribute(out, key, value);
        out.span_attr(attr);
    }
    if let Some((kind, message)) = span.failure {
        for (key, value) in [("exception.type", kind), ("exception.message", message)] {
            let attr = attribute(out, key, &value.into());
            out.event_attr(attr);
        }
        let name = out.text(b"exception");
        out.end_event(at(span.end), name, 0);
    }
    if let Some(link) = span.link {
        out.end_link(LinkFields { trace, span: link, ..LinkFields::default() });
    }
    let name = out.text(span.name.as_bytes());
    let message = span.failure.map_or("", |(_, message)| message);
    let status_message = out.text(message.as_bytes());
    const SAMPLED: u32 = 1;
    const HAS_IS_REMOTE: u32 = 0x100;
    const IS_REMOTE: u32 = 0x200;
    let remote =
        matches!(span.kind, SpanKind::Server | SpanKind::Consumer) && !span.parent.is_zero();
    out.end_span(SpanFields {
        trace,
        resource: home.0,
        scope: home.1,
        id: span.id,
        parent: span.parent,
        name,
        kind: span.kind as i32,
        start: at(span.start),
        end: at(span.end),
        flags: SAMPLED | HAS_IS_REMOTE | if remote { IS_REMOTE } else { 0 },
        status_code: if span.error { 2 } else { 0 },
        status_message,
        ..SpanFields::default()
    });
}

fn attribute(out: &mut Builder, key: &str, value: &Value) -> Attr {
    let key = out.text(key.as_bytes());
    let (value_type, value) = match value {
        Value::Str(text) => (columns::ValueType::Str, u64::from(out.text(text.as_bytes()).0)),
        Value::Int(n) => (columns::ValueType::Int, n.cast_unsigned()),
        Value::Bool(bool) => (columns::ValueType::Bool, u64::from(*bool)),
    };
    Attr { key, value_type, value }
}

/// The exporter of all three services: they share one sidecar here, as containers of a pod do.
#[derive(Debug, Clone)]
pub(crate) struct Exporter {
    channel: Channel,
}

/// Why a request was not taken.
#[derive(Debug)]
pub(crate) enum ExportError {
    /// Not now: the sidecar's buffer is full, or it does not answer. The spans are still ours.
    Later(Status),
    /// Never.
    Refused(String),
}

impl Exporter {
    /// An exporter to `127.0.0.1:port`; it connects with the first request.
    pub(crate) fn new(port: u16) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(5));
        Ok(Exporter { channel: endpoint.connect_lazy() })
    }

    /// Sends one request.
    pub(crate) async fn send(&self, export: &Export) -> Result<(), ExportError> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        let later =
            |why: &dyn std::fmt::Display| ExportError::Later(Status::unavailable(why.to_string()));
        client.ready().await.map_err(|why| later(&why))?;
        let path = http::uri::PathAndQuery::from_static(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        );
        let request = Request::new(export.body.clone());
        let answer = client.unary(request, path, BytesCodec).await.map_err(|status| {
            use tonic::Code;
            match status.code() {
                Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => {
                    ExportError::Later(status)
                }
                _ => ExportError::Refused(status.to_string()),
            }
        })?;
        partial_success(&answer.into_inner())
    }
}

/// Whether all spans were taken.
fn partial_success(response: &[u8]) -> Result<(), ExportError> {
    all_taken(response).map_err(ExportError::Refused)
}

/// gRPC messages as the bytes that they are.
#[derive(Debug, Clone, Copy, Default)]
struct BytesCodec;

impl Codec for BytesCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }
}

impl Decoder for BytesCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::story;
    use super::*;
    use std::collections::BTreeSet;
    use tributary_span::otlp::{Limits, decode};

    #[test]
    fn every_span_of_the_story_is_in_one_request_of_its_service() {
        let traces: Vec<_> =
            (0..50).map(|n| (story::trace(1, n), Duration::from_secs(1_000))).collect();
        let mut sent = BTreeSet::new();
        for export in exports(&traces) {
            let mut columns = Builder::new();
            let outcome =
                decode::append_all(&mut columns, &export.body, &Limits::default()).unwrap();
            assert_eq!((outcome.accepted, outcome.rejected), (export.spans, 0));
            let c = columns.take();
            assert_eq!(c.resources.attrs_end.len(), 1);
            sent.extend((0..c.len()).map(|row| (c.trace_of(row), c.spans.id[row])));
            assert!(c.spans.start.iter().all(|&start| start >= 1_000_000_000_000));
        }
        let told: BTreeSet<_> =
            traces.iter().flat_map(|(t, _)| t.spans.iter().map(|s| (t.id, s.id))).collect();
        assert_eq!(sent, told);
    }

    #[test]
    fn rejected_spans_are_an_error() {
        assert!(partial_success(&[]).is_ok());
        assert!(partial_success(&[10, 0]).is_ok(), "a message alone is a warning");
        assert!(matches!(partial_success(&[10, 2, 8, 3]), Err(ExportError::Refused(_))));
        assert!(matches!(partial_success(&[10, 9]), Err(ExportError::Refused(_))));
    }
}
