//! The same spans, however they come: recorded requests as protobuf and as JSON, with every
//! compression, over HTTP/1.1, HTTP/2 and gRPC.

use super::client::{grpc, h2};
use super::harness::Server;
use super::requests::framed;
use anyhow::{Result, ensure};
use http::Method;
use prost::Message;
use std::io::Write;
use tributary_testkit::http::Connection;
use tributary_testkit::otlp::{TracesData, json};
use tributary_testkit::{NormalSpan, normal, recordings};

const CODINGS: [&str; 4] = ["identity", "gzip", "deflate", "zstd"];

fn compressed(coding: &str, body: &[u8]) -> Result<Vec<u8>> {
    let level = flate2::Compression::fast();
    Ok(match coding {
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), level);
            out.write_all(body)?;
            out.finish()?
        }
        "deflate" => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), level);
            out.write_all(body)?;
            out.finish()?
        }
        "zstd" => zstd::encode_all(body, 1)?,
        _ => body.to_vec(),
    })
}

/// The first requests of a pod, which have its rare spans too (start-up, health checks), go every
/// road there is.
const EVERY_ROAD: usize = 2;

#[tokio::test]
async fn recorded_requests_are_the_same_on_every_road() -> Result<()> {
    let server = Server::start().await;
    let mut http1 = Connection::open(server.at).await?;
    let (mut requests, mut ways) = (0, 0);
    for recording in recordings()? {
        for (n, request) in recording.records.iter().enumerate() {
            let meant = NormalSpan::parse(request)?;
            let data = TracesData::decode(request.as_slice())?;
            let text = serde_json::to_vec(&json::write(&data.resource_spans))?;
            // All others go every road too, but each road with the compression whose turn it is.
            let taken = if n < EVERY_ROAD { 0..4 } else { n % 4..n % 4 + 1 };
            for turn in taken {
                let coding = |road: usize| CODINGS.get((turn + road) % 4).copied().unwrap_or("");
                for (road, content_type, body) in
                    [(0, "application/x-protobuf", request), (1, "application/json", &text)]
                {
                    let body = compressed(coding(road), body)?;
                    let headers =
                        [("content-type", content_type), ("content-encoding", coding(road))];
                    let sent = http1.send(Method::POST, "/v1/traces", &headers, body.clone());
                    ensure!(sent.await?.status == 200, "{content_type} {} HTTP/1.1", coding(road));
                    same(&server, &meant)?;
                    let answer = h2(server.at, Method::POST, "/v1/traces", &headers, body).await?;
                    let told = answer.text();
                    ensure!(answer.status == 200, "{content_type} {} HTTP/2: {told}", coding(road));
                    same(&server, &meant)?;
                    ways += 2;
                }
                let flag = u8::from(coding(2) != "identity");
                let body = framed(flag, &compressed(coding(2), request)?);
                let answer = grpc(server.at, &[("grpc-encoding", coding(2))], body).await?;
                ensure!(answer.grpc_status() == "0", "gRPC {}: {answer:?}", coding(2));
                same(&server, &meant)?;
                ways += 1;
            }
            requests += 1;
        }
    }
    let every_road = 28 * EVERY_ROAD;
    ensure!(ways == every_road * 20 + (requests - every_road) * 5, "{ways} ways");
    Ok(())
}

/// What the sink was offered last is what was meant.
fn same(server: &Server, meant: &[NormalSpan]) -> Result<()> {
    let taken = server.sink.taken.lock().map_err(|e| anyhow::anyhow!("{e}"))?.pop();
    let (_, bytes) = taken.ok_or_else(|| anyhow::anyhow!("nothing was taken"))?;
    let got = NormalSpan::parse(&bytes)?;
    normal::compare(meant, &got).map_err(anyhow::Error::msg)
}
