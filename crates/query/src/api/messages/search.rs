//! The answer to a search.

use super::portions::portions;
use super::{put_cost, put_text, put_uint};
use crate::answer::{SearchAnswer, SetHit, SpanHit, TraceHit};
use crate::api::attributes::put_attributes;
use crate::api::names::{NO_ROOT, milliseconds, short_id};
use tributary_span::protobuf::put;

/// `SearchResponse`: traces = 1, metrics = 2.
pub fn search_response(found: &SearchAnswer) -> Vec<u8> {
    let mut out = Vec::new();
    for hit in &found.traces {
        put::message(&mut out, 1, |out| put_trace(out, hit));
    }
    put_cost(&mut out, 2, &found.cost);
    out
}

/// The same in as many messages as a stream needs: traces are added up by the client, the cost of
/// the last message counts.
pub fn search_messages(found: &SearchAnswer) -> Vec<Vec<u8>> {
    let put = |out: &mut Vec<u8>, hit| put::message(out, 1, |out| put_trace(out, hit));
    portions(&found.traces, put, |out| put_cost(out, 2, &found.cost))
}

/// `TraceSearchMetadata`: traceID = 1, rootServiceName = 2, rootTraceName = 3,
/// startTimeUnixNano = 4, durationMs = 5, spanSet = 6, spanSets = 7, serviceStats = 8, a map to
/// `ServiceStats`: spanCount = 1, errorCount = 2.
fn put_trace(out: &mut Vec<u8>, hit: &TraceHit) {
    put_text(out, 1, &short_id(&hit.id));
    put_text(out, 2, hit.root_service.as_deref().unwrap_or(NO_ROOT));
    put_text(out, 3, &hit.root_name);
    put_uint(out, 4, hit.start);
    put_uint(out, 5, milliseconds(hit.duration).into());
    if let Some(first) = hit.sets.first() {
        put::message(out, 6, |out| put_set(out, first));
    }
    for set in &hit.sets {
        put::message(out, 7, |out| put_set(out, set));
    }
    for stats in &hit.services {
        put::message(out, 8, |out| {
            put_text(out, 1, &stats.service);
            put::message(out, 2, |out| {
                put_uint(out, 1, stats.spans.into());
                put_uint(out, 2, stats.errors.into());
            });
        });
    }
}

/// `SpanSet`: spans = 1, matched = 2, attributes = 3.
fn put_set(out: &mut Vec<u8>, set: &SetHit) {
    for hit in &set.spans {
        put::message(out, 1, |out| put_span(out, hit));
    }
    put_uint(out, 2, set.matched.into());
    put_attributes(out, 3, &set.attributes);
}

/// `Span`: spanID = 1, name = 2, startTimeUnixNano = 3, durationNanos = 4, attributes = 5.
fn put_span(out: &mut Vec<u8>, hit: &SpanHit) {
    put_text(out, 1, &hit.id.to_string());
    put_text(out, 2, hit.name.as_deref().unwrap_or_default());
    put_uint(out, 3, hit.start);
    put_uint(out, 4, hit.duration);
    put_attributes(out, 5, &hit.attributes);
}
