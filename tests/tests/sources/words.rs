//! Prose names its actor: the ingester, the collector, the reader, another process.

use super::{FOLDERS, none, ours, read, short};
use anyhow::Result;
use std::path::PathBuf;
use tributary_testkit::workspace_root;

/// Words that leave open which one is meant.
const OPEN: [&str; 7] =
    ["anybody", "anyone", "nobody", "somebody", "someone", "whoever", "whomever"];

#[test]
fn actors_have_names() -> Result<()> {
    let mut files = ours(&FOLDERS, &[".rs", ".toml", ".proto", ".py", ".js"])?;
    files.extend(ours(&["docs", "deploy"], &[".md", ".yaml"])?);
    files.extend(pages()?);
    // Where they are forbidden they stand.
    files.retain(|file| !file.ends_with(file!()));
    let mut faults = Vec::new();
    for file in files {
        for (line, text) in (1..).zip(read(&file)?.lines()) {
            if let Some(word) = open(text) {
                faults.push(format!("{}:{line}: {word}", short(&file)));
            }
        }
    }
    none(&faults)
}

/// The pages of the top folder.
pub(crate) fn pages() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(workspace_root())?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "md")).collect())
}

fn open(text: &str) -> Option<&'static str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let mut lower = words.map(str::to_lowercase);
    lower.find_map(|word| OPEN.into_iter().find(|open| *open == word))
}

#[test]
fn words_are_whole() {
    let table = [
        ("// Nobody's business", Some("nobody")),
        ("told to whoever asks.", Some("whoever")),
        ("let nobody = 1;", Some("nobody")),
        ("fn it_is_nobodys()", None),
        ("somebodyelse, everybody", None),
    ];
    for (text, expected) in table {
        assert_eq!(open(text), expected, "{text}");
    }
}
