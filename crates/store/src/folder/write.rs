//! One write: staged beside its name, flushed, named, and the name flushed.

use super::disk::{Disk, failed};
use object_store::{Error, PutPayload, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Staged files of one name, and folders that vanish while they are made, before a write gives up.
const TRIES: u32 = 10_000;

/// Writes a file; with `create`, only if there is none.
pub(super) fn write(disk: &Disk, path: &Path, payload: &PutPayload, create: bool) -> Result<()> {
    disk.trusted()?;
    let (file, staged) = stage(path)?;
    let written = fill(disk, file, payload, path).and_then(|()| {
        if create { link(disk, &staged, path) } else { rename(disk, &staged, path) }
    });
    // After a rename there is none any more, or it is another writer's.
    if (create || matches!(&written, Err(step) if !step.named))
        && let Err(error) = fs::remove_file(&staged)
    {
        tracing::debug!(path = %staged.display(), %error, "an unfinished file stays");
    }
    written.map_err(|step| step.error)
}

/// Flushes a file that is there, and its name.
pub(super) fn settle(disk: &Disk, path: &Path) -> Result<()> {
    disk.trusted()?;
    let file = File::open(path).map_err(|e| failed("open", path, e))?;
    disk.sync(&file, path)?;
    disk.enter(path)
}

/// How far a write has come that failed.
struct Step {
    /// The file has its name.
    named: bool,
    error: Error,
}

impl<E: Into<Error>> From<E> for Step {
    fn from(error: E) -> Self {
        Step { named: false, error: error.into() }
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

/// The file is closed by this: some file systems over a network take it only then.
fn fill(
    disk: &Disk,
    mut file: File,
    payload: &PutPayload,
    path: &Path,
) -> std::result::Result<(), Step> {
    for part in payload {
        file.write_all(part).map_err(|e| failed("write", path, e))?;
    }
    Ok(disk.sync(&file, path)?)
}

/// Other processes may delete the object as soon as it has its name, and its folder with it; the
/// staged file, which stays until all is flushed, keeps the folder.
fn link(disk: &Disk, staged: &Path, path: &Path) -> std::result::Result<(), Step> {
    match fs::hard_link(staged, path) {
        Ok(()) => Ok(disk.enter(path)?),
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            let path = path.display().to_string();
            Err(Error::AlreadyExists { path, source: e.into() }.into())
        }
        Err(e) => Err(failed("name", path, e).into()),
    }
}

fn rename(disk: &Disk, staged: &Path, path: &Path) -> std::result::Result<(), Step> {
    fs::rename(staged, path).map_err(|e| failed("name", path, e))?;
    disk.enter(path).map_err(|error| Step { named: true, error })
}
