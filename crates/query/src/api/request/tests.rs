use super::*;
use crate::api::Tenancy;
use crate::api::{Accept, TEXT, TimeRange, TraceCall};
use http::Request;
use proptest::prelude::*;

fn parts(target: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = Request::get(target);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn trace(target: &str) -> TraceCall {
    match read(&parts(target, &[]), &Settings::default()) {
        Ok(Call::Trace(call)) => call,
        other => panic!("{target}: {other:?}"),
    }
}

#[test]
fn ids_are_one_to_32_hex_digits() {
    for (given, expected) in [
        ("1", "00000000000000000000000000000001"),
        ("ABCdef", "00000000000000000000000000abcdef"),
        ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
    ] {
        for (route, version) in [("/api/traces/", Version::V1), ("/api/v2/traces/", Version::V2)] {
            let call = trace(&format!("{route}{given}"));
            assert_eq!((call.version, call.id.to_string().as_str()), (version, expected));
            assert_eq!(call.tenants, ["single-tenant"]);
            assert_eq!((call.time, call.accept), (TimeRange::ALL, Accept::Json));
        }
    }
}

#[test]
fn time_ranges_are_open_where_nothing_is_given() {
    let table = [
        ("", TimeRange::ALL),
        ("?start=10&end=20", TimeRange { start: 10, end: 20 }),
        ("?end=20", TimeRange { start: 0, end: 20 }),
        ("?start=10&other=x&flag", TimeRange { start: 10, end: u64::MAX }),
        ("?start=0&end=0", TimeRange::ALL),
        ("?start=&end=", TimeRange::ALL),
    ];
    for (query, expected) in table {
        assert_eq!(trace(&format!("/api/traces/1{query}")).time, expected, "{query}");
    }
}

#[test]
fn time_ranges_include_both_ends() {
    let time = TimeRange { start: 10, end: 20 };
    assert_eq!(time.nanoseconds(), (10_000_000_000, 20_999_999_999));
    assert_eq!(TimeRange::ALL.nanoseconds(), (0, u64::MAX));
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let table = [
        ("/api/traces/", StatusCode::BAD_REQUEST),
        ("/api/traces/xyz", StatusCode::BAD_REQUEST),
        ("/api/v2/traces/0123456789abcdef0123456789abcdef0", StatusCode::BAD_REQUEST),
        ("/api/traces/1?start=now", StatusCode::BAD_REQUEST),
        ("/api/traces/1?start=-5", StatusCode::BAD_REQUEST),
        ("/api/traces/1?start=20&end=10", StatusCode::BAD_REQUEST),
        ("/api/v2/traces/1?q=%7B", StatusCode::BAD_REQUEST),
        ("/api/traces/1?start=%zz", StatusCode::BAD_REQUEST),
        ("/api/search?limit=0", StatusCode::BAD_REQUEST),
        ("/api/metrics/query", StatusCode::BAD_REQUEST),
        ("/api/v2/traces/diff", StatusCode::NOT_FOUND),
        ("/api/search/", StatusCode::NOT_FOUND),
        ("/api/v2/search", StatusCode::NOT_FOUND),
        ("/api/metrics/query_range/", StatusCode::NOT_FOUND),
        ("/api/nothing", StatusCode::NOT_FOUND),
        ("/", StatusCode::NOT_FOUND),
    ];
    for (target, expected) in table {
        let answer = read(&parts(target, &[]), &Settings::default()).unwrap_err();
        assert_eq!((answer.status, answer.content_type), (expected, TEXT), "{target}");
        let body = std::str::from_utf8(&answer.body).unwrap();
        assert!(!body.is_empty() && !body.contains('\n'), "{target}: {body:?}");
    }
}

#[test]
fn the_form_is_the_first_that_is_named() {
    let table = [
        ("application/protobuf", Accept::Protobuf),
        ("application/json, application/protobuf;q=0.1", Accept::Protobuf),
        ("application/json", Accept::Json),
        ("application/vnd.grafana.llm", Accept::Json),
        ("*/*", Accept::Json),
        ("", Accept::Json),
    ];
    for (header, expected) in table {
        let request = parts("/api/traces/1", &[("accept", header)]);
        let Ok(Call::Trace(call)) = read(&request, &Settings::default()) else {
            panic!("{header}")
        };
        assert_eq!(call.accept, expected, "{header}");
    }
}

#[test]
fn tenants_are_read_from_the_header_when_they_are_on() {
    let settings = Settings { tenancy: Tenancy::On, version: String::new() };
    let asked = |headers: &[(&str, &str)]| read(&parts("/api/traces/1", headers), &settings);
    let Ok(Call::Trace(call)) = asked(&[("X-Scope-OrgID", "b|a")]) else { panic!("refused") };
    assert_eq!(call.tenants, ["a", "b"]);
    for route in ["search", "metrics/query", "search/tags", "search/tag/x/values"] {
        let request = parts(&format!("/api/{route}?limit=x&q=%7B"), &[]);
        let refused = read(&request, &settings).unwrap_err();
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "tenants before all else: {route}");
    }
    assert_eq!(asked(&[]).unwrap_err().status, StatusCode::UNAUTHORIZED);
    assert_eq!(asked(&[("x-scope-orgid", "a/b")]).unwrap_err().status, StatusCode::BAD_REQUEST);
}

#[test]
fn echo_and_build_info_answer_at_once() {
    let settings = Settings { version: "1.2.3".to_owned(), ..Settings::default() };
    let Ok(Call::Ready(echo)) = read(&parts("/api/echo", &[]), &settings) else { panic!("echo") };
    assert_eq!((echo.status, &echo.body[..]), (StatusCode::OK, &b"echo"[..]));
    let request = parts("/api/status/buildinfo", &[]);
    let Ok(Call::Ready(info)) = read(&request, &settings) else { panic!("buildinfo") };
    let info: serde_json::Value = serde_json::from_slice(&info.body).unwrap();
    assert_eq!(info["revision"], "tributary-1.2.3");
    let names: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["branch", "buildDate", "buildUser", "goVersion", "revision", "version"]);
    let mut post = parts("/api/status/buildinfo", &[]);
    post.method = Method::POST;
    assert_eq!(read(&post, &settings).unwrap_err().status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn protobuf_is_given_where_it_is_accepted() {
    let accept = ("accept", "application/protobuf");
    let read = |target: &str| read(&parts(target, &[accept]), &Settings::default()).unwrap();
    let answers = [
        match read("/api/search") {
            Call::Search(call) => call.answer(&Default::default()),
            other => panic!("{other:?}"),
        },
        match read("/api/v2/search/tags") {
            Call::Tags(call) => call.answer(&Default::default()),
            other => panic!("{other:?}"),
        },
        match read("/api/search/tag/x/values") {
            Call::Values(call) => call.answer(&Default::default()),
            other => panic!("{other:?}"),
        },
        match read("/api/v2/search/tag/status/values") {
            Call::Ready(answer) => answer,
            other => panic!("{other:?}"),
        },
    ];
    for answer in answers {
        assert_eq!(answer.content_type, crate::api::PROTOBUF);
    }
    let Call::Metrics(call) = read("/api/metrics/query?q=%7B%7D+%7C+rate()") else { panic!("no") };
    assert_eq!(call.answer(&Default::default()).content_type, crate::api::JSON);
}

#[test]
fn what_cannot_be_asked_is_named() {
    let answer = Answer::unavailable(&["a is away".to_owned(), "b is slow".to_owned()]);
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(&answer.body[..], b"a is away; b is slow");
}

const PATHS: &str = "/api(/v2)?/(traces|search|search/tags|search/tag|metrics/query(_range)?)\
                     (/[a-z.%\"0-9]{0,9}){0,2}";
const QUERIES: &str = "((q|tags|start|end|since|step|limit|spss|scope|minDuration)=\
                       [0-9a-z.+%{}TZ:=-]{0,12}&){0,6}";

proptest! {
    /// Routes and parameters that are known, with anything between and in them.
    #[test]
    fn no_request_panics(path in PATHS, query in QUERIES) {
        let Ok(request) = Request::get(format!("{path}?{query}")).body(()) else { return Ok(()) };
        if let Err(refused) = read(&request.into_parts().0, &Settings::default()) {
            prop_assert!(!refused.body.is_empty() && !refused.body.contains(&b'\n'));
        }
    }
}
