//! Jaeger's and Zipkin's sockets as their clients see them.

use super::client::h2;
use super::harness::Server;
use super::requests::{framed, gzip};
use anyhow::{Result, ensure};
use http::Method;
use std::sync::atomic::Ordering::SeqCst;
use tributary_receivers::{Protocol, Settings, Strategy};
use tributary_testkit::NormalSpan;
use tributary_testkit::data::records;
use tributary_testkit::data_dir;
use tributary_testkit::http::{self as plain, send};

const SPAN: &[u8] = br#"[{"traceId":"1","id":"2","name":"x"}]"#;

pub(crate) fn recorded(name: &str) -> Result<Vec<u8>> {
    let all = records(&data_dir()?.join(format!("legacy/{name}.bin.zst")))?;
    Ok(all.into_iter().next().unwrap_or_default())
}

#[tokio::test]
async fn zipkin_by_path_and_content_type() -> Result<()> {
    let server = Server::of(Protocol::Zipkin, Settings::default()).await;
    let thrift = recorded("zipkin-v1-thrift.py_zipkin")?;
    let protobuf = recorded("zipkin-v2-proto.py_zipkin")?;
    let v1 = recorded("zipkin-v1-json.py_zipkin")?;
    let table: [(&str, &str, &[u8], u16); 20] = [
        ("/api/v2/spans", "application/json", SPAN, 202),
        ("/api/v2/spans", "text/plain", SPAN, 202),
        ("//api/v2//spans", "Application/JSON", SPAN, 202),
        // Another version or encoding than was said.
        ("/api/v2/spans", "application/json", &v1, 202),
        ("/api/v1/spans", "application/json", SPAN, 202),
        ("/api/v2/spans", "Application/X-Thrift", &thrift, 202),
        ("/api/v2/spans", "application/json", &thrift, 202),
        ("/api/v1/spans", "application/protobuf", &protobuf, 202),
        ("/api/v1/spans", "application/x-thrift", SPAN, 202),
        ("/api/v2/spans/", "application/json; charset=utf-8", SPAN, 202),
        ("/zipkin/api/v2/spans", "", SPAN, 202),
        ("/api/v2/spans", "application/json", b"[]", 202),
        ("/api/v2/spans", "application/x-protobuf", &protobuf, 202),
        ("/api/v1/spans", "application/json", &v1, 202),
        ("/api/v1/spans", "application/x-thrift", &thrift, 202),
        ("/api/v2/spans", "application/json", b"{", 400),
        ("/api/v2/spans", "application/x-protobuf", b"\xff", 400),
        ("/api/v1/spans", "application/x-thrift", b"\x0c\x7f\xff\xff\xff", 400),
        ("/api/v2/spans", "application/json", br#"[{"traceId":"0","id":"2"}]"#, 400),
        ("/v1/traces", "application/json", SPAN, 404),
    ];
    for (path, content_type, body, status) in table {
        let answer = plain::post(server.at, path, content_type, body.to_vec()).await?;
        ensure!(
            answer.status == status,
            "{path} {content_type}: {} {}",
            answer.status,
            answer.text()
        );
        ensure!(
            answer.body.is_empty() == (status == 202),
            "{path} {content_type}: {}",
            answer.text()
        );
    }
    let answer = plain::get(server.at, "/api/v2/spans").await?;
    ensure!(answer.status == 405 && answer.header("allow") == "POST");
    let headers = [("content-encoding", "gzip"), ("x-scope-orgid", "team")];
    let answer = h2(server.at, Method::POST, "/api/v2/spans", &headers, gzip(SPAN)).await?;
    ensure!(answer.status == 202, "{}", answer.text());
    let (tenant, bytes) = server.sink.taken.lock().unwrap().pop().unwrap();
    ensure!(tenant.as_deref() == Some("team") && NormalSpan::parse(&bytes)?.len() == 1);
    ensure!(server.count("requests", "malformed") == 4, "{}", server.counts());
    ensure!(server.sink.held() == 0, "{} bytes are still held", server.sink.held());
    Ok(())
}

#[tokio::test]
async fn a_full_sink_is_told_in_every_protocol() -> Result<()> {
    let thrift = recorded("jaeger-binary-http.ruby-jaeger-client")?;
    let grpc = framed(0, &recorded("jaeger-grpc.python-opentelemetry")?);
    let server = Server::of(Protocol::Zipkin, Settings::default()).await;
    server.sink.full.store(true, SeqCst);
    let answer = plain::post(server.at, "/api/v2/spans", "application/json", SPAN.to_vec()).await?;
    ensure!(answer.status == 503 && answer.header("retry-after") == "3", "{}", answer.text());

    let server = Server::of(Protocol::JaegerHttp, Settings::default()).await;
    server.sink.refuse.store(true, SeqCst);
    let answer = plain::post(server.at, "/api/traces", "application/x-thrift", thrift).await?;
    ensure!(answer.status == 503 && answer.header("retry-after") == "3", "{}", answer.text());

    let server = Server::of(Protocol::JaegerGrpc(Strategy::default()), Settings::default()).await;
    server.sink.refuse.store(true, SeqCst);
    let answer = h2(server.at, Method::POST, POST_SPANS, GRPC, grpc).await?;
    ensure!(answer.grpc_status() == "14", "{answer:?}");
    Ok(())
}

const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";
const GRPC: &[(&str, &str)] = &[("content-type", "application/grpc"), ("te", "trailers")];

#[tokio::test]
async fn jaeger_over_http() -> Result<()> {
    let settings = Settings { body_bytes: 100_000, ..Settings::default() };
    let server = Server::of(Protocol::JaegerHttp, settings).await;
    let good = recorded("jaeger-binary-http.ruby-jaeger-client")?;
    let thrift = "application/x-thrift";
    let table: [(&str, &str, &[u8], u16); 10] = [
        ("/api/traces", thrift, &good, 202),
        ("//api/traces/", "Application/X-Thrift; a=b", &good, 202),
        ("/api/traces?format=jaeger.thrift", thrift, &good, 202),
        (
            "/api/traces?a=b&format=jaeger.thrift",
            "application/vnd.apache.thrift.binary",
            &good,
            202,
        ),
        ("/api/traces?format=zipkin.thrift", thrift, &good, 415),
        ("/api/traces", "application/json", &good, 415),
        ("/api/traces", thrift, &good[..good.len() - 9], 400),
        ("/api/traces", thrift, b"", 400),
        ("/api/traces", thrift, &[0; 200_000], 413),
        ("/elsewhere", thrift, &good, 404),
    ];
    for (path, content_type, body, status) in table {
        let answer = plain::post(server.at, path, content_type, body.to_vec()).await?;
        ensure!(
            answer.status == status,
            "{path} {content_type}: {} {}",
            answer.status,
            answer.text()
        );
    }
    Ok(())
}

#[tokio::test]
async fn jaeger_over_grpc() -> Result<()> {
    let strategy = Strategy::new(0.25).unwrap();
    let server = Server::of(Protocol::JaegerGrpc(strategy), Settings::default()).await;
    let good = framed(0, &recorded("jaeger-grpc.python-opentelemetry")?);
    let answer = h2(server.at, Method::POST, POST_SPANS, GRPC, good).await?;
    ensure!(answer.grpc_status() == "0" && *answer.body == [0; 5], "{answer:?}");
    ensure!(server.count("spans_accepted", "") > 0, "{}", server.counts());
    let broken = framed(0, b"\x0a\xff");
    let answer = h2(server.at, Method::POST, POST_SPANS, GRPC, broken).await?;
    ensure!(answer.grpc_status() == "3", "{answer:?}");
    let get = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
    let answer = h2(server.at, Method::POST, get, GRPC, framed(0, b"")).await?;
    // probabilisticSampling = 2 { samplingRate = 1: 0.25 }
    let rate = [&[0x12, 9, 9][..], &0.25f64.to_le_bytes()].concat();
    ensure!(answer.grpc_status() == "0" && answer.body == framed(0, &rate), "{answer:?}");
    let answer = h2(server.at, Method::POST, "/jaeger.api_v2.Other/Call", GRPC, framed(0, b""));
    let answer = answer.await?;
    ensure!(answer.grpc_status() == "12", "{answer:?}");
    let answer = plain::get(server.at, "/").await?;
    ensure!(answer.status == 404, "{}", answer.status);
    Ok(())
}

#[tokio::test]
async fn sampling_is_always_answered() -> Result<()> {
    let server =
        Server::of(Protocol::JaegerSampling(Strategy::default()), Settings::default()).await;
    for path in ["/sampling/?service=x", "/?service=x", "//api/sampling?service=x"] {
        let answer = plain::get(server.at, path).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.status);
        let json = answer.json()?;
        ensure!(json["strategyType"] == "PROBABILISTIC", "{path}: {json}");
        ensure!(json["probabilisticSampling"]["samplingRate"] == 1, "{path}: {json}");
    }
    let answer = plain::get(server.at, "/api/baggageRestrictions?service=x").await?;
    ensure!(answer.status == 200 && answer.text() == "[]", "{}", answer.text());
    let answer = send(server.at, Method::POST, "/sampling", &[], "").await?;
    ensure!(answer.status == 404, "{}", answer.status);
    ensure!(server.count("requests", "answered") == 4, "{}", server.counts());
    Ok(())
}
