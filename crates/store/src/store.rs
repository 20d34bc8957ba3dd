//! The handle: where a store is, the clients it is reached by, what was asked of it. What can be asked
//! stands beside this file: reading, writing, create-only writes, the trial at start.

use crate::attempts::Attempts;
use crate::counters::{Counters, add};
use crate::error::StoreError;
use crate::folder::Folder;
use crate::foreign::Foreign;
use crate::hedge::HedgeBudget;
use crate::open::{self, Clients};
use crate::options::StoreOptions;
use crate::space::DiskSpace;
use object_store::ObjectStore;
use object_store::path::Path;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;
use tributary_telemetry::Repeated;

/// A bucket, or a folder, and everything below it. Clones share clients and counters.
#[derive(Clone)]
pub struct Store {
    pub(crate) quick: Arc<dyn ObjectStore>,
    pub(crate) patient: Arc<dyn ObjectStore>,
    pub(crate) folder: Option<Arc<Folder>>,
    pub(crate) is_cloud: bool,
    pub(crate) attempts: Attempts,
    pub(crate) counters: Arc<Counters>,
    /// When the log is due to tell of a write that is not taken.
    pub(crate) slow: Arc<Repeated>,
    hedges: Arc<Mutex<HedgeBudget>>,
    opened: Instant,
    url: Arc<str>,
}

impl Store {
    /// Opens the store at `url`: `file:///folder`, a folder's path, `s3://bucket/prefix`,
    /// `gs://bucket/prefix`, `az://container/prefix`, or `memory:` for tests. A folder is made if
    /// need be. A cloud is not spoken to: [`Store::probe`] does that.
    ///
    /// # Errors
    /// [`StoreError::Config`] for a URL, setting or folder that cannot be used.
    #[expect(clippy::unused_async, reason = "opening may have to ask the network one day")]
    pub async fn open(url: &str, options: &StoreOptions) -> Result<Store, StoreError> {
        let counters = Arc::new(Counters::default());
        let Clients { quick, patient, folder, is_cloud } =
            open::clients(url, options, Foreign::new(Arc::clone(&counters)))?;
        let hedge_after = options.hedge_after.filter(|_| is_cloud);
        let attempts = Attempts {
            deadline: options.create_deadline,
            timeout: options.attempt_timeout,
            hedge_after,
            jitter: None,
        };
        Ok(Store {
            quick,
            patient,
            folder,
            is_cloud,
            attempts,
            counters,
            slow: Arc::default(),
            hedges: Arc::default(),
            opened: Instant::now(),
            url: url.into(),
        })
    }

    /// As [`Store::open`], for a program that only reads: a folder must be there already.
    ///
    /// # Errors
    /// [`StoreError::Config`] for a URL, setting or folder that cannot be used.
    pub async fn open_existing(url: &str, options: &StoreOptions) -> Result<Store, StoreError> {
        open::check_folder(url)?;
        Store::open(url, options).await
    }

    /// A store over an existing client, below `prefix`: the seam for tests with faulty stores.
    ///
    /// # Errors
    /// When `prefix` is no path.
    pub fn from_parts(store: Arc<dyn ObjectStore>, prefix: &str) -> Result<Store, StoreError> {
        let store = open::prefixed(store, prefix).map_err(StoreError::Config)?;
        let options = StoreOptions::default();
        let attempts = Attempts {
            deadline: options.create_deadline,
            timeout: options.attempt_timeout,
            hedge_after: None,
            // A run over such a store can be repeated.
            jitter: Some(u8::MAX),
        };
        let url = format!("{store}").into();
        Ok(Store {
            quick: Arc::clone(&store),
            patient: store,
            folder: None,
            is_cloud: false,
            attempts,
            counters: Arc::default(),
            slow: Arc::default(),
            hedges: Arc::default(),
            opened: Instant::now(),
            url,
        })
    }

    /// Whether a second copy of a slow write may be sent now, for all clones together.
    pub(crate) fn may_hedge(&self) -> bool {
        let mut budget = self.hedges.lock().unwrap_or_else(PoisonError::into_inner);
        budget.take(self.opened.elapsed())
    }

    /// The URL the store was opened with.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked of the store so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The room on the disk below the store's folder; `None` for a store that is no folder.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub async fn disk_space(&self) -> Result<Option<DiskSpace>, StoreError> {
        let Some(folder) = self.folder.clone() else { return Ok(None) };
        // A disk at the other end of a network may keep it waiting.
        let asked = tokio::task::spawn_blocking(move || folder.space()).await;
        let space = asked.map_err(io::Error::other).flatten();
        space.map(Some).map_err(|source| StoreError::Transient {
            operation: "tell the room on the disk below",
            path: self.url().to_owned(),
            source: source.into(),
        })
    }

    pub(crate) fn counted<T>(
        &self,
        operation: &'static str,
        path: &str,
        result: Result<T, object_store::Error>,
    ) -> Result<T, StoreError> {
        result.map_err(|e| {
            let error = StoreError::from_inner(operation, path, e);
            if !error.is_not_found() {
                add(&self.counters.errors, 1);
            }
            error
        })
    }
}

/// Names are taken as they are: escaping would give tenants' folders other names than Tempo does.
pub(crate) fn key(operation: &'static str, path: &str) -> Result<Path, StoreError> {
    Path::parse(path).map_err(|e| StoreError::Refused {
        operation,
        path: path.to_owned(),
        source: e.into(),
    })
}
