//! Real processes under everything that can happen to them, for as long as one likes.

use crate::{run, venv};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;

/// `cargo xtask torture --minutes N [--seed N] [--rate SPANS_PER_SECOND]`: half of the time on a
/// folder, half of it on S3. Rate 0: as many as the sidecars take.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<()> {
    let mut arguments = arguments.iter().map(|a| a.to_string_lossy());
    let python = venv::prepare()?;
    let build = ["build", "--locked", "--workspace", "--bins", "--tests"];
    run::step("programs and tests", &mut run::cargo(&build))?;
    let test = ["test", "--locked", "--workspace", "--test", "torture"];
    let mut torture = run::cargo(&test);
    torture.args(["--", "--nocapture", "--test-threads", "1"]);
    torture.env("TRIBUTARY_PYTHON", python);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} wants a number"))?;
        let number: u64 = value.parse().with_context(|| format!("{flag} {value}: not a number"))?;
        match &*flag {
            "--minutes" => torture.env("TRIBUTARY_TORTURE_SECONDS", (number * 30).to_string()),
            "--seed" => torture.env("TRIBUTARY_TORTURE_SEED", number.to_string()),
            "--rate" => torture.env("TRIBUTARY_TORTURE_RATE", number.to_string()),
            _ => bail!("usage: cargo xtask torture [--minutes N] [--seed N] [--rate N]"),
        };
    }
    run::step("torture", &mut torture)
}
