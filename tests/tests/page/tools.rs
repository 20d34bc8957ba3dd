//! What the tests of the page are run with, and what is said where there is none of it.

use anyhow::{Result, bail, ensure};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tributary_testkit::{told_or_made, workspace_root};

/// How to have them.
const HOW: &str = "`cargo xtask page` fetches packages of npm, and Chromium where there is apt-get";

/// The folder with `node_modules`: `TRIBUTARY_PAGE_NODE`, or where `cargo xtask page` puts it.
pub(crate) fn packages() -> Result<Option<PathBuf>> {
    let folder = told_or_made("TRIBUTARY_PAGE_NODE", "target/page");
    match folder.join("node_modules/playwright-core").is_dir() {
        true => Ok(Some(folder)),
        false => missing("packages of npm"),
    }
}

/// A Chromium: `TRIBUTARY_CHROMIUM`, or that of the machine.
pub(crate) fn chromium() -> Result<Option<PathBuf>> {
    let set = std::env::var_os("TRIBUTARY_CHROMIUM").map(PathBuf::from);
    match set.into_iter().chain(["/usr/bin/chromium".into()]).find(|path| path.is_file()) {
        Some(path) => Ok(Some(path)),
        None => missing("Chromium"),
    }
}

/// On a machine that passes all checks nothing is skipped.
fn missing(what: &str) -> Result<Option<PathBuf>> {
    if std::env::var_os("CI").is_some() {
        bail!("no {what}: {HOW}");
    }
    // Past the harness, which shows nothing of tests that pass.
    writeln!(std::io::stderr(), "SKIPPED, no {what}: {HOW}")?;
    Ok(None)
}

/// Node, in the folder of the page's tests.
pub(crate) fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder());
    command
}

/// `tests/page`.
pub(crate) fn folder() -> PathBuf {
    workspace_root().join("tests/page")
}

/// Runs a command, and shows what it printed when it fails.
pub(crate) fn content(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(output.status.success(), "{command:?}: {}:\n{said}", output.status);
    Ok(said)
}

/// The page's own folder.
pub(crate) fn page() -> PathBuf {
    workspace_root().join(Path::new("crates/ingester/page"))
}
