//! The page's modules without a browser.

use crate::tools::{content, folder, node, packages, page};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module tells one story.
const MOST_LINES: usize = 400;
/// Folders and files that know of no browser: `node --test` runs them, and so does the worker.
const PURE: [&str; 10] = [
    "model/",
    "traceql/",
    "format.js",
    "colour.js",
    "address.js",
    "map/click.js",
    "map/counted.js",
    "map/layout.js",
    "map/sample.js",
    "search/slices.js",
];

#[test]
fn types_are_right() -> Result<()> {
    let Some(packages) = packages()? else { return Ok(()) };
    let tsc = packages.join("node_modules/.bin/tsc");
    content(Command::new(tsc).arg("-p").arg(page().join("tsconfig.json")))?;
    Ok(())
}

#[test]
fn what_is_pure_meets_its_tables() -> Result<()> {
    let said = content(node().args(["--test", "unit/"]))?;
    ensure!(said.contains("fail 0"), "{said}");
    let passed = said.lines().find_map(|line| line.split("pass ").nth(1)?.trim().parse().ok());
    ensure!(passed.is_some_and(|n: usize| n > 10), "{said}");
    ensure!(folder().join("unit").is_dir(), "no tables");
    Ok(())
}

#[test]
fn modules_are_short_and_the_pure_ones_know_no_browser() -> Result<()> {
    let js = page().join("js");
    let mut modules = Vec::new();
    collect(&js, &mut modules)?;
    ensure!(modules.len() > 30, "found only {} modules", modules.len());
    let mut faults = Vec::new();
    for path in &modules {
        let text = fs::read_to_string(path)?;
        let name = path.strip_prefix(&js)?.display().to_string();
        let lines = text.lines().count();
        if lines > MOST_LINES {
            faults.push(format!("{name}: {lines} lines, at most {MOST_LINES}"));
        }
        if PURE.iter().any(|pure| name.starts_with(pure)) {
            for word in ["document.", "window.", "fetch("] {
                let mut code =
                    text.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
                if code.any(|line| line.split('"').step_by(2).any(|c| c.contains(word))) {
                    faults.push(format!("{name}: {word}"));
                }
            }
        }
        for danger in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            if text.contains(danger) {
                faults.push(format!("{name}: {danger}: text reaches the page as text alone"));
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        match path.is_dir() {
            true => collect(&path, into)?,
            false => into.push(path),
        }
    }
    Ok(())
}
