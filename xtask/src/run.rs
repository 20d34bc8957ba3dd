//! Commands, run where everything else expects to be: in the workspace's top folder.

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// The workspace's top folder.
pub(crate) fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, or `target`.
pub(crate) fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The cargo that runs this.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// The cargo that runs this, when nothing else wants the processor: beside tests that wait for the
/// programs they have started, and must not wait for it.
pub(crate) fn patient_cargo(args: &[&str]) -> Command {
    let cargo = cargo(args);
    let mut command = Command::new("nice");
    command.args(["-n", "19"]).arg(cargo.get_program()).args(cargo.get_args());
    command.current_dir(root());
    command
}

/// Runs a command to its end and tells how long it took.
pub(crate) fn step(what: &str, command: &mut Command) -> Result<()> {
    println!("\n=== {what}");
    let start = Instant::now();
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{what}: {command:?} ended with {status}");
    println!("=== {what}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Runs a command and gives what it printed; its stderr goes to ours.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs a command beside others: what it printed is shown as a whole when it has ended.
pub(crate) fn whole(what: &str, command: &mut Command) -> Result<()> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output();
    // One at a time speaks.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    println!("\n=== {what}");
    let output = output.with_context(|| format!("{command:?} does not start"))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    print!("{}", String::from_utf8_lossy(&output.stderr));
    println!("=== {what}: {:.0} s, {}", start.elapsed().as_secs_f64(), output.status);
    ensure!(output.status.success(), "{what}: {command:?} ended with {}", output.status);
    Ok(())
}
