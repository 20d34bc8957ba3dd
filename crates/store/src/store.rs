//! The handle: every operation, counted and with errors that say what to do.

use crate::counters::{Counters, add};
use crate::create::{self, Attempts};
use crate::hedge::HedgeBudget;
use crate::open::{self, Clients};
use crate::probe::{self, ProbeError};
use crate::{StoreError, StoreOptions};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart,
};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::time::Instant;

/// Objects larger than this go up in parts. Only [`Store::put`] may: parts cannot be create-only.
const PART: usize = 16 << 20;
/// Parts of one object on their way at a time.
const PARTS_IN_FLIGHT: usize = 4;

/// A bucket, or a folder, and everything below it. Clones share clients and counters.
#[derive(Clone)]
pub struct Store {
    pub(crate) quick: Arc<dyn ObjectStore>,
    pub(crate) patient: Arc<dyn ObjectStore>,
    pub(crate) attempts: Attempts,
    pub(crate) counters: Arc<Counters>,
    hedges: Arc<Mutex<HedgeBudget>>,
    opened: Instant,
    url: Arc<str>,
}

/// How a create-only write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is these bytes, by this call or by an earlier attempt of ours.
    Won,
    /// The object is somebody else's.
    Lost,
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Path relative to the store's URL.
    pub path: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was last written, by the store's own clock.
    pub modified: SystemTime,
    /// Changes whenever the object does, where the store says so.
    pub e_tag: Option<String>,
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
        let Clients { quick, patient, is_cloud } = open::clients(url, options)?;
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
            attempts,
            counters: Arc::default(),
            hedges: Arc::default(),
            opened: Instant::now(),
            url: url.into(),
        })
    }

    /// As [`Store::open`], for those who only read: a folder must be there already.
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
            attempts,
            counters: Arc::default(),
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

    /// Writes the object, whatever was there: for keys that have one owner, and for data under a
    /// name that nobody else ever uses. Whole or not at all, whatever the size.
    ///
    /// # Errors
    /// When the store did not confirm it; it may have happened all the same.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let key = key("write", path)?;
        add(&self.counters.bytes_written, bytes.len() as u64);
        let done = if bytes.len() <= PART {
            add(&self.counters.puts, 1);
            self.patient.put(&key, PutPayload::from_bytes(bytes)).await.map(drop)
        } else {
            add(&self.counters.puts, bytes.len().div_ceil(PART) as u64 + 2);
            self.put_parts(&key, bytes).await
        };
        self.counted("write", path, done)
    }

    async fn put_parts(&self, key: &Path, bytes: Bytes) -> Result<(), object_store::Error> {
        let upload = self.patient.put_multipart(key).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut rest = bytes;
        while !rest.is_empty() {
            // On an error the parts that went up are left to `abort`, or to the bucket's rule for
            // uploads that were never finished.
            if let Err(e) = writer.wait_for_capacity(PARTS_IN_FLIGHT).await {
                return Err(abort(writer, e).await);
            }
            let part = rest.split_to(rest.len().min(PART));
            writer.put(part);
        }
        writer.finish().await.map(drop)
    }

    /// Writes the object only if there is none, and finds out how that ended, however the store
    /// answered: `AlreadyExists`, a conflict, an error or a timeout is settled by reading back and
    /// comparing the length and the bytes in `identity`, which must hold something that no other
    /// writer of this name can have chosen. While nothing is there, the same bytes are sent again.
    ///
    /// # Errors
    /// When the deadline passed without an answer, or the store denies the write. The object may
    /// then exist or appear later: call again with the same bytes, or never use the name again.
    pub async fn create(
        &self,
        path: &str,
        bytes: Bytes,
        identity: Range<usize>,
    ) -> Result<Created, StoreError> {
        create::create(self, path, bytes, identity).await
    }

    /// All objects below the folder `prefix` ("" for all), at any depth, sorted by path.
    ///
    /// # Errors
    /// When the store cannot be read. A folder that does not exist is empty.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectInfo>, StoreError> {
        let folder = key("list", prefix)?;
        add(&self.counters.lists, 1);
        self.collect(prefix, self.patient.list(Some(&folder))).await
    }

    /// As [`Store::list`], but only paths that sort after `start_after`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_after(
        &self,
        prefix: &str,
        start_after: &str,
    ) -> Result<Vec<ObjectInfo>, StoreError> {
        let folder = key("list", prefix)?;
        let start = key("list", start_after)?;
        add(&self.counters.lists, 1);
        self.collect(prefix, self.patient.list_with_offset(Some(&folder), &start)).await
    }

    async fn collect(
        &self,
        prefix: &str,
        found: stream::BoxStream<'static, Result<ObjectMeta, object_store::Error>>,
    ) -> Result<Vec<ObjectInfo>, StoreError> {
        let found = found.map_ok(info).try_collect::<Vec<_>>().await;
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

    /// Deletes the object. That it was not there is no error.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        self.delete_all([path.to_owned()]).await
    }

    /// Deletes many objects, a thousand a request where the store can. Stops at the first error;
    /// deleting again what is gone is no error.
    ///
    /// # Errors
    /// When the store did not confirm one of them.
    pub async fn delete_all(
        &self,
        paths: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        let keys =
            paths.into_iter().map(|path| key("delete", &path)).collect::<Result<Vec<_>, _>>()?;
        let first = keys.first().map(Path::to_string).unwrap_or_default();
        add(&self.counters.deletes, keys.len() as u64);
        let mut done = self.patient.delete_stream(stream::iter(keys.into_iter().map(Ok)).boxed());
        while let Some(one) = done.next().await {
            match one {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => return self.counted("delete", &first, Err(e)),
            }
        }
        Ok(())
    }

    /// Tries out what everything here relies on, under `journal/probe/`: create-only writes that
    /// are refused the second time, reading back, listings that show at once what is there,
    /// overwriting, deleting, and a race of eight creates that one wins.
    ///
    /// # Errors
    /// When the store cannot be reached or used, or does not keep one of these promises. The
    /// text says what to do.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        probe::probe(self).await
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

async fn abort(writer: WriteMultipart, error: object_store::Error) -> object_store::Error {
    if let Err(e) = writer.abort().await {
        tracing::debug!(error = %e, "upload in parts could not be aborted");
    }
    error
}

/// Names are taken as they are: escaping would give tenants' folders other names than Tempo does.
pub(crate) fn key(operation: &'static str, path: &str) -> Result<Path, StoreError> {
    Path::parse(path).map_err(|e| StoreError::Refused {
        operation,
        path: path.to_owned(),
        source: e.into(),
    })
}

fn info(meta: ObjectMeta) -> ObjectInfo {
    ObjectInfo {
        path: meta.location.to_string(),
        size: meta.size,
        modified: meta.last_modified.into(),
        e_tag: meta.e_tag,
    }
}
