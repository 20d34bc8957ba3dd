//! A bucket in memory, and a [`Script`] between it and one client: what becomes of each request is
//! a decision of the test, by what is asked for and under which name.

mod fate;

pub use fate::{Effect, Failure, Fate, Outcome};
pub use object_store::memory::InMemory;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// To write an object, whatever is there. An object in parts is asked for once, at its begin.
    Put,
    /// To write an object if there is none.
    Create,
    /// To read an object, some of it, or what is known of it.
    Get,
    /// To list a folder, at any depth or what is directly in it.
    List,
    /// To delete an object. Of many at once each is a request, so that they can stop half-way.
    Delete,
}

impl Operation {
    /// Whether it is to write an object.
    pub fn is_put(self) -> bool {
        matches!(self, Operation::Put | Operation::Create)
    }

    /// Whether it changes what is in the bucket.
    pub fn is_write(self) -> bool {
        self.is_put() || self == Operation::Delete
    }
}

/// A request on its way to the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub operation: Operation,
    /// The object, or the folder.
    pub path: String,
}

/// What stands between a client and its bucket. Clones are one and the same.
pub trait Script: Clone + fmt::Debug + Send + Sync + 'static {
    /// What becomes of a request. It may be waited for, and with it the client waits.
    fn fate(&self, request: &Request) -> impl Future<Output = Fate> + Send;

    /// Carries a request out as its fate says. A script has its own way of it when it looks at
    /// effects as they happen, or keeps answers back.
    fn carry<T: Send + 'static>(
        &self,
        request: Request,
        effect: Effect<T>,
    ) -> impl Future<Output = Result<T>> + Send {
        async move {
            let fate = self.fate(&request).await;
            effect.meet(fate).await
        }
    }

    /// What a reading, of an object or of some of it, gives of the bytes that are there.
    fn given(&self, _path: &str, bytes: Bytes) -> Bytes {
        bytes
    }

    /// What a listing shows of an object; nothing when the client is not to see it.
    fn shown(&self, object: ObjectMeta) -> Option<ObjectMeta> {
        Some(object)
    }
}

/// A bucket as one client has it: behind a script.
#[derive(Debug, Clone)]
pub struct Scripted<S> {
    bucket: Arc<InMemory>,
    script: S,
}

impl<S: Script> Scripted<S> {
    /// The bucket behind this script.
    pub fn new(bucket: Arc<InMemory>, script: S) -> Self {
        Scripted { bucket, script }
    }

    async fn ask<T: Send + 'static>(
        &self,
        operation: Operation,
        path: &str,
        effect: impl Fn(Arc<InMemory>) -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> Result<T> {
        let (bucket, path) = (Arc::clone(&self.bucket), path.to_owned());
        let effect = Effect::new(move || effect(Arc::clone(&bucket)));
        self.script.carry(Request { operation, path }, effect).await
    }
}

impl<S> fmt::Display for Scripted<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bucket behind a script")
    }
}

#[async_trait]
impl<S: Script> ObjectStore for Scripted<S> {
    async fn put_opts(
        &self,
        to: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let creates = options.mode == PutMode::Create;
        let operation = if creates { Operation::Create } else { Operation::Put };
        let path = to.clone();
        self.ask(operation, to.as_ref(), move |bucket| {
            let (path, payload, options) = (path.clone(), payload.clone(), options.clone());
            async move { bucket.put_opts(&path, payload, options).await }.boxed()
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = to.clone();
        self.ask(Operation::Put, to.as_ref(), move |bucket| {
            let (path, options) = (path.clone(), options.clone());
            async move { bucket.put_multipart_opts(&path, options).await }.boxed()
        })
        .await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let path = from.clone();
        let read = move |bucket: Arc<InMemory>| {
            let (path, options) = (path.clone(), options.clone());
            async move { bucket.get_opts(&path, options).await }.boxed()
        };
        let mut found = self.ask(Operation::Get, from.as_ref(), read).await?;
        if let GetResultPayload::Stream(bytes) = found.payload {
            let (path, script) = (from.to_string(), self.script.clone());
            let given = bytes.map_ok(move |bytes| script.given(&path, bytes));
            found.payload = GetResultPayload::Stream(given.boxed());
        }
        Ok(found)
    }

    async fn get_ranges(&self, from: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (path, ranges) = (from.clone(), ranges.to_vec());
        let read = move |bucket: Arc<InMemory>| {
            let (path, ranges) = (path.clone(), ranges.clone());
            async move { bucket.get_ranges(&path, &ranges).await }.boxed()
        };
        let found = self.ask(Operation::Get, from.as_ref(), read).await?;
        Ok(found.into_iter().map(|bytes| self.script.given(from.as_ref(), bytes)).collect())
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |path: Result<Path>| {
            let store = store.clone();
            async move {
                let path = path?;
                let gone = path.clone();
                let delete = move |bucket: Arc<InMemory>| {
                    let gone = gone.clone();
                    async move { bucket.delete(&gone).await }.boxed()
                };
                store.ask(Operation::Delete, path.as_ref(), delete).await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned().unwrap_or_default());
        let listed = async move {
            let folder = prefix.clone();
            let list = move |bucket: Arc<InMemory>| {
                let folder = folder.clone();
                async move { bucket.list(Some(&folder)).collect::<Vec<_>>().await }.map(Ok).boxed()
            };
            let shown = |object: Result<ObjectMeta>| match object {
                Ok(object) => store.script.shown(object).map(Ok),
                Err(error) => Some(Err(error)),
            };
            let objects = match store.ask(Operation::List, prefix.as_ref(), list).await {
                Ok(objects) => objects.into_iter().filter_map(shown).collect(),
                Err(error) => vec![Err(error)],
            };
            futures_util::stream::iter(objects)
        };
        futures_util::stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned().unwrap_or_default();
        let folder = prefix.clone();
        self.ask(Operation::List, prefix.as_ref(), move |bucket| {
            let folder = folder.clone();
            async move { bucket.list_with_delimiter(Some(&folder)).await }.boxed()
        })
        .await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copies".into(), implementer: self.to_string() })
    }
}

#[cfg(test)]
mod tests;
