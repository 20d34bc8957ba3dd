//! A bucket in memory with a gate before some of what is written to it.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// What becomes of an object that is to be written and has a gate before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// It waits.
    Held,
    /// It is refused.
    Failing,
}

#[derive(Debug)]
pub(crate) struct Bucket {
    inner: InMemory,
    gate: watch::Sender<Gate>,
    is_before: fn(&str) -> bool,
    arrived: AtomicUsize,
}

impl Bucket {
    /// With a gate before its segments.
    pub(crate) fn new(gate: Gate) -> Arc<Bucket> {
        Bucket::before(|path| path.ends_with(".seg"), gate)
    }

    /// With a gate before the paths that are told.
    pub(crate) fn before(is_before: fn(&str) -> bool, gate: Gate) -> Arc<Bucket> {
        let (inner, arrived) = (InMemory::new(), AtomicUsize::new(0));
        Arc::new(Bucket { inner, gate: watch::channel(gate).0, is_before, arrived })
    }

    pub(crate) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// How often an object has come to the gate.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }

    async fn pass(&self, to: &Path) -> Result<()> {
        if !(self.is_before)(to.as_ref()) {
            return Ok(());
        }
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.subscribe();
        match gate.wait_for(|gate| *gate != Gate::Held).await.as_deref() {
            Ok(Gate::Open) => Ok(()),
            _ => Err(Error::Generic { store: "bucket", source: "refused".into() }),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bucket")
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(&self, to: &Path, what: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.pass(to).await?;
        self.inner.put_opts(to, what, how).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass(to).await?;
        self.inner.put_multipart_opts(to, how).await
    }

    async fn get_opts(&self, from: &Path, how: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(from, how).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}
