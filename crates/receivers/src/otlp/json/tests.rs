use super::*;
use proptest::prelude::*;
use prost::Message as _;
use tributary_span::columns::{Builder, Columns};
use tributary_span::otlp::decode::{Limits, append_all};
use tributary_span::otlp::{Outcome, Reject, encode};
use tributary_testkit::otlp::{ExportTraceServiceRequest, any_value};

mod bad_values;
mod writer;

fn columns(request: &[u8]) -> (Columns, Outcome) {
    let mut builder = Builder::new();
    let outcome = append_all(&mut builder, request, &Limits::default()).unwrap();
    (builder.take(), outcome)
}

/// What the columns of a request hold, whatever order its fields came in and its texts have.
fn canonical(request: &[u8]) -> (Vec<u8>, Outcome) {
    let (columns, outcome) = columns(request);
    let rows: Vec<_> = (0..).take(columns.len()).collect();
    let mut out = Vec::new();
    encode::resource_spans(&mut out, &columns, &rows);
    (out, outcome)
}

/// One span in JSON, with these fields beside its ids.
fn span(fields: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{
            "traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174"{fields}
        }}]}}]}}]}}"#
    )
}

/// The span that [`span`] became, as another decoder reads it.
fn read(fields: &str) -> tributary_testkit::otlp::Span {
    let protobuf = to_protobuf(span(fields).as_bytes()).unwrap_or_else(|e| panic!("{fields}: {e}"));
    let mut request = ExportTraceServiceRequest::decode(&*protobuf).unwrap();
    request.resource_spans[0].scope_spans[0].spans.remove(0)
}

/// The value of one attribute given in JSON.
fn value(json: &str) -> Option<any_value::Value> {
    let mut span = read(&format!(r#","attributes":[{{"key":"k","value":{json}}}]"#));
    span.attributes.remove(0).value.and_then(|v| v.value)
}

#[test]
fn every_recorded_request_is_the_same_in_json() {
    for recording in tributary_testkit::recordings().unwrap() {
        for (i, record) in recording.records.iter().enumerate() {
            let what = format!("{} {i}", recording.pod);
            let message = ExportTraceServiceRequest::decode(&**record).unwrap();
            let json = writer::json(&message).to_string();
            let protobuf = to_protobuf(json.as_bytes()).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(protobuf.len() < json.len(), "{what}");
            let again = ExportTraceServiceRequest::decode(&*protobuf).unwrap();
            assert!(again == message, "{what}");
            assert!(canonical(&protobuf) == canonical(record), "{what}");
        }
    }
}

#[test]
fn ids_are_hex_in_any_case() {
    let span = read(
        r#","parentSpanId":"00F067aa0BA902b7","links":[{"traceId":"5b8efff798038103d269b633813fc60c"}]"#,
    );
    assert_eq!(span.trace_id[..3], [0x5b, 0x8e, 0xff]);
    assert_eq!(span.span_id, [0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74]);
    assert_eq!(span.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(span.links[0].trace_id, span.trace_id);
}

#[test]
fn a_span_with_a_bad_id_is_refused_alone() {
    let good = r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#;
    let table = [
        (r#"{"spanId":"eee19b7ec3c1b174"}"#, Reject::TraceId),
        (r#"{"traceId":"","spanId":"eee19b7ec3c1b174"}"#, Reject::TraceId),
        (r#"{"traceId":null,"spanId":"eee19b7ec3c1b174"}"#, Reject::TraceId),
        (r#"{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"eee19b7ec3c1b174"}"#, Reject::TraceId),
        (r#"{"traceId":"5b8efff798038103","spanId":"eee19b7ec3c1b174"}"#, Reject::TraceId),
        (
            r#"{"traceId":"5b8efff798038103d269b633813fc60","spanId":"eee19b7ec3c1b174"}"#,
            Reject::TraceId,
        ),
        (
            r#"{"traceId":"00000000000000000000000000000000","spanId":"eee19b7ec3c1b174"}"#,
            Reject::TraceId,
        ),
        (r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"xyz"}"#, Reject::SpanId),
        (r#"{"traceId":"5b8efff798038103d269b633813fc60c"}"#, Reject::SpanId),
        ("{}", Reject::TraceId),
        ("null", Reject::TraceId),
    ];
    for (bad, reject) in table {
        let json = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{good},{bad},{good}]}}]}}]}}"#
        );
        let (_, outcome) = columns(&to_protobuf(json.as_bytes()).unwrap());
        let expected =
            Outcome { accepted: 2, rejected: 1, first: Some(reject), ..Outcome::default() };
        assert_eq!(outcome, expected, "{bad}");
    }
}

#[test]
fn numbers_come_in_many_forms() {
    let table = [
        (r#","startTimeUnixNano":"1544712660000000000""#, 1_544_712_660_000_000_000),
        (r#","startTimeUnixNano":18446744073709551615"#, u64::MAX),
        (r#","start_time_unix_nano":"7""#, 7),
        (r#","startTimeUnixNano":1e3"#, 1000),
        (r#","startTimeUnixNano":-0"#, 0),
        (r#","startTimeUnixNano":null"#, 0),
    ];
    for (json, expected) in table {
        assert_eq!(read(json).start_time_unix_nano, expected, "{json}");
    }
    let table = [
        (r#"2"#, 2),
        (r#""SPAN_KIND_SERVER""#, 2),
        (r#""CLIENT""#, 3),
        ("\"5\"", 5),
        ("77", 77),
        ("-1", -1),
    ];
    for (json, expected) in table {
        assert_eq!(read(&format!(r#","kind":{json}"#)).kind, expected, "{json}");
    }
    let status = read(r#","status":{"code":"STATUS_CODE_ERROR","message":"no"},"flags":257"#);
    assert_eq!(status.flags, 257);
    assert_eq!(status.status.map(|s| (s.code, s.message)), Some((2, "no".to_owned())));
}

#[test]
fn values_are_protobufs() {
    use any_value::Value::*;
    let table = [
        (r#"{"stringValue":"ä\n\u00e4"}"#, StringValue("ä\nä".into())),
        (r#"{"string_value":""}"#, StringValue(String::new())),
        (r#"{"boolValue":false}"#, BoolValue(false)),
        (r#"{"intValue":"-9223372036854775808"}"#, IntValue(i64::MIN)),
        (r#"{"intValue":42}"#, IntValue(42)),
        (r#"{"intValue":42.0}"#, IntValue(42)),
        (r#"{"doubleValue":0.1}"#, DoubleValue(0.1)),
        (r#"{"doubleValue":5}"#, DoubleValue(5.0)),
        (r#"{"doubleValue":"Infinity"}"#, DoubleValue(f64::INFINITY)),
        (r#"{"doubleValue":"-Infinity"}"#, DoubleValue(f64::NEG_INFINITY)),
        (r#"{"doubleValue":"1.5"}"#, DoubleValue(1.5)),
        (r#"{"bytesValue":"/+8="}"#, BytesValue(vec![0xff, 0xef])),
        (r#"{"bytesValue":"_-8"}"#, BytesValue(vec![0xff, 0xef])),
        (
            r#"{"intValue":1,"stringValue":"the last one counts"}"#,
            StringValue("the last one counts".into()),
        ),
    ];
    for (json, expected) in table {
        assert_eq!(value(json), Some(expected), "{json}");
    }
    assert!(matches!(value(r#"{"doubleValue":"NaN"}"#), Some(DoubleValue(n)) if n.is_nan()));
    for empty in ["{}", "null", r#"{"stringValue":null}"#, r#"{"futureValue":[{"a":1}]}"#] {
        assert_eq!(value(empty), None, "{empty}");
    }
    let Some(ArrayValue(list)) = value(r#"{"arrayValue":{"values":[{"intValue":1},null,{}]}}"#)
    else {
        panic!("no array")
    };
    assert_eq!(list.values.len(), 3);
}

#[test]
fn text_that_javascript_cut_is_mended() {
    let table = [
        (r#""ok \ud83d""#, "ok \u{fffd}"),
        (r#""\udc00\ud83d end""#, "\u{fffd}\u{fffd} end"),
        (r#""\ud83d\ude00""#, "😀"),
    ];
    for (json, expected) in table {
        let request = to_protobuf(span(&format!(r#","name":{json}"#)).as_bytes()).unwrap();
        let (columns, outcome) = columns(&request);
        assert_eq!(columns.texts.str(columns.spans.name[0]), expected, "{json}");
        assert_eq!(outcome.mended, u64::from(expected.contains('\u{fffd}')), "{json}");
    }
    let mut raw = span(r#","name":"a#b""#).into_bytes();
    let hash = raw.iter().position(|&b| b == b'#').unwrap();
    raw[hash] = 0xff;
    let (columns, outcome) = columns(&to_protobuf(&raw).unwrap());
    assert_eq!((columns.texts.str(columns.spans.name[0]), outcome.mended), ("a?b", 1));
}

#[test]
fn what_is_unknown_is_ignored() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let span = read(&format!(r#","name":"n","future":{{"a":[1,"x",null,{deep}]}},"traceID":"x""#));
    assert_eq!(span.name, "n");
    assert_eq!(to_protobuf(b"").unwrap(), b"");
    assert_eq!(to_protobuf(b" \n{}").unwrap(), b"");
    assert_eq!(to_protobuf(br#"{"resourceSpans":null}"#).unwrap(), b"");
    assert_eq!(to_protobuf(br#"{"resource_spans":[]}"#).unwrap(), b"");
}

#[test]
fn bad_json_says_where() {
    let table = [
        ("{\n\"resourceSpans\": [\n  {]\n}", "a string is expected at byte 24"),
        (r#"{"resourceSpans":[]"#, "`,` or `}` is expected at byte 19"),
        (r#"{"resourceSpans":[]} x"#, "the end is expected at byte 21"),
        ("[]", "an object is expected at byte 0"),
        ("null", "an object is expected at byte 0"),
        (r#"{"resourceSpans":[{"scopeSpans":}]}"#, "a value is expected"),
        (r#"{"resourceSpans":"\"}"#, "the string has no end"),
    ];
    for (json, expected) in table {
        let error = to_protobuf(json.as_bytes()).expect_err(json).to_string();
        assert!(error.contains(expected), "{json}: {error}");
    }
}

#[test]
fn depth_is_bounded_where_protobuf_bounds_it() {
    let shapes = [
        (r#"{"arrayValue":{"values":["#, "]}}"),
        (r#"{"kvlistValue":{"values":[{"key":"k","value":"#, "}]}}"),
    ];
    for (open, close) in shapes {
        for depth in [0, 1, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 5_000] {
            let nested = format!("{}{{}}{}", open.repeat(depth), close.repeat(depth));
            let json = span(&format!(r#","attributes":[{{"key":"k","value":{nested}}}]"#));
            let (columns, outcome) = columns(&to_protobuf(json.as_bytes()).unwrap());
            let left_out = u32::from(depth > MAX_DEPTH);
            assert_eq!(outcome.accepted, 1, "{open} {depth}");
            assert_eq!(columns.spans.dropped_attrs, [left_out], "{open} {depth}");
        }
    }
}

/// JSON that is nearly a request: real names, any values.
fn nearly() -> impl Strategy<Value = String> {
    let names = "(resourceSpans|scopeSpans|spans|attributes|value|values|arrayValue|kvlistValue|status\
        |stringValue|intValue|doubleValue|bytesValue|kind|code|traceId|flags|startTimeUnixNano|idKeys|x)";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:e}")),
        (-2i32..9).prop_map(|n| n.to_string()),
        "\"[a-f0-9=]{0,32}\"",
        Just("\"\\ud800\\udfff\\ud800\"".to_owned()),
    ];
    leaf.prop_recursive(12, 60, 4, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let object = prop::collection::vec((names, inner), 0..4);
        prop_oneof![
            list.prop_map(|v| format!("[{}]", v.join(","))),
            object.prop_map(|v| {
                let fields: Vec<_> = v.into_iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(protobuf) = to_protobuf(&bytes) {
            prop_assert_eq!(columns(&protobuf).1.accepted, 0);
        }
    }

    #[test]
    fn no_text_panics(text in r#"(\{|\}|\[|\]|"resourceSpans"|"spans"|:|,|"\\|null|-|1e99|é){0,60}"#) {
        if let Ok(protobuf) = to_protobuf(text.as_bytes()) {
            prop_assert_eq!(columns(&protobuf).1.accepted, 0);
        }
    }

    #[test]
    fn what_is_made_is_protobuf_and_short(json in nearly()) {
        let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{json}]}}],"resource":{json}}}]}}"#);
        if let Ok(protobuf) = to_protobuf(json.as_bytes()) {
            prop_assert!(protobuf.len() <= longest(json.len()));
            let mut builder = Builder::new();
            let outcome = append_all(&mut builder, &protobuf, &Limits::default()).unwrap();
            if outcome.left_out == 0 && outcome.rejected == 0 {
                prop_assert!(ExportTraceServiceRequest::decode(&*protobuf).is_ok());
            }
        }
    }

    #[test]
    fn a_cut_request_is_an_error(cut in 1usize..200) {
        let json = span(r#","name":"n","attributes":[{"key":"k","value":{"intValue":"1"}}]"#);
        prop_assume!(cut < json.len());
        prop_assert!(to_protobuf(&json.as_bytes()[..cut]).is_err());
    }
}
