//! The blocks are standard Parquet: other engines read the same spans out of them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tributary_testkit::{python, recordings, traces, workspace_root};
use tributary_tests::ingester::HOLD;
use tributary_tests::replay::replay;
use tributary_tests::{Ingester, Place};

#[tokio::test(flavor = "multi_thread")]
async fn pyarrow_and_duckdb_count_the_same_spans() -> Result<()> {
    let place = Place::folder()?;
    let ingester = Ingester::start(&place, HOLD).await?;
    for sidecar in replay(&Arc::new(recordings()?), &ingester.wire.to_string(), &[]).await? {
        sidecar.stop().await?;
    }
    ingester.stop().await?;
    let files = place.parquet_files()?;
    ensure!(!files.is_empty(), "no block in {:?}", place.path());
    for reader in ["pyarrow", "duckdb"] {
        let counted = count(reader, &files)?;
        for trace in traces()? {
            let expected = serde_json::json!([trace.spans, trace.errors, trace.distinct_span_ids]);
            let got = counted.get(&trace.trace_id);
            ensure!(
                got == Some(&expected),
                "{reader}, {}: {got:?}, not {expected}",
                trace.trace_id
            );
        }
        let traces = counted.as_object().map_or(0, serde_json::Map::len);
        ensure!(traces == tributary_testkit::data::totals()?.traces, "{reader}: {traces} traces");
    }
    Ok(())
}

fn count(reader: &str, files: &[PathBuf]) -> Result<Value> {
    let script = workspace_root().join("tests/python/count_spans.py");
    let output = Command::new(python()?).arg(script).arg(reader).args(files).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{reader} ended with {}: {errors}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{reader}: {errors}"))
}
