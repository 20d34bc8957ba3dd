//! Everything that must hold before a change goes in.
//!
//! On two cores most of the time is compiling, so the steps share what they build: the programs
//! are built together with the tests (the same features of every dependency), and only the diet
//! builds once more, in the profile that users deploy.

use crate::{check, deny, diet, run, senders, venv};
use anyhow::Result;
use std::time::Instant;

pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    run::step("format", &mut run::cargo(&["fmt", "--all", "--check"]))?;
    let python = venv::prepare()?;
    let senders = senders::prepare()?;
    let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run::step("clippy", &mut run::cargo(&clippy))?;
    check::docs(&["--workspace"])?;
    deny::run(Vec::new())?;
    let build = ["build", "--locked", "--workspace", "--bins", "--tests"];
    run::step("programs and tests", &mut run::cargo(&build))?;
    let mut tests = run::cargo(&["test", "--locked", "--workspace", "--no-fail-fast"]);
    tests.env("TRIBUTARY_PYTHON", python).env("TRIBUTARY_BIN", run::target().join("debug"));
    tests.env("TRIBUTARY_SENDERS_PYTHON", senders.python);
    tests.env("TRIBUTARY_SENDERS_NODE", senders.node);
    run::step("tests", &mut tests)?;
    diet::run()?;
    println!("\nall green in {:.1} minutes", start.elapsed().as_secs_f64() / 60.0);
    Ok(())
}
