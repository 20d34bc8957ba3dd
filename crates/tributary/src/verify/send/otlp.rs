//! OTLP over HTTP, in protobuf (`opentelemetry/proto/collector/trace/v1/trace_service.proto`).

use super::super::case::{SCOPE, SERVICE};
use super::super::span::{Attributes, Span, Value, nanos};
use tributary_span::protobuf::put;

pub(crate) const PATH: &str = "/v1/traces";
pub(crate) const MEDIA: &str = "application/x-protobuf";

/// An `ExportTraceServiceRequest`: `resource_spans` = 1 { `resource` = 1 { `attributes` = 1 },
/// `scope_spans` = 2 { `scope` = 1 { `name` = 1, `version` = 2 }, `spans` = 2 } }.
pub(crate) fn request(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |resource_spans| {
        put::message(resource_spans, 1, |resource| {
            attributes(resource, 1, &vec![("service.name", SERVICE.into())]);
        });
        put::message(resource_spans, 2, |scope_spans| {
            put::message(scope_spans, 1, |scope| {
                put::bytes(scope, 1, SCOPE.0.as_bytes());
                put::bytes(scope, 2, SCOPE.1.as_bytes());
            });
            for span in spans {
                put::message(scope_spans, 2, |out| put_span(out, span));
            }
        });
    });
    out
}

/// A `Span`: `trace_id` = 1, `span_id` = 2, `trace_state` = 3, `parent_span_id` = 4, `name` = 5,
/// `kind` = 6, `start_time_unix_nano` = 7, `end_time_unix_nano` = 8, `attributes` = 9, `events` = 11
/// { `time_unix_nano` = 1, `name` = 2, `attributes` = 3 }, `links` = 13 { `trace_id` = 1, `span_id` = 2,
/// `trace_state` = 3, `attributes` = 4 }, `status` = 15 { `message` = 2, `code` = 3 }.
fn put_span(out: &mut Vec<u8>, span: &Span) {
    put::bytes(out, 1, &span.trace.0);
    put::bytes(out, 2, &span.id.0);
    put::bytes(out, 3, span.state.as_bytes());
    if !span.parent.is_zero() {
        put::bytes(out, 4, &span.parent.0);
    }
    put::bytes(out, 5, span.name.as_bytes());
    put::uint(out, 6, u64::from(span.kind.unsigned_abs()));
    put::fixed64(out, 7, nanos(span.start));
    put::fixed64(out, 8, nanos(span.end));
    attributes(out, 9, &span.attributes);
    for event in &span.events {
        put::message(out, 11, |out| {
            put::fixed64(out, 1, nanos(event.time));
            put::bytes(out, 2, event.name.as_bytes());
            attributes(out, 3, &event.attributes);
        });
    }
    for link in &span.links {
        put::message(out, 13, |out| {
            put::bytes(out, 1, &link.trace.0);
            put::bytes(out, 2, &link.span.0);
            put::bytes(out, 3, link.state.as_bytes());
            attributes(out, 4, &link.attributes);
        });
    }
    let (code, message) = span.status;
    put::message(out, 15, |out| {
        put::bytes(out, 2, message.as_bytes());
        put::uint(out, 3, u64::from(code.unsigned_abs()));
    });
}

fn attributes(out: &mut Vec<u8>, number: u32, attributes: &Attributes) {
    for (key, value) in attributes {
        put::message(out, number, |out| key_value(out, key, value));
    }
}

fn key_value(out: &mut Vec<u8>, key: &str, value: &Value) {
    put::bytes(out, 1, key.as_bytes());
    put::message(out, 2, |out| any(out, value));
}

/// An `AnyValue`: the numbers stand at [`super::super::facts`]. A member of a choice is written though
/// it is empty or zero.
fn any(out: &mut Vec<u8>, value: &Value) {
    const VARINT: u64 = 0;
    let choice = |out: &mut Vec<u8>, number: u64, kind: u64| put::varint(out, number << 3 | kind);
    match value {
        Value::Str(text) => put::message(out, 1, |out| out.extend(text.as_bytes())),
        Value::Bool(bool) => {
            choice(out, 2, VARINT);
            put::varint(out, u64::from(*bool));
        }
        Value::Int(number) => {
            choice(out, 3, VARINT);
            put::varint(out, number.cast_unsigned());
        }
        Value::Double(number) => {
            const FIXED64: u64 = 1;
            choice(out, 4, FIXED64);
            out.extend(number.to_bits().to_le_bytes());
        }
        Value::List(values) => put::message(out, 5, |out| {
            values.iter().for_each(|value| put::message(out, 1, |out| any(out, value)));
        }),
        Value::Map(members) => put::message(out, 6, |out| attributes(out, 1, members)),
        Value::Bytes(bytes) => put::message(out, 7, |out| out.extend(bytes)),
    }
}
