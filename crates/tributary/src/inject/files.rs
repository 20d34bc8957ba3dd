//! Files, folders and standard input.

use super::Failure;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What is read of each at most: a listing of a large cluster has some hundred megabytes.
const MOST: u64 = 1 << 30;

/// A text, and where it comes from.
pub(super) struct File {
    pub(super) name: String,
    pub(super) text: String,
}

/// All texts that `paths` name, in the order of their names within a folder.
pub(super) fn all(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let failed = |error| Failure::File(path.display().to_string(), error);
            let entries = std::fs::read_dir(path).map_err(failed)?;
            let found: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
            let mut found = found.map_err(failed)?;
            found.retain(|path| path.is_file() && is_manifest(path));
            found.sort();
            for path in found {
                files.push(read(&path)?);
            }
        } else {
            files.push(read(path)?);
        }
    }
    Ok(files)
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml", "json"].contains(&ending))
}

/// One text; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<File, Failure> {
    let is_input = path.as_os_str() == "-";
    let name = if is_input { "stdin".to_owned() } else { path.display().to_string() };
    let text = match is_input {
        true => whole(io::stdin().lock()),
        false => std::fs::File::open(path).and_then(whole),
    };
    match text {
        Ok(text) => Ok(File { name, text }),
        Err(error) => Err(Failure::File(name, error)),
    }
}

fn whole(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(MOST + 1).read_to_string(&mut text)?;
    match u64::try_from(text.len()) {
        Ok(length) if length <= MOST => Ok(text),
        _ => Err(io::Error::other("is larger than 1 GiB")),
    }
}

/// Texts as one, a document's mark between them.
pub(super) fn joined(texts: &[String]) -> String {
    let mut all = String::new();
    for text in texts {
        let is_marked = text.trim_start().starts_with("---");
        if !all.is_empty() {
            if !all.ends_with('\n') {
                all.push('\n');
            }
            if !is_marked {
                all.push_str("---\n");
            }
        }
        all.push_str(text);
    }
    all
}
