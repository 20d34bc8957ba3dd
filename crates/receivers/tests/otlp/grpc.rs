//! OTLP/gRPC, row by row.

use crate::client::{self, EXPORT};
use crate::harness::{RETRY_AFTER, Server};
use crate::requests::{self, framed, good};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::{Method, StatusCode};
use prost::Message;
use std::sync::atomic::Ordering::SeqCst;
use tonic::codec::CompressionEncoding;
use tributary_receivers::Settings;
use tributary_testkit::otlp::{ExportTraceServiceResponse, TraceServiceClient};

/// `google.rpc.Status` with a `RetryInfo`, read with another decoder.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    delay: Option<Delay>,
}

#[derive(Clone, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[tokio::test]
async fn an_official_client_is_served() {
    let server = Server::start().await;
    let mut client = TraceServiceClient::connect(format!("http://{}", server.at)).await.unwrap();
    let answer = client.export(requests::request(vec![requests::span(1)])).await.unwrap();
    assert_eq!(answer.into_inner(), ExportTraceServiceResponse::default());
    for encoding in
        [CompressionEncoding::Gzip, CompressionEncoding::Deflate, CompressionEncoding::Zstd]
    {
        let mut client = client.clone().send_compressed(encoding);
        client.export(requests::request(vec![requests::span(2)])).await.unwrap();
    }
    let mut request =
        tonic::Request::new(requests::request(vec![requests::span(3), Default::default()]));
    request.metadata_mut().insert("x-scope-orgid", "team-a".parse().unwrap());
    request.set_timeout(std::time::Duration::from_secs(5));
    let partial = client.export(request).await.unwrap().into_inner().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("trace_id"), "{partial:?}");
    let taken = server.sink.taken.lock().unwrap();
    let tenants: Vec<_> = taken.iter().map(|(tenant, _)| tenant.as_deref()).collect();
    assert_eq!(tenants, [None, None, None, None, Some("team-a")]);
    assert_eq!(server.count("spans_accepted", ""), 5);
    assert_eq!(server.count("spans_rejected", "trace_id"), 1);
    assert_eq!(server.count("requests", "accepted"), 5);
}

#[tokio::test]
async fn bytes_pass_untouched() {
    let server = Server::start().await;
    for len in [10, 30_000, 300_000] {
        // Beyond one frame of HTTP/2 it comes in pieces.
        let request = requests::attributes(1, len);
        let answer = client::grpc(server.at, &[], framed(0, &request)).await.unwrap();
        assert_eq!(answer.grpc_status(), "0");
        assert_eq!(answer.body, Bytes::from_static(&[0; 5]));
        assert_eq!(server.sink.last(), request);
        assert_eq!(server.sink.held(), 0);
    }
    let expected: u64 = server.sink.taken.lock().unwrap().iter().map(|(_, b)| b.len() as u64).sum();
    assert_eq!(server.count("otlp_bytes", ""), expected);
    assert_eq!(server.count("bytes", ""), expected + 3 * 5);
}

#[tokio::test]
async fn every_compression_is_undone() {
    let server = Server::start().await;
    let request = good();
    let table = [
        ("gzip", requests::gzip(&request)),
        ("deflate", requests::deflate(&request)),
        ("zstd", requests::zstd(&request)),
    ];
    for (name, body) in table {
        let headers = [("grpc-encoding", name)];
        let answer = client::grpc(server.at, &headers, framed(1, &body)).await.unwrap();
        assert_eq!(answer.grpc_status(), "0", "{name}");
        assert_eq!(server.sink.last(), request, "{name}");
        // The flag decides, message by message.
        let answer = client::grpc(server.at, &headers, framed(0, &request)).await.unwrap();
        assert_eq!(answer.grpc_status(), "0", "{name}, not compressed");
    }
}

#[tokio::test]
async fn all_spans_refused_is_an_error_and_none_known_is_told() {
    let server = Server::start().await;
    let bad = requests::request(vec![Default::default()]).encode_to_vec();
    let answer = client::grpc(server.at, &[], framed(0, &bad)).await.unwrap();
    assert_eq!(answer.grpc_status(), "3", "{answer:?}");
    assert!(answer.header("grpc-message").contains("trace_id"), "{answer:?}");
    assert_eq!(server.count("spans_rejected", "trace_id"), 1);
    let answer = client::grpc(server.at, &[], framed(0, &[0xc2, 0x3e, 1, b'x'])).await.unwrap();
    assert_eq!(answer.grpc_status(), "0", "{answer:?}");
    assert!(answer.text().contains("no span"), "{answer:?}");
    assert_eq!(server.count("requests", "spanless"), 1);
}

#[tokio::test]
async fn an_empty_request_is_a_success() {
    let server = Server::start().await;
    let answer = client::grpc(server.at, &[], framed(0, b"")).await.unwrap();
    assert_eq!(answer.grpc_status(), "0");
    let empty = requests::gzip(b"");
    let answer =
        client::grpc(server.at, &[("grpc-encoding", "gzip")], framed(1, &empty)).await.unwrap();
    assert_eq!(answer.grpc_status(), "0");
}

#[tokio::test]
async fn what_is_wrong_has_its_code_and_the_next_is_served() {
    let server = Server::with(Settings { body_bytes: 10_000, ..Settings::default() }).await;
    let frame = framed(0, &good());
    let large = framed(0, &[0; 10_001]);
    let bomb = framed(1, &requests::gzip(&vec![0; 1 << 20]));
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Vec<u8>, &'a str, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("no protobuf", &[], framed(0, &[0xff; 20]), "3", "malformed"),
        ("truncated protobuf", &[], framed(0, &good()[..20]), "3", "malformed"),
        ("no message", &[], vec![], "12", "malformed"),
        ("two messages", &[], [&frame[..], &frame[..]].concat(), "12", "malformed"),
        ("trailing bytes", &[], [&frame[..], &[0, 0]].concat(), "12", "malformed"),
        ("half a head", &[], vec![0, 0, 0], "13", "malformed"),
        ("half a message", &[], frame[..frame.len() - 1].to_vec(), "13", "malformed"),
        ("a bad flag", &[], framed(7, &good()), "13", "malformed"),
        ("flag without encoding", &[], framed(1, &good()), "13", "malformed"),
        ("no gzip", &[("grpc-encoding", "gzip")], framed(1, &good()), "3", "malformed"),
        ("a claim of 4 GiB", &[], vec![0, 255, 255, 255, 255, 1, 2, 3], "8", "too_large"),
        ("too large", &[], large, "8", "too_large"),
        ("a bomb", &[("grpc-encoding", "gzip")], bomb, "8", "too_large"),
        ("snappy", &[("grpc-encoding", "snappy")], framed(1, &good()), "12", "unsupported"),
    ];
    for (what, headers, body, status, counter) in cases {
        let before = (server.count("requests", counter), server.count("requests", "accepted"));
        let answer = client::grpc(server.at, headers, body).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{what}");
        assert_eq!(answer.header("content-type"), "application/grpc", "{what}");
        assert_eq!(answer.grpc_status(), status, "{what}: {answer:?}");
        assert!(!answer.header("grpc-message").is_empty(), "{what}");
        assert_eq!(answer.header("grpc-status-details-bin"), "", "{what}: nothing to retry");
        let good = client::grpc(server.at, &[], frame.clone()).await.unwrap();
        assert_eq!(good.grpc_status(), "0", "after {what}");
        let after = (server.count("requests", counter), server.count("requests", "accepted"));
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{what}: {}", server.counts());
        assert_eq!(server.sink.held(), 0, "{what}");
    }
    let answer = client::grpc(server.at, &[("grpc-encoding", "br")], framed(1, b"")).await.unwrap();
    assert_eq!(answer.header("grpc-accept-encoding"), "identity,gzip,deflate,zstd");
    assert!(server.sink.most() < 30_000, "held {}", server.sink.most());
}

#[tokio::test]
async fn a_full_buffer_says_when_to_come_again() {
    let server = Server::start().await;
    for flag in [&server.sink.full, &server.sink.refuse] {
        flag.store(true, SeqCst);
        let answer = client::grpc(server.at, &[], framed(0, &good())).await.unwrap();
        flag.store(false, SeqCst);
        assert_eq!(answer.grpc_status(), "14");
        let details = STANDARD_NO_PAD.decode(answer.header("grpc-status-details-bin")).unwrap();
        let status = Status::decode(&*details).unwrap();
        assert_eq!(status.code, 14);
        assert_eq!(status.message, answer.header("grpc-message"));
        assert_eq!(status.details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
        let delay = RetryInfo::decode(&*status.details[0].value).unwrap().delay.unwrap();
        assert_eq!(delay.seconds, RETRY_AFTER.as_secs() as i64);
        assert_eq!(delay.nanos, RETRY_AFTER.subsec_nanos() as i32);
        let good = client::grpc(server.at, &[], framed(0, &good())).await.unwrap();
        assert_eq!(good.grpc_status(), "0");
    }
    assert_eq!(server.count("requests", "refused"), 2);
    assert_eq!(server.sink.held(), 0);
}

#[tokio::test]
async fn other_methods_are_unimplemented() {
    let server = Server::start().await;
    let metrics = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let headers = [("content-type", "application/grpc")];
    let answer = client::h2(server.at, Method::POST, metrics, &headers, framed(0, b"")).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.grpc_status()), (StatusCode::OK, "12"));
    assert!(answer.header("grpc-message").contains("metrics are not taken"), "{answer:?}");
    assert_eq!(server.count("requests", "unknown"), 1);
}

#[tokio::test]
async fn what_is_not_grpc_is_told_so_in_http() {
    let server = Server::start().await;
    let h2 = |method, content_type: &'static str| async move {
        let headers = [("content-type", content_type)];
        client::h2(server.at, method, EXPORT, &headers, framed(0, &good())).await.unwrap()
    };
    for content_type in ["application/json", "text/plain", "application/grpc-web"] {
        let answer = h2(Method::POST, content_type).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
        assert!(answer.text().contains("application/grpc"), "{answer:?}");
    }
    for content_type in ["application/grpc+proto", "application/grpc; charset=utf-8"] {
        let answer = h2(Method::POST, content_type).await;
        assert_eq!(answer.grpc_status(), "0", "{content_type}");
    }
    let answer = h2(Method::GET, "application/grpc").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.header("allow"), "POST");
    let old = tributary_testkit::http::post(server.at, EXPORT, "application/grpc", good()).await;
    let old = old.unwrap();
    assert_eq!(old.status, StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    assert!(old.text().contains("HTTP/2"), "{}", old.text());
    assert_eq!(server.count("requests", "unsupported"), 5);
}
