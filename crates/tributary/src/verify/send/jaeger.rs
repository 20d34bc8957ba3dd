//! Jaeger's Thrift over HTTP: a `Batch` in Thrift's binary protocol (`jaeger.thrift` of jaeger-idl;
//! Thrift's "binary protocol encoding": a field is its type, one byte, and its number, two; a struct ends
//! with a zero; numbers are big-endian; texts and lists begin with their length, four bytes).

use super::super::case::SERVICE;
use super::super::span::{Span, Value, micros};
use tributary_span::TraceId;

pub(crate) const PATH: &str = "/api/traces?format=jaeger.thrift";
pub(crate) const MEDIA: &str = "application/vnd.apache.thrift.binary";

const BOOL: u8 = 2;
const DOUBLE: u8 = 4;
const I32: u8 = 8;
const I64: u8 = 10;
const TEXT: u8 = 11;
const STRUCT: u8 = 12;
const LIST: u8 = 15;
const SAMPLED: i32 = 1;

/// `Batch { 1: Process { 1: serviceName }, 2: list<Span> }`
pub(crate) fn batch(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    field(&mut out, STRUCT, 1);
    field(&mut out, TEXT, 1);
    text(&mut out, SERVICE.as_bytes());
    out.push(0);
    field(&mut out, LIST, 2);
    list(&mut out, STRUCT, spans.len());
    spans.iter().for_each(|span| put_span(&mut out, span));
    out.push(0);
    out
}

/// `Span { 1: traceIdLow, 2: traceIdHigh, 3: spanId, 4: parentSpanId, 5: operationName, 7: flags,
/// 8: startTime, 9: duration, 10: list<Tag> }`, times in microseconds.
fn put_span(out: &mut Vec<u8>, span: &Span) {
    let (high, low) = halves(span.trace);
    let long = |out: &mut Vec<u8>, number: i16, value: [u8; 8]| {
        field(out, I64, number);
        out.extend(value);
    };
    long(out, 1, low);
    long(out, 2, high);
    long(out, 3, span.id.0);
    long(out, 4, span.parent.0);
    field(out, TEXT, 5);
    text(out, span.name.as_bytes());
    field(out, I32, 7);
    out.extend(SAMPLED.to_be_bytes());
    long(out, 8, micros(span.start).to_be_bytes());
    long(out, 9, micros(span.end.saturating_sub(span.start)).to_be_bytes());
    field(out, LIST, 10);
    let kind = kind(span.kind);
    let kind = Value::from(kind);
    list(out, STRUCT, span.attributes.len() + 1);
    tag(out, "span.kind", &kind);
    span.attributes.iter().for_each(|(key, value)| tag(out, key, value));
    out.push(0);
}

/// `Tag { 1: key, 2: vType, 3: vStr, 4: vDouble, 5: vBool, 6: vLong, 7: vBinary }`
fn tag(out: &mut Vec<u8>, key: &str, value: &Value) {
    field(out, TEXT, 1);
    text(out, key.as_bytes());
    field(out, I32, 2);
    let mut is = |kind: i32, r#type: u8, number: i16| {
        out.extend(kind.to_be_bytes());
        field(out, r#type, number);
    };
    match value {
        Value::Str(value) => {
            is(0, TEXT, 3);
            text(out, value.as_bytes());
        }
        Value::Double(value) => {
            is(1, DOUBLE, 4);
            out.extend(value.to_be_bytes());
        }
        Value::Bool(value) => {
            is(2, BOOL, 5);
            out.push(u8::from(*value));
        }
        Value::Int(value) => {
            is(3, I64, 6);
            out.extend(value.to_be_bytes());
        }
        Value::Bytes(value) => {
            is(4, TEXT, 7);
            text(out, value);
        }
        // Jaeger has no such values.
        Value::List(_) | Value::Map(_) => {
            is(0, TEXT, 3);
            text(out, b"");
        }
    }
    out.push(0);
}

/// The high and the low 64 bits, big-endian.
fn halves(trace: TraceId) -> ([u8; 8], [u8; 8]) {
    let id = u128::from_be_bytes(trace.0);
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0).to_be_bytes();
    (half(id >> 64), half(id))
}

/// The value of the tag `span.kind`.
fn kind(number: i32) -> &'static str {
    match number {
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "internal",
    }
}

fn field(out: &mut Vec<u8>, r#type: u8, number: i16) {
    out.push(r#type);
    out.extend(number.to_be_bytes());
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(length(bytes.len()));
    out.extend(bytes);
}

fn list(out: &mut Vec<u8>, r#type: u8, len: usize) {
    out.push(r#type);
    out.extend(length(len));
}

fn length(len: usize) -> [u8; 4] {
    i32::try_from(len).unwrap_or(i32::MAX).to_be_bytes()
}
