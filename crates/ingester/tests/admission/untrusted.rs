//! The disk below the store's folder fails to flush a segment.

use crate::gate::{Bucket, Gate};
use crate::server::{Lane, Server};
use std::fs::File;
use std::io;
use std::path::Path;
use tributary_span::columns::Builder;
use tributary_span::otlp::decode;
use tributary_store::{Store, StoreOptions};
use tributary_telemetry::ErrorChain;
use tributary_testkit::recording;
use tributary_testkit::wait::SOON;

/// Segments themselves are flushed; the folder in which they have their names is not.
fn sync(file: &File, path: &Path) -> io::Result<()> {
    let is_folder = file.metadata()?.is_dir();
    match is_folder && path.file_name().is_some_and(|name| name == "s") {
        true => Err(io::Error::other("Input/output error")),
        false => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_ends_and_acknowledges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { sync, ..StoreOptions::default() };
    let store = Store::open(folder.path().to_str().unwrap(), &options).await.unwrap();
    let flags = ["--segment-age", "20ms", "--memory", "64MiB"];
    let mut server = Server::over(store, Bucket::new(Gate::Open), &flags).await;

    let request = recording("fulfilment-worker").unwrap().records.swap_remove(0);
    let mut builder = Builder::new();
    decode::append_all(&mut builder, &request, &Default::default()).unwrap();
    let (batch, mut lane) = (builder.take(), Lane::default());
    lane.push(&batch);
    let stream = server.open(3, "single-tenant").await;
    stream.send(lane.all()).await;
    let sent = batch.len() as u64;
    server.until("a frame", |metrics, _| metrics.spans_received.get() == sent).await;

    let ended = tokio::time::timeout(SOON, server.engine.finish_segments()).await;
    let error = ErrorChain(&ended.expect("it ends by itself").unwrap_err()).to_string();
    for part in ["is not durable", "check the disk", "Input/output error"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    // What is acknowledged is counted before.
    assert_eq!(server.engine.metrics.spans_journaled.get(), 0);
}
