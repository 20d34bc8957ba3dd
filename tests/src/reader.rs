//! Blocks read by programs that are not ours.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use tributary_testkit::{python, workspace_root};

/// Spans by trace in these files, as `pyarrow` or `duckdb` counts them: an object of arrays
/// `[spans, those with errors, different span ids]`.
///
/// # Errors
/// When the reader fails.
pub fn count(reader: &str, files: &[PathBuf]) -> Result<Value> {
    let script = workspace_root().join("tests/python/count_spans.py");
    let output = Command::new(python()?).arg(script).arg(reader).args(files).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{reader} ended with {}: {errors}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{reader}: {errors}"))
}
