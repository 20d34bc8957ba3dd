//! One crate's checks: what `cargo xtask test` would say of it, sooner.

use crate::{kubernetes, manifests, promtool, run, senders, venv};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::OsString;
use std::time::Instant;
use tributary_settings::edit_distance;

/// The crate whose tests start the programs.
const STORIES: &str = "tributary-tests";

/// `cargo xtask check CRATE`.
pub(crate) fn run(arguments: Vec<OsString>) -> Result<()> {
    let [name] = arguments.as_slice() else { bail!("usage: cargo xtask check CRATE") };
    let name = name.to_string_lossy();
    let known = packages()?;
    let package = find(&known, &name)?;
    let start = Instant::now();
    run::step("format", &mut run::cargo(&["fmt", "-p", package, "--check"]))?;
    let clippy = ["clippy", "--locked", "-p", package, "--all-targets", "--", "-D", "warnings"];
    run::step("clippy", &mut run::cargo(&clippy))?;
    let mut tests = run::cargo(&["test", "--locked", "-p", package]);
    tests.env("TRIBUTARY_PYTHON", venv::prepare()?);
    if package == STORIES {
        let programs = ["build", "--locked", "--workspace", "--bins"];
        run::step("programs", &mut run::cargo(&programs))?;
        manifests::check()?;
        tests.env("TRIBUTARY_KUBERNETES", kubernetes::prepare()?);
        let senders = senders::prepare()?;
        tests.env("TRIBUTARY_SENDERS_PYTHON", senders.python);
        tests.env("TRIBUTARY_SENDERS_NODE", senders.node);
        if let Some(promtool) = promtool::prepare() {
            tests.env("TRIBUTARY_PROMTOOL", promtool);
        }
    }
    run::step("tests", &mut tests)?;
    docs(&["-p", package])?;
    println!("\n{package} is green after {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// The pages of `which` packages: a broken link is an error.
pub(crate) fn docs(which: &[&str]) -> Result<()> {
    let mut doc = run::cargo(&["doc", "--locked", "--no-deps"]);
    run::step("docs", doc.args(which).env("RUSTDOCFLAGS", "-D warnings"))
}

/// Names of the workspace's packages.
fn packages() -> Result<Vec<String>> {
    let metadata = ["metadata", "--locked", "--no-deps", "--format-version", "1"];
    let metadata: Value = serde_json::from_str(&run::output(&mut run::cargo(&metadata))?)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    let name = |package: &Value| Some(package.get("name")?.as_str()?.to_owned());
    let names = packages.iter().map(|package| name(package).context("a package without a name"));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The package of this name, with or without `tributary-`.
fn find<'k>(known: &'k [String], name: &str) -> Result<&'k str> {
    let short = |package: &'k String| package.strip_prefix("tributary-").unwrap_or(package);
    let exact = known.iter().find(|package| *package == name);
    if let Some(found) = exact.or_else(|| known.iter().find(|package| short(package) == name)) {
        return Ok(found);
    }
    let wanted = name.strip_prefix("tributary-").unwrap_or(name);
    let nearest = known.iter().min_by_key(|package| edit_distance(short(package), wanted));
    let nearest = nearest.map(short).context("no packages")?;
    let all: Vec<&str> = known.iter().map(short).collect();
    bail!("no crate `{name}`; did you mean `{nearest}`? There are {}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_by_their_short_names() {
        let known = ["tributary", "tributary-span", "tributary-sidecar", "xtask"];
        let known = known.map(str::to_owned);
        let table = [
            ("span", "tributary-span"),
            ("tributary-span", "tributary-span"),
            ("tributary", "tributary"),
            ("xtask", "xtask"),
        ];
        for (name, package) in table {
            assert_eq!(find(&known, name).unwrap(), package);
        }
        for (name, nearest) in
            [("spam", "span"), ("tributary-sidecars", "sidecar"), ("tasks", "xtask"), ("", "span")]
        {
            let said = find(&known, name).unwrap_err().to_string();
            assert!(said.contains(&format!("did you mean `{nearest}`?")), "{said}");
        }
    }
}
