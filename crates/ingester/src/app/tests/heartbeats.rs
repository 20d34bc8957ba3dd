//! What an answer says when something lies among the heartbeats that is none.

use super::*;
use http::StatusCode;
use tributary_testkit::http::get;

/// The answer to a query for a trace that nowhere is, when this lies among the heartbeats.
async fn answer(name: &str, bytes: &str) -> (StatusCode, String) {
    let folder = tempfile::tempdir().unwrap();
    let heartbeats = folder.path().join("journal/live");
    std::fs::create_dir_all(&heartbeats).unwrap();
    std::fs::write(heartbeats.join(name), bytes).unwrap();
    let app = over(folder.path());
    let http = app.http_address();
    let serving = Box::pin(app.start()).await.unwrap();
    let found = get(http, "/api/traces/0102030405060708090a0b0c0d0e0f10").await.unwrap();
    wait_for("all to be read", SOON, async || {
        let ready = get(http, "/ready").await.map_err(|error| error.to_string())?;
        match (ready.status, &*ready.text()) {
            (StatusCode::OK, "ready\n") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    drop(serving);
    (found.status, found.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_a_living_ingester_is_missed_and_a_foreign_file_is_not() {
    let (process, beat) = ("07".repeat(16), "{\"process\":");
    let (status, told) = Box::pin(answer(&process, beat)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(told.contains("it is not known which ingesters there are"), "{told}");
    let (status, told) = Box::pin(answer("README.txt", beat)).await;
    assert_eq!((status, &*told), (StatusCode::NOT_FOUND, ""));
}
