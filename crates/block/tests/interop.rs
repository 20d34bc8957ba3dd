//! Others read what is written: the `parquet` crate's own reader, pyarrow and DuckDB.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod common;

use common::{ID, columns};
use std::process::Command;
use tributary_block::{WriterSettings, write};
use tributary_span::Columns;

#[test]
fn pyarrow_and_duckdb_count_the_same() {
    let recordings = tributary_testkit::recordings().unwrap();
    let batches: Vec<Columns> =
        recordings.iter().flat_map(|r| &r.records).map(|record| columns(record)).collect();
    let borrowed: Vec<&Columns> = batches.iter().collect();
    let block = write(ID, "t", &borrowed, &WriterSettings::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data.parquet"), &block.data).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/read_block.py");
    let python = tributary_testkit::python().unwrap();
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let totals = tributary_testkit::data::totals().unwrap();
    for reader in ["pyarrow", "duckdb"] {
        let found = &found[reader];
        assert_eq!(found["traces"], totals.traces, "{reader}");
        assert_eq!(found["ids"], totals.traces, "{reader}");
        assert_eq!(found["spans"], block.stats.spans, "{reader}");
        assert_eq!(found["errors"], totals.errors, "{reader}");
    }
    assert_eq!(found["pyarrow"], found["duckdb"]);
}
