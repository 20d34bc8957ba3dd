//! Reading: objects, ranges of them, listings.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::{Store, key};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Path relative to the store's URL.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was last written, by the store's own clock.
    pub modified: SystemTime,
}

impl Store {
    /// The whole object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        let key = key("read", path)?;
        add(&self.counters.gets, 1);
        let read = async { self.patient.get(&key).await?.bytes().await };
        self.read("read", path, read.await)
    }

    /// The object's bytes in `range`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no object; [`StoreError::Refused`] when the store
    /// gave fewer bytes than asked for, because the object is shorter than `range`.
    pub async fn get_range(&self, path: &str, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.get_range_by(&self.patient, path, range).await
    }

    pub(crate) async fn get_range_by(
        &self,
        client: &Arc<dyn ObjectStore>,
        path: &str,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        let key = key("read", path)?;
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        add(&self.counters.gets, 1);
        let wanted = range.end.saturating_sub(range.start);
        let options = GetOptions { range: Some(range.clone().into()), ..GetOptions::default() };
        let read = async { client.get_opts(&key, options).await?.bytes().await };
        let bytes = self.read("read", path, read.await)?;
        if bytes.len() as u64 == wanted {
            return Ok(bytes);
        }
        add(&self.counters.errors, 1);
        Err(StoreError::Refused {
            operation: "read",
            path: path.to_owned(),
            source: format!("{} bytes where {range:?} was asked for", bytes.len()).into(),
        })
    }

    /// Size and time of the object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn head(&self, path: &str) -> Result<ObjectInfo, StoreError> {
        self.head_by(&self.patient, path).await
    }

    pub(crate) async fn head_by(
        &self,
        client: &Arc<dyn ObjectStore>,
        path: &str,
    ) -> Result<ObjectInfo, StoreError> {
        let key = key("look at", path)?;
        add(&self.counters.heads, 1);
        self.counted("look at", path, client.head(&key).await).map(info)
    }

    /// All objects below the folder `prefix` ("" for all), at any depth, sorted by path.
    ///
    /// # Errors
    /// When the store cannot be read. A folder that does not exist is empty.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StoreError> {
        let folder = key("list", prefix)?;
        add(&self.counters.lists, 1);
        let found = self.patient.list(Some(&folder)).map_ok(info).try_collect::<Vec<_>>().await;
        let mut found = self.counted("list", prefix, found)?;
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Names of the folders directly in the folder `prefix`, sorted. In a local folder some of
    /// them may be empty.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = key("list", prefix)?;
        add(&self.counters.lists, 1);
        let found = match self.patient.list_with_delimiter(Some(&folder)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            found => self.counted("list", prefix, found)?,
        };
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut names: Vec<_> = found.common_prefixes.iter().filter_map(name).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Counts and tells that a reader found the object damaged, and other bytes when it read it again:
    /// the first ones were not what lies in the store. Only what knows an object's format can tell.
    pub fn misread(&self, path: &str) {
        add(&self.counters.misreads, 1);
        tracing::warn!(
            path,
            "an object was damaged when it was read and other bytes when it was read again: look at the store, its caches and this machine's memory"
        );
    }

    fn read(
        &self,
        operation: &'static str,
        path: &str,
        result: Result<Bytes, object_store::Error>,
    ) -> Result<Bytes, StoreError> {
        let bytes = self.counted(operation, path, result)?;
        add(&self.counters.bytes_read, bytes.len() as u64);
        Ok(bytes)
    }
}

fn info(meta: ObjectMeta) -> ObjectInfo {
    ObjectInfo {
        path: meta.location.to_string(),
        size: meta.size,
        modified: meta.last_modified.into(),
    }
}
