//! The trial at start: does this store keep the promises that the journal is built on?

use crate::create::Created;
use crate::error::StoreError;
use crate::random::random;
use crate::store::{Store, key};
use bytes::Bytes;
use futures_util::future::join_all;
use object_store::{Error as Inner, ObjectStore, PutMode, PutOptions, PutPayload};

const RACERS: usize = 8;

/// Why a store must not be used, or cannot be now.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It accepts a create-only write of a name that exists.
    #[error(
        "the store at {url} ignores create-only writes (If-None-Match: *): {seen}. Acknowledged \
         spans could be overwritten, so it cannot be used. Use a store that has conditional \
         writes (Amazon S3, Google Cloud Storage, Azure Blob, Cloudflare R2, a current Ceph or \
         MinIO), or bring yours to a version that has them"
    )]
    IgnoresCreateOnly {
        /// The store's URL.
        url: String,
        /// What was seen.
        seen: String,
    },
    /// What was written is not read or listed as it was.
    #[error(
        "the store at {url} is not consistent: {seen}. Use the bucket itself and not a cache, \
         a gateway with delayed listings or a replica in front of it"
    )]
    Inconsistent {
        /// The store's URL.
        url: String,
        /// What was seen.
        seen: String,
    },
    /// An operation failed outright.
    #[error(
        "the store at {url} cannot be used: {}. {}", .source.chain(), advice(&.source.chain())
    )]
    Failed {
        /// The store's URL.
        url: String,
        /// The operation and its error.
        source: StoreError,
    },
}

/// What to look at, by what the client says.
fn advice(chain: &str) -> &'static str {
    // Paths of the services that hand out credentials to machines of Amazon, Google and Azure.
    let services = ["latest/api/token", "latest/meta-data", "computeMetadata", "metadata/identity"];
    // What systems say to a write beyond the end of a disk, or of what a user may have of it.
    let full = ["No space left on device", "quota exceeded"];
    if full.iter().any(|text| chain.contains(text)) {
        "The disk is full: make room or give the store a larger one. Sidecars keep what was not \
         acknowledged meanwhile, as far as their buffers reach"
    } else if services.iter().any(|path| chain.contains(path)) {
        "No credentials are set, so the cloud's metadata service was asked, which gave none. Set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (GOOGLE_SERVICE_ACCOUNT, \
         AZURE_STORAGE_ACCOUNT_KEY), or give the pod's service account a role"
    } else {
        "Check that the bucket or folder exists, that the endpoint and region are right, and that \
         the credentials may read, write, list and delete below it"
    }
}

impl ProbeError {
    /// Whether the same store may pass later without an operator changing it.
    pub fn is_transient(&self) -> bool {
        matches!(self, ProbeError::Failed { source, .. } if source.is_transient())
    }
}

impl Store {
    /// Tries out what everything here relies on, under `journal/probe/`: create-only writes that
    /// are refused the second time, reading back, listings that show at once what is there,
    /// overwriting, deleting, and a race of eight creates that one wins.
    ///
    /// # Errors
    /// When the store cannot be reached or used, or does not keep one of these promises. The
    /// text says what to do.
    pub async fn probe(&self) -> Result<(), ProbeError> {
        tried(self).await
    }
}

async fn tried(store: &Store) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed { url: store.url().to_owned(), source };
    let id = u128::from_be_bytes(random::<16>().map_err(failed)?);
    let folder = format!("journal/probe/{id:032x}");
    let tried = promises(store, &folder).await;
    // Cleaning up is part of the trial, and is tried after a failure as well.
    let paths = [format!("{folder}/create"), format!("{folder}/race")];
    let cleaned = store.delete_all(paths).await.map_err(failed);
    tried?;
    cleaned?;
    let left = store.list(&folder).await.map_err(failed)?;
    match left.first() {
        Some(object) => {
            Err(inconsistent(store, format!("{} is listed after its deletion", object.path)))
        }
        None => Ok(()),
    }
}

async fn promises(store: &Store, folder: &str) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed { url: store.url().to_owned(), source };
    let path = format!("{folder}/create");
    if store.create(&path, Bytes::from_static(b"first"), 0..5).await.map_err(failed)?
        != Created::Won
    {
        return Err(inconsistent(store, format!("{path} is not what was written")));
    }
    if create(store, &path, b"second").await.map_err(failed)? {
        return Err(ignores(store, format!("{path} was created twice")));
    }
    let read = store.get(&path).await.map_err(failed)?;
    if read != b"first"[..] {
        return Err(ignores(store, format!("{path} was refused the second time, but changed")));
    }
    let listed = store.list(folder).await.map_err(failed)?;
    if !matches!(listed.as_slice(), [one] if one.path == path && one.size == 5) {
        return Err(inconsistent(store, format!("{path} is not listed after its creation")));
    }
    store.put(&path, Bytes::from_static(b"third")).await.map_err(failed)?;
    let part = store.get_range(&path, 1..4).await.map_err(failed)?;
    if part != b"hir"[..] {
        return Err(inconsistent(
            store,
            format!("{path} reads as it was before it was overwritten"),
        ));
    }
    race(store, &format!("{folder}/race")).await
}

async fn race(store: &Store, path: &str) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed { url: store.url().to_owned(), source };
    let bodies: Vec<_> = (0..RACERS).map(|i| format!("racer {i}")).collect();
    let runs = join_all(bodies.iter().map(|body| create(store, path, body.as_bytes()))).await;
    let winners: Vec<_> = runs
        .iter()
        .zip(&bodies)
        .filter(|(run, _)| matches!(run, Ok(true)))
        .map(|(_, body)| body.as_str())
        .collect();
    if winners.len() > 1 {
        return Err(ignores(store, format!("{} of {RACERS} creates at once won", winners.len())));
    }
    let read = match store.get(path).await {
        Ok(read) => read,
        // Some stores refuse every one of several creates at once. That costs a retry, no data.
        Err(StoreError::NotFound { .. }) if winners.is_empty() => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    match winners.first() {
        Some(winner) if read != winner.as_bytes() => {
            Err(ignores(store, "the winner of creates at once was overwritten".to_owned()))
        }
        _ => Ok(()),
    }
}

/// One bare create-only write: whether it was accepted.
async fn create(store: &Store, path: &str, body: &[u8]) -> Result<bool, StoreError> {
    let name = key("create", path)?;
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let payload = PutPayload::from_bytes(Bytes::copy_from_slice(body));
    match store.quick.put_opts(&name, payload, options).await {
        Ok(_) => Ok(true),
        Err(Inner::AlreadyExists { .. } | Inner::Precondition { .. }) => Ok(false),
        Err(e) => Err(StoreError::from_inner("create", path, e)),
    }
}

fn ignores(store: &Store, seen: String) -> ProbeError {
    ProbeError::IgnoresCreateOnly { url: store.url().to_owned(), seen }
}

fn inconsistent(store: &Store, seen: String) -> ProbeError {
    ProbeError::Inconsistent { url: store.url().to_owned(), seen }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_credentials_are_named_as_such() {
        let metadata = "Error performing PUT http://169.254.169.254/latest/api/token in 3s";
        assert!(advice(metadata).contains("AWS_ACCESS_KEY_ID"));
        let bucket = "Error performing PUT http://127.0.0.1:9000/traces/journal/probe/0/create";
        assert!(advice(bucket).contains("endpoint and region"));
        let full = "Unable to copy data to file: No space left on device (os error 28)";
        assert!(advice(full).contains("disk is full"));
        assert!(advice("Disk quota exceeded (os error 122)").contains("disk is full"));
    }
}
