//! Connections: those that say nothing hold up only as many as the limit says, and gRPC's questions
//! are answered inside TLS.

use super::*;
use ::http::uri::PathAndQuery;
use bytes::Bytes;
use tokio::net::TcpStream;
use tonic::client::Grpc;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use tributary_tests::load::Raw;

/// Handshakes at a time at each port (docs/limits.md).
const HANDSHAKES: usize = 256;

#[tokio::test]
async fn callers_that_say_nothing_hold_up_no_stream_and_no_other_port() -> Result<()> {
    let files = Files::new("")?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &[]).await?;
    let sidecar = files.sidecar(&ingester.wire.to_string(), "pay", &[]).await?;
    send(&sidecar, 1).await?;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    let limited = [("limit", "handshakes")];
    let before = files.metric(&ingester, "limited_total", &limited).await?;
    ensure!(before == 0.0, "{before}");

    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES - 2 {
        silent.push(TcpStream::connect(ingester.wire).await?);
    }
    // One more is served beside them.
    drop(connect(ingester.wire, &files.authority.pem(), None).await?);
    let below = files.metric(&ingester, "limited_total", &limited).await?;
    ensure!(below == 0.0, "{below} with {} under way", silent.len());
    for _ in 0..40 {
        silent.push(TcpStream::connect(ingester.wire).await?);
    }
    wait_for("the limit", SOON, async || {
        match files.metric(&ingester, "limited_total", &limited).await {
            Ok(met) if met > 0.0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await?;
    // The other port answers, which has just been seen, and the stream that is open goes on.
    send(&sidecar, 2).await?;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 2.0).await?;
    // One that comes behind them waits, and is served when they are gone.
    let (to, authority) = (ingester.wire, files.authority.pem());
    let late = tokio::spawn(async move { connect(to, &authority, None).await.map(drop) });
    drop(silent);
    late.await??;
    let another = files.sidecar(&ingester.wire.to_string(), "shop", &[]).await?;
    send(&another, 3).await?;
    another.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    let ended =
        files.metric(&ingester, "tls_handshakes_total", &[("port", "wire"), ("outcome", "failed")]);
    let late =
        files.metric(&ingester, "tls_handshakes_total", &[("port", "wire"), ("outcome", "late")]);
    let ended = ended.await? + late.await?;
    ensure!(ended >= HANDSHAKES as f64, "{ended} ended without a word");
    for sidecar in [sidecar, another] {
        sidecar.stop().await?;
    }
    ingester.stop().await
}

#[tokio::test]
async fn the_streaming_service_answers_inside_tls() -> Result<()> {
    let files = Files::new("")?;
    let place = Place::folder()?;
    let ingester = files.start(&place, "token", &[]).await?;
    let sidecar = files.sidecar(&ingester.wire.to_string(), "pay", &[]).await?;
    send(&sidecar, 1).await?;
    sidecar.until("tributary_sidecar_spans_acked_total", |n| n == 1.0).await?;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(files.authority.pem()))
        .domain_name(INGESTER);
    let channel = Endpoint::from_shared(format!("https://{}", ingester.http))?.tls_config(tls)?;
    let channel = channel.connect().await?;
    let ask = async |token: &str, tenant: Option<&str>| {
        let mut grpc = Grpc::new(channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        // SearchTagsV2, of the hour that the span is in: start = 3, end = 4.
        let mut question = vec![3 << 3];
        varint(&mut question, 1_795_343_000);
        question.push(4 << 3);
        varint(&mut question, 1_795_346_000);
        let mut request = Request::new(Bytes::from(question));
        let headers = request.metadata_mut();
        if let Ok(token) = token.parse() {
            headers.insert("authorization", token);
        }
        if let Some(Ok(tenant)) = tenant.map(str::parse) {
            headers.insert("x-scope-orgid", tenant);
        }
        let path = PathAndQuery::from_static("/tempopb.StreamingQuerier/SearchTagsV2");
        let mut answer = grpc.server_streaming(request, path, Raw).await?.into_inner();
        let mut all = Vec::new();
        while let Some(message) = answer.message().await? {
            all.extend_from_slice(&message);
        }
        Ok::<_, Status>(String::from_utf8_lossy(&all).into_owned())
    };
    let token = |namespace: &str| -> Result<String> {
        Ok(format!("Bearer {}", files.key.token(namespace, "reader", 60)?))
    };
    for tenant in [None, Some("pay")] {
        let found = ask(&token("pay")?, tenant).await?;
        ensure!(found.contains("service.name"), "{found:?}");
    }
    let none = ask(&token("shop")?, None).await?;
    ensure!(!none.contains("service.name"), "{none:?}");
    for (token, tenant, expected) in [
        (token("shop")?, Some("pay"), Code::PermissionDenied),
        ("Bearer x".to_owned(), Some("pay"), Code::Unauthenticated),
    ] {
        let refused = ask(&token, tenant).await.map_err(|status| status.code());
        ensure!(refused == Err(expected), "{refused:?}");
    }
    sidecar.stop().await?;
    ingester.stop().await
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}
