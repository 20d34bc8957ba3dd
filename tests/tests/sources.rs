//! Rules for source files that no lint knows.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// A file that is longer than this tells more than one story.
const MOST_LINES: usize = 600;

/// A `main.rs` is a table of contents.
const MOST_LINES_OF_MAIN: usize = 120;

#[test]
fn files_are_short_and_folders_have_no_mod_rs() -> Result<()> {
    let root = tributary_testkit::workspace_root();
    let mut files = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    ensure!(files.len() > 100, "found only {} files", files.len());
    let mut faults = Vec::new();
    for file in files {
        let lines = fs::read_to_string(&file)?.lines().count();
        let name = file.file_name().unwrap_or_default();
        let is_program = name == "main.rs" && file.ends_with("src/main.rs");
        let most = if is_program { MOST_LINES_OF_MAIN } else { MOST_LINES };
        if lines > most {
            faults.push(format!("{}: {lines} lines, at most {most}", file.display()));
        }
        // Below `tests` a module that is shared has no other place: a file beside it is a test.
        let is_shared = file.components().any(|part| part.as_os_str() == "tests");
        if name == "mod.rs" && !is_shared {
            faults.push(format!("{}: name it after its folder, beside it", file.display()));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Our own source files below `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "gen" && name != "target" {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}
