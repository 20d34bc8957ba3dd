//! Flushing to a disk, and the failure of it that ends all trust.

use object_store::Error;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Flushes what was written to an open file or folder, which has this path.
pub(crate) type SyncFile = fn(&File, &Path) -> io::Result<()>;

/// A flush failed once; what was in it, and when, is not known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("syncing {} to disk failed: {why}", path.display())]
pub(crate) struct Untrusted {
    pub(crate) path: PathBuf,
    pub(crate) why: String,
}

impl From<Untrusted> for Error {
    fn from(untrusted: Untrusted) -> Self {
        Error::Generic { store: "folder", source: Box::new(untrusted) }
    }
}
