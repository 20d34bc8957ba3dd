//! Input that no client should send; after each the port serves as before.

use crate::client::{self, Raw, grpc};
use crate::harness::Server;
use crate::requests::{self, framed, good};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tributary_testkit::Random;
use tributary_testkit::http::post;
use tributary_testkit::wait::{SOON, wait_for};

const PROTOBUF: &str = "application/x-protobuf";

/// Both transports still work.
async fn still_serves(server: &Server, after: &str) {
    let before = server.count("requests", "accepted");
    let answer = post(server.at, "/v1/traces", PROTOBUF, good()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "http after {after}");
    let answer = grpc(server.at, &[], framed(0, &good())).await.unwrap();
    assert_eq!(answer.grpc_status(), "0", "grpc after {after}");
    assert_eq!(server.count("requests", "accepted"), before + 2, "after {after}");
    assert_eq!(server.sink.held(), 0, "after {after}");
}

/// Bytes that look random and are the same each time.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    std::iter::repeat_with(|| random.byte()).take(len).collect()
}

#[tokio::test]
async fn noise_on_the_socket() {
    let server = Server::start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for seed in 0..20 {
        for head in [&b""[..], b"POST ", preface, b"POST /v1/traces HTTP/1.1\r\n"] {
            let mut raw = Raw::connect(server.at).await.unwrap();
            raw.send([head, &noise(seed, 3000)].concat()).await.unwrap();
            let mut stream = raw.into_inner();
            stream.shutdown().await.unwrap();
            Raw::from(stream).until_closed().await.unwrap();
        }
    }
    assert!(server.count("connections", "") >= 80);
    assert!(server.count("connections_unreadable", "not_http") >= 20, "{}", server.counts());
    still_serves(&server, "noise").await;
}

#[tokio::test]
async fn a_client_that_speaks_tls_is_known() {
    let server = Server::start().await;
    // The head of a record with a ClientHello, and no more of it.
    let mut raw = Raw::connect(server.at).await.unwrap();
    raw.send([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await.unwrap();
    raw.until_closed().await.unwrap();
    let counted = wait_for("the handshake to be counted", SOON, || async {
        match server.count("connections_unreadable", "tls") {
            1 => Ok(()),
            _ => Err(server.counts()),
        }
    });
    counted.await.unwrap();
    still_serves(&server, "a TLS handshake").await;
}

#[tokio::test]
async fn noise_in_the_body() {
    let server = Server::start().await;
    for seed in 0..30 {
        let before = server.count("requests", "malformed");
        let body = noise(seed, 500);
        let answer = post(server.at, "/v1/traces", PROTOBUF, body.clone()).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{seed}");
        let answer = post(server.at, "/v1/traces", "application/json", body.clone()).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{seed}");
        let answer = grpc(server.at, &[], framed(0, &body)).await.unwrap();
        assert_eq!(answer.grpc_status(), "3", "{seed}");
        assert_eq!(server.count("requests", "malformed"), before + 3);
    }
    still_serves(&server, "noise in bodies").await;
}

#[tokio::test]
async fn requests_cut_off_with_their_connection() {
    let server = Server::start().await;
    let whole = client::post(PROTOBUF, &good());
    for cut in (1..whole.len()).step_by(7) {
        let mut raw = Raw::connect(server.at).await.unwrap();
        raw.send(&whole[..cut]).await.unwrap();
        let mut stream = raw.into_inner();
        stream.shutdown().await.unwrap();
        Raw::from(stream).until_closed().await.unwrap();
    }
    assert!(server.count("requests", "broken") > 0, "{}", server.counts());
    assert!(server.sink.taken.lock().unwrap().is_empty());
    still_serves(&server, "cut requests").await;
}

/// Sends `head` and then zeros while the answer is awaited: the answer's first line, how much was
/// sent, and the connection.
async fn flood(server: &Server, head: String, chunked: bool, total: usize) -> (String, Raw) {
    let raw = Raw::connect(server.at).await.unwrap();
    let (mut read, mut write) = raw.into_inner().into_split();
    let send = tokio::spawn(async move {
        write.write_all(head.as_bytes()).await?;
        let block = vec![0; 1 << 20];
        for _ in 0..total >> 20 {
            if chunked {
                write.write_all(b"100000\r\n").await?;
            }
            write.write_all(&block).await?;
            if chunked {
                write.write_all(b"\r\n").await?;
            }
        }
        if chunked {
            write.write_all(b"0\r\n\r\n").await?;
        }
        std::io::Result::Ok(write)
    });
    let mut answer = vec![0; 2000];
    let n = tokio::time::timeout(SOON, read.read(&mut answer)).await.expect("no answer").unwrap();
    answer.truncate(n);
    let write = send.await.unwrap().expect("all could be sent");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer, Raw::from(read.reunite(write).unwrap()))
}

#[tokio::test]
async fn a_hundred_megabytes_are_turned_away_and_not_kept() {
    let server = Server::start().await;
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n";
    let total = 100 << 20;
    let announced = format!("{head}content-length: {total}\r\n\r\n");
    let (answer, mut raw) = flood(&server, announced, false, total).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.sink.most(), 0, "turned away by its announcement");
    raw.send(client::post(PROTOBUF, &good())).await.unwrap();
    let answer = raw.answer().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "on the same connection: {answer}");

    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let (answer, _) = flood(&server, chunked, true, total).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(server.sink.most() <= 64 << 20, "{}", server.sink.most());
    assert_eq!(server.count("requests", "too_large"), 2);
    still_serves(&server, "a hundred megabytes").await;

    let answer = grpc(server.at, &[], framed(0, &vec![0; total])).await.unwrap();
    assert_eq!(answer.grpc_status(), "8");
    assert_eq!(server.count("requests", "too_large"), 3);
    still_serves(&server, "a hundred megabytes in grpc").await;
}

#[tokio::test]
async fn bombs_stop_at_the_limit() {
    let server = Server::start().await;
    let zeros = vec![0; 200 << 20];
    let bombs = [("gzip", requests::gzip(&zeros)), ("zstd", requests::zstd(&zeros))];
    let longest = bombs.iter().map(|(_, bomb)| bomb.len()).max().unwrap();
    for (name, bomb) in bombs {
        let before = server.count("requests", "too_large");
        let headers = [("content-type", PROTOBUF), ("content-encoding", name)];
        let answer = tributary_testkit::http::send(
            server.at,
            http::Method::POST,
            "/v1/traces",
            &headers,
            bomb.clone(),
        );
        assert_eq!(answer.await.unwrap().status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
        let answer = grpc(server.at, &[("grpc-encoding", name)], framed(1, &bomb)).await.unwrap();
        assert_eq!(answer.grpc_status(), "8", "{name}");
        assert_eq!(server.count("requests", "too_large"), before + 2);
        let most = server.sink.most();
        assert!(most <= (64 << 20) + longest + 5, "{name}: held {most}");
        still_serves(&server, name).await;
    }
}

#[tokio::test]
async fn large_but_right() {
    let server = Server::start().await;
    for (what, request) in [
        ("an attribute of 1 MB", requests::attributes(1, 1 << 20)),
        ("100,000 attributes", requests::attributes(100_000, 3)),
    ] {
        let before = server.count("spans_accepted", "");
        let answer = post(server.at, "/v1/traces", PROTOBUF, request.clone()).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0), "{what}");
        assert_eq!(server.sink.last(), request, "{what}");
        let answer = grpc(server.at, &[], framed(0, &request)).await.unwrap();
        assert_eq!((answer.grpc_status(), answer.body.len()), ("0", 5), "{what}");
        assert_eq!(server.sink.last(), request, "{what}");
        assert_eq!(server.count("spans_accepted", ""), before + 2);
        still_serves(&server, what).await;
    }
}

#[tokio::test]
async fn spans_without_ids() {
    let server = Server::start().await;
    let answer = grpc(server.at, &[], framed(0, &requests::partly_good())).await.unwrap();
    assert_eq!(answer.grpc_status(), "0");
    assert!(answer.body.len() > 5, "partial success");
    assert_eq!(server.count("spans_rejected", "trace_id"), 1);
    still_serves(&server, "spans without ids").await;
}
