//! One bad value costs itself, nothing else.

use super::*;
use tributary_span::columns::{Attr, ValueType};

/// The columns of one span with these fields.
fn decoded(fields: &str) -> (Columns, Outcome) {
    let json = span(fields);
    let request = to_protobuf(json.as_bytes()).unwrap_or_else(|e| panic!("{fields}: {e}"));
    assert!(request.len() <= longest(json.len()), "{fields}");
    let (columns, outcome) = columns(&request);
    assert_eq!((outcome.accepted, outcome.rejected), (1, 0), "{fields}");
    (columns, outcome)
}

#[test]
fn a_value_out_of_range_is_kept_as_the_nearest_type() {
    use any_value::Value::*;
    let text = |text: &str| StringValue(text.into());
    let table = [
        // A released exporter writes unsigned numbers into `intValue`.
        (r#"{"intValue":"18446744073709551616"}"#, DoubleValue(18_446_744_073_709_551_616.0)),
        (r#"{"intValue":18446744073709551615}"#, DoubleValue(18_446_744_073_709_551_615.0)),
        (r#"{"intValue":9223372036854775808}"#, DoubleValue(9_223_372_036_854_775_808.0)),
        (r#"{"intValue":"-9223372036854775809"}"#, DoubleValue(-9_223_372_036_854_775_808.0)),
        (r#"{"intValue":1.5}"#, DoubleValue(1.5)),
        (r#"{"intValue":"1.5"}"#, DoubleValue(1.5)),
        (r#"{"intValue":"seven"}"#, text("seven")),
        (r#"{"intValue":true}"#, BoolValue(true)),
        (r#"{"intValue":[1, 2] }"#, text("[1, 2]")),
        (r#"{"doubleValue":1e400}"#, text("1e400")),
        (r#"{"doubleValue":"fast"}"#, text("fast")),
        (r#"{"doubleValue":-Infinity}"#, DoubleValue(f64::NEG_INFINITY)),
        (r#"{"boolValue":"true"}"#, BoolValue(true)),
        (r#"{"boolValue":"False"}"#, BoolValue(false)),
        (r#"{"boolValue":1}"#, IntValue(1)),
        (r#"{"boolValue":"maybe"}"#, text("maybe")),
        (r#"{"stringValue":5}"#, text("5")),
        (r#"{"stringValue":false}"#, text("false")),
        (r#"{"stringValue":{"a":null}}"#, text(r#"{"a":null}"#)),
        (r#"{"bytesValue":"?"}"#, text("?")),
        (r#"{"bytesValue":7}"#, IntValue(7)),
        (r#"{"arrayValue":7}"#, IntValue(7)),
        (r#"{"kvlistValue":["a"]}"#, text(r#"["a"]"#)),
        // No object around the value.
        (r#""bare""#, text("bare")),
        ("7", IntValue(7)),
        ("true", BoolValue(true)),
        (r#"["a"]"#, text(r#"["a"]"#)),
    ];
    for (json, expected) in table {
        assert_eq!(value(json), Some(expected), "{json}");
    }
    assert!(matches!(value(r#"{"doubleValue":NaN}"#), Some(DoubleValue(n)) if n.is_nan()));
    let Some(ArrayValue(list)) = value(r#"{"arrayValue":{"values":["a",7,{"intValue":8}]}}"#)
    else {
        panic!("no array")
    };
    let list: Vec<_> = list.values.into_iter().filter_map(|v| v.value).collect();
    assert_eq!(list, [text("a"), IntValue(7), IntValue(8)]);
}

#[test]
fn a_field_that_cannot_hold_what_was_given_is_not_set() {
    let table = [
        r#","startTimeUnixNano":-1"#,
        r#","startTimeUnixNano":1e300"#,
        r#","startTimeUnixNano":"2024-01-01T00:00:00Z""#,
        r#","startTimeUnixNano":{"seconds":1}"#,
        r#","endTimeUnixNano":18446744073709551616"#,
        r#","endTimeUnixNano":true"#,
        r#","flags":4294967296"#,
        r#","flags":[null]"#,
        r#","kind":"SPAN_KIND_X""#,
        r#","kind":2147483648"#,
        r#","kind":1.5"#,
        r#","status":"OK""#,
        r#","status":{"code":"STATUS_CODE_FINE"}"#,
        r#","status":{"message":["a"]}"#,
        r#","traceState":{"a":1}"#,
        r#","droppedAttributesCount":-1"#,
        r#","events":[7]"#,
        r#","events":{}"#,
        r#","events":[{"timeUnixNano":"now"}]"#,
        r#","links":["a"]"#,
        r#","links":[{"flags":1.5}]"#,
    ];
    for fields in table {
        let (c, outcome) = decoded(&format!(r#"{fields},"name":"n""#));
        assert_eq!(outcome.left_out, 1, "{fields}");
        assert_eq!(c.texts.str(c.spans.name[0]), "n", "{fields}");
        let s = &c.spans;
        let numbers = (s.start[0], s.end[0], s.flags[0], s.kind[0], s.status_code[0]);
        assert_eq!(numbers, (0, 0, 0, 0, 0), "{fields}");
        assert_eq!(s.dropped_attrs, [0], "{fields}");
    }
}

#[test]
fn a_number_is_read_where_it_says_no_less() {
    let (c, outcome) =
        decoded(r#","startTimeUnixNano":1544712660000000000.5,"name":5,"flags":"1""#);
    assert_eq!((c.spans.start[0], c.spans.flags[0]), (1_544_712_660_000_000_000, 1));
    assert_eq!((c.texts.str(c.spans.name[0]), outcome.left_out), ("5", 0));
}

#[test]
fn an_attribute_that_is_none_is_left_out_and_counted_as_dropped() {
    let table = [
        r#"[7,{"key":"k","value":"v"}]"#,
        r#"[["k","v"],{"key":"k","value":{"stringValue":"v"}}]"#,
    ];
    for attributes in table {
        let (c, outcome) = decoded(&format!(
            r#","attributes":{attributes},"events":[{{"attributes":{attributes}}}],
               "links":[{{"attributes":{attributes}}}]"#
        ));
        assert_eq!(outcome.left_out, 3, "{attributes}");
        let dropped = [&c.spans.dropped_attrs, &c.events.dropped_attrs, &c.links.dropped_attrs];
        assert_eq!(dropped, [&[1], &[1], &[1]], "{attributes}");
        let (key, value) = (c.span_attrs.key[0], c.span_attrs.value[0]);
        let attr = Attr { key, value_type: ValueType::Str, value };
        assert_eq!((c.texts.str(key), c.texts.str(attr.text())), ("k", "v"), "{attributes}");
    }
    let (c, outcome) = decoded(r#","attributes":{"k":"v"}"#);
    assert_eq!((c.spans.dropped_attrs[0], outcome.left_out), (1, 1));
}

#[test]
fn what_is_no_span_or_resource_costs_no_other() {
    let good = r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#;
    let table = [
        (format!(r#"[{{"scopeSpans":[{{"spans":[7,{good},"x"]}}]}}]"#), 2, 0),
        (format!(r#"[7,{{"scopeSpans":[{{"spans":[{good}]}}]}}]"#), 0, 1),
        (format!(r#"[{{"scopeSpans":[[],{{"spans":[{good}]}}]}}]"#), 0, 1),
        (format!(r#"[{{"resource":"pod","scopeSpans":[{{"scope":1,"spans":[{good}]}}]}}]"#), 0, 2),
        (format!(r#"[{{"schemaUrl":{{}},"scopeSpans":[{{"spans":[{good}]}}]}}]"#), 0, 1),
    ];
    for (spans, rejected, left_out) in table {
        let json = format!(r#"{{"resourceSpans":{spans}}}"#);
        let (_, outcome) = columns(&to_protobuf(json.as_bytes()).unwrap());
        let counts = (outcome.accepted, outcome.rejected, outcome.left_out);
        assert_eq!(counts, (1, rejected, left_out), "{spans}");
    }
}

/// Numbers in a row take more in protobuf than in JSON. What is held is bounded all the same.
#[test]
fn what_is_made_stays_short() {
    for element in ["1", "1.5", "\"\"", "[]", "null"] {
        let row = vec![element; 10_000].join(",");
        for fields in [
            format!(
                r#","attributes":[{{"key":"k","value":{{"arrayValue":{{"values":[{row}]}}}}}}]"#
            ),
            format!(r#","attributes":[{row}]"#),
            format!(r#","events":[{row}]"#),
        ] {
            decoded(&fields);
        }
    }
}

#[test]
fn a_request_without_spans_that_is_not_empty_is_known() {
    let table = [
        ("{}", false),
        (r#"{"resourceSpans":[]}"#, false),
        (r#"{"resourceSpans":null}"#, false),
        (r#"{"resourceLogs":[{}]}"#, true),
        (r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#, true),
        (r#"{"resourceSpans":[{"instrumentationLibrarySpans":[{"spans":[{}]}]}]}"#, true),
        (r#"{"resourceSpans":7}"#, true),
        (r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}"#, false),
    ];
    for (json, spanless) in table {
        let (_, outcome) = columns(&to_protobuf(json.as_bytes()).unwrap());
        assert_eq!(outcome.spanless, spanless, "{json}");
    }
}
