//! The verifier finds each of the faults that an answer can have, and is silent without any.

#![expect(clippy::unwrap_used, reason = "code of a test fails it by panicking")]
#![expect(clippy::indexing_slicing, reason = "code of a test fails it by panicking")]

mod store;

use std::net::SocketAddr;
use std::process::Output;
use store::{Fault, serve};
use tokio::process::Command;

async fn verify(at: SocketAddr, flags: &[&str]) -> Output {
    let url = format!("http://{at}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tributary"));
    command.args(["verify", "--once", "--otlp", &url, "--url", &url]).args(flags);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRIBUTARY_")) {
        command.env_remove(name);
    }
    command.output().await.unwrap()
}

/// Fault, exit code, and what is said of it.
const FAULTS: [(Fault, i32, &[&str]); 16] = [
    (Fault::None, 0, &["4 traces acknowledged; 12 looks fine\n"]),
    (Fault::SegmentDropped, 1, &["missing: trace ", "looked at by id", "2000 spans missing"]),
    (Fault::SpanDropped, 1, &["1 spans missing; span ", "3 spans are counted, 4 were written"]),
    (Fault::SpanTwice, 1, &["double: trace ", "came 2 times"]),
    (Fault::CountedTwice, 1, &["looked at by metrics", "8 spans are counted, 4 were written"]),
    (Fault::ColumnGone, 1, &["different: trace ", "name is , verify rich 0 was written"]),
    (Fault::TypeChanged, 1, &["different: trace ", "is \"200\", int 200 was written"]),
    (Fault::TimesRounded, 1, &["different: trace ", "end is "]),
    (Fault::Slow, 0, &["late: trace ", "seen after "]),
    (Fault::TenantMixedUp, 1, &["missing: trace ", "4 spans missing"]),
    (Fault::PeerForgotten, 1, &["looked at by search", "0 spans are counted, 4 were written"]),
    (Fault::HalfGone, 1, &["(split, slot ", "2 spans missing"]),
    (Fault::Failing, 2, &["unanswered: trace ", "blocks cannot be listed"]),
    (Fault::Partial, 2, &["unanswered: trace ", "an ingester is away"]),
    (
        Fault::Denied,
        2,
        &["denied: trace ", "403 Forbidden: shop may not read pay", "12 looks denied"],
    ),
    (Fault::Closed, 2, &["not taken: trace ", "404 Not Found", "0 traces acknowledged, 4 not"]),
];

#[tokio::test]
async fn each_fault_is_found_and_nothing_else() {
    // All at once: what they do is wait.
    let runs = FAULTS.map(|(fault, code, told)| async move {
        let output = verify(serve(fault).await, &["--patience", "3s"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{fault:?}: {said}");
        for told in told {
            assert!(said.contains(told), "{fault:?}: {told:?} is not in\n{said}");
        }
    });
    futures_util::future::join_all(runs).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_told_before_anything_is_sent() {
    let at = serve(Fault::Closed).await;
    for (flags, told) in [
        (["--every", "1ms"], "less than 100ms"),
        (["--token-file", "/t"], "sent inside TLS alone"),
        (["--jaeger", "no url"], "is no URL"),
        (["--tls-ca", "/no/such"], ""),
    ] {
        let output = verify(at, &flags).await;
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = if told.is_empty() { 2 } else { 64 };
        assert_eq!(output.status.code(), Some(expected), "{flags:?}: {said}");
        assert!(said.contains(told), "{flags:?}: {said}");
    }
}
