//! How much room there is on the disk that a folder lies on.

use std::io;
use std::path::Path;

/// The room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// What this process may still write: what is kept for the system's administrator is not in it.
    pub free: u64,
    /// The disk.
    pub total: u64,
}

/// Tells the room on the disk below a folder.
pub(crate) type AskSpace = fn(&Path) -> io::Result<DiskSpace>;

impl DiskSpace {
    /// Of the file system that is mounted where `folder` is.
    #[cfg(unix)]
    pub(crate) fn below(folder: &Path) -> io::Result<DiskSpace> {
        let said = rustix::fs::statvfs(folder)?;
        // Blocks are counted in fragments, where a file system has them.
        let unit = if said.f_frsize == 0 { said.f_bsize } else { said.f_frsize };
        let bytes = |blocks: u64| blocks.saturating_mul(unit);
        Ok(DiskSpace { free: bytes(said.f_bavail), total: bytes(said.f_blocks) })
    }

    /// Not asked for here.
    #[cfg(not(unix))]
    pub(crate) fn below(_: &Path) -> io::Result<DiskSpace> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
