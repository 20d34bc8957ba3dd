//! Writing keys that have one owner: at once, or as their bytes come.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::{Store, key};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutPayload, WriteMultipart};

/// Objects larger than this go up in parts. Only what has one owner may: parts cannot be create-only.
const WHOLE: usize = 8 << 20;
/// Bytes of each part but the last: S3 takes no smaller ones.
const PART: usize = 5 << 20;
/// Parts of one object on their way at a time.
const PARTS_IN_FLIGHT: usize = 1;

impl Store {
    /// Writes the object, whatever was there: for keys that have one owner, and for data under a
    /// name that no other writer ever uses. Whole or not at all, whatever the size.
    ///
    /// # Errors
    /// When the store did not confirm it; it may have happened all the same.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let mut upload = self.upload(path)?;
        upload.push(bytes).await?;
        upload.finish().await
    }

    /// Begins an object as [`Store::put`] writes it, whose bytes come one after the other. Nothing of it
    /// can be seen before [`Upload::finish`].
    ///
    /// # Errors
    /// When `path` is none.
    pub fn upload(&self, path: &str) -> Result<Upload, StoreError> {
        let key = key("write", path)?;
        Ok(Upload { store: self.clone(), path: path.to_owned(), key, way: Way::Held(Vec::new()) })
    }
}

/// An object on its way to the store. In memory are 8 MiB of it at first, then a part of 5 MiB and
/// what makes up the next.
///
/// What is dropped unfinished leaves nothing in a folder; in a cloud its parts stay until the bucket's
/// rule for uploads that were never finished ends them.
pub struct Upload {
    store: Store,
    path: String,
    key: Path,
    way: Way,
}

enum Way {
    /// As long as it is small.
    Held(Vec<Bytes>),
    Parts(WriteMultipart),
    /// Some of it was not taken: what is left is no object.
    Failed,
}

/// Why nothing more is taken.
#[derive(Debug, thiserror::Error)]
#[error("an earlier part of it was not taken")]
struct GivenUp;

impl Upload {
    /// Adds bytes, and waits for room when many are on their way.
    ///
    /// # Errors
    /// When the store does not take what came before. Begin the object anew then.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        add(&self.store.counters.bytes_written, bytes.len() as u64);
        // Until it is known that all of it was taken.
        let done = match std::mem::replace(&mut self.way, Way::Failed) {
            Way::Failed => return self.given_up(),
            Way::Parts(writer) => send(&self.store, writer, vec![bytes]).await,
            Way::Held(mut held) => {
                held.push(bytes);
                if held.iter().map(Bytes::len).sum::<usize>() <= WHOLE {
                    self.way = Way::Held(held);
                    return Ok(());
                }
                begin(&self.store, &self.key, held).await
            }
        };
        self.way = Way::Parts(self.store.counted("write", &self.path, done)?);
        Ok(())
    }

    fn given_up(&self) -> Result<(), StoreError> {
        let (operation, path) = ("write", self.path.clone());
        Err(StoreError::Transient { operation, path, source: GivenUp.into() })
    }

    /// Writes what is left. The object is there then, as a whole.
    ///
    /// # Errors
    /// When the store did not confirm it; it may have happened all the same.
    pub async fn finish(self) -> Result<(), StoreError> {
        let done = match self.way {
            Way::Failed => return self.given_up(),
            Way::Parts(writer) => writer.finish().await,
            Way::Held(bytes) => {
                add(&self.store.counters.puts, 1);
                self.store.patient.put(&self.key, bytes.into_iter().collect::<PutPayload>()).await
            }
        };
        self.store.counted("write", &self.path, done.map(drop))
    }
}

async fn begin(store: &Store, key: &Path, held: Vec<Bytes>) -> Result<WriteMultipart, Error> {
    add(&store.counters.puts, 2);
    let upload = store.patient.put_multipart(key).await?;
    send(store, WriteMultipart::new_with_chunk_size(upload, PART), held).await
}

/// On an error the parts that went up are left to `abort`, or to the bucket's rule for uploads that were
/// never finished.
async fn send(
    store: &Store,
    mut writer: WriteMultipart,
    all: Vec<Bytes>,
) -> Result<WriteMultipart, Error> {
    for mut bytes in all {
        while !bytes.is_empty() {
            if let Err(error) = writer.wait_for_capacity(PARTS_IN_FLIGHT).await {
                if let Err(error) = writer.abort().await {
                    tracing::debug!(%error, "an upload in parts could not be aborted");
                }
                return Err(error);
            }
            add(&store.counters.puts, 1);
            writer.put(bytes.split_to(bytes.len().min(PART)));
        }
    }
    Ok(writer)
}
