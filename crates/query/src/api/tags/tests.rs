use super::*;
use crate::answer::{Cost, TagsAnswer};
use crate::api::{Answer, JSON, Settings, read};
use http::{Request, StatusCode};

fn ask(target: &str) -> Result<Call, Answer> {
    let (request, ()) = Request::get(target).body(()).unwrap().into_parts();
    read(&request, &Settings::default())
}

fn tags(target: &str) -> TagsCall {
    match ask(target) {
        Ok(Call::Tags(call)) => call,
        other => panic!("{target}: {other:?}"),
    }
}

fn json(answer: &Answer) -> serde_json::Value {
    assert_eq!((answer.status, answer.content_type), (StatusCode::OK, JSON));
    serde_json::from_slice(&answer.body).unwrap()
}

fn found() -> TagsAnswer {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TagsAnswer {
        scopes: vec![
            ("resource", names(&["a", "service.name"])),
            ("span", names(&["a", "b", "c"])),
            ("event", vec![]),
        ],
        cost: Cost {
            bytes: 5,
            jobs: 2,
            jobs_done: 2,
            blocks: 1,
            block_bytes: 9,
            ..Cost::default()
        },
    }
}

#[test]
fn parameters() {
    let call = tags("/api/v2/search/tags");
    assert_eq!((call.version, call.scope, call.time, call.limit), (Version::V2, None, None, None));
    assert_eq!(call.filter, None);
    let call = tags("/api/search/tags?scope=span&start=5&end=9&limit=7&maxStaleValues=x");
    assert_eq!((call.version, call.scope), (Version::V1, Some(Scope::Span)));
    assert_eq!((call.time, call.limit), (Some(TimeRange { start: 5, end: 9 }), Some(7)));
    for (scope, expected) in [
        ("", None),
        ("none", None),
        ("resource", Some(Scope::Resource)),
        ("event", Some(Scope::Event)),
        ("link", Some(Scope::Link)),
        ("instrumentation", Some(Scope::Instrumentation)),
    ] {
        assert_eq!(tags(&format!("/api/v2/search/tags?scope={scope}")).scope, expected);
    }
    for limit in ["0", "x", "-1", ""] {
        assert_eq!(tags(&format!("/api/v2/search/tags?limit={limit}")).limit, None, "{limit}");
    }
    let filter = |q: &str| tags(&format!("/api/v2/search/tags?q={q}")).filter;
    assert_eq!(filter("%7B.a%3D1%7D").unwrap().to_string(), ".a = 1");
    assert_eq!(filter("%7B.a%3D1+%26%26+.b%3D").unwrap().to_string(), ".a = 1");
    assert_eq!(filter("nothing"), None);
    assert_eq!(tags("/api/search/tags?q=%7B+name+%3D+%22a%22+%7D").filter, None);
}

#[test]
fn what_is_wrong_is_said() {
    let table = [
        ("scope=nosuch", "invalid scope: nosuch"),
        ("start=5&end=1", "range specified by start and end exceeds 168h0m0s"),
        ("start=5", "range specified by start and end exceeds"),
        ("start=x", "invalid start"),
        ("scope=%zz", "bad escapes"),
    ];
    for route in ["/api/search/tags", "/api/v2/search/tags"] {
        for (query, expected) in table {
            let answer = ask(&format!("{route}?{query}")).unwrap_err();
            let text = std::str::from_utf8(&answer.body).unwrap();
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
            assert!(text.contains(expected), "{query}: {text}");
        }
    }
}

#[test]
fn names_by_scope() {
    let answer = json(&tags("/api/v2/search/tags?limit=2").answer(&found()));
    let expected = serde_json::json!({
        "scopes": [
            {"name": "resource", "tags": ["a", "service.name"]},
            {"name": "span", "tags": ["a", "b"]},
            {"name": "intrinsic", "tags": ["duration", "event:name"]},
        ],
        "metrics": {
            "inspectedBytes": "5",
            "totalJobs": 2,
            "completedJobs": 2,
            "totalBlocks": 1,
            "totalBlockBytes": "9",
        },
    });
    assert_eq!(answer, expected);
    let answer = json(&tags("/api/v2/search/tags?scope=span").answer(&found()));
    let expected = serde_json::json!([{"name": "span", "tags": ["a", "b", "c"]}]);
    assert_eq!(answer["scopes"], expected);
    let answer = json(&tags("/api/v2/search/tags").answer(&TagsAnswer::default()));
    assert_eq!(answer["scopes"][0]["name"], "intrinsic");
    assert_eq!(answer["scopes"][0]["tags"].as_array().unwrap().len(), 25);
    assert_eq!(answer["metrics"], serde_json::json!({}));
}

#[test]
fn names_without_scopes() {
    let answer = json(&tags("/api/search/tags").answer(&found()));
    assert_eq!(answer["tagNames"], serde_json::json!(["a", "b", "c", "service.name"]));
    let answer = json(&tags("/api/search/tags?scope=resource").answer(&found()));
    assert_eq!(answer["tagNames"], serde_json::json!(["a", "service.name"]));
    let answer = tags("/api/search/tags").answer(&TagsAnswer::default());
    assert_eq!(&answer.body[..], br#"{"tagNames":[],"metrics":{}}"#);
}

#[test]
fn names_of_the_language_need_no_data() {
    let ready = |target: &str| match ask(target) {
        Ok(Call::Ready(answer)) => json(&answer),
        other => panic!("{target}: {other:?}"),
    };
    let answer = ready("/api/search/tags?scope=intrinsic&limit=2");
    assert_eq!(answer["tagNames"], serde_json::json!(["duration", "event:name"]));
    let answer = ready("/api/v2/search/tags?scope=intrinsic");
    assert_eq!(answer["scopes"].as_array().unwrap().len(), 1);
    assert_eq!(answer["scopes"][0]["tags"].as_array().unwrap().len(), 25);
    let nothing = serde_json::json!({"scopes": [], "metrics": {}});
    assert_eq!(ready("/api/v2/search/tags?scope=trace"), nothing);
}
