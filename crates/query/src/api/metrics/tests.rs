use super::*;
use crate::answer::{Cost, Exemplar, Label, Sample, Series};
use crate::api::{Call, Settings, read_at};
use http::{Request, StatusCode};
use std::time::{Duration, SystemTime};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_795_349_400;

fn ask(route: &str, parameters: &str) -> Result<MetricsCall, Answer> {
    let target = format!("/api/metrics/{route}?{parameters}");
    let (request, ()) = Request::get(&target).body(()).unwrap().into_parts();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    match read_at(&request, &Settings::default(), now)? {
        Call::Metrics(call) => Ok(call),
        other => panic!("{target}: {other:?}"),
    }
}

fn range(parameters: &str) -> Result<MetricsCall, Answer> {
    ask("query_range", &format!("q=%7B%7D+%7C+rate()&{parameters}"))
}

#[test]
fn times_in_all_forms() {
    let (noon, later) = (1_795_348_860, 1_795_348_980);
    let table = [
        ("start=1795348860&end=1795348980", (noon, later)),
        ("start=1795348860000000000&end=1795348980000000000", (noon, later)),
        ("start=1795348860.0&end=1795348980.0", (noon, later)),
        ("start=2026-11-22T12:01:00Z&end=2026-11-22T12:03:00Z", (noon, later)),
        ("start=2026-11-22T13:01:00%2B01:00&end=1795348980", (noon, later)),
        ("", (NOW - 3_600, NOW)),
        ("since=2h", (NOW - 7_200, NOW)),
        ("since=1m&end=1795348980", (later - 60, later)),
        ("end=1795348980", (later - 3_600, later)),
        ("start=1795348980", (later, NOW)),
        ("since=1m&start=1795348860&end=1795348980", (noon, later)),
    ];
    for (parameters, (start, end)) in table {
        let call = range(parameters).unwrap();
        assert_eq!((call.start, call.end), (start * SECOND, end * SECOND), "{parameters}");
    }
}

#[test]
fn what_is_not_given_has_a_default() {
    let time = "start=1795348800&end=1795349400";
    let call = range(time).unwrap();
    assert_eq!((call.step, call.instant, call.form), (2 * SECOND, false, MetricsForm::Range));
    assert_eq!((call.exemplars, call.max_series), (100, 1_000));
    let steps = [("20", 20), ("20s", 20), ("1m", 60), ("1d", 86_400), ("0.5", 0)];
    for (text, seconds) in steps {
        let step = range(&format!("{time}&step={text}")).unwrap().step;
        let expected = if text == "0.5" { SECOND / 2 } else { seconds * SECOND };
        assert_eq!(step, expected, "{text}");
    }
    let call = range(&format!("{time}&exemplars=7&maxSeries=5")).unwrap();
    assert_eq!((call.exemplars, call.max_series), (7, 5));
    let call = range(&format!("{time}&exemplars=0&maxSeries=0")).unwrap();
    assert_eq!((call.exemplars, call.max_series), (0, 1_000), "no exemplars is a wish, too");
    let call = range(&format!("{time}&exemplars=500&maxSeries=5000&instant=true")).unwrap();
    assert_eq!((call.exemplars, call.max_series), (0, 1_000));
    assert_eq!((call.step, call.instant, call.form), (600 * SECOND, true, MetricsForm::Range));
    let call = ask("query", &format!("query=%7B%7D+%7C+rate()&{time}&step=1s")).unwrap();
    assert_eq!((call.step, call.instant, call.form), (600 * SECOND, true, MetricsForm::Instant));
    assert_eq!(call.tenants, ["single-tenant"]);
}

#[test]
fn a_hint_goes_before_the_parameter() {
    let time = "start=1795348800&end=1795349400&exemplars=7";
    for (hint, expected) in [("false", 0), ("true", 7), ("50", 50), ("5000", 100)] {
        let query = format!("q=%7B%7D+%7C+rate()+with(exemplars%3D{hint})&{time}");
        assert_eq!(ask("query_range", &query).unwrap().exemplars, expected, "{hint}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let rate = "q=%7B%7D+%7C+rate()";
    let table = [
        (String::new(), "query is missing"),
        ("q=%7B%7D".to_owned(), "not a metrics query"),
        ("q=%7B%7D+%7C+rate".to_owned(), "TraceQL"),
        (format!("{rate}&start=20&end=10"), "end must be greater than start"),
        (format!("{rate}&start=20&end=20"), "end must be greater than start"),
        (format!("{rate}&start=x"), "invalid start"),
        (format!("{rate}&end=yesterday"), "invalid end"),
        (format!("{rate}&since=1"), "invalid since"),
        (format!("{rate}&step=x"), "cannot parse \"x\" to a valid duration"),
        (format!("{rate}&exemplars=many"), "invalid exemplars"),
        (format!("{rate}&maxSeries=-1"), "invalid maxSeries"),
        (format!("{rate}&instant=maybe"), "invalid instant"),
        (
            format!("{rate}&start=1000&end=1600&step=1ms"),
            "step of 1ms is too small, minimum step for given range is 60ms",
        ),
        (format!("{rate}&start=1000&end=1600&step=0"), "step of 0s is too small"),
        (
            format!("{rate}&start=1000&end=87401"),
            "metrics query time range exceeds the maximum allowed duration of 24h0m0s",
        ),
    ];
    for route in ["query_range", "query"] {
        for (parameters, expected) in &table {
            if route == "query" && expected.starts_with("step") {
                continue;
            }
            let answer = ask(route, parameters).unwrap_err();
            let text = std::str::from_utf8(&answer.body).unwrap();
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{parameters}");
            assert!(text.contains(expected) && !text.contains('\n'), "{parameters}: {text}");
        }
    }
}

/// An answer with everything in it, which the tests of protobuf use, too.
pub(in crate::api) fn full() -> MetricsAnswer {
    let service = || ("resource.service.name".to_owned(), Label::Str("api".to_owned()));
    let unlabelled = Series { labels: vec![], samples: vec![], exemplars: vec![] };
    let series = Series {
        labels: vec![service(), ("span.x".to_owned(), Label::Nil)],
        samples: vec![
            Sample { at: 1_690_000_000_000, value: 3.2 },
            Sample { at: 1_690_000_001_000, value: 0.0 },
            Sample { at: 1_690_000_002_000, value: f64::INFINITY },
        ],
        exemplars: vec![Exemplar {
            labels: vec![("trace:id".to_owned(), Label::Str("abc".to_owned()))],
            at: 1_690_000_000_500,
            value: 0.12,
        }],
    };
    let partial = Some("1000 series are the limit".to_owned());
    MetricsAnswer {
        series: vec![unlabelled, series],
        cost: Cost { spans: 9, ..Cost::default() },
        partial,
    }
}

#[test]
fn the_answer_of_a_range() {
    let call = range("").unwrap();
    let answer = call.answer(&MetricsAnswer::default());
    assert_eq!((answer.status, answer.content_type), (StatusCode::OK, JSON));
    assert_eq!(&answer.body[..], br#"{"series":[],"metrics":{}}"#);
    let json: serde_json::Value = serde_json::from_slice(&call.answer(&full()).body).unwrap();
    let expected = serde_json::json!({
        "series": [{
            "labels": [
                {"key": "resource.service.name", "value": {"stringValue": "api"}},
                {"key": "span.x", "value": {"stringValue": "nil"}},
            ],
            "samples": [
                {"timestampMs": "1690000000000", "value": 3.2},
                {"timestampMs": "1690000001000"},
                {"timestampMs": "1690000002000", "value": "Infinity"},
            ],
            "exemplars": [{
                "labels": [{"key": "trace:id", "value": {"stringValue": "abc"}}],
                "timestampMs": "1690000000500",
                "value": 0.12,
            }],
        }],
        "metrics": {"inspectedSpans": "9"},
        "status": "PARTIAL",
        "message": "1000 series are the limit",
    });
    assert_eq!(json, expected);
}

#[test]
fn the_answer_of_an_instant() {
    let call = ask("query", "q=%7B%7D+%7C+rate()").unwrap();
    let mut found = full();
    found.partial = None;
    found.series[1].samples.truncate(1);
    let json: serde_json::Value = serde_json::from_slice(&call.answer(&found).body).unwrap();
    let expected = serde_json::json!({
        "series": [{
            "labels": [
                {"key": "resource.service.name", "value": {"stringValue": "api"}},
                {"key": "span.x", "value": {"stringValue": "nil"}},
            ],
            "value": 3.2,
        }],
        "metrics": {"inspectedSpans": "9"},
    });
    assert_eq!(json, expected);
}
