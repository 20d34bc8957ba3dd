use super::*;
use crate::answer::{Cost, Label, ServiceStats, SetHit, SpanHit, TraceHit};
use crate::api::{Call, Settings, read_at};
use http::{Request, StatusCode};
use std::time::{Duration, SystemTime};
use tributary_span::{SpanId, TraceId};

fn ask(query: &str) -> Result<SearchCall, Answer> {
    let target = format!("/api/search?{query}");
    let (request, ()) = Request::get(&target).body(()).unwrap().into_parts();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
    match read_at(&request, &Settings::default(), now)? {
        Call::Search(call) => Ok(call),
        other => panic!("{target}: {other:?}"),
    }
}

fn tags(query: &str) -> TagSearch {
    match ask(query).unwrap().question {
        SearchQuestion::Tags(tags) => tags,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn what_is_not_given_has_a_default() {
    let call = ask("q=%7B%7D").unwrap();
    assert!(matches!(call.question, SearchQuestion::TraceQl(_)));
    assert_eq!((call.limit, call.spans_per_set, call.time), (20, 3, None));
    assert_eq!((call.tenants, call.accept), (vec!["single-tenant".to_owned()], Accept::Json));
    let call = ask("q=%7B+%7D&limit=262144&spss=100&start=5&end=9&other=%").unwrap();
    let time = Some(TimeRange { start: 5, end: 9 });
    assert_eq!((call.limit, call.spans_per_set, call.time), (262_144, 100, time));
    let call = ask("q=%7B%7D&spss=0&since=100s").unwrap();
    let time = Some(TimeRange { start: 9_900, end: 10_000 });
    assert_eq!((call.spans_per_set, call.time), (3, time));
}

#[test]
fn the_older_search() {
    let pair = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let call = tags("tags=a%3Db+c%3D%22d+e%22&minDuration=1.5s&maxDuration=2m");
    assert_eq!(call.tags, [pair("a", "b"), pair("c", "d e")]);
    let seconds = 1_000_000_000;
    assert_eq!(call.min_duration, Some(3 * seconds / 2));
    assert_eq!(call.max_duration, Some(120 * seconds));
    let bare = tags("service.name=a&x=1&x=2&limit=5&none=&minDuration=1s");
    assert_eq!(bare.tags, [pair("service.name", "a"), pair("x", "1")]);
    assert_eq!(tags("x=1&start=5&end=9").tags, [], "a time means that the tags are elsewhere");
    assert_eq!(tags(""), TagSearch::default());
    assert_eq!(tags("q=&tags=&start=5&end=9"), TagSearch::default());
}

#[test]
fn what_is_wrong_is_said() {
    let table = [
        ("q=%7B%7D&tags=a%3Db", "tags and q"),
        ("tags=a%3D%22b", "invalid tags: unterminated"),
        ("q=%7B%7D&limit=0", "invalid limit: must be a positive number"),
        ("q=%7B%7D&limit=-1", "invalid limit"),
        ("q=%7B%7D&limit=ten", "invalid limit"),
        ("q=%7B%7D&limit=262145", "limit 262145 exceeds max limit 262144"),
        ("q=%7B%7D&spss=101", "spans per span set exceeds 100. received 101"),
        ("q=%7B%7D&spss=-1", "invalid spss"),
        ("q=%7B%7D&minDuration=10", "invalid minDuration"),
        ("q=%7B%7D&minDuration=2s&maxDuration=1s", "invalid maxDuration"),
        ("q=%7B%7D&start=9&end=5", "start must be before end. received start=9 end=5"),
        ("q=%7B%7D&start=9", "start must be before end"),
        ("q=%7B%7D&start=x&end=9", "invalid start"),
        ("q=%7B%7D&start=1&end=1000000", "end exceeds 168h0m0s. received start=1 end=1000000"),
        ("q=%7B", "invalid TraceQL query: parse error at line 1, col 2"),
        ("q=%7B%7D+%7C+rate()", "not a search"),
        ("q=%7B%7D%zz", "bad escapes"),
    ];
    for (query, expected) in table {
        let answer = ask(query).unwrap_err();
        let text = std::str::from_utf8(&answer.body).unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(text.contains(expected) && !text.contains('\n'), "{query}: {text}");
    }
}

/// A search's answer with everything in it, which the tests of protobuf use, too.
pub(in crate::api) fn full() -> SearchAnswer {
    let mut id = [0; 16];
    id[14..].copy_from_slice(&[0x0a, 0xbc]);
    let span = SpanHit {
        id: SpanId([0, 0, 0, 0, 0, 0, 0, 1]),
        name: Some("GET \"/\"".to_owned()),
        start: 1_795_344_000_000_000_001,
        duration: 2_999_999,
        attributes: vec![
            ("s".to_owned(), Label::Str(String::new())),
            ("i".to_owned(), Label::Int(-5)),
            ("d".to_owned(), Label::Float(0.5)),
            ("nan".to_owned(), Label::Float(f64::NAN)),
            ("b".to_owned(), Label::Bool(false)),
            ("l".to_owned(), Label::List(vec![Label::Int(1), Label::Str("x".to_owned())])),
            ("e".to_owned(), Label::List(vec![])),
        ],
    };
    let bare =
        SpanHit { id: SpanId([9; 8]), name: None, start: 0, duration: 0, attributes: vec![] };
    let trace = TraceHit {
        id: TraceId(id),
        root_service: Some("shop".to_owned()),
        root_name: "GET".to_owned(),
        start: 1_795_344_000_000_000_001,
        duration: 2_999_999,
        sets: vec![
            SetHit {
                matched: 7,
                attributes: vec![("by(.x)".to_owned(), Label::Nil)],
                spans: vec![span],
            },
            SetHit { matched: 1, attributes: vec![], spans: vec![bare] },
        ],
        services: vec![
            ServiceStats { service: "a \"quoted\" one".to_owned(), spans: 3, errors: 1 },
            ServiceStats { service: "b".to_owned(), spans: 4, errors: 0 },
        ],
    };
    let lost = TraceHit {
        id: TraceId([0; 16]),
        root_service: None,
        root_name: String::new(),
        start: 0,
        duration: 999_999,
        sets: vec![],
        services: vec![],
    };
    let cost = Cost {
        traces: 2,
        spans: 7,
        bytes: 300,
        blocks: 1,
        block_bytes: 400,
        jobs_done: 3,
        jobs: 4,
        reads: 5,
    };
    SearchAnswer { traces: vec![trace, lost], cost }
}

#[test]
fn nothing_found() {
    let answer = ask("q=%7B%7D").unwrap().answer(&SearchAnswer::default());
    assert_eq!((answer.status, answer.content_type), (StatusCode::OK, JSON));
    assert_eq!(&answer.body[..], br#"{"traces":[],"metrics":{}}"#);
}

#[test]
fn the_answer_in_json() {
    let answer = ask("q=%7B%7D").unwrap().answer(&full());
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let first = serde_json::json!({
        "spans": [{
            "spanID": "0000000000000001",
            "name": "GET \"/\"",
            "startTimeUnixNano": "1795344000000000001",
            "durationNanos": "2999999",
            "attributes": [
                {"key": "s", "value": {"stringValue": ""}},
                {"key": "i", "value": {"intValue": "-5"}},
                {"key": "d", "value": {"doubleValue": 0.5}},
                {"key": "nan", "value": {"doubleValue": "NaN"}},
                {"key": "b", "value": {"boolValue": false}},
                {"key": "l", "value": {"arrayValue": {"values": [
                    {"intValue": "1"}, {"stringValue": "x"},
                ]}}},
                {"key": "e", "value": {"arrayValue": {}}},
            ],
        }],
        "matched": 7,
        "attributes": [{"key": "by(.x)", "value": {"stringValue": "nil"}}],
    });
    let expected = serde_json::json!({
        "traces": [
            {
                "traceID": "abc",
                "rootServiceName": "shop",
                "rootTraceName": "GET",
                "startTimeUnixNano": "1795344000000000001",
                "durationMs": 2,
                "spanSet": first,
                "spanSets": [first, {"spans": [{"spanID": "0909090909090909"}], "matched": 1}],
                "serviceStats": {
                    "a \"quoted\" one": {"spanCount": 3, "errorCount": 1},
                    "b": {"spanCount": 4},
                },
            },
            {"traceID": "0", "rootServiceName": "<root span not yet received>"},
        ],
        "metrics": {
            "inspectedTraces": 2,
            "inspectedBytes": "300",
            "totalBlocks": 1,
            "completedJobs": 3,
            "totalJobs": 4,
            "totalBlockBytes": "400",
            "inspectedSpans": "7",
        },
    });
    assert_eq!(json, expected);
}
