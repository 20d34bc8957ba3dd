//! Files that killed writers left unfinished in a local folder.
//!
//! The client writes an object into `<name>#<number>` beside it and gives it its name when it is
//! complete. A process that is killed in between leaves that file, no process ever looks at it again,
//! and on a disk that is full its room is missed. No object can have such a name, and nothing that was
//! acknowledged depends on such a file: a writer whose file was taken away is told so when it
//! names it, and writes it again. So being old is enough, whatever the clock.

use crate::error::StoreError;
use crate::location::Location;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// No write takes so long.
const OLD: Duration = Duration::from_secs(3600);

/// Removes what killed writers left unfinished in the local folder at `url` an hour ago or earlier,
/// and gives the number of files. There is nothing to do for a cloud, whose uploads are whole or
/// not at all, and where a rule of the bucket ends those in parts.
///
/// # Errors
/// When `url` is none, or the disk below the folder fails.
pub async fn remove_unfinished(url: &str) -> Result<usize, StoreError> {
    let Location::Folder(folder) = Location::parse(url)? else { return Ok(0) };
    let now = SystemTime::now();
    let swept = tokio::task::spawn_blocking(move || sweep(&folder, now)).await;
    swept.map_err(io::Error::other).flatten().map_err(|source| StoreError::Transient {
        operation: "remove unfinished files in",
        path: url.to_owned(),
        source: source.into(),
    })
}

fn sweep(folder: &Path, now: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in passing(fs::read_dir(&folder))?.into_iter().flatten() {
            let entry = entry?;
            let Some(file_type) = passing(entry.file_type())? else { continue };
            if file_type.is_dir() {
                folders.push(entry.path());
            } else if file_type.is_file() && entry.file_name().to_str().is_some_and(is_unfinished) {
                let Some(about) = passing(entry.metadata())? else { continue };
                let age = now.duration_since(about.modified()?).unwrap_or_default();
                if age >= OLD && passing(fs::remove_file(entry.path()))?.is_some() {
                    removed += 1;
                }
            }
        }
    }
    Ok(removed)
}

/// Other processes work in the folder: what is gone by now is no error. And what may not be looked at
/// is another one's.
fn passing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether the client takes a file of this name for an unfinished one, and no object may have it.
pub(crate) fn is_unfinished(name: &str) -> bool {
    let number = name.split_once('#').map(|(_, number)| number);
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_files_are_told_by_their_names() {
        let table = [
            ("0000000001.seg#1", true),
            ("data.parquet#12", true),
            ("0000000001.seg", false),
            ("a#", false),
            ("a#1b", false),
            ("a#b#1", false),
            ("1", false),
        ];
        for (name, unfinished) in table {
            assert_eq!(is_unfinished(name), unfinished, "{name}");
        }
    }

    #[test]
    fn only_what_is_old_and_unfinished_goes() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, age: u64| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let file = fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        for name in ["a/0.seg", "a/0.seg#1", "a/b/0.seg#2", "c#3"] {
            write(name, 7200);
        }
        write("a/1.seg#1", 60);
        assert_eq!(sweep(folder.path(), SystemTime::now()).unwrap(), 3);
        let left = |name: &str| folder.path().join(name).exists();
        assert!(left("a/0.seg") && left("a/1.seg#1"));
        assert!(!left("a/0.seg#1") && !left("a/b/0.seg#2") && !left("c#3"));
        // A clock that was set back makes nothing old.
        assert_eq!(sweep(folder.path(), SystemTime::UNIX_EPOCH).unwrap(), 0);
        assert_eq!(sweep(&folder.path().join("nowhere"), SystemTime::now()).unwrap(), 0);
    }
}
