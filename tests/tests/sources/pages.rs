//! Pages say what is there: their links lead somewhere, files that they name exist, and log lines that
//! they quote are written by the programs.

use super::{none, ours, read, short, words};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use tributary_testkit::workspace_root;

/// Folders of the repository, as the beginning of a path in prose.
const PLACES: [&str; 5] = ["crates/", "tests/", "docs/", "deploy/", "xtask/"];

fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = ours(&["docs"], &[".md"])?;
    pages.extend(words::pages()?);
    Ok(pages)
}

#[test]
fn links_lead_somewhere() -> Result<()> {
    let mut faults = Vec::new();
    let mut links = 0;
    for page in pages()? {
        let text = read(&page)?;
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            if !page.parent().is_some_and(|folder| folder.join(target).exists()) {
                faults.push(format!("{}: {target}", short(&page)));
            }
        }
    }
    ensure!(links > 10, "found only {links} links");
    none(&faults)
}

#[test]
fn files_that_are_named_exist() -> Result<()> {
    let mut faults = Vec::new();
    let mut named = 0;
    for page in pages()? {
        for span in code_spans(&read(&page)?) {
            let is_place = PLACES.iter().any(|place| span.starts_with(place));
            // Not with blanks or placeholders in it.
            if !is_place || span.contains([' ', '<', '…', '*']) {
                continue;
            }
            for path in braces(span) {
                named += 1;
                if !workspace_root().join(path.trim_end_matches('/')).exists() {
                    faults.push(format!("{}: {path}", short(&page)));
                }
            }
        }
    }
    ensure!(named > 30, "found only {named} files");
    none(&faults)
}

/// The last column of the limits' table: modules of the ingester.
#[test]
fn limits_stand_where_the_page_says() -> Result<()> {
    let page = read(&workspace_root().join("docs/limits.md"))?;
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut faults = Vec::new();
    let mut places = 0;
    for row in rows {
        let last = row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default();
        for module in code_spans(last) {
            places += 1;
            let file = format!("crates/ingester/src/{module}.rs");
            if !workspace_root().join(&file).exists() {
                faults.push(file);
            }
        }
    }
    ensure!(places > 10, "found only {places} places");
    none(&faults)
}

#[test]
fn log_lines_that_are_quoted_are_written() -> Result<()> {
    let mut sources = String::new();
    for file in ours(&["crates"], &[".rs"])?.iter().filter(|file| is_source(file)) {
        sources.push_str(&joined(&read(file)?));
    }
    let mut faults = Vec::new();
    let mut quotes = 0;
    let pages = ["docs/operations.md", "docs/runbook.md"].map(|page| workspace_root().join(page));
    let pages = pages.iter().map(|page| read(page)).collect::<Result<String>>()?;
    for span in code_spans(&pages).filter(|span| span.len() > 2 && span.starts_with('"')) {
        quotes += 1;
        // Within a literal it may stand beside what is filled in.
        if !sources.contains(span.trim_matches('"')) {
            faults.push(span.to_owned());
        }
    }
    ensure!(quotes > 10, "found only {quotes} quotes");
    none(&faults)
}

fn is_source(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "src")
}

/// A source whose literals over several lines are put together.
fn joined(source: &str) -> String {
    let mut parts = source.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start())
}

/// What stands between single backticks.
fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// `a/{b,c}/d` as `a/b/d` and `a/c/d`.
fn braces(path: &str) -> Vec<String> {
    let parts = path.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match parts {
        Some((head, (group, tail))) => {
            group.split(',').flat_map(|one| braces(&format!("{head}{one}{tail}"))).collect()
        }
        None => vec![path.to_owned()],
    }
}

#[test]
fn braces_are_taken_apart() {
    assert_eq!(braces("a/{b,c}.rs"), ["a/b.rs", "a/c.rs"]);
    assert_eq!(braces("{a,b}/{c,d}").len(), 4);
    assert_eq!(braces("a/b"), ["a/b"]);
}
