//! The manifests that are made, not written: `deploy/chart/tributary` is the one source of the plain
//! files and of what Kustomize starts from, `tributary inject policy` that of the policy in it, and
//! `deploy/mixin` that of rules and dashboard.

mod chart;
mod injector;

use crate::{kubernetes, run};
use anyhow::{Context, Result, bail, ensure};
use chart::Chart;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

/// Files by their path in the repository.
type Files = BTreeMap<String, String>;

/// `cargo xtask manifests [--check]`.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<()> {
    let check = match arguments.as_slice() {
        [] => false,
        [only] if only == "--check" => true,
        _ => bail!("usage: cargo xtask manifests [--check]"),
    };
    let alone = ["build", "--locked", "--quiet", "-p", "tributary", "--bin", "tributary"];
    run::step("the tool", &mut run::cargo(&alone))?;
    made(check)
}

/// Ensures that all are as they would be made. The tool is built.
pub(crate) fn check() -> Result<()> {
    made(true)
}

fn made(check: bool) -> Result<()> {
    let tool = run::target().join("debug/tributary");
    let tools = kubernetes::prepare()?;
    // The chart reads these, so they come first.
    for files in [mixin()?, injector::files(&tool)?] {
        done(files, check)?;
    }
    done(chart::files(&Chart::new(&tools))?, check)
}

/// Writes files, or ensures that they are as they would be written.
fn done(files: Files, check: bool) -> Result<()> {
    let have = |path: &String| fs::read_to_string(run::root().join(path)).unwrap_or_default();
    let others: Files = files.into_iter().filter(|(path, text)| have(path) != *text).collect();
    let names: Vec<&str> = others.keys().map(String::as_str).collect();
    ensure!(
        !check || names.is_empty(),
        "not what their sources give: {}; `cargo xtask manifests` makes them",
        names.join(", ")
    );
    for (path, text) in &others {
        let path = run::root().join(path);
        let folder = path.parent().context("a folder")?;
        fs::create_dir_all(folder)?;
        fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// A chart reads no file outside of itself.
fn mixin() -> Result<Files> {
    let copy = |name: &str| {
        let from = run::root().join("deploy/mixin").join(name);
        let text = fs::read_to_string(&from).with_context(|| from.display().to_string())?;
        Ok((format!("deploy/chart/tributary/mixin/{name}"), text))
    };
    ["rules.yaml", "alerts.yaml", "dashboard.json"].map(copy).into_iter().collect()
}
