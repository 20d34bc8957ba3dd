//! One write: staged beside its name, flushed, named, and the name flushed.

use super::disk::{Disk, failed};
use object_store::{Error, PutPayload, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Staged files of one name, and folders that vanish while they are made, before a write gives up.
const TRIES: u32 = 10_000;

/// Writes a file; with `create`, only if there is none.
pub(super) fn write(disk: &Disk, path: &Path, payload: &PutPayload, create: bool) -> Result<()> {
    let mut staged = Staged::new(disk, path)?;
    staged.write(0, payload)?;
    match create {
        true => staged.link(disk),
        false => staged.rename(disk),
    }
}

/// Flushes a file that is there, and its name.
pub(super) fn settle(disk: &Disk, path: &Path) -> Result<()> {
    disk.trusted()?;
    let file = File::open(path).map_err(|e| failed("open", path, e))?;
    disk.sync(&file, path)?;
    disk.enter(path)
}

/// A file that has no name yet. It goes when it is dropped, unless it was renamed.
#[derive(Debug)]
pub(super) struct Staged {
    /// What it is to be called.
    path: PathBuf,
    at: PathBuf,
    /// None once it is closed: some file systems over a network take what was written only then.
    file: Option<File>,
    renamed: bool,
}

impl Staged {
    /// An empty one, in a folder that is made if need be.
    pub(super) fn new(disk: &Disk, path: &Path) -> Result<Staged> {
        disk.trusted()?;
        let (file, at) = stage(path)?;
        Ok(Staged { path: path.to_owned(), at, file: Some(file), renamed: false })
    }

    /// Writes bytes behind the first `at`.
    pub(super) fn write(&mut self, at: u64, bytes: &PutPayload) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut write = || {
            file.seek(SeekFrom::Start(at))?;
            bytes.into_iter().try_for_each(|part| file.write_all(part))
        };
        write().map_err(|e| failed("write", &self.path, e))
    }

    /// Flushes what was written so far.
    pub(super) fn sync(&self, disk: &Disk) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        Ok(disk.sync(file, &self.path)?)
    }

    /// Gives it its name, whatever was there.
    pub(super) fn rename(mut self, disk: &Disk) -> Result<()> {
        self.sync(disk)?;
        self.file = None;
        fs::rename(&self.at, &self.path).map_err(|e| failed("name", &self.path, e))?;
        // There is none any more, or it is another writer's.
        self.renamed = true;
        disk.enter(&self.path)
    }

    /// Gives it its name if there is none of that name. Other processes may delete the object as soon as
    /// it has its name, and its folder with it; the staged file, which stays until all is flushed, keeps
    /// the folder.
    fn link(mut self, disk: &Disk) -> Result<()> {
        self.sync(disk)?;
        self.file = None;
        match fs::hard_link(&self.at, &self.path) {
            Ok(()) => disk.enter(&self.path),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                let path = self.path.display().to_string();
                Err(Error::AlreadyExists { path, source: e.into() })
            }
            Err(e) => Err(failed("name", &self.path, e)),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.renamed {
            return;
        }
        if let Err(error) = fs::remove_file(&self.at) {
            tracing::debug!(path = %self.at.display(), %error, "an unfinished file stays");
        }
    }
}

/// A file beside `path`, in a folder that is made if need be.
fn stage(path: &Path) -> Result<(File, PathBuf)> {
    let mut number = 1;
    for _ in 0..TRIES {
        // The library, and `remove_unfinished`, know them by these names.
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{number}"));
        let staged = PathBuf::from(staged);
        match OpenOptions::new().write(true).create_new(true).open(&staged) {
            Ok(file) => return Ok((file, staged)),
            Err(error) => match (error.kind(), path.parent()) {
                (ErrorKind::AlreadyExists, _) => number += 1,
                (ErrorKind::NotFound, Some(folder)) => {
                    fs::create_dir_all(folder).map_err(|e| failed("make the folder", folder, e))?;
                }
                _ => return Err(failed("open", &staged, error)),
            },
        }
    }
    let busy = std::io::Error::from(ErrorKind::ResourceBusy);
    Err(failed("find a free name beside", path, busy))
}
