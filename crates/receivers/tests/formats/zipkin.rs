//! Zipkin's four formats.

use super::{attribute, kept, spans, text};
use tributary_receivers::format::Format;
use tributary_testkit::normal::Value;

/// One span, in v2's JSON.
fn v2(members: &str) -> tributary_testkit::NormalSpan {
    let body = format!(r#"[{{"traceId":"a1","id":"b2","timestamp":1000,{members}}}]"#);
    let mut all = spans(Format::ZipkinV2Json, body.as_bytes());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn one_span_is_the_same_in_every_form() {
    let json_v2 = r#"[{"traceId":"00000000000000a1","id":"00000000000000b2","parentId":"c3",
        "name":"get","kind":"SERVER","timestamp":1700000000000001,"duration":250,"debug":true,
        "localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":8080},
        "remoteEndpoint":{"serviceName":"web","ipv4":"10.0.0.2","port":40000},
        "annotations":[{"timestamp":1700000000000100,"value":"half"}],
        "tags":{"a":"größe","error":"full"}}]"#;
    let json_v1 = r#"[{"traceId":"a1","id":"b2","parentId":"00000000000000c3","name":"get",
        "timestamp":1700000000000001,"duration":250,"debug":true,
        "annotations":[
            {"timestamp":1700000000000001,"value":"sr","endpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":8080}},
            {"timestamp":1700000000000100,"value":"half"},
            {"timestamp":1700000000000251,"value":"ss"}],
        "binaryAnnotations":[
            {"key":"ca","value":true,"endpoint":{"serviceName":"web","ipv4":"10.0.0.2","port":40000}},
            {"key":"a","value":"größe"},{"key":"error","value":"full"}]}]"#;
    let expected = spans(Format::ZipkinV2Json, json_v2.as_bytes());
    let span = &expected[0];
    assert_eq!(span.trace_id.to_string(), "000000000000000000000000000000a1");
    assert_eq!(span.parent_id.to_string(), "00000000000000c3");
    assert_eq!(
        (span.kind, span.start, span.end),
        (2, 1_700_000_000_000_001_000, 1_700_000_000_000_251_000)
    );
    assert_eq!((span.status_code, span.status_message.as_str()), (2, "full"));
    assert_eq!(span.events.len(), 1);
    for (key, value) in [
        ("service.name", text("shop")),
        ("net.host.ip", text("10.0.0.1")),
        ("net.host.port", Value::Int(8080)),
        ("peer.service", text("web")),
        ("net.peer.ip", text("10.0.0.2")),
        ("net.peer.port", Value::Int(40000)),
        ("zipkin.debug", Value::Bool(true)),
        ("a", text("größe")),
        ("error", text("full")),
    ] {
        assert_eq!(attribute(span, key), Some(&value), "{key}");
    }
    assert_eq!(span.attributes.len(), 8);
    assert_eq!(spans(Format::ZipkinV1Json, json_v1.as_bytes()), expected);
    assert_eq!(spans(Format::ZipkinV1Thrift, &thrift()), expected);
}

/// The span above in v1's Thrift.
fn thrift() -> Vec<u8> {
    fn field(out: &mut Vec<u8>, ty: u8, id: u8, value: &[u8]) {
        out.extend_from_slice(&[ty, 0, id]);
        out.extend_from_slice(value);
    }
    fn string(out: &mut Vec<u8>, id: u8, value: &[u8]) {
        let len = u32::try_from(value.len()).unwrap().to_be_bytes();
        field(out, 11, id, &[&len[..], value].concat());
    }
    fn host(out: &mut Vec<u8>, id: u8, service: &str, ip: [u8; 4], port: u16) {
        out.extend_from_slice(&[12, 0, id]);
        field(out, 8, 1, &ip);
        field(out, 6, 2, &port.to_be_bytes());
        string(out, 3, service.as_bytes());
        out.push(0);
    }
    fn list(out: &mut Vec<u8>, id: u8, items: &[Vec<u8>]) {
        out.extend_from_slice(&[15, 0, id, 12, 0, 0, 0, u8::try_from(items.len()).unwrap()]);
        items.iter().for_each(|item| out.extend_from_slice(item));
    }
    let annotation = |time: i64, value: &str, with_host: bool| {
        let mut out = Vec::new();
        field(&mut out, 10, 1, &time.to_be_bytes());
        string(&mut out, 2, value.as_bytes());
        if with_host {
            host(&mut out, 3, "shop", [10, 0, 0, 1], 8080);
        }
        out.push(0);
        out
    };
    let binary = |key: &str, value: &[u8], value_type: i32, with_host: bool| {
        let mut out = Vec::new();
        string(&mut out, 1, key.as_bytes());
        string(&mut out, 2, value);
        field(&mut out, 8, 3, &value_type.to_be_bytes());
        if with_host {
            host(&mut out, 4, "web", [10, 0, 0, 2], 40000);
        }
        out.push(0);
        out
    };
    let mut out = vec![12, 0, 0, 0, 1];
    field(&mut out, 10, 1, &0xa1i64.to_be_bytes());
    string(&mut out, 3, b"get");
    field(&mut out, 10, 4, &0xb2i64.to_be_bytes());
    field(&mut out, 10, 5, &0xc3i64.to_be_bytes());
    let start = 1_700_000_000_000_001;
    let annotations = [
        annotation(start, "sr", true),
        annotation(start + 99, "half", false),
        annotation(start + 250, "ss", false),
    ];
    list(&mut out, 6, &annotations);
    let tags = [
        binary("ca", &[1], 0, true),
        binary("a", "größe".as_bytes(), 6, false),
        binary("error", b"full", 6, false),
    ];
    list(&mut out, 8, &tags);
    field(&mut out, 2, 9, &[1]);
    field(&mut out, 10, 10, &start.to_be_bytes());
    field(&mut out, 10, 11, &250i64.to_be_bytes());
    out.push(0);
    out
}

#[test]
fn presence_of_error_is_the_error() {
    let table = [
        (r#""tags":{}"#, (0, "", None)),
        (r#""tags":{"error":"true"}"#, (2, "", None)),
        (r#""tags":{"error":""}"#, (2, "", Some(""))),
        (r#""tags":{"error":"full"}"#, (2, "full", Some("full"))),
        (r#""tags":{"otel.status_code":"OK"}"#, (1, "", None)),
        (
            r#""tags":{"otel.status_code":"STATUS_CODE_ERROR","otel.status_description":"x"}"#,
            (2, "x", None),
        ),
        (r#""tags":{"error":"y","otel.status_description":"x"}"#, (2, "x", Some("y"))),
    ];
    for (members, (code, message, tag)) in table {
        let span = v2(members);
        assert_eq!((span.status_code, span.status_message.as_str()), (code, message), "{members}");
        assert_eq!(attribute(&span, "error"), tag.map(text).as_ref(), "{members}");
    }
}

#[test]
fn packed_events_and_links_are_unpacked_or_stay_as_they_are() {
    let table = [
        (r#"{\"n\": {\"i\": 1}}"#, "n", 1),
        (r#"\"n\": {\"i\": 1, \"f\": 1.5}"#, "n", 2),
        (r#"n|{\"i\":1}|0"#, "n", 1),
        (r#"n|{\"i\":1|0"#, r#"n|{"i":1|0"#, 0),
        (r#"{\"n\": {}, \"m\": {}}"#, r#"{"n": {}, "m": {}}"#, 0),
        (r#"{\"n\": 7}"#, r#"{"n": 7}"#, 0),
        ("{", "{", 0),
        ("", "", 0),
    ];
    for (value, name, attributes) in table {
        let span = v2(&format!(r#""annotations":[{{"timestamp":5,"value":"{value}"}}]"#));
        assert_eq!(span.events.len(), 1, "{value}");
        assert_eq!((span.events[0].name.as_str(), span.events[0].time), (name, 5000), "{value}");
        assert_eq!(span.events[0].attributes.len(), attributes, "{value}");
    }
    let span = v2(r#""tags":{"otlp.link.0":"0a|0b|s=1|{\"k\":true}|2","otlp.link.1":"0a|x|"}"#);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.links[0].trace_state, "s=1");
    assert_eq!(span.links[0].dropped_attributes, 2);
    assert_eq!(attribute(&span, "otlp.link.1"), Some(&text("0a|x|")));
}

#[test]
fn what_is_missing_or_odd() {
    let all = spans(
        Format::ZipkinV2Json,
        br#"[{"traceId":"1","id":"2","parentId":"2","annotations":[{"timestamp":9,"value":"x"}]},
             {"traceId":"123456789012345678901234567890123","id":"2"},
             {"traceId":"xyz","id":"2"},
             {"id":null,"traceId":null,"kind":null,"tags":null,"annotations":null,"localEndpoint":null},
             {"traceId":"1","id":"3","timestamp":1763800000123456.8,"duration":"5","kind":null,
              "localEndpoint":{"ipv4":"1.2.3.4","ipv6":"::1"},"unknown":{"deep":[[{}]]}}]"#,
    );
    assert_eq!(all.len(), 5);
    assert_eq!((all[0].start, all[0].parent_id.to_string().as_str()), (9000, ""));
    assert_eq!(attribute(&all[0], "otel.zipkin.absentField.startTime"), Some(&Value::Bool(true)));
    // No ids: refused one by one where spans are taken in.
    for span in &all[1..4] {
        assert_eq!(span.trace_id.to_string(), "0".repeat(32));
    }
    assert_eq!((all[4].start, all[4].end), (1_763_800_000_123_456_750, 1_763_800_000_123_461_750));
    assert_eq!(attribute(&all[4], "net.host.ip"), Some(&text("1.2.3.4")));
    assert_eq!(attribute(&all[4], "net.host.ipv6"), Some(&text("::1")));
    assert_eq!(all[4].kind, 0);
}

#[test]
fn no_json_at_all() {
    for body in ["", "{}", "[", "[{]", "[]x", "[{\"traceId\":}]", "null"] {
        assert!(Format::ZipkinV2Json.translate(body.as_bytes(), 1 << 20).is_err(), "{body}");
        assert!(Format::ZipkinV1Json.translate(body.as_bytes(), 1 << 20).is_err(), "{body}");
    }
    assert_eq!(Format::ZipkinV2Json.translate(b" [ ] ", 1 << 20), Ok(Vec::new()));
}

/// How much is left out of one span that is kept.
fn left_out(format: Format, members: &str) -> u64 {
    let body = format!(r#"[{{"traceId":"a1","id":"b2","name":"n",{members}}}]"#);
    let (_, outcome) = kept(format, body.as_bytes());
    assert_eq!((outcome.accepted, outcome.rejected), (1, 0), "{members}");
    outcome.left_out
}

#[test]
fn one_bad_value_costs_itself() {
    let table = [
        (r#""timestamp":"now""#, 1),
        (r#""timestamp":-1"#, 1),
        (r#""timestamp":{"s":1}"#, 1),
        (r#""timestamp":1e300"#, 1),
        (r#""duration":[]"#, 1),
        (r#""timestamp":undefined"#, 1),
        (r#""parentId":"xyz""#, 1),
        (r#""parentId":5"#, 1),
        (r#""parentId":null"#, 0),
        (r#""parentId":"0000000000000000""#, 0),
        (r#""duration":true"#, 1),
        (r#""debug":"maybe""#, 1),
        (r#""debug":"true""#, 0),
        (r#""debug":2"#, 1),
        (r#""annotations":{}"#, 1),
        (r#""annotations":[7,"x"]"#, 2),
        (r#""annotations":[{"timestamp":"x","value":"v"}]"#, 1),
        (r#""annotations":[{"timestamp":1,"value":{"v":1}}]"#, 1),
    ];
    let of_v2 = [
        (r#""kind":7"#, 1),
        (r#""kind":"ODD""#, 1),
        (r#""kind":null"#, 0),
        (r#""shared":[]"#, 1),
        (r#""localEndpoint":"shop""#, 1),
        (r#""remoteEndpoint":{"port":70000}"#, 1),
        (r#""remoteEndpoint":{"serviceName":{},"port":"80"}"#, 1),
        (r#""tags":["a"]"#, 1),
        (r#""tags":{"a":{"b":1},"c":[1],"d":1e400}"#, 0),
    ];
    let of_v1 = [
        (r#""binaryAnnotations":7"#, 1),
        (r#""binaryAnnotations":[7]"#, 1),
        (r#""binaryAnnotations":[{"key":5,"value":{"a":1},"endpoint":8}]"#, 1),
    ];
    for (members, expected) in table.iter().chain(&of_v2) {
        assert_eq!(left_out(Format::ZipkinV2Json, members), *expected, "{members}");
    }
    for (members, expected) in table.iter().chain(&of_v1) {
        assert_eq!(left_out(Format::ZipkinV1Json, members), *expected, "{members}");
    }
    let span = v2(r#""tags":{"a":{"b":1},"c":18446744073709551616}"#);
    assert_eq!(attribute(&span, "a"), Some(&text(r#"{"b":1}"#)));
    assert!(matches!(attribute(&span, "c"), Some(Value::Double(_))), "{span:?}");
}

#[test]
fn what_is_no_span_is_refused_alone() {
    for format in [Format::ZipkinV1Json, Format::ZipkinV2Json] {
        let body = br#"[7,{"traceId":"1","id":"2"},null,{"traceId":1,"id":"2"},["x"]]"#;
        let (_, outcome) = kept(format, body);
        assert_eq!((outcome.accepted, outcome.rejected), (1, 4), "{format:?}");
    }
}

#[test]
fn the_other_version_is_read_for_what_it_is() {
    let v1_body = br#"[{"traceId":"a1","id":"b2","annotations":[
        {"timestamp":5,"value":"sr","endpoint":{"serviceName":"shop"}},
        {"timestamp":9,"value":"ss","endpoint":{"serviceName":"shop"}}],
        "binaryAnnotations":[{"key":"a","value":"b"}]}]"#;
    let v2_body = br#"[{"traceId":"a1","id":"b2","kind":"CLIENT","timestamp":5,
        "localEndpoint":{"serviceName":"shop"},"tags":{"a":"b"},
        "annotations":[{"timestamp":7,"value":"sr"}]}]"#;
    for body in [&v1_body[..], v2_body] {
        let [as_v1, as_v2] = [Format::ZipkinV1Json, Format::ZipkinV2Json]
            .map(|format| format.translate(body, 1 << 20).unwrap());
        assert_eq!(as_v1, as_v2);
    }
    // Each span by itself, whatever stands beside it.
    let strip =
        |body: &'static [u8]| body.strip_prefix(b"[").and_then(|b| b.strip_suffix(b"]")).unwrap();
    let (v1_span, v2_span) = (strip(v1_body), strip(v2_body));
    for pair in [[v1_span, v2_span], [v2_span, v1_span]] {
        let body = [b"[", pair[0], b",", pair[1], b"]"].concat();
        for format in [Format::ZipkinV1Json, Format::ZipkinV2Json] {
            let mut kinds: Vec<_> = spans(format, &body).iter().map(|span| span.kind).collect();
            kinds.sort_unstable();
            assert_eq!(kinds, [2, 3], "{format:?}");
        }
    }
    let span = spans(Format::ZipkinV2Json, v1_body).remove(0);
    assert_eq!((span.kind, span.start, span.end, span.events.len()), (2, 5000, 9000, 0));
    let span = spans(Format::ZipkinV1Json, v2_body).remove(0);
    assert_eq!((span.kind, span.start, span.events.len()), (3, 5000, 1));
}
