use super::*;
use crate::api::{Answer, JSON, PROTOBUF};
use crate::trace_json::{OuterKey, trace_json};
use http::StatusCode;
use tributary_span::SpanId;
use tributary_span::columns::{Builder, SpanFields};
use tributary_span::protobuf::{Field, Fields, Value};

const ID: TraceId = TraceId([0xab; 16]);

fn part(span: u8) -> Columns {
    let mut b = Builder::new();
    let resource = b.end_resource(0, Default::default(), Default::default());
    let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
    let (id, start) = (SpanId([span; 8]), u64::from(span));
    b.end_span(SpanFields { trace: ID, id, resource, scope, start, ..Default::default() });
    b.take()
}

fn call(version: Version, accept: Accept) -> TraceCall {
    let tenants = vec!["single-tenant".to_owned()];
    TraceCall { version, id: ID, tenants, time: TimeRange::ALL, filter: None, accept, now: 0 }
}

fn shown(call: &TraceCall, found: &Found) -> Shown {
    call.shown(found.clone()).unwrap()
}

fn answer(call: &TraceCall, found: &Found) -> Answer {
    shown(call, found).whole()
}

fn fields(bytes: &[u8]) -> Vec<Field<'_>> {
    let mut fields = Fields::new(bytes);
    std::iter::from_fn(|| fields.next_field().unwrap()).collect()
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[test]
fn nothing_found() {
    let nothing = Found::default();
    for accept in [Accept::Json, Accept::Protobuf] {
        let v1 = answer(&call(Version::V1, accept), &nothing);
        assert_eq!((v1.status, v1.body.len()), (StatusCode::NOT_FOUND, 0));
    }
    let v2 = answer(&call(Version::V2, Accept::Json), &nothing);
    assert_eq!((v2.status, text(&v2)), (StatusCode::OK, r#"{"trace":{},"metrics":{}}"#));
    let v2 = answer(&call(Version::V2, Accept::Protobuf), &nothing);
    assert_eq!(
        (v2.status, v2.content_type, &v2.body[..]),
        (StatusCode::OK, PROTOBUF, &[10, 0, 18, 0][..])
    );
}

#[test]
fn nothing_found_where_not_everybody_was_asked() {
    let found = Found { missing: vec!["a is away".into(), "b is slow".into()], ..Found::default() };
    let v1 = answer(&call(Version::V1, Accept::Protobuf), &found);
    assert_eq!((v1.status, text(&v1)), (StatusCode::SERVICE_UNAVAILABLE, "a is away; b is slow"));
    let v2 = answer(&call(Version::V2, Accept::Json), &found);
    assert_eq!(v2.status, StatusCode::OK);
    assert_eq!(
        text(&v2),
        r#"{"trace":{},"metrics":{},"status":"PARTIAL","message":"a is away; b is slow"}"#
    );
}

#[test]
fn a_trace_in_both_versions_and_forms() {
    let found = Found { parts: vec![part(2), part(1)], inspected_bytes: 300, missing: vec![] };
    let v1 = answer(&call(Version::V1, Accept::Json), &found);
    assert_eq!((v1.status, v1.content_type), (StatusCode::OK, JSON));
    let json: serde_json::Value = serde_json::from_slice(&v1.body).unwrap();
    let spans = json["batches"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 2, "parts are merged");
    assert_eq!(spans[0]["startTimeUnixNano"], "1");

    let bare = answer(&call(Version::V1, Accept::Protobuf), &found);
    assert_eq!((bare.status, bare.content_type), (StatusCode::OK, PROTOBUF));
    assert_eq!(tributary_span::otlp::decode::count_spans(&bare.body), Ok(2));

    let v2 = answer(&call(Version::V2, Accept::Protobuf), &found);
    let envelope = fields(&v2.body);
    assert_eq!(envelope.iter().map(|f| f.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(envelope[0].value, Value::Bytes(&bare.body));
    assert_eq!(fields(envelope[1].bytes().unwrap())[0].varint(), Ok(300));

    let v2 = answer(&call(Version::V2, Accept::Json), &found);
    let json: serde_json::Value = serde_json::from_slice(&v2.body).unwrap();
    assert_eq!(json["metrics"]["inspectedBytes"], "300");
    assert_eq!(
        json["trace"]["resourceSpans"][0]["scopeSpans"][0]["spans"],
        serde_json::json!(spans)
    );
    assert!(json.get("status").is_none(), "COMPLETE is 0 and left out");
}

#[test]
fn a_trace_that_may_not_be_whole_says_so_where_it_can() {
    let found =
        Found { parts: vec![part(1)], inspected_bytes: 0, missing: vec!["a is away".into()] };
    assert_eq!(answer(&call(Version::V1, Accept::Json), &found).status, StatusCode::OK);
    let v2 = answer(&call(Version::V2, Accept::Protobuf), &found);
    let envelope = fields(&v2.body);
    assert_eq!(envelope[2], Field { number: 3, value: Value::Varint(1) });
    assert_eq!(envelope[3], Field { number: 4, value: Value::Bytes(b"a is away") });
}

/// The filter of a request for a trace with these parameters.
fn filter_of(parameters: &str) -> Result<Option<TraceFilter>, String> {
    filter(&Parameters::new(parameters))
}

#[test]
fn filters_and_their_surroundings() {
    for nothing in ["", "q=", "q=+", "match_depth=-7&keep_hierarchy=perhaps"] {
        assert_eq!(filter_of(nothing), Ok(None), "{nothing}");
    }
    let all = usize::MAX;
    let table = [
        ("q={.a=1}", (0, 0)),
        ("q={.a=1}&ancestor_depth=-7", (0, 0)),
        ("q={.a=1}&keep_hierarchy=false&match_depth=2", (0, 2)),
        ("q={.a=1}&keep_hierarchy=true", (all, 0)),
        ("q={.a=1}&keep_hierarchy=1&ancestor_depth=3&match_depth=-1", (3, all)),
    ];
    for (parameters, around) in table {
        let filter = filter_of(parameters).unwrap().unwrap();
        assert_eq!((filter.above, filter.below), around, "{parameters}");
    }
    let table = [
        ("q={.a=", "invalid TraceQL filter"),
        ("q={}|count()>1", "one filter"),
        ("q={.a=1}>>{.b=1}", "one filter"),
        ("q={}|rate()", "one filter"),
        ("q={trace:duration>1s}", "trace:duration"),
        ("q={.a=1}&match_depth=-2", "match_depth"),
        ("q={.a=1}&match_depth=x", "match_depth"),
        ("q={.a=1}&keep_hierarchy=perhaps", "keep_hierarchy"),
        ("q={.a=1}&keep_hierarchy=true&ancestor_depth=-2", "ancestor_depth"),
    ];
    for (parameters, expected) in table {
        let refused = filter_of(parameters).unwrap_err();
        assert!(refused.contains(expected), "{parameters}: {refused}");
    }
}

#[test]
fn a_filtered_trace_says_so_when_something_is_left_out() {
    let found = Found {
        parts: vec![part(1), part(2)],
        inspected_bytes: 0,
        missing: vec!["a is away".into()],
    };
    let answer = |query: &str| {
        let filter = filter_of(query).unwrap();
        let call = TraceCall { filter, ..call(Version::V2, Accept::Json) };
        let json: serde_json::Value =
            serde_json::from_slice(&shown(&call, &found).whole().body).unwrap();
        let resources = json["trace"]["resourceSpans"].as_array().cloned().unwrap_or_default();
        let spans = resources.iter().flat_map(|r| r["scopeSpans"][0]["spans"].as_array().cloned());
        (spans.flatten().count(), json["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(answer("q={}"), (2, "a is away".into()));
    let filtered = "a is away; the trace is filtered: only what q asks for is given";
    assert_eq!(answer("q={span:id=\"0101010101010101\"}"), (1, filtered.into()));
    assert_eq!(answer("q={.none=1}"), (0, filtered.into()));
}

#[test]
fn the_sides_of_a_call_that_share_an_id_are_parted() {
    let sides = {
        let mut b = Builder::new();
        let resource = b.end_resource(0, Default::default(), Default::default());
        let scope = b.end_scope(Default::default(), Default::default(), 0, Default::default());
        for kind in [2, 3] {
            let (trace, id) = (ID, SpanId([5; 8]));
            b.end_span(SpanFields { trace, id, resource, scope, kind, ..Default::default() });
        }
        b.take()
    };
    let found = Found { parts: vec![sides], ..Found::default() };
    for version in [Version::V1, Version::V2] {
        let answer = answer(&call(version, Accept::Json), &found);
        assert_eq!(text(&answer).matches("\"spanId\":\"BQUFBQUFBQU=\"").count(), 1, "{version:?}");
        assert_eq!(text(&answer).matches("\"parentSpanId\":\"BQUFBQUFBQU=\"").count(), 1);
    }
}

/// A trace with so many spans, in turn of three services.
fn large(spans: u64) -> Found {
    let mut b = Builder::new();
    let homes: Vec<_> = ["one", "two", "three"]
        .map(|service| {
            let (key, value) = (b.text(b"service.name"), b.text(service.as_bytes()));
            let value_type = tributary_span::columns::ValueType::Str;
            let value = u64::from(value.0);
            b.resource_attr(tributary_span::columns::Attr { key, value_type, value });
            let resource = b.end_resource(0, Default::default(), Default::default());
            (resource, b.end_scope(Default::default(), Default::default(), 0, Default::default()))
        })
        .to_vec();
    for (n, &(resource, scope)) in (0..spans).zip(homes.iter().cycle()) {
        let (id, start) = (SpanId((n + 1).to_be_bytes()), n);
        b.end_span(SpanFields { trace: ID, id, resource, scope, start, ..Default::default() });
    }
    Found { parts: vec![b.take()], inspected_bytes: 7, missing: vec!["{a} is away".to_owned()] }
}

/// Service and id of each span in an answer of either version.
fn told(accept: Accept, version: Version, body: &[u8]) -> Vec<(String, String)> {
    let trace = match (accept, version) {
        (Accept::Json, _) => serde_json::from_slice(body).unwrap(),
        (Accept::Protobuf, _) => {
            let trace = match (version, fields(body).first()) {
                (Version::V1, _) => body,
                (Version::V2, Some(Field { value: Value::Bytes(trace), .. })) => trace,
                (_, other) => panic!("{other:?}"),
            };
            let mut columns = Builder::new();
            let limits = Default::default();
            tributary_span::otlp::decode::append_all(&mut columns, trace, &limits).unwrap();
            serde_json::from_slice(&trace_json(columns.columns(), OuterKey::Batches)).unwrap()
        }
    };
    let trace: &serde_json::Value = &trace;
    let list = trace.get("batches").or(trace.get("trace").and_then(|t| t.get("resourceSpans")));
    let of = |batch: &serde_json::Value| {
        let service = batch["resource"]["attributes"][0]["value"]["stringValue"].to_string();
        let spans = batch["scopeSpans"].as_array().cloned().unwrap_or_default().into_iter();
        let spans = spans.flat_map(|scope| scope["spans"].as_array().cloned().unwrap_or_default());
        spans.map(|span| (service.clone(), span["spanId"].to_string())).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = list.unwrap().as_array().unwrap().iter().flat_map(of).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_large_trace_in_portions_is_the_same_trace() {
    for (version, accept) in [
        (Version::V1, Accept::Json),
        (Version::V1, Accept::Protobuf),
        (Version::V2, Accept::Json),
        (Version::V2, Accept::Protobuf),
    ] {
        let (call, found) = (call(version, accept), large(10_000));
        let whole = answer(&call, &found);
        let TraceAnswer::InPortions { content_type, body } = shown(&call, &found).in_portions()
        else {
            panic!("{version:?} {accept:?}: as a whole");
        };
        assert_eq!(content_type, whole.content_type);
        let portions: Vec<Vec<u8>> = body.collect();
        assert_eq!(portions.len(), 5, "head, three portions, tail");
        let told_in_portions = told(accept, version, &portions.concat());
        assert_eq!(told_in_portions.len(), 10_000);
        assert!(told_in_portions == told(accept, version, &whole.body), "{version:?} {accept:?}");
        if version == Version::V2 {
            let end = |body: &[u8]| String::from_utf8_lossy(&body[body.len() - 30..]).into_owned();
            assert_eq!(end(&portions.concat()), end(&whole.body));
        }
        let small = shown(&call, &large(5)).in_portions();
        let TraceAnswer::Whole(small) = small else { panic!("five spans in portions") };
        assert_eq!(small, answer(&call, &large(5)));
    }
}
