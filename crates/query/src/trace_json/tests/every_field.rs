//! One span with every field that OTLP has, and its JSON.

use super::{attribute, text_attribute};
use tributary_span::protobuf::put;

/// One span with every field of OTLP set, and a bare one beside it.
pub(super) fn every_field() -> Vec<u8> {
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

pub(super) const EVERY_FIELD: &str = concat!(
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
