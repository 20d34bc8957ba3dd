//! Hostile bytes for every decoder. What is attacked, and how, is in `crates/fuzz`.

use crate::run;
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;

/// Builds with the checks of a debug build on, since an overflow that wraps is a find too.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<()> {
    let build = ["run", "--quiet", "--locked", "-p", "tributary-fuzz", "--"];
    let mut command = run::cargo(&build);
    command.args(arguments).env("CARGO_TARGET_DIR", run::target());
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "a decoder did not hold out");
    Ok(())
}
