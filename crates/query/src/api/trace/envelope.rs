//! A trace as one message, bare or in the envelope of the second version.

use crate::json::Json;
use crate::trace_json::{OuterKey, write_trace};
use tributary_span::Columns;
use tributary_span::otlp::encode;
use tributary_span::protobuf::put;

/// `TraceByIDResponse`: trace = 1, metrics = 2 { inspectedBytes = 1 }, status = 3
/// { COMPLETE = 0, PARTIAL = 1 }, message = 4.
pub(super) fn envelope_protobuf(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |out| put_trace(out, trace));
    put::message(&mut out, 2, |out| {
        if inspected_bytes != 0 {
            put::uint(out, 1, inspected_bytes);
        }
    });
    if !message.is_empty() {
        put::uint(&mut out, 3, 1);
        put::bytes(&mut out, 4, message.as_bytes());
    }
    out
}

pub(super) fn envelope_json(trace: &Columns, inspected_bytes: u64, message: &str) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        write_trace(json.member("trace"), trace, OuterKey::ResourceSpans);
        json.member("metrics").object(|json| {
            if inspected_bytes != 0 {
                json.member("inspectedBytes").int64(inspected_bytes);
            }
        });
        if !message.is_empty() {
            json.member("status").string("PARTIAL");
            json.member("message").string(message);
        }
    });
    json.finish()
}

/// A `Trace`: `ResourceSpans` in field 1, as in OTLP's `TracesData`.
pub(super) fn put_trace(out: &mut Vec<u8>, trace: &Columns) {
    let rows: Vec<u32> = (0u32..).take(trace.len()).collect();
    encode::resource_spans(out, trace, &rows);
}
