//! What is in a folder, as a bucket's listing would show it.
//!
//! The library's walk ends at the first name that it cannot take, or that it may not look into, and a
//! link to a folder above is such a one. Ours leaves that out and goes on.

use super::disk::failed;
use crate::foreign::Foreign;
use crate::unfinished::is_unfinished;
use object_store::path::{Path, PathPart};
use object_store::{Error, ListResult, ObjectMeta, Result};
use std::fs::{self, Metadata, ReadDir};
use std::io::{self, ErrorKind};
use std::path::{Path as FilePath, PathBuf};

/// Opens a folder to read what is in it.
type ReadFolder = fn(&FilePath) -> io::Result<ReadDir>;

/// A walk below one folder.
pub(super) struct Walk {
    read: ReadFolder,
    foreign: Foreign,
    found: ListResult,
}

impl Walk {
    pub(super) fn new(foreign: Foreign) -> Walk {
        let found = ListResult {
            common_prefixes: Vec::new(),
            objects: Vec::new(),
            extensions: Default::default(),
        };
        Walk { read: |folder| fs::read_dir(folder), foreign, found }
    }

    /// All files below `folder`, which is the file system's `at`.
    pub(super) fn deep(mut self, at: PathBuf, folder: Path) -> Result<Vec<ObjectMeta>> {
        let mut folders = vec![(at, folder)];
        let mut is_first = true;
        while let Some((at, folder)) = folders.pop() {
            let Some(entries) = self.entries(&at, is_first)? else { continue };
            is_first = false;
            self.look(entries, &at, &folder, &mut folders)?;
        }
        Ok(self.found.objects)
    }

    /// The folders directly in `folder`, and the files.
    pub(super) fn flat(mut self, at: PathBuf, folder: Path) -> Result<ListResult> {
        let Some(entries) = self.entries(&at, true)? else { return Ok(self.found) };
        let mut folders = Vec::new();
        self.look(entries, &at, &folder, &mut folders)?;
        for (at, folder) in folders {
            // One that is going to be refused is not to be named either.
            if self.entries(&at, false)?.is_some() {
                self.found.common_prefixes.push(folder);
            }
        }
        Ok(self.found)
    }

    /// What is in a folder. None when it is not there, or is left out; but the one that was asked for
    /// is not left out.
    fn entries(&self, at: &FilePath, is_asked_for: bool) -> Result<Option<ReadDir>> {
        match (self.read)(at) {
            Ok(entries) => Ok(Some(entries)),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(e) if e.kind() == ErrorKind::PermissionDenied && !is_asked_for => {
                self.leave_out(at, "it may not be read");
                Ok(None)
            }
            Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                let path = at.display().to_string();
                Err(Error::PermissionDenied { path, source: e.into() })
            }
            Err(e) => Err(failed("read", at, e)),
        }
    }

    /// Takes files for objects, and adds folders to `folders`.
    fn look(
        &mut self,
        entries: ReadDir,
        at: &FilePath,
        folder: &Path,
        folders: &mut Vec<(PathBuf, Path)>,
    ) -> Result<()> {
        for entry in entries {
            let entry = entry.map_err(|e| failed("read", at, e))?;
            let path = entry.path();
            let file_name = entry.file_name();
            let name = match file_name.to_str().map(PathPart::parse) {
                Some(Ok(name)) => name,
                Some(Err(_)) => {
                    self.leave_out(&path, "it has a character that no path may have");
                    continue;
                }
                None => {
                    self.leave_out(&path, "it is no Unicode");
                    continue;
                }
            };
            // Links are followed.
            let about = match fs::metadata(&path) {
                Ok(about) => about,
                // Deleted meanwhile, or a link to nothing.
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                Err(e) if e.kind() == ErrorKind::PermissionDenied => {
                    self.leave_out(&path, "it may not be looked at");
                    continue;
                }
                Err(_) if is_link(&entry) => {
                    self.leave_out(&path, "it is a link that leads nowhere");
                    continue;
                }
                Err(e) => return Err(failed("look at", &path, e)),
            };
            let location = folder.clone().join(name);
            if about.is_dir() {
                match is_above(&entry, at) {
                    true => self.leave_out(&path, "it is a link to a folder above it"),
                    false => folders.push((path, location)),
                }
            } else if about.is_file() && !file_name.to_str().is_some_and(is_unfinished) {
                self.found.objects.push(object(&about, location, &path)?);
            }
        }
        Ok(())
    }

    fn leave_out(&self, path: &FilePath, why: &str) {
        self.foreign.leave_out(&path.to_string_lossy(), why);
    }
}

/// Whether an entry of the folder `at` is a link to that folder or to one above it.
fn is_above(entry: &fs::DirEntry, at: &FilePath) -> bool {
    let real = |path: &FilePath| path.canonicalize();
    is_link(entry)
        && match (real(at), real(&entry.path())) {
            (Ok(at), Ok(target)) => at.starts_with(target),
            _ => false,
        }
}

fn is_link(entry: &fs::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_symlink())
}

fn object(about: &Metadata, location: Path, path: &FilePath) -> Result<ObjectMeta> {
    let modified = about.modified().map_err(|e| failed("look at", path, e))?;
    let (last_modified, size) = (modified.into(), about.len());
    Ok(ObjectMeta { location, last_modified, size, e_tag: None, version: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As for a process that may not read `lost+found`; one that is root may read everything.
    fn denied(folder: &FilePath) -> io::Result<ReadDir> {
        match folder.ends_with("lost+found") {
            true => Err(ErrorKind::PermissionDenied.into()),
            false => fs::read_dir(folder),
        }
    }

    #[test]
    fn a_folder_that_may_not_be_read_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for name in ["blocks/lost+found/1", "blocks/t/meta", "z"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let counters = std::sync::Arc::default();
        let walk =
            || Walk { read: denied, ..Walk::new(Foreign::new(std::sync::Arc::clone(&counters))) };
        let deep = walk().deep(root.path().to_owned(), Path::default()).unwrap();
        let mut paths: Vec<_> = deep.iter().map(|object| object.location.as_ref()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["blocks/t/meta", "z"]);
        let blocks = || (root.path().join("blocks"), Path::from("blocks"));
        let flat = walk().flat(blocks().0, blocks().1).unwrap();
        assert_eq!(flat.common_prefixes, [Path::from("blocks/t")]);
        assert_eq!(counters.snapshot().names_left_out, 2);
        // Who asks for it by its name is told.
        let asked = walk().deep(blocks().0.join("lost+found"), Path::from("blocks/lost+found"));
        assert!(matches!(asked, Err(Error::PermissionDenied { .. })), "{asked:?}");
    }
}
