//! Files that count as they are, not as they were at the start: read again and again, and taken when
//! what is in them has changed.
//!
//! Looked at by contents, not by notifications: kubelet swaps a symbolic link above the files, which a
//! watch on a file misses.
//!
//! A file that is written in place is empty for a moment, and an empty file of rules is a good one that
//! rules nothing. So an empty file counts when it is still empty at the next look.

use ring::digest::{Digest, SHA256, digest};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No file of certificates, keys or rules is larger.
const LARGEST: u64 = 1 << 20;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Reads a small file.
///
/// # Errors
/// When it cannot be read, or is larger than a mebibyte.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let all = || {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
        match u64::try_from(bytes.len()) {
            Ok(0..=LARGEST) => Ok(bytes),
            _ => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 1 MiB")),
        }
    };
    all().map_err(|source| FileError { path: path.to_owned(), source })
}

/// Files that belong together.
#[derive(Debug)]
pub struct Watched {
    paths: Vec<PathBuf>,
    /// What the last look found.
    seen: Vec<Digest>,
    /// What [`Watched::changed`] told last, nothing if that could not be used.
    told: Vec<Digest>,
}

impl Watched {
    /// Not read yet.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Watched {
        Watched { paths: paths.into_iter().collect(), seen: Vec::new(), told: Vec::new() }
    }

    /// The contents of all, in their order, when those of any are others than last time. Others of which
    /// any is empty are told by the second look that finds them, except by the very first.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn changed(&mut self) -> Result<Option<Vec<Vec<u8>>>, FileError> {
        let contents = self.paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        let now: Vec<Digest> = contents.iter().map(|bytes| digest(&SHA256, bytes)).collect();
        let first = self.seen.is_empty();
        let still = same(&now, &self.seen);
        self.seen.clone_from(&now);
        let being_written = !first && !still && contents.iter().any(Vec::is_empty);
        if being_written || same(&now, &self.told) {
            return Ok(None);
        }
        self.told = now;
        Ok(Some(contents))
    }

    /// What was read last could not be used: it counts as changed until it can.
    pub fn forget(&mut self) {
        self.told.clear();
    }
}

fn same(a: &[Digest], b: &[Digest]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.as_ref() == b.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_swapped_link_is_a_change_and_a_touched_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (folder, text) in [("one", "1"), ("two", "2")] {
            fs::create_dir(at(folder)).unwrap();
            fs::write(at(folder).join("a"), text).unwrap();
        }
        symlink(at("one"), at("data")).unwrap();
        let mut files = Watched::new([at("data").join("a"), at("two").join("a")]);
        assert_eq!(files.changed().unwrap(), Some(vec![b"1".to_vec(), b"2".to_vec()]));
        assert_eq!(files.changed().unwrap(), None);
        fs::write(at("one").join("a"), "1").unwrap();
        assert_eq!(files.changed().unwrap(), None);
        symlink(at("two"), at("next")).unwrap();
        fs::rename(at("next"), at("data")).unwrap();
        assert_eq!(files.changed().unwrap(), Some(vec![b"2".to_vec(), b"2".to_vec()]));
        fs::remove_file(at("data")).unwrap();
        assert_eq!(files.changed().unwrap_err().path, at("data").join("a"));
    }

    #[test]
    fn a_file_that_is_being_written_does_not_count_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rules");
        let write = |text: &str| fs::write(&path, text).unwrap();
        let told = |text: &str| Some(vec![text.as_bytes().to_vec()]);
        write("");
        let mut file = Watched::new([path.clone()]);
        assert_eq!(file.changed().unwrap(), told(""), "at the start it is what it is");
        write("1");
        assert_eq!(file.changed().unwrap(), told("1"));
        write("");
        assert_eq!(file.changed().unwrap(), None);
        write("2");
        assert_eq!(file.changed().unwrap(), told("2"));
        write("");
        assert_eq!(file.changed().unwrap(), None);
        assert_eq!(file.changed().unwrap(), told(""), "it stays empty");
        assert_eq!(file.changed().unwrap(), None);
        file.forget();
        assert_eq!(file.changed().unwrap(), told(""));
        write("2");
        assert_eq!(file.changed().unwrap(), told("2"));
        write("");
        assert_eq!(file.changed().unwrap(), None);
        write("2");
        assert_eq!(file.changed().unwrap(), None, "it is as it was");
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        fs::write(&path, vec![b' '; (1 << 20) + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
        assert!(read(Path::new("/dev/zero")).is_err());
    }
}
