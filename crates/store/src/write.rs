//! Writing keys that have one owner.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::{Store, key};
use bytes::Bytes;
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
}

async fn abort(writer: WriteMultipart, error: object_store::Error) -> object_store::Error {
    if let Err(e) = writer.abort().await {
        tracing::debug!(error = %e, "upload in parts could not be aborted");
    }
    error
}
