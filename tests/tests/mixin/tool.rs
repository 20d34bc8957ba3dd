//! What Prometheus' own tool says of rules, of their tests and of what the dashboard asks for.

use crate::dashboard;
use crate::files::mixin;
use anyhow::{Result, ensure};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tributary_testkit::workspace_root;

/// How to have one.
const HOW: &str = "`cargo xtask promtool` fetches it where there is apt-get, or install Prometheus";

/// promtool: `TRIBUTARY_PROMTOOL`, what `cargo xtask promtool` fetches, or that of the machine.
fn promtool() -> Result<Option<PathBuf>> {
    if let Some(path) = std::env::var_os("TRIBUTARY_PROMTOOL").map(PathBuf::from) {
        ensure!(path.is_file(), "TRIBUTARY_PROMTOOL: no {}", path.display());
        return Ok(Some(path));
    }
    let fetched = workspace_root().join("target/promtool/promtool");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join("promtool"));
    Ok([fetched].into_iter().chain(installed).find(|path| path.is_file()))
}

/// Runs it, if there is one, and ensures that it is content.
fn content(arguments: &[&Path]) -> Result<()> {
    let Some(tool) = promtool()? else {
        // Past the harness, which shows nothing of tests that pass.
        writeln!(std::io::stderr(), "SKIPPED, no promtool: {HOW}")?;
        return Ok(());
    };
    let output = Command::new(tool).args(arguments).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "{}:\n{said}", output.status);
    Ok(())
}

#[test]
fn rules_are_rules() -> Result<()> {
    let files = [mixin("rules.yaml"), mixin("alerts.yaml")];
    content(&["check".as_ref(), "rules".as_ref(), &files[0], &files[1]])
}

#[test]
fn alerts_fire_when_they_should_and_only_then() -> Result<()> {
    content(&["test".as_ref(), "rules".as_ref(), &mixin("alerts_test.yaml")])
}

/// Each expression of the dashboard, as if it were to be recorded.
#[test]
fn panels_ask_what_can_be_answered() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("dashboard.yaml");
    let mut file = std::fs::File::create(&path)?;
    writeln!(file, "groups:\n  - name: dashboard\n    rules:")?;
    for (number, asks) in dashboard::expressions()?.iter().enumerate() {
        let asks = asks.replace("$__rate_interval", "5m");
        let quoted = serde_json::to_string(&asks)?;
        writeln!(file, "      - {{record: \"panel:{number}\", expr: {quoted}}}")?;
    }
    content(&["check".as_ref(), "rules".as_ref(), &path])
}
