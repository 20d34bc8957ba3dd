//! Requests to send.

use prost::Message;
use tributary_testkit::otlp::{
    AnyValue, ExportTraceServiceRequest, KeyValue, ResourceSpans, ScopeSpans, Span, any_value,
};

pub(crate) fn span(n: u8) -> Span {
    Span {
        trace_id: vec![n.max(1); 16],
        span_id: vec![n.max(1); 8],
        name: format!("span {n}"),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_100_000_000,
        ..Span::default()
    }
}

pub(crate) fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    }
}

/// One good span, encoded.
pub(crate) fn good() -> Vec<u8> {
    request(vec![span(1)]).encode_to_vec()
}

/// Two good spans and one without ids, encoded.
pub(crate) fn partly_good() -> Vec<u8> {
    request(vec![span(1), Span::default(), span(2)]).encode_to_vec()
}

pub(crate) const GOOD_JSON: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
    "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"json"}]}]}]}"#;

/// A request with many attributes on one span.
pub(crate) fn attributes(count: usize, value_len: usize) -> Vec<u8> {
    let attribute = |i| KeyValue {
        key: format!("key {i}"),
        value: Some(AnyValue { value: Some(any_value::Value::StringValue("x".repeat(value_len))) }),
    };
    let attributes = (0..count).map(attribute).collect();
    request(vec![Span { attributes, ..span(1) }]).encode_to_vec()
}

/// `message` in gRPC's frame.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &len[..], message].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}
