//! OTLP/HTTP, row by row.

use crate::client::{self, Raw};
use crate::harness::Server;
use crate::requests::{self, GOOD_JSON, good};
use http::{Method, StatusCode};
use prost::Message;
use std::sync::atomic::Ordering::SeqCst;
use tributary_receivers::Settings;
use tributary_testkit::http::{Answer, send};
use tributary_testkit::otlp::ExportTraceServiceResponse;
use tributary_testkit::sample;

const PATH: &str = "/v1/traces";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn post(server: &Server, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
    send(server.at, Method::POST, PATH, headers, body).await.unwrap()
}

#[tokio::test]
async fn protobuf_and_json_are_answered_in_kind() {
    let server = Server::start().await;
    let answer = post(&server, &[("content-type", PROTOBUF), ("x-scope-orgid", "b")], good()).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, PROTOBUF));
    assert_eq!(answer.body.len(), 0, "partial_success is unset");
    assert_eq!(*server.sink.taken.lock().unwrap(), [(Some("b".to_owned()), good().into())]);
    for content_type in [JSON, "Application/JSON; charset=utf-8"] {
        let answer = post(&server, &[("content-type", content_type)], GOOD_JSON).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, JSON));
        assert_eq!(answer.text(), "{}");
    }
    let spans = tributary_testkit::NormalSpan::parse(&server.sink.last()).unwrap();
    assert_eq!(spans[0].name, "json");
    assert_eq!(server.count("spans_accepted", ""), 3);
}

#[tokio::test]
async fn an_oversized_span_does_not_take_its_batch_with_it() {
    let server = Server::start().await;
    let mut request = sample::plain(1);
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    let mut large = spans[0].clone();
    large.span_id = vec![2; 8];
    large.name = "x".repeat(5 << 20);
    spans.insert(0, large);
    let body = request.encode_to_vec();
    let answer = post(&server, &[("content-type", PROTOBUF)], body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(answer.body).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("bytes"), "{}", partial.error_message);
}

#[tokio::test]
async fn partial_success_says_how_many_and_why() {
    let server = Server::start().await;
    let answer = post(&server, &[("content-type", PROTOBUF)], requests::partly_good()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let partial = ExportTraceServiceResponse::decode(answer.body).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.starts_with("trace_id must be 16 bytes"), "{partial:?}");
    assert_eq!(server.count("spans_rejected", "trace_id"), 1);
    assert_eq!(server.count("spans_accepted", ""), 2);
}

/// Many exporters never look at a partial success, and all of them log an error.
#[tokio::test]
async fn all_spans_refused_is_an_error() {
    let server = Server::start().await;
    let bad = GOOD_JSON.replace("eee19b7ec3c1b174", "7uGbfsPBsXQ=");
    let answer = post(&server, &[("content-type", JSON)], bad).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::BAD_REQUEST, JSON));
    let status = answer.json().unwrap();
    assert_eq!(status["code"], 3);
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("span_id") && message.contains("base64"), "{message}");
    let body = requests::request(vec![Default::default(); 3]).encode_to_vec();
    let answer = post(&server, &[("content-type", PROTOBUF)], body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let (code, message) = prost_status(&answer.body);
    assert!(code == 3 && message.contains("3 were refused: trace_id"), "{message}");
    assert_eq!(server.count("spans_rejected", "span_id"), 1);
    assert_eq!(server.count("spans_rejected", "trace_id"), 3);
    assert_eq!(server.count("requests", "malformed"), 2);
}

#[tokio::test]
async fn a_request_without_a_span_is_told_so() {
    let server = Server::start().await;
    let old = r#"{"resourceSpans":[{"instrumentationLibrarySpans":[{"spans":[{}]}]}]}"#;
    let bare = r#"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"}"#;
    for body in [old, bare, r#"{"resourceLogs":[{}]}"#] {
        let answer = post(&server, &[("content-type", JSON)], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}");
        let partial = &answer.json().unwrap()["partialSuccess"];
        assert_eq!(partial["rejectedSpans"], "0", "{body}");
        assert!(partial["errorMessage"].as_str().unwrap().contains("no span"), "{body}");
    }
    // Field 1000, a string.
    let answer = post(&server, &[("content-type", PROTOBUF)], vec![0xc2, 0x3e, 1, b'x']).await;
    let partial = ExportTraceServiceResponse::decode(answer.body).unwrap().partial_success.unwrap();
    assert!(partial.error_message.contains("no span"), "{}", partial.error_message);
    assert_eq!(server.count("requests", "spanless"), 4);
    assert_eq!(server.count("requests", "accepted"), 0);
}

#[tokio::test]
async fn one_bad_value_costs_itself_and_is_told() {
    let server = Server::start().await;
    let body = GOOD_JSON.replace(
        r#""name":"json""#,
        r#""kind":"SPAN_KIND_X","attributes":[{"key":"k","value":{"intValue":"18446744073709551616"}}]"#,
    );
    let answer = post(&server, &[("content-type", JSON)], body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let partial = &answer.json().unwrap()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "0");
    assert!(partial["errorMessage"].as_str().unwrap().contains("left out"), "{partial}");
    assert_eq!(server.count("spans_accepted", ""), 1);
    assert_eq!(server.count("values_faulty", "left_out"), 1);
}

#[tokio::test]
async fn every_compression_is_undone() {
    let server = Server::start().await;
    for (content_type, body) in [(PROTOBUF, good()), (JSON, GOOD_JSON.as_bytes().to_vec())] {
        let table = [
            ("identity", body.clone()),
            ("gzip", requests::gzip(&body)),
            ("GZIP", requests::gzip(&body)),
            ("deflate", requests::deflate(&body)),
            ("zstd", requests::zstd(&body)),
        ];
        for (name, body) in table {
            let headers = [("content-type", content_type), ("content-encoding", name)];
            let answer = post(&server, &headers, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
        }
    }
    assert_eq!(server.count("spans_accepted", ""), 10);
}

#[tokio::test]
async fn an_empty_body_is_a_success() {
    let server = Server::start().await;
    for content_type in [PROTOBUF, JSON] {
        for encoding in ["identity", "gzip", "zstd"] {
            let headers = [("content-type", content_type), ("content-encoding", encoding)];
            let answer = post(&server, &headers, "").await;
            assert_eq!(answer.status, StatusCode::OK, "{content_type} {encoding}");
        }
    }
    assert_eq!(server.count("requests", "accepted"), 6);
}

#[tokio::test]
async fn what_is_wrong_is_told_in_the_requests_own_form() {
    let server = Server::with(Settings { body_bytes: 10_000, ..Settings::default() }).await;
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, u16, u64, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("no protobuf", &[], vec![0xff; 20], 400, 3, "malformed"),
        ("too large", &[], vec![0; 10_001], 413, 8, "too_large"),
        (
            "a bomb",
            &[("content-encoding", "gzip")],
            requests::gzip(&[0; 1 << 20]),
            413,
            8,
            "too_large",
        ),
        ("no gzip", &[("content-encoding", "gzip")], good(), 400, 3, "malformed"),
        ("brotli", &[("content-encoding", "br")], good(), 415, 12, "unsupported"),
    ];
    for (what, more, body, status, code, counter) in cases {
        for content_type in [PROTOBUF, JSON] {
            let before = server.count("requests", counter);
            let headers = [&[("content-type", content_type)], more].concat();
            let answer = post(&server, &headers, body.clone()).await;
            assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text());
            assert_eq!(answer.header("content-type"), content_type, "{what}");
            assert_eq!(answer.header("retry-after"), "", "{what}: not to be sent again");
            let message = if content_type == JSON {
                let body = answer.json().unwrap();
                assert_eq!(body["code"], code, "{what}");
                body["message"].as_str().unwrap().to_owned()
            } else {
                // `google.rpc.Status` has a code and a message first.
                let status = prost_status(&answer.body);
                assert_eq!(status.0, code, "{what}");
                status.1
            };
            assert!(!message.is_empty(), "{what}");
            assert_eq!(server.count("requests", counter), before + 1, "{what}");
            let good = post(&server, &[("content-type", PROTOBUF)], good()).await;
            assert_eq!(good.status, StatusCode::OK, "after {what}");
        }
    }
    let bad_json = post(&server, &[("content-type", JSON)], "{\n  ]").await;
    assert_eq!(bad_json.status, StatusCode::BAD_REQUEST);
    assert!(bad_json.text().contains("at byte 4"), "{}", bad_json.text());
    assert_eq!(server.sink.held(), 0);
}

fn prost_status(bytes: &[u8]) -> (u64, String) {
    #[derive(Clone, PartialEq, Message)]
    struct Status {
        #[prost(uint64, tag = "1")]
        code: u64,
        #[prost(string, tag = "2")]
        message: String,
    }
    let status = Status::decode(bytes).unwrap();
    (status.code, status.message)
}

#[tokio::test]
async fn unknown_compression_names_the_known() {
    let server = Server::start().await;
    let headers = [("content-type", JSON), ("content-encoding", "snappy")];
    let answer = post(&server, &headers, GOOD_JSON).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(answer.header("accept-encoding"), "gzip, deflate, zstd");
    assert!(answer.text().contains("gzip, deflate, zstd"), "{}", answer.text());
}

#[tokio::test]
async fn content_types_paths_and_methods_that_are_not_served() {
    let server = Server::start().await;
    for headers in [&[][..], &[("content-type", "text/html")], &[("content-type", "image/png")]] {
        let answer = post(&server, headers, good()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{headers:?}");
        assert_eq!(answer.header("content-type"), JSON, "{headers:?}");
        let status = answer.json().unwrap();
        assert_eq!(status["code"], 3, "{headers:?}");
        assert!(status["message"].as_str().unwrap().contains(PROTOBUF), "{status}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::HEAD] {
        let answer = send(server.at, method.clone(), PATH, &[], "").await.unwrap();
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
    for (path, advice) in
        [("/", "POST /v1/traces"), ("/v1/metrics", "metrics are not taken"), ("/v1/logs", "logs")]
    {
        for content_type in [PROTOBUF, JSON] {
            let headers = [("content-type", content_type)];
            let answer = send(server.at, Method::POST, path, &headers, good()).await.unwrap();
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(answer.header("content-type"), content_type, "{path}");
            let (code, message) = match content_type {
                JSON => {
                    let status = answer.json().unwrap();
                    (status["code"].as_u64().unwrap(), status["message"].to_string())
                }
                _ => prost_status(&answer.body),
            };
            assert_eq!(code, 12, "{path}");
            assert!(message.contains(advice), "{path}: {message}");
        }
    }
    assert_eq!(server.count("requests", "unsupported"), 8);
    assert_eq!(server.count("requests", "unknown"), 6);
}

#[tokio::test]
async fn slashes_and_names_as_senders_write_them() {
    let server = Server::start().await;
    for path in ["/v1/traces/", "//v1/traces", "/v1//traces"] {
        for (content_type, body) in [
            ("application/protobuf", good()),
            ("Application/X-Protobuf; charset=utf-8", good()),
            // A beacon.
            ("text/plain;charset=UTF-8", GOOD_JSON.into()),
        ] {
            let headers = [("content-type", content_type), ("content-encoding", "zlib")];
            let body = requests::deflate(&body);
            let answer = send(server.at, Method::POST, path, &headers, body).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK, "{path} {content_type}: {}", answer.text());
        }
    }
    assert_eq!(server.count("spans_accepted", ""), 9);
}

#[tokio::test]
async fn a_full_buffer_says_when_to_come_again() {
    let server = Server::start().await;
    for flag in [&server.sink.full, &server.sink.refuse] {
        for (content_type, body) in [(PROTOBUF, good()), (JSON, GOOD_JSON.into())] {
            flag.store(true, SeqCst);
            let answer = post(&server, &[("content-type", content_type)], body.clone()).await;
            flag.store(false, SeqCst);
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(answer.header("retry-after"), "3", "2.5 s, rounded up");
            assert_eq!(answer.header("content-type"), content_type);
            let good = post(&server, &[("content-type", content_type)], body).await;
            assert_eq!(good.status, StatusCode::OK);
        }
    }
    assert_eq!(server.count("requests", "refused"), 4);
    assert_eq!(server.sink.held(), 0);
}

#[tokio::test]
async fn a_connection_is_kept_after_good_and_bad() {
    let server = Server::start().await;
    let mut raw = Raw::connect(server.at).await.unwrap();
    let good = client::post(PROTOBUF, &good());
    let table = [
        (good.clone(), "200"),
        (client::post(PROTOBUF, &[0xff; 50]), "400"),
        (client::post("text/html", &[0; 500_000]), "415"),
        (good, "200"),
    ];
    for (bytes, status) in table {
        raw.send(bytes).await.unwrap();
        let answer = raw.answer().await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert_eq!(server.count("connections", ""), 1);
}

#[tokio::test]
async fn chunked_bodies_are_taken() {
    let server = Server::start().await;
    let mut raw = Raw::connect(server.at).await.unwrap();
    let body = good();
    let (a, b) = body.split_at(10);
    let mut bytes = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    for part in [a, b] {
        bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    raw.send(bytes).await.unwrap();
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 200"));
    assert_eq!(server.sink.last(), body);
}

#[tokio::test]
async fn expect_continue_is_answered() {
    let server = Server::with(Settings { body_bytes: 1000, ..Settings::default() }).await;
    let head = |len: usize| {
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-type: {PROTOBUF}\r\ncontent-length: {len}\r\n\r\n"
        )
    };
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(head(good().len())).await.unwrap();
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 100"));
    raw.send(good()).await.unwrap();
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 200"));
    // A refusal comes instead of the leave to go on.
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(head(1001)).await.unwrap();
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn http2_without_tls_is_served() {
    let server = Server::start().await;
    let headers = [("content-type", PROTOBUF)];
    let answer = client::h2(server.at, Method::POST, PATH, &headers, good()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let large = vec![0; (64 << 20) + 1];
    let answer = client::h2(server.at, Method::POST, PATH, &headers, large).await.unwrap();
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn browsers_may_send_from_origins_that_are_set() {
    let origin = "https://shop.example";
    let settings = Settings { cors_origins: vec![origin.to_owned()], ..Settings::default() };
    let server = Server::with(settings).await;
    let ask = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-team"),
    ];
    let answer = send(server.at, Method::OPTIONS, PATH, &ask, "").await.unwrap();
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-team");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert_eq!(answer.header("access-control-max-age"), "7200");
    for (content_type, status) in
        [(JSON, StatusCode::OK), ("x/y", StatusCode::UNSUPPORTED_MEDIA_TYPE)]
    {
        let answer =
            post(&server, &[("content-type", content_type), ("origin", origin)], GOOD_JSON).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("vary"), "origin");
    }
    let other = [("origin", "https://other.example"), ("access-control-request-method", "POST")];
    let answer = send(server.at, Method::OPTIONS, PATH, &other, "").await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let closed = Server::start().await;
    let answer = send(closed.at, Method::OPTIONS, PATH, &ask, "").await.unwrap();
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let any =
        Server::with(Settings { cors_origins: vec!["*".into()], ..Settings::default() }).await;
    let answer = send(any.at, Method::OPTIONS, PATH, &ask, "").await.unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(answer.header("access-control-allow-credentials"), "", "never with any origin");
}
