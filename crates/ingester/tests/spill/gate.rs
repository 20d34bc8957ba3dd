//! A store in memory whose blocks cannot be written for a while.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::watch;

/// What becomes of writes while the gate is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Refuses,
    /// They wait until it is opened.
    Hangs,
}

#[derive(Debug, Clone)]
pub(crate) struct Gate {
    inner: Arc<InMemory>,
    closed: watch::Sender<Option<Closed>>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { inner: Arc::default(), closed: watch::Sender::new(None) }
    }
}

impl Gate {
    pub(crate) fn close(&self, closed: Closed) {
        self.closed.send_replace(Some(closed));
    }

    pub(crate) fn open(&self) {
        self.closed.send_replace(None);
    }

    async fn pass(&self, to: &Path) -> Result<()> {
        if !to.as_ref().starts_with("blocks/") {
            return Ok(());
        }
        let mut closed = self.closed.subscribe();
        let passed = closed.wait_for(|closed| *closed != Some(Closed::Hangs)).await;
        match passed.as_deref() {
            Ok(None) => Ok(()),
            _ => Err(Error::Generic { store: "gate", source: "no blocks today".into() }),
        }
    }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gate")
    }
}

#[async_trait]
impl ObjectStore for Gate {
    async fn put_opts(
        &self,
        to: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.pass(to).await?;
        self.inner.put_opts(to, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.pass(to).await?;
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(from, options).await
    }

    async fn get_ranges(&self, from: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(from, ranges).await
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

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
