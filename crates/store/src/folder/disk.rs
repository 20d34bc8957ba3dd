//! What is known to be on the disk, and whether the disk is trusted.
//!
//! A flush that failed cannot be tried again: the system tells of a lost page once, takes it for clean
//! then, and the next flush succeeds over a file with a hole in it. So one failure ends all writing of
//! this process, and what it held in doubt is acknowledged by none.

use crate::sync::{SyncFile, Untrusted};
use object_store::Error;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// Folders that are remembered. Beyond that all are forgotten, and flushed once more.
const REMEMBERED: usize = 4096;

/// The disk below one folder.
#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    sync: SyncFile,
    failed: OnceLock<Untrusted>,
    /// Folders whose own entries are on the disk, and when each was made: one of the same name that
    /// was made later is another.
    entered: Mutex<HashMap<PathBuf, SystemTime>>,
}

impl Disk {
    pub(super) fn new(root: PathBuf, sync: SyncFile) -> Disk {
        Disk { root, sync, failed: OnceLock::new(), entered: Mutex::default() }
    }

    /// Whether no flush has failed so far.
    pub(super) fn trusted(&self) -> Result<(), Untrusted> {
        self.failed.get().map_or(Ok(()), |untrusted| Err(untrusted.clone()))
    }

    /// Flushes a file. `path` is for people.
    pub(super) fn sync(&self, file: &File, path: &Path) -> Result<(), Untrusted> {
        if let Err(error) = (self.sync)(file, path) {
            let untrusted = Untrusted { path: path.to_owned(), why: error.to_string() };
            tracing::error!(
                path = %path.display(), %error,
                "a sync to disk failed; this process writes to this folder no more"
            );
            // Later ones have the same cause.
            self.failed.get_or_init(|| untrusted);
        }
        // Another one may have failed on the same folder meanwhile, and was told of the loss instead.
        self.trusted()
    }

    /// Flushes the entries in a folder. Where folders cannot be opened they need not be flushed.
    pub(super) fn sync_folder(&self, folder: &Path) -> Result<(), Error> {
        if cfg!(unix) {
            let opened = File::open(folder).map_err(|e| failed("open the folder", folder, e))?;
            self.sync(&opened, folder)?;
        }
        Ok(())
    }

    /// Flushes the entry of `path`, and those of all folders on the way to it that are not known to be
    /// on the disk, whichever process made them.
    pub(super) fn enter(&self, path: &Path) -> Result<(), Error> {
        let Some(mut folder) = path.parent() else { return Ok(()) };
        self.sync_folder(folder)?;
        while let Some(above) = folder.parent().filter(|_| folder.starts_with(&self.root)) {
            // Before the flush, which is then of this one or of a later one. Some file systems do
            // not know it; there nothing is remembered.
            let made = folder.metadata().and_then(|about| about.created()).ok();
            if made.is_some_and(|made| self.is_entered(folder, made)) {
                break;
            }
            match self.sync_folder(above) {
                // What is above the root is an operator's, who need not have let us read it.
                Err(error) if folder == self.root && self.trusted().is_ok() => {
                    tracing::debug!(%error, "the folder above the store's cannot be synced");
                }
                done => done?,
            }
            if let Some(made) = made {
                self.note_entered(folder, made);
            }
            folder = above;
        }
        Ok(())
    }

    fn is_entered(&self, folder: &Path, made: SystemTime) -> bool {
        let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        entered.get(folder) == Some(&made)
    }

    fn note_entered(&self, folder: &Path, made: SystemTime) {
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        if entered.len() >= REMEMBERED {
            entered.clear();
        }
        entered.insert(folder.to_owned(), made);
    }
}

/// A step that the system did not take. It may take it later, unless the folder is not this
/// process's to write in, or a file stands where a folder is to be: that waits for a person.
pub(super) fn failed(step: &'static str, path: &Path, error: io::Error) -> Error {
    let text = format!("cannot {step} {}: {error}", path.display());
    let source = io::Error::new(error.kind(), text).into();
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Error::PermissionDenied { path: path.display().to_string(), source }
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::InvalidFilename => {
            Error::NotSupported { source }
        }
        _ => Error::Generic { store: "folder", source },
    }
}
