//! A store in memory that fails, or stands still, at a chosen write.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// What happens at the write with this number, counted from 0; deletions are writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// The process dies: this write and everything after it fails for good.
    KillBefore(usize),
    /// As above, but this write took effect.
    KillAfter(usize),
    /// The write fails, once.
    ErrorBefore(usize),
    /// The write takes effect, but its answer says that it failed.
    ErrorAfter(usize),
    /// The process stands still until it is resumed.
    Pause(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct Fuse {
    inner: Arc<InMemory>,
    fault: Fault,
    writes: Arc<AtomicUsize>,
    paused: Arc<Semaphore>,
    resumed: Arc<Semaphore>,
}

impl Fuse {
    pub(crate) fn new(inner: Arc<InMemory>, fault: Fault) -> Self {
        let gate = || Arc::new(Semaphore::new(0));
        Fuse { inner, fault, writes: Arc::default(), paused: gate(), resumed: gate() }
    }

    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Until the process stands still, or has finished without.
    pub(crate) async fn paused(&self) {
        self.paused.acquire().await.unwrap().forget();
    }

    pub(crate) fn resume(&self) {
        self.resumed.add_permits(1);
    }

    pub(crate) fn finish(&self) {
        self.paused.add_permits(1);
    }

    /// Whether the process is dead.
    fn check_alive(&self) -> Result<()> {
        match self.fault {
            Fault::KillBefore(at) | Fault::KillAfter(at) if self.writes() > at => Err(dead()),
            _ => Ok(()),
        }
    }

    async fn write<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        self.check_alive()?;
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::KillBefore(at) if at == number => Err(dead()),
            Fault::KillAfter(at) if at == number => effect.await.and(Err(dead())),
            Fault::ErrorBefore(at) if at == number => Err(hiccup()),
            Fault::ErrorAfter(at) if at == number => effect.await.and(Err(hiccup())),
            Fault::Pause(at) if at == number => {
                self.paused.add_permits(1);
                self.resumed.acquire().await.unwrap().forget();
                effect.await
            }
            _ => effect.await,
        }
    }
}

fn dead() -> Error {
    Error::PermissionDenied { path: String::new(), source: "the process is dead".into() }
}

fn hiccup() -> Error {
    Error::Generic { store: "fuse", source: "the answer was lost".into() }
}

impl fmt::Display for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fuse({:?})", self.fault)
    }
}

#[async_trait]
impl ObjectStore for Fuse {
    async fn put_opts(
        &self,
        to: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(self.inner.put_opts(to, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "parts".into(), implementer: "fuse".into() })
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.check_alive()?;
        self.inner.get_opts(from, options).await
    }

    async fn get_ranges(&self, from: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check_alive()?;
        self.inner.get_ranges(from, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // One by one, so that a deletion can stop half-way.
        let fuse = self.clone();
        let delete = move |path: Result<Path>| {
            let fuse = fuse.clone();
            async move {
                let path = path?;
                fuse.write(fuse.inner.delete(&path)).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check_alive() {
            Ok(()) => self.inner.list(prefix),
            Err(e) => futures_util::stream::iter([Err(e)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check_alive()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copies".into(), implementer: "fuse".into() })
    }
}
