//! The file of limits: read at the start, and looked at again and again.

use super::{Limits, Mistakes};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tributary_identity::files::{self, FileError, Watched};

/// The file, as it was when the settings were read.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitsFile {
    path: PathBuf,
    limits: Arc<Limits>,
}

/// Why a file cannot be gone by.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LimitsError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is no file of limits.
    #[error("{}: {mistakes}", path.display())]
    Mistakes {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        mistakes: Mistakes,
    },
}

fn read(path: &Path, content: &[u8]) -> Result<Arc<Limits>, LimitsError> {
    let limits = Limits::read(&String::from_utf8_lossy(content));
    let wrong = |mistakes| LimitsError::Mistakes { path: path.to_owned(), mistakes };
    limits.map(Arc::new).map_err(wrong)
}

impl LimitsFile {
    /// Reads the file that a setting names.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn open(path: &str) -> Result<LimitsFile, String> {
        let path = PathBuf::from(path);
        let told = |error: LimitsError| tributary_telemetry::ErrorChain(&error).to_string();
        let content = files::read(&path).map_err(|error| told(error.into()))?;
        let limits = read(&path, &content).map_err(told)?;
        Ok(LimitsFile { path, limits })
    }
}

/// The file while the ingester runs.
#[derive(Debug)]
pub(crate) struct WatchedLimits {
    /// None when no file is named.
    file: Option<(PathBuf, Mutex<Watched>)>,
    limits: watch::Sender<Arc<Limits>>,
}

impl WatchedLimits {
    /// Goes by what the file had at the start; without one nothing is limited.
    pub(crate) fn new(file: Option<&LimitsFile>) -> WatchedLimits {
        WatchedLimits {
            limits: watch::Sender::new(file.map(|file| file.limits.clone()).unwrap_or_default()),
            file: file
                .map(|file| (file.path.clone(), Mutex::new(Watched::new([file.path.clone()])))),
        }
    }

    /// What counts, from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<Limits>> {
        self.limits.subscribe()
    }

    /// Looks whether the file has changed, and goes by it from then on. True when other limits count.
    ///
    /// # Errors
    /// When it cannot be read, or is no file of limits: what was last good stays.
    pub(crate) fn refresh(&self) -> Result<bool, LimitsError> {
        let Some((path, watched)) = &self.file else { return Ok(false) };
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(contents) = watched.changed()? else { return Ok(false) };
        let content = contents.first().map(Vec::as_slice).unwrap_or_default();
        let new = read(path, content).inspect_err(|_| watched.forget())?;
        Ok(self.limits.send_if_modified(|now| {
            let changed = *now != new;
            *now = new;
            changed
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_was_good_counts_until_there_is_something_better() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("limits.yaml");
        let open = || LimitsFile::open(path.to_str().unwrap());
        assert!(open().unwrap_err().starts_with("cannot read"));
        fs::write(&path, "defaults: {queries: x}").unwrap();
        assert!(open().unwrap_err().contains("limits.yaml: line 1: `queries`: `x` is no number"));
        fs::write(&path, "defaults: {queries: 1}").unwrap();
        let watched = WatchedLimits::new(Some(&open().unwrap()));
        let limits = watched.subscribe();
        let queries = || limits.borrow().of("a").queries;
        assert_eq!((watched.refresh().unwrap(), queries()), (false, Some(1)), "it is as it was");
        fs::write(&path, "defaults: {queries: 2}").unwrap();
        assert!(watched.refresh().unwrap() && !watched.refresh().unwrap());
        assert_eq!(queries(), Some(2));
        fs::write(&path, "defaults: {queries: }").unwrap();
        assert!(
            watched.refresh().is_err() && watched.refresh().is_err(),
            "told until it is mended"
        );
        fs::remove_file(&path).unwrap();
        assert!(matches!(watched.refresh(), Err(LimitsError::File(_))));
        assert_eq!(queries(), Some(2));
        fs::write(&path, "").unwrap();
        assert!(!watched.refresh().unwrap() && watched.refresh().unwrap(), "it stays empty");
        assert_eq!(queries(), None);
    }

    #[test]
    fn without_a_file_nothing_is_limited() {
        let none = WatchedLimits::new(None);
        assert!(!none.refresh().unwrap());
        assert_eq!(**none.subscribe().borrow(), Limits::default());
    }
}
