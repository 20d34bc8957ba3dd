//! The answer to a search in JSON. Members at their default are left out, and there are none that
//! Tempo's messages lack: Grafana's parser refuses the whole answer for one name that it does not
//! know.

use crate::answer::{SearchAnswer, ServiceStats, SetHit, SpanHit, TraceHit};
use crate::api::names::{NO_ROOT, milliseconds, short_id};
use crate::api::{attributes, cost};
use crate::json::Json;

/// A `SearchResponse`.
pub(super) fn response(found: &SearchAnswer) -> Vec<u8> {
    let mut json = Json::default();
    json.object(|json| {
        json.member("traces").array(|json| {
            for hit in &found.traces {
                trace(json.element(), hit);
            }
        });
        cost::of_search(json, &found.cost);
    });
    json.finish()
}

fn trace(json: &mut Json, hit: &TraceHit) {
    json.object(|json| {
        json.member("traceID").string(&short_id(&hit.id));
        text(json, "rootServiceName", hit.root_service.as_deref().unwrap_or(NO_ROOT));
        text(json, "rootTraceName", &hit.root_name);
        time(json, "startTimeUnixNano", hit.start);
        number(json, "durationMs", milliseconds(hit.duration));
        // Older readers know only this one.
        if let Some(first) = hit.sets.first() {
            set(json.member("spanSet"), first);
            json.member("spanSets").array(|json| {
                for hit in &hit.sets {
                    set(json.element(), hit);
                }
            });
        }
        if !hit.services.is_empty() {
            json.member("serviceStats").object(|json| {
                for service in &hit.services {
                    stats(json.key(&service.service), service);
                }
            });
        }
    });
}

fn stats(json: &mut Json, service: &ServiceStats) {
    json.object(|json| {
        number(json, "spanCount", service.spans);
        number(json, "errorCount", service.errors);
    });
}

fn set(json: &mut Json, hit: &SetHit) {
    json.object(|json| {
        if !hit.spans.is_empty() {
            json.member("spans").array(|json| {
                for hit in &hit.spans {
                    span(json.element(), hit);
                }
            });
        }
        number(json, "matched", hit.matched);
        attributes::member(json, "attributes", &hit.attributes);
    });
}

fn span(json: &mut Json, hit: &SpanHit) {
    json.object(|json| {
        json.member("spanID").string(&hit.id.to_string());
        text(json, "name", hit.name.as_deref().unwrap_or_default());
        time(json, "startTimeUnixNano", hit.start);
        time(json, "durationNanos", hit.duration);
        attributes::member(json, "attributes", &hit.attributes);
    });
}

fn text(json: &mut Json, name: &str, text: &str) {
    if !text.is_empty() {
        json.member(name).string(text);
    }
}

fn time(json: &mut Json, name: &str, nanoseconds: u64) {
    if nanoseconds != 0 {
        json.member(name).int64(nanoseconds);
    }
}

fn number(json: &mut Json, name: &str, n: u32) {
    if n != 0 {
        json.member(name).int32(n);
    }
}
