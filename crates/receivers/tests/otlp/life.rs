//! The life of connections: limits, slowness, stopping.

use crate::client::{self, Raw, grpc};
use crate::harness::Server;
use crate::requests::{framed, good};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use tokio::net::TcpStream;
use tributary_receivers::Settings;
use tributary_testkit::wait::{SOON, wait_for};

const PROTOBUF: &str = "application/x-protobuf";

/// Short, but longer than a busy machine takes to send a request after connecting.
const IDLE: Duration = Duration::from_millis(300);

async fn until_counted(server: &Server, name: &str, reason: &str, n: u64) {
    wait_for(&format!("{name} {reason} to be {n}"), SOON, || async {
        if server.count(name, reason) == n { Ok(()) } else { Err(server.counts()) }
    })
    .await
    .unwrap();
}

async fn until_begun(server: &Server, n: usize) {
    wait_for("offers", SOON, || async {
        let begun = server.sink.begun.load(SeqCst);
        if begun == n { Ok(()) } else { Err(format!("{begun} of {n}")) }
    })
    .await
    .unwrap();
}

/// Takes away what `offer` needs to return.
fn close_gate(server: &Server) {
    server.sink.gate.forget_permits(usize::MAX);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let server = Server::with(Settings { connections: 1, ..Settings::default() }).await;
    let mut first = Raw::connect(server.at).await.unwrap();
    first.send(client::post(PROTOBUF, &good())).await.unwrap();
    first.answer().await.unwrap();
    let mut second = Raw::connect(server.at).await.unwrap();
    second.send(client::post(PROTOBUF, &good())).await.unwrap();
    // The first is still served, the second not yet accepted.
    first.send(client::post(PROTOBUF, &good())).await.unwrap();
    first.answer().await.unwrap();
    assert_eq!((server.count("connections", ""), server.count("connections_open", "")), (1, 1));
    drop(first);
    second.answer().await.unwrap();
    assert_eq!(server.count("connections", ""), 2);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let settings = Settings { body_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Server::with(settings).await;
    let whole = client::post(PROTOBUF, &good());
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(&whole[..whole.len() - 1]).await.unwrap();
    let answer = raw.answer().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "may be sent again: {answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    raw.until_closed().await.unwrap();
    assert_eq!(server.count("requests", "broken"), 1);
    assert_eq!(server.sink.held(), 0);
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let server = Server::with(Settings { idle_timeout: IDLE, ..Settings::default() }).await;
    let heads: [&[u8]; 5] = [
        b"",
        b"PRI * HTTP/2",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/traces HT",
        &client::post(PROTOBUF, &good()),
    ];
    futures_util::future::join_all(heads.map(async |head| {
        let mut raw = Raw::connect(server.at).await.unwrap();
        raw.send(head).await.unwrap();
        raw.until_closed().await.unwrap();
    }))
    .await;
    until_counted(&server, "connections_open", "", 0).await;
    assert_eq!(server.count("requests", "accepted"), 1);
}

#[tokio::test]
async fn a_request_that_runs_is_not_idle() {
    let server = Server::with(Settings { idle_timeout: IDLE, ..Settings::default() }).await;
    close_gate(&server);
    let call = tokio::spawn(grpc(server.at, &[], framed(0, &good())));
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(client::post(PROTOBUF, &good())).await.unwrap();
    until_begun(&server, 2).await;
    // Others come and are closed for being idle, so the limit has passed, more than twice.
    for _ in 0..3 {
        Raw::connect(server.at).await.unwrap().until_closed().await.unwrap();
    }
    server.sink.gate.add_permits(2);
    assert_eq!(call.await.unwrap().unwrap().grpc_status(), "0");
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn stopping_finishes_what_runs() {
    let server = Server::start().await;
    close_gate(&server);
    let mut idle = Raw::connect(server.at).await.unwrap();
    let call = tokio::spawn(grpc(server.at, &[], framed(0, &good())));
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(client::post(PROTOBUF, &good())).await.unwrap();
    until_begun(&server, 2).await;
    until_counted(&server, "connections", "", 3).await;
    server.stop.cancel();
    idle.until_closed().await.unwrap();
    wait_for("the port to be closed", SOON, || async {
        match TcpStream::connect(server.at).await {
            Ok(_) => Err("it accepts".to_owned()),
            Err(_) => Ok(()),
        }
    })
    .await
    .unwrap();
    assert!(!server.task.is_finished(), "two requests still run");
    server.sink.gate.add_permits(2);
    assert_eq!(call.await.unwrap().unwrap().grpc_status(), "0");
    assert!(raw.answer().await.unwrap().starts_with("HTTP/1.1 200"));
    raw.until_closed().await.unwrap();
    tokio::time::timeout(SOON, server.task).await.expect("it returns").unwrap();
    assert_eq!(server.counters.connections_open.get(), 0);
}

#[tokio::test]
async fn dropping_the_server_ends_everything() {
    let server = Server::start().await;
    close_gate(&server);
    let call = tokio::spawn(grpc(server.at, &[], framed(0, &good())));
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send(client::post(PROTOBUF, &good())).await.unwrap();
    until_begun(&server, 2).await;
    server.task.abort();
    assert!(raw.until_closed().await.unwrap().is_empty(), "no answer");
    assert!(call.await.unwrap().is_err(), "no answer");
    wait_for("permits to be given back", SOON, || async {
        match server.sink.held() {
            0 => Ok(()),
            held => Err(format!("{held} bytes held")),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_room_back() {
    let server = Server::start().await;
    close_gate(&server);
    let call = tokio::spawn(grpc(server.at, &[], framed(0, &good())));
    until_begun(&server, 1).await;
    assert!(server.sink.held() > 0);
    call.abort();
    wait_for("permits to be given back", SOON, || async {
        match server.sink.held() {
            0 => Ok(()),
            held => Err(format!("{held} bytes held")),
        }
    })
    .await
    .unwrap();
}
