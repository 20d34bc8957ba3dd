use super::*;
use crate::answer::ValuesAnswer;
use crate::api::{Answer, JSON, Settings, read};
use http::{Request, StatusCode};
use tributary_traceql::ast::{Intrinsic, Scope};

fn ask(target: &str) -> Result<Call, Answer> {
    let (request, ()) = Request::get(target).body(()).unwrap().into_parts();
    read(&request, &Settings::default())
}

fn values(target: &str) -> ValuesCall {
    match ask(target) {
        Ok(Call::Values(call)) => call,
        other => panic!("{target}: {other:?}"),
    }
}

fn json(answer: &Answer) -> serde_json::Value {
    assert_eq!((answer.status, answer.content_type), (StatusCode::OK, JSON));
    serde_json::from_slice(&answer.body).unwrap()
}

fn named(scope: Option<Scope>, key: &str) -> Attribute {
    Attribute::Named { scope, key: key.into() }
}

fn found() -> ValuesAnswer {
    let values = [("int", "1"), ("string", "a"), ("string", "1"), ("string", "B")];
    let values = values.map(|(kind, text)| (kind, text.to_owned())).to_vec();
    ValuesAnswer { values, ..ValuesAnswer::default() }
}

#[test]
fn tags_stand_in_the_path() {
    let v2 = |tag: &str| values(&format!("/api/v2/search/tag/{tag}/values")).attribute;
    assert_eq!(v2("span.a%2Fb"), named(Some(Scope::Span), "a/b"));
    assert_eq!(v2("span.a/b"), named(Some(Scope::Span), "a/b"));
    assert_eq!(v2("span.%22my%20key%22"), named(Some(Scope::Span), "my key"));
    assert_eq!(v2(".x"), named(None, "x"));
    let Attribute::Intrinsic { intrinsic, .. } = v2("name") else { panic!("an intrinsic") };
    assert_eq!(intrinsic, Intrinsic::Name);

    let v1 = |tag: &str| values(&format!("/api/search/tag/{tag}/values")).attribute;
    assert_eq!(v1("span.a%2Fb"), named(None, "span.a/b"));
    assert_eq!(v1("a+b%20%22"), named(None, "a+b \""));
    assert_eq!(v1("values/values"), named(None, "values/values"));
    let Attribute::Intrinsic { intrinsic, .. } = v1("root.name") else { panic!("an intrinsic") };
    assert_eq!(intrinsic, Intrinsic::RootName);
}

#[test]
fn parameters() {
    let call = values("/api/v2/search/tag/.x/values?q=&limit=x&tag=.x&maxStaleValues=");
    assert_eq!((call.version, call.filter, call.time), (Version::V2, None, None));
    assert_eq!(call.limit, None);
    let call = values("/api/search/tag/x/values?limit=2&start=5&end=9&q=%7B+true+%7D");
    assert_eq!((call.version, call.filter), (Version::V1, None));
    assert_eq!((call.limit, call.time), (Some(2), Some(TimeRange { start: 5, end: 9 })));
}

#[test]
fn what_is_wrong_is_said() {
    let table = [
        ("/api/v2/search/tag/nosuch/values", StatusCode::BAD_REQUEST, "valid tag name"),
        ("/api/v2/search/tag/span./values", StatusCode::BAD_REQUEST, "valid tag name"),
        ("/api/v2/search/tag/span.a%20b/values", StatusCode::BAD_REQUEST, "valid tag name"),
        ("/api/v2/search/tag/%zz/values", StatusCode::BAD_REQUEST, "bad escapes"),
        ("/api/search/tag/%ff/values", StatusCode::BAD_REQUEST, "bad escapes"),
        ("/api/search/tag//values", StatusCode::BAD_REQUEST, "tag name"),
        ("/api/search/tag/x/values?start=5&end=1", StatusCode::BAD_REQUEST, "exceeds"),
        ("/api/search/tag/x", StatusCode::NOT_FOUND, "no such route"),
        ("/api/search/tag/values", StatusCode::NOT_FOUND, "no such route"),
    ];
    for (target, status, expected) in table {
        let answer = ask(target).unwrap_err();
        let text = std::str::from_utf8(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{target}");
        assert!(text.contains(expected) && !text.contains('\n'), "{target}: {text}");
    }
}

#[test]
fn values_with_and_without_types() {
    let answer = json(&values("/api/v2/search/tag/.x/values?limit=3").answer(&found()));
    let expected = serde_json::json!({
        "tagValues": [
            {"type": "int", "value": "1"},
            {"type": "string", "value": "a"},
            {"type": "string", "value": "1"},
        ],
        "metrics": {},
    });
    assert_eq!(answer, expected);
    let answer = json(&values("/api/search/tag/x/values").answer(&found()));
    assert_eq!(answer, serde_json::json!({"tagValues": ["1", "B", "a"], "metrics": {}}));
    let answer = values("/api/search/tag/x/values").answer(&ValuesAnswer::default());
    assert_eq!(&answer.body[..], br#"{"tagValues":[],"metrics":{}}"#);
}

#[test]
fn some_values_need_no_data() {
    let ready = |target: &str| match ask(target) {
        Ok(Call::Ready(answer)) => json(&answer)["tagValues"].clone(),
        other => panic!("{target}: {other:?}"),
    };
    let word = |word: &str| serde_json::json!({"type": "keyword", "value": word});
    let statuses = serde_json::json!([word("error"), word("ok"), word("unset")]);
    assert_eq!(ready("/api/v2/search/tag/status/values"), statuses);
    let kinds = ready("/api/v2/search/tag/span%3Akind/values");
    assert_eq!(kinds.as_array().unwrap().len(), 6);
    assert_eq!(ready("/api/v2/search/tag/duration/values"), serde_json::json!([]));
    let texts = serde_json::json!(["error", "ok", "unset"]);
    assert_eq!(ready("/api/search/tag/status.code/values"), texts);
    assert_eq!(ready("/api/search/tag/error/values?limit=5"), serde_json::json!(["true"]));
}
