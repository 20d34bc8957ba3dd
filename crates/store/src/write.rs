//! Writing keys that have one owner, and deleting.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::{Store, key};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};

/// Objects larger than this go up in parts. Only [`Store::put`] may: parts cannot be create-only.
const PART: usize = 16 << 20;
/// Parts of one object on their way at a time.
const PARTS_IN_FLIGHT: usize = 4;

impl Store {
    /// Writes the object, whatever was there: for keys that have one owner, and for data under a
    /// name that no other writer ever uses. Whole or not at all, whatever the size.
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
}

async fn abort(writer: WriteMultipart, error: object_store::Error) -> object_store::Error {
    if let Err(e) = writer.abort().await {
        tracing::debug!(error = %e, "upload in parts could not be aborted");
    }
    error
}
