//! The way back: a reader of the dialect that shares nothing with the writer.

use super::attribute;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tributary_span::protobuf::put;

pub(super) fn read_trace(out: &mut Vec<u8>, trace: &Value) {
    for resource_spans in items(trace, "resourceSpans") {
        put::message(out, 1, |rs| {
            let resource = resource_spans.get("resource").unwrap();
            put::message(rs, 1, |r| {
                read_attributes(r, 1, resource);
                read_number(r, 2, resource, "droppedAttributesCount");
                for entity in items(resource, "entityRefs") {
                    put::message(r, 3, |e| read_entity(e, entity));
                }
            });
            for scope_spans in items(resource_spans, "scopeSpans") {
                put::message(rs, 2, |ss| {
                    let scope = scope_spans.get("scope").unwrap();
                    put::message(ss, 1, |s| {
                        read_text(s, 1, scope, "name");
                        read_text(s, 2, scope, "version");
                        read_attributes(s, 3, scope);
                        read_number(s, 4, scope, "droppedAttributesCount");
                    });
                    for span in items(scope_spans, "spans") {
                        put::message(ss, 2, |s| read_span(s, span));
                    }
                    read_text(ss, 3, scope_spans, "schemaUrl");
                });
            }
            read_text(rs, 3, resource_spans, "schemaUrl");
        });
    }
}

fn read_entity(e: &mut Vec<u8>, entity: &Value) {
    for (number, member) in [(1, "schemaUrl"), (2, "type")] {
        if entity.get(member).is_some() {
            read_text(e, number, entity, member);
        }
    }
    for (number, member) in [(3, "idKeys"), (4, "descriptionKeys")] {
        let keys = items(entity, member);
        keys.for_each(|key| put::bytes(e, number, key.as_str().unwrap().as_bytes()));
    }
}

fn read_span(s: &mut Vec<u8>, span: &Value) {
    const KINDS: [&str; 5] = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    const CODES: [&str; 2] = ["OK", "ERROR"];
    put::bytes(s, 1, &bytes_of(span, "traceId"));
    put::bytes(s, 2, &bytes_of(span, "spanId"));
    read_text(s, 3, span, "traceState");
    put::bytes(s, 4, &bytes_of(span, "parentSpanId"));
    read_text(s, 5, span, "name");
    put::uint(s, 6, enum_of(span, "kind", "SPAN_KIND_", &KINDS));
    put::fixed64(s, 7, u64_of(span, "startTimeUnixNano"));
    put::fixed64(s, 8, u64_of(span, "endTimeUnixNano"));
    read_attributes(s, 9, span);
    read_number(s, 10, span, "droppedAttributesCount");
    for event in items(span, "events") {
        put::message(s, 11, |e| {
            put::fixed64(e, 1, u64_of(event, "timeUnixNano"));
            read_text(e, 2, event, "name");
            read_attributes(e, 3, event);
            read_number(e, 4, event, "droppedAttributesCount");
        });
    }
    read_number(s, 12, span, "droppedEventsCount");
    for link in items(span, "links") {
        put::message(s, 13, |l| {
            put::bytes(l, 1, &bytes_of(link, "traceId"));
            put::bytes(l, 2, &bytes_of(link, "spanId"));
            read_text(l, 3, link, "traceState");
            read_attributes(l, 4, link);
            read_number(l, 5, link, "droppedAttributesCount");
            put::fixed32(l, 6, link["flags"].as_u64().unwrap_or(0) as u32);
        });
    }
    read_number(s, 14, span, "droppedLinksCount");
    let status = span.get("status").unwrap();
    put::message(s, 15, |st| {
        read_text(st, 2, status, "message");
        put::uint(st, 3, enum_of(status, "code", "STATUS_CODE_", &CODES));
    });
    put::fixed32(s, 16, span["flags"].as_u64().unwrap_or(0) as u32);
}

fn read_text(out: &mut Vec<u8>, number: u32, owner: &Value, member: &str) {
    put::bytes(out, number, str_of(owner, member).as_bytes());
}

fn read_number(out: &mut Vec<u8>, number: u32, owner: &Value, member: &str) {
    put::uint(out, number, owner.get(member).map_or(0, |n| n.as_u64().unwrap()));
}

fn read_attributes(out: &mut Vec<u8>, number: u32, owner: &Value) {
    for entry in items(owner, "attributes") {
        attribute(out, number, str_of(entry, "key"), |v| {
            read_value(v, entry.get("value").unwrap())
        });
    }
}

fn read_value(v: &mut Vec<u8>, value: &Value) {
    let Some((name, inner)) = value.as_object().unwrap().iter().next() else { return };
    match name.as_str() {
        "stringValue" => put::bytes(v, 1, inner.as_str().unwrap().as_bytes()),
        "boolValue" => put::uint(v, 2, u64::from(inner.as_bool().unwrap())),
        "intValue" => {
            let n: i64 = inner.as_str().unwrap().parse().unwrap();
            put::uint(v, 3, n.cast_unsigned());
        }
        "doubleValue" => {
            let n = match inner.as_str() {
                Some("NaN") => f64::NAN,
                Some("Infinity") => f64::INFINITY,
                Some("-Infinity") => f64::NEG_INFINITY,
                _ => inner.as_f64().unwrap(),
            };
            put::fixed64(v, 4, n.to_bits());
        }
        "bytesValue" => put::bytes(v, 7, &BASE64_STANDARD.decode(inner.as_str().unwrap()).unwrap()),
        "arrayValue" => put::message(v, 5, |a| {
            for element in items(inner, "values") {
                put::message(a, 1, |e| read_value(e, element));
            }
        }),
        "kvlistValue" => put::message(v, 6, |list| {
            for entry in items(inner, "values") {
                attribute(list, 1, str_of(entry, "key"), |v| read_value(v, &entry["value"]));
            }
        }),
        other => panic!("unknown member {other}"),
    }
}

fn items<'v>(owner: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    owner.get(name).map(|list| list.as_array().unwrap().as_slice()).unwrap_or_default().iter()
}

fn str_of<'v>(owner: &'v Value, name: &str) -> &'v str {
    owner.get(name).map_or("", |text| text.as_str().unwrap())
}

fn bytes_of(owner: &Value, name: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(str_of(owner, name)).unwrap()
}

fn u64_of(owner: &Value, name: &str) -> u64 {
    owner.get(name).map_or(0, |n| n.as_str().unwrap().parse().unwrap())
}

fn enum_of(owner: &Value, name: &str, prefix: &str, names: &[&str]) -> u64 {
    match owner.get(name) {
        None => 0,
        Some(Value::String(text)) => {
            let short = text.strip_prefix(prefix).unwrap();
            names.iter().position(|&n| n == short).unwrap() as u64 + 1
        }
        Some(number) => number.as_i64().unwrap().cast_unsigned(),
    }
}
