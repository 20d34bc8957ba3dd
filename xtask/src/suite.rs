//! The tests' binaries, two at a time.
//!
//! `cargo test` runs one binary after the other, and the long ones spend most of their time waiting
//! for programs that they have started, killed or frozen: beside one of these another one computes.
//! What a binary prints is shown as a whole when it ends.

use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Binaries side by side: as many as the smallest machine has processors.
const AT_ONCE: usize = 2;

/// The longest ones, so that none of them is left for the end. The order of the others is cargo's.
const FIRST: &[&str] = &["e2e", "sim", "torture", "otlp", "store", "admission", "model"];

/// No binary takes half as long: one that does stands still. It ends with exit code 124 then, and the
/// tests that it does not name as passed are those to look at.
const LONGEST: &str = "20m";

/// A binary with tests in it.
#[derive(Debug, Clone, PartialEq)]
struct Binary {
    /// Target and package, for people: `sim (crates/ingester)`.
    name: String,
    executable: PathBuf,
    /// Where cargo would run it.
    folder: PathBuf,
}

/// Programs and tests, built.
pub(crate) struct Suite(Vec<Binary>);

/// Runs all tests with these variables.
///
/// # Errors
/// The names of all binaries in which a test failed.
pub(crate) fn run(suite: Suite, variables: &[(&str, PathBuf)]) -> Result<()> {
    let mut binaries = suite.0;
    binaries.sort_by_key(|binary| {
        let target = binary.name.split(' ').next().unwrap_or_default();
        FIRST.iter().position(|first| *first == target).unwrap_or(FIRST.len())
    });
    println!("\n=== tests");
    let start = Instant::now();
    let failed = all(&binaries, variables);
    println!("=== tests: {:.0} s", start.elapsed().as_secs_f64());
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    Ok(())
}

/// Runs the tests in documentation.
///
/// # Errors
/// When one of them fails.
pub(crate) fn documentation() -> Result<()> {
    let docs = ["test", "--locked", "--workspace", "--doc", "--quiet"];
    run::whole("tests in documentation", &mut run::patient_cargo(&docs))
}

/// Binaries in which something failed.
fn all(binaries: &[Binary], variables: &[(&str, PathBuf)]) -> Vec<String> {
    let queue = Mutex::new(binaries.iter());
    let (failed, took) = (Mutex::default(), Mutex::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = lock(&queue).next();
                    let Some(binary) = next else { return };
                    let start = Instant::now();
                    let passed = one(binary, variables);
                    lock::<Vec<_>>(&took).push((start.elapsed(), binary.name.as_str()));
                    if !passed {
                        lock::<Vec<_>>(&failed).push(binary.name.clone());
                    }
                }
            });
        }
    });
    let mut took: Vec<(Duration, &str)> = took.into_inner().unwrap_or_default();
    took.sort_by(|a, b| b.cmp(a));
    for (time, name) in took.iter().take(12) {
        println!("{:>5.0} s  {name}", time.as_secs_f64());
    }
    failed.into_inner().unwrap_or_default()
}

/// Runs one binary to its end, or until it takes far too long, and tells whether all of it passed.
fn one(binary: &Binary, variables: &[(&str, PathBuf)]) -> bool {
    // What a binary has printed would be lost with a machine that is cut off because of it. The
    // programs that its tests have started are ended with it.
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", LONGEST]).arg(&binary.executable);
    command.current_dir(&binary.folder).env("CARGO_MANIFEST_DIR", &binary.folder);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    run::whole(&binary.name, &mut command).inspect_err(|error| println!("{error:#}")).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Builds programs and tests, with the same features.
///
/// # Errors
/// What does not compile.
pub(crate) fn build() -> Result<Suite> {
    let programs = ["build", "--locked", "--workspace", "--bins", "--tests"];
    run::step("programs and tests", &mut run::cargo(&programs))?;
    let list = ["test", "--locked", "--workspace", "--no-run", "--message-format", "json"];
    let messages = run::output(&mut run::cargo(&list))?;
    let mut binaries = Vec::new();
    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message = serde_json::from_str(line).context("what cargo says of its artifacts")?;
        binaries.extend(binary(&message, &run::root()));
    }
    if binaries.is_empty() {
        bail!("cargo names no test: {list:?}");
    }
    Ok(Suite(binaries))
}

/// The binary that a message of cargo's names, if it has tests. The message is an artifact with
/// `executable`, `manifest_path`, `target.name` and `profile.test`
/// (cargo's reference, "External tools").
fn binary(message: &Value, root: &Path) -> Option<Binary> {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    if message.pointer("/profile/test") != Some(&Value::Bool(true)) {
        return None;
    }
    let folder = Path::new(text("/manifest_path")?).parent()?;
    let package = folder.strip_prefix(root).unwrap_or(folder).display();
    Some(Binary {
        name: format!("{} ({package})", text("/target/name")?),
        executable: text("/executable")?.into(),
        folder: folder.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_binaries_are_picked_out_of_messages() {
        let message = |test: bool, executable: Value| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": "/w/crates/span/Cargo.toml",
                "target": {"name": "sim"}, "profile": {"test": test}, "executable": executable,
            })
        };
        let root = Path::new("/w");
        let found = binary(&message(true, "/w/target/debug/deps/sim-1".into()), root);
        let expected = Binary {
            name: "sim (crates/span)".into(),
            executable: "/w/target/debug/deps/sim-1".into(),
            folder: "/w/crates/span".into(),
        };
        assert_eq!(found, Some(expected));
        assert_eq!(binary(&message(false, "/w/x".into()), root), None, "a program");
        assert_eq!(binary(&message(true, Value::Null), root), None, "a library");
        assert_eq!(binary(&serde_json::json!({"reason": "build-finished"}), root), None);
    }
}
