//! What it means, on each road, that a sender names a tenant.

use super::client::{EXPORT, h2};
use super::harness::Server;
use super::legacy::recorded;
use super::requests::{GOOD_JSON, framed, good};
use anyhow::{Result, ensure};
use http::Method;
use tributary_receivers::{Protocol, Settings, Strategy};
use tributary_span::tenant::Header;

const ZIPKIN: &[u8] = br#"[{"traceId":"1","id":"2"}]"#;
const GRPC: &str = "application/grpc";

/// How a request with spans goes: where, what it calls itself, and the body.
type Road = (Protocol, &'static str, &'static str, Vec<u8>);

fn roads() -> Result<Vec<Road>> {
    let jaeger = recorded("jaeger-binary-http.ruby-jaeger-client")?;
    let model = framed(0, &recorded("jaeger-grpc.python-opentelemetry")?);
    let (strategy, post) = (Strategy::default(), "/jaeger.api_v2.CollectorService/PostSpans");
    Ok(vec![
        (Protocol::Otlp, EXPORT, GRPC, framed(0, &good())),
        (Protocol::Otlp, "/v1/traces", "application/x-protobuf", good()),
        (Protocol::Otlp, "/v1/traces", "application/json", GOOD_JSON.into()),
        (Protocol::Zipkin, "/api/v2/spans", "application/json", ZIPKIN.to_vec()),
        (Protocol::JaegerHttp, "/api/traces", "application/x-thrift", jaeger),
        (Protocol::JaegerGrpc(strategy), post, GRPC, model),
    ])
}

/// What becomes of a request: its tenant when it is taken, or the statuses of HTTP and gRPC.
fn expected(
    means: Header,
    name: Option<&str>,
) -> Result<Option<&'static str>, (u16, &'static str)> {
    match (means, name) {
        (Header::Ignored, _) => Ok(None),
        (_, Some("team-a")) => Ok(Some("team-a")),
        (Header::Optional, _) => Ok(None),
        (Header::Required, None | Some("")) => Err((401, "16")),
        (Header::Required, Some(_)) => Err((400, "3")),
    }
}

#[tokio::test]
async fn a_name_means_the_same_on_every_road() -> Result<()> {
    for (protocol, path, content_type, body) in roads()? {
        let server = Server::of(protocol, Settings::default()).await;
        for means in [Header::Ignored, Header::Optional, Header::Required] {
            for name in [None, Some(""), Some("team-a"), Some("a/b"), Some("..")] {
                let what = format!("{path} {content_type}, {means:?}, {name:?}");
                *server.sink.tenants.lock().unwrap() = means;
                let mut headers = vec![("content-type", content_type), ("te", "trailers")];
                headers.extend(name.map(|name| ("x-scope-orgid", name)));
                let answer = h2(server.at, Method::POST, path, &headers, body.clone()).await?;
                let taken = server.sink.taken.lock().unwrap().pop().map(|(tenant, _)| tenant);
                match expected(means, name) {
                    Ok(tenant) => {
                        ensure!(taken == Some(tenant.map(str::to_owned)), "{what}: {taken:?}")
                    }
                    Err((http, grpc)) => {
                        ensure!(taken.is_none(), "{what}: taken as {taken:?}");
                        match content_type {
                            GRPC => ensure!(answer.grpc_status() == grpc, "{what}: {answer:?}"),
                            _ => ensure!(answer.status == http, "{what}: {answer:?}"),
                        }
                        let said = format!("{}{}", answer.header("grpc-message"), answer.text());
                        ensure!(said.contains("tenant"), "{what}: {said}");
                    }
                }
            }
        }
    }
    Ok(())
}
