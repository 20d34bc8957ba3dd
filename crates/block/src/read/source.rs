//! Where a block's bytes come from.

use crate::error::BlockError;
use crate::meta::Object;
use bytes::Bytes;
use std::future::Future;
use std::ops::Range;
use tributary_store::{Store, StoreError};

/// The objects of one block, read by ranges. Two exist: a folder in a [`Store`] and memory.
pub trait Source: Send + Sync {
    /// The bytes of `range`; exactly as many as asked for.
    fn range(
        &self,
        object: Object,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Bytes, BlockError>> + Send;

    /// The whole object.
    fn whole(&self, object: Object) -> impl Future<Output = Result<Bytes, BlockError>> + Send;
}

/// A block in its folder of an object store.
#[derive(Clone)]
pub struct FolderSource {
    store: Store,
    folder: String,
}

impl FolderSource {
    /// The block whose objects lie in `folder` of the store: `<blocks>/<tenant>/<block id>`.
    pub fn new(store: Store, folder: impl Into<String>) -> Self {
        FolderSource { store, folder: folder.into() }
    }

    fn path(&self, object: Object) -> String {
        format!("{}/{}", self.folder, object.name())
    }
}

fn classify(object: Object, error: StoreError) -> BlockError {
    match error {
        StoreError::NotFound { .. } => BlockError::Missing(object.name()),
        other => BlockError::Source(Box::new(other)),
    }
}

impl Source for FolderSource {
    async fn range(&self, object: Object, range: Range<u64>) -> Result<Bytes, BlockError> {
        self.store.get_range(&self.path(object), range).await.map_err(|e| classify(object, e))
    }

    async fn whole(&self, object: Object) -> Result<Bytes, BlockError> {
        self.store.get(&self.path(object)).await.map_err(|e| classify(object, e))
    }
}
