use super::*;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use tributary_span::columns::Builder;
use tributary_span::otlp::{Limits, decode, encode};
use tributary_span::protobuf::put;

fn decoded(request: &[u8]) -> Columns {
    let mut builder = Builder::new();
    let outcome = decode::append_all(&mut builder, request, &Limits::default()).unwrap();
    assert_eq!(outcome.rejected, 0);
    builder.take()
}

fn encoded(columns: &Columns) -> Vec<u8> {
    let rows: Vec<u32> = (0..columns.len() as u32).collect();
    let mut out = Vec::new();
    encode::resource_spans(&mut out, columns, &rows);
    out
}

fn text_attribute(out: &mut Vec<u8>, number: u32, key: &str, text: &str) {
    attribute(out, number, key, |v| put::bytes(v, 1, text.as_bytes()));
}

fn attribute(out: &mut Vec<u8>, number: u32, key: &str, value: impl FnOnce(&mut Vec<u8>)) {
    put::message(out, number, |kv| {
        put::bytes(kv, 1, key.as_bytes());
        put::message(kv, 2, value);
    });
}

/// One span with every field of OTLP set, and a bare one beside it.
fn every_field() -> Vec<u8> {
    let mut out = Vec::new();
    put::message(&mut out, 1, |rs| {
        put::message(rs, 1, |r| {
            text_attribute(r, 1, "service.name", "shop");
            put::uint(r, 2, 1);
            put::message(r, 3, |entity| {
                put::bytes(entity, 1, b"https://schema/entity");
                put::bytes(entity, 2, b"service");
                put::bytes(entity, 3, b"service.name");
                put::bytes(entity, 3, b"service.namespace");
                put::bytes(entity, 4, b"service.version");
            });
        });
        put::message(rs, 2, |ss| {
            put::message(ss, 1, |scope| {
                put::bytes(scope, 1, b"lib");
                put::bytes(scope, 2, b"1.2");
                text_attribute(scope, 3, "a", "b");
                put::uint(scope, 4, 2);
            });
            put::message(ss, 2, |s| {
                put::bytes(s, 1, &[0x11; 16]);
                put::bytes(s, 2, &[0x22; 8]);
                put::bytes(s, 3, b"k=v");
                put::bytes(s, 4, &[0x33; 8]);
                put::bytes(s, 5, "GET \"/\u{fc}\"\n".as_bytes());
                put::uint(s, 6, 2);
                put::fixed64(s, 7, 1_700_000_000_000_000_001);
                put::fixed64(s, 8, 1_700_000_000_000_000_002);
                text_attribute(s, 9, "string", "");
                attribute(s, 9, "bool", |v| put::uint(v, 2, 0));
                attribute(s, 9, "int", |v| put::uint(v, 3, i64::MIN.cast_unsigned()));
                attribute(s, 9, "double", |v| put::fixed64(v, 4, 1.5f64.to_bits()));
                attribute(s, 9, "nan", |v| put::fixed64(v, 4, f64::NAN.to_bits()));
                attribute(s, 9, "less", |v| put::fixed64(v, 4, f64::NEG_INFINITY.to_bits()));
                attribute(s, 9, "bytes", |v| put::bytes(v, 7, &[0xff, 0xfe]));
                attribute(s, 9, "empty", |_| {});
                attribute(s, 9, "array", |v| {
                    put::message(v, 5, |a| {
                        put::message(a, 1, |e| put::uint(e, 3, 7));
                        put::message(a, 1, |e| {
                            put::message(e, 6, |list| text_attribute(list, 1, "k", "v"));
                        });
                        put::message(a, 1, |_| {});
                    });
                });
                attribute(s, 9, "no elements", |v| put::message(v, 5, |_| {}));
                put::uint(s, 10, 3);
                put::message(s, 11, |e| {
                    put::fixed64(e, 1, 5);
                    put::bytes(e, 2, b"event");
                    text_attribute(e, 3, "e", "f");
                    put::uint(e, 4, 4);
                });
                put::uint(s, 12, 5);
                put::message(s, 13, |l| {
                    put::bytes(l, 1, &[0x44; 16]);
                    put::bytes(l, 2, &[0x55; 8]);
                    put::bytes(l, 3, b"l=m");
                    text_attribute(l, 4, "g", "h");
                    put::uint(l, 5, 6);
                    put::fixed32(l, 6, 0x101);
                });
                put::uint(s, 14, 7);
                put::message(s, 15, |st| {
                    put::bytes(st, 2, b"oops");
                    put::uint(st, 3, 2);
                });
                put::fixed32(s, 16, 0x100);
            });
            put::bytes(ss, 3, b"https://schema/scope");
        });
        put::bytes(rs, 3, b"https://schema/resource");
    });
    put::message(&mut out, 1, |rs| {
        put::message(rs, 2, |ss| {
            put::message(ss, 2, |s| {
                put::bytes(s, 1, &[0x11; 16]);
                put::bytes(s, 2, &[0x66; 8]);
                put::uint(s, 6, 9);
            });
        });
    });
    out
}

const EVERY_FIELD: &str = concat!(
    r#"{"batches":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}],"#,
    r#""droppedAttributesCount":1,"entityRefs":[{"schemaUrl":"https://schema/entity","type":"service","#,
    r#""idKeys":["service.name","service.namespace"],"descriptionKeys":["service.version"]}]},"#,
    r#""scopeSpans":[{"scope":{"name":"lib","version":"1.2","attributes":[{"key":"a","value":"#,
    r#"{"stringValue":"b"}}],"droppedAttributesCount":2},"spans":[{"traceId":"EREREREREREREREREREREQ==","#,
    r#""spanId":"IiIiIiIiIiI=","traceState":"k=v","parentSpanId":"MzMzMzMzMzM=","#,
    r#""name":"GET \"/ü\"\n","kind":"SPAN_KIND_SERVER","startTimeUnixNano":"1700000000000000001","#,
    r#""endTimeUnixNano":"1700000000000000002","attributes":["#,
    r#"{"key":"string","value":{"stringValue":""}},{"key":"bool","value":{"boolValue":false}},"#,
    r#"{"key":"int","value":{"intValue":"-9223372036854775808"}},"#,
    r#"{"key":"double","value":{"doubleValue":1.5}},{"key":"nan","value":{"doubleValue":"NaN"}},"#,
    r#"{"key":"less","value":{"doubleValue":"-Infinity"}},"#,
    r#"{"key":"bytes","value":{"bytesValue":"//4="}},{"key":"empty","value":{}},"#,
    r#"{"key":"array","value":{"arrayValue":{"values":[{"intValue":"7"},{"kvlistValue":{"values":"#,
    r#"[{"key":"k","value":{"stringValue":"v"}}]}},{}]}}},"#,
    r#"{"key":"no elements","value":{"arrayValue":{}}}],"droppedAttributesCount":3,"#,
    r#""events":[{"timeUnixNano":"5","name":"event","attributes":[{"key":"e","value":"#,
    r#"{"stringValue":"f"}}],"droppedAttributesCount":4}],"droppedEventsCount":5,"#,
    r#""links":[{"traceId":"RERERERERERERERERERERA==","spanId":"VVVVVVVVVVU=","traceState":"l=m","#,
    r#""attributes":[{"key":"g","value":{"stringValue":"h"}}],"droppedAttributesCount":6,"#,
    r#""flags":257}],"droppedLinksCount":7,"status":{"message":"oops","code":"STATUS_CODE_ERROR"},"#,
    r#""flags":256}],"schemaUrl":"https://schema/scope"}],"schemaUrl":"https://schema/resource"},"#,
    // The bare span: an unknown kind stays a number, empty sub-messages are there.
    r#"{"resource":{},"scopeSpans":[{"scope":{},"spans":[{"traceId":"EREREREREREREREREREREQ==","#,
    r#""spanId":"ZmZmZmZmZmY=","kind":9,"status":{}}]}]}]}"#,
);

#[test]
fn every_field_has_its_name_and_form() {
    let json = String::from_utf8(trace_json(&decoded(&every_field()), OuterKey::Batches)).unwrap();
    assert_eq!(json, EVERY_FIELD);
}

#[test]
fn recorded_traffic_read_back_gives_the_same_spans() {
    for prefix in ["web-gateway", "order-api", "notifier"] {
        for request in tributary_testkit::recording(prefix).unwrap().records {
            let columns = decoded(&request);
            let json = trace_json(&columns, OuterKey::ResourceSpans);
            let mut read = Vec::new();
            read_trace(&mut read, &serde_json::from_slice(&json).unwrap());
            assert!(encoded(&decoded(&read)) == encoded(&columns), "{prefix}");
        }
    }
}

#[test]
fn nothing_is_an_empty_object() {
    assert_eq!(trace_json(&Columns::default(), OuterKey::Batches), b"{}");
}

#[test]
fn malformed_nested_values_are_empty() {
    for bytes in [&[0x0a, 5, 1][..], &[0x0b], &[0xff; 20]] {
        let mut json = Json::default();
        encoded_value(&mut json, bytes, 0);
        assert_eq!(json.finish(), b"{}");
    }
    // A list that breaks off keeps what stands before the break.
    let mut array = Vec::new();
    put::message(&mut array, 1, |e| put::uint(e, 2, 1));
    array.extend([0x0a, 9]);
    let mut value = Vec::new();
    put::bytes(&mut value, 5, &array);
    let mut json = Json::default();
    encoded_value(&mut json, &value, 0);
    assert_eq!(json.finish(), br#"{"arrayValue":{"values":[{"boolValue":true}]}}"#);
}

#[test]
fn nesting_has_an_end() {
    let mut value = Vec::new();
    put::uint(&mut value, 3, 1);
    for _ in 0..1000 {
        let mut outer = Vec::new();
        put::message(&mut outer, 5, |array| put::bytes(array, 1, &value));
        value = outer;
    }
    let mut json = Json::default();
    encoded_value(&mut json, &value, 0);
    let text = String::from_utf8(json.finish()).unwrap();
    assert_eq!(text.matches("arrayValue").count(), any::MAX_DEPTH + 1);
}

proptest! {
    #[test]
    fn doubles_are_read_back_to_the_bit(bits: u64) {
        let n = f64::from_bits(bits);
        prop_assume!(n.is_finite());
        let mut json = Json::default();
        json.double(n);
        let text = String::from_utf8(json.finish()).unwrap();
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
    }

    #[test]
    fn json_read_back_gives_the_same_spans(request in requests()) {
        let columns = decoded(&request);
        let json = trace_json(&columns, OuterKey::ResourceSpans);
        let value: Value = serde_json::from_slice(&json).unwrap();
        let mut read = Vec::new();
        read_trace(&mut read, &value);
        prop_assert_eq!(encoded(&decoded(&read)), encoded(&columns));
    }
}

// Requests at random: bytes of OTLP, so that the decoder makes the columns.

fn values() -> impl Strategy<Value = Vec<u8>> {
    let put_into = |f: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        f(&mut out);
        out
    };
    let double = prop_oneof![
        any::<i32>().prop_map(|n| f64::from(n) / 8.0),
        prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0)],
    ];
    let leaf = prop_oneof![
        Just(Vec::new()),
        any::<String>().prop_map(move |s| put_into(&|o| put::bytes(o, 1, s.as_bytes()))),
        any::<bool>().prop_map(move |b| put_into(&|o| put::uint(o, 2, u64::from(b)))),
        any::<u64>().prop_map(move |n| put_into(&|o| put::uint(o, 3, n))),
        double.prop_map(move |n| put_into(&|o| put::fixed64(o, 4, n.to_bits()))),
        proptest::collection::vec(any::<u8>(), 0..5)
            .prop_map(move |b| put_into(&|o| put::bytes(o, 7, &b))),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let entries = proptest::collection::vec(("[a-c]{1,2}", inner.clone()), 0..4);
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(move |values| put_into(&|o| {
                put::message(o, 5, |a| values.iter().for_each(|v| put::bytes(a, 1, v)));
            })),
            entries.prop_map(move |entries| put_into(&|o| {
                put::message(o, 6, |list| {
                    for (key, value) in &entries {
                        attribute(list, 1, key, |v| v.extend_from_slice(value));
                    }
                });
            })),
        ]
    })
}

type Attributes = Vec<(String, Vec<u8>)>;

fn attributes_of() -> impl Strategy<Value = Attributes> {
    proptest::collection::vec(("[a-z.]{1,4}", values()), 0..4)
}

fn put_attributes(out: &mut Vec<u8>, number: u32, attributes: &Attributes) {
    for (key, value) in attributes {
        attribute(out, number, key, |v| v.extend_from_slice(value));
    }
}

fn spans() -> impl Strategy<Value = Vec<u8>> {
    let ids = (1u8..4, any::<[u8; 8]>(), any::<[u8; 8]>());
    let numbers = (-2i32..9, any::<u64>(), any::<u64>(), -2i32..5, any::<u32>(), 0u32..3);
    let lists = (attributes_of(), attributes_of(), attributes_of());
    (ids, numbers, lists, any::<String>()).prop_map(|(ids, numbers, lists, text)| {
        let (trace, mut id, parent) = ids;
        let (kind, start, end, code, flags, dropped) = numbers;
        id[0] |= 1;
        let mut s = Vec::new();
        put::bytes(&mut s, 1, &[trace; 16]);
        put::bytes(&mut s, 2, &id);
        put::bytes(&mut s, 3, text.as_bytes());
        put::bytes(&mut s, 4, &parent);
        put::bytes(&mut s, 5, text.as_bytes());
        put::uint(&mut s, 6, i64::from(kind).cast_unsigned());
        put::fixed64(&mut s, 7, start);
        put::fixed64(&mut s, 8, end);
        put_attributes(&mut s, 9, &lists.0);
        put::uint(&mut s, 10, u64::from(dropped));
        put::message(&mut s, 11, |e| {
            put::fixed64(e, 1, end);
            put::bytes(e, 2, text.as_bytes());
            put_attributes(e, 3, &lists.1);
            put::uint(e, 4, u64::from(dropped));
        });
        put::uint(&mut s, 12, u64::from(dropped));
        put::message(&mut s, 13, |l| {
            put::bytes(l, 1, &[trace - 1; 16]);
            put::bytes(l, 2, &parent);
            put::bytes(l, 3, text.as_bytes());
            put_attributes(l, 4, &lists.2);
            put::uint(l, 5, u64::from(dropped));
            put::fixed32(l, 6, flags);
        });
        put::uint(&mut s, 14, u64::from(dropped));
        put::message(&mut s, 15, |st| {
            put::bytes(st, 2, text.as_bytes());
            put::uint(st, 3, i64::from(code).cast_unsigned());
        });
        put::fixed32(&mut s, 16, flags);
        s
    })
}

fn requests() -> impl Strategy<Value = Vec<u8>> {
    let scopes =
        proptest::collection::vec(("[a-b]?", proptest::collection::vec(spans(), 0..4)), 0..3);
    proptest::collection::vec((attributes_of(), scopes), 0..3).prop_map(|resources| {
        let mut out = Vec::new();
        for (attributes, scopes) in &resources {
            put::message(&mut out, 1, |rs| {
                put::message(rs, 1, |r| {
                    put_attributes(r, 1, attributes);
                    put::uint(r, 2, attributes.len() as u64);
                });
                for (name, spans) in scopes {
                    put::message(rs, 2, |ss| {
                        put::message(ss, 1, |scope| {
                            put::bytes(scope, 1, name.as_bytes());
                            put::bytes(scope, 2, name.as_bytes());
                            put_attributes(scope, 3, attributes);
                            put::uint(scope, 4, name.len() as u64);
                        });
                        spans.iter().for_each(|s| put::bytes(ss, 2, s));
                        put::bytes(ss, 3, name.as_bytes());
                    });
                }
                put::bytes(rs, 3, b"https://schema");
            });
        }
        out
    })
}

// The way back: a reader of the dialect that shares nothing with the writer.

fn read_trace(out: &mut Vec<u8>, trace: &Value) {
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
