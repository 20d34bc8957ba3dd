//! Rules of the house that no lint knows: what holds for files, words, circles and pages.

mod circles;
mod files;
mod pages;
mod uses;
mod words;

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use tributary_testkit::workspace_root;

/// Folders with our own sources.
const FOLDERS: [&str; 3] = ["crates", "tests", "xtask"];

/// Our own files below `folders` with one of these endings. What is generated, installed or taken over
/// from others is not among them.
fn ours(folders: &[&str], endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&workspace_root().join(folder), endings, &mut files)?;
    }
    files.sort();
    ensure!(!files.is_empty(), "no {endings:?} in {folders:?}");
    Ok(files)
}

fn collect(folder: &Path, endings: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    const NOT_OURS: [&str; 4] = ["gen", "target", "node_modules", "opentelemetry"];
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !NOT_OURS.contains(&name) {
            collect(&path, endings, files)?;
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The path from the workspace's top folder on.
fn short(path: &Path) -> String {
    path.strip_prefix(workspace_root()).unwrap_or(path).display().to_string()
}

/// One line for each fault, or nothing.
fn none(faults: &[String]) -> Result<()> {
    ensure!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
