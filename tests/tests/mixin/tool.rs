//! What Prometheus' own tool says of rules, of their tests and of what the dashboard asks for.

use crate::dashboard;
use crate::files::mixin;
use anyhow::{Result, ensure};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tributary_tests::prometheus;

/// Runs it, if there is one, and ensures that it is content.
fn content(arguments: &[&Path]) -> Result<()> {
    let Some(tool) = prometheus::program("promtool")? else { return Ok(()) };
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
