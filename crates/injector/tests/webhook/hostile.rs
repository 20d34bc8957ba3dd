//! What no API server sends.

use crate::injector::Injector;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tributary_testkit::wait::SOON;

/// All that is said until the other side ends it.
async fn rest(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut bytes = Vec::new();
    // The end of a connection that is cut off is an error, and an end.
    timeout(SOON, stream.read_to_end(&mut bytes)).await.unwrap().ok();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn bodies_that_are_none() {
    let injector = Injector::start("").await;
    let deep = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let no_version = json!({"kind": "AdmissionReview", "request": {"uid": "u"}}).to_string();
    for body in ["", "{", "null", "[]", &deep, &no_version, "\u{0}"] {
        let answer = injector.ask("http/1.1", "/inject/namespace", body.to_owned()).await;
        assert_eq!(answer.status, 400, "{} {}", body.len(), answer.text());
    }
    for (method, expected) in [("/", 404), ("/inject", 404), ("/inject/namespace/x", 404)] {
        assert_eq!(injector.ask("h2", method, "{}").await.status, expected);
    }
    let malformed = "tributary_injector_unanswered_total{reason=\"malformed\"}";
    assert_eq!(injector.counted(malformed).await, 7.0);
    assert_eq!(injector.page("/ready").await.status, 200);
}

#[tokio::test]
async fn bodies_that_are_too_large_are_not_read() {
    let mut injector = Injector::start("").await;
    let answer = injector.ask("h2", "/inject/namespace", vec![b' '; (4 << 20) + 1]).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    let mut announced = injector.connect(&["http/1.1"]).await.unwrap();
    let head = "POST /inject/pod HTTP/1.1\r\nhost: a\r\ncontent-length: 4194305\r\n\r\n";
    announced.write_all(head.as_bytes()).await.unwrap();
    assert!(rest(&mut announced).await.starts_with("HTTP/1.1 413"));
    // Without a length, until it is too long.
    let mut stream = injector.connect(&["http/1.1"]).await.unwrap();
    let head = "POST /inject/pod HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = [b"10000\r\n", vec![b' '; 1 << 16].as_slice(), b"\r\n"].concat();
    let mut sent = 0;
    while sent < 100 << 20 && stream.write_all(&chunk).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 64 << 20, "{sent} bytes were taken");
    assert_eq!(
        injector.counted("tributary_injector_unanswered_total{reason=\"large\"}").await,
        3.0
    );
    assert!(injector.process.ended().is_none());
    assert!(injector.process.peak_resident_bytes().unwrap() < 64 << 20);
}

#[tokio::test]
async fn slow_ones_do_not_hold_up_the_others() {
    let injector = Injector::start("").await;
    // A connection that says nothing, one that is no TLS, one whose head and one whose body does not end.
    let mut silent = TcpStream::connect(injector.address).await.unwrap();
    let mut plain = TcpStream::connect(injector.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut head = injector.connect(&["http/1.1"]).await.unwrap();
    head.write_all(b"POST /inject/pod HTTP/1.1\r\n").await.unwrap();
    let mut body = injector.connect(&["http/1.1"]).await.unwrap();
    let begun = b"POST /inject/pod HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{";
    body.write_all(begun).await.unwrap();
    // More than there is room for, all of it announced and none of it sent.
    let mut announced = Vec::new();
    for _ in 0..8 {
        let mut stream = injector.connect(&["http/1.1"]).await.unwrap();
        let head = "POST /inject/pod HTTP/1.1\r\nhost: a\r\ncontent-length: 4194304\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        announced.push(stream);
    }
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u"},
    });
    let answered = injector.review("h2", "/inject/pod", &review);
    let answered = timeout(Duration::from_secs(30), answered).await.unwrap();
    assert_eq!(answered["allowed"], true);
    assert!(rest(&mut body).await.starts_with("HTTP/1.1 408"));
    for mut stream in announced {
        assert!(rest(&mut stream).await.starts_with("HTTP/1.1 408"));
    }
    rest(&mut head).await;
    rest(&mut plain).await;
    rest(&mut silent).await;
    assert_eq!(injector.counted("tributary_injector_unanswered_total{reason=\"late\"}").await, 9.0);
    assert_eq!(injector.counted("tributary_injector_unanswered_total{reason=\"busy\"}").await, 0.0);
    assert_eq!(
        injector.counted("tributary_injector_handshakes_total{outcome=\"late\"}").await,
        1.0
    );
    assert_eq!(
        injector.counted("tributary_injector_handshakes_total{outcome=\"failed\"}").await,
        1.0
    );
}
