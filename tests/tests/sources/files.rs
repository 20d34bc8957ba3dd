//! One idea a file, and folders that are named after their module.

use super::{FOLDERS, none, ours, read, short};
use anyhow::{Result, ensure};

/// A file that is longer than this tells more than one story.
const MOST_LINES: usize = 500;

/// Half of the files are no longer than this.
const MOST_MEDIAN: usize = 150;

/// A program's `main.rs` is a table of contents.
const MOST_LINES_OF_MAIN: usize = 15;

#[test]
fn files_are_short_and_folders_have_no_mod_rs() -> Result<()> {
    let mut faults = Vec::new();
    let mut lengths = Vec::new();
    for file in ours(&FOLDERS, &[".rs"])? {
        let lines = read(&file)?.lines().count();
        lengths.push(lines);
        let name = file.file_name().unwrap_or_default();
        let is_program = file.ends_with("src/main.rs");
        let most = if is_program { MOST_LINES_OF_MAIN } else { MOST_LINES };
        if lines > most {
            faults.push(format!("{}: {lines} lines, at most {most}", short(&file)));
        }
        // Below `tests` a module that is shared has no other place: a file beside it is a test.
        let is_shared = file.components().any(|part| part.as_os_str() == "tests");
        if name == "mod.rs" && !is_shared {
            faults.push(format!("{}: name it after its folder, beside it", short(&file)));
        }
    }
    lengths.sort_unstable();
    ensure!(lengths.len() > 100, "found only {} files", lengths.len());
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
    ensure!(median <= MOST_MEDIAN, "the median file has {median} lines, at most {MOST_MEDIAN}");
    none(&faults)
}
