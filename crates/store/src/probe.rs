//! The trial at start: does this store keep the promises that the journal is built on?

mod advice;

use crate::attempts::Attempts;
use crate::create::Created;
use crate::error::{CREATE, StoreError};
use crate::location::Location;
use crate::random::random;
use crate::store::{Store, key};
use bytes::Bytes;
use futures_util::future::join_all;
use object_store::{Error as Inner, ObjectStore, PutMode, PutOptions, PutPayload};
use std::time::Duration;

/// How long one create-only write of a trial is tried again: after that there is something to tell.
const CREATE_WITHIN: Duration = Duration::from_secs(10);
/// How long it is tried to clean up after a trial that failed.
const CLEAN_WITHIN: Duration = Duration::from_secs(5);
const RACERS: usize = 8;
/// Races, one after the other. A server that looks first and writes then passes half of the first ones,
/// whose connections are opened one by one, and a third of the others: of forty starts one passed four.
const RACES: usize = 8;

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
        "the store at {url} cannot be used: {}. {}",
        .source.chain(),
        advice::advice(Location::cloud(url), &.source.chain())
    )]
    Failed {
        /// The store's URL.
        url: String,
        /// The operation and its error.
        source: StoreError,
    },
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
        let mut store = self.clone();
        let deadline = self.attempts.deadline.min(CREATE_WITHIN);
        store.attempts = Attempts { deadline, ..self.attempts };
        tried(&store).await
    }
}

async fn tried(store: &Store) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed { url: store.url().to_owned(), source };
    let id = u128::from_be_bytes(random::<16>().map_err(failed)?);
    let folder = format!("journal/probe/{id:032x}");
    let mut paths = Vec::new();
    let tried = promises(store, &folder, &mut paths).await;
    // Cleaning up is part of the trial, and is tried after a failure as well.
    let cleaned = store.delete_all(paths);
    if tried.is_err() {
        if !matches!(tokio::time::timeout(CLEAN_WITHIN, cleaned).await, Ok(Ok(()))) {
            tracing::debug!(folder, "what the trial wrote may still be there");
        }
        return tried;
    }
    cleaned.await.map_err(failed)?;
    let left = store.list(&folder).await.map_err(failed)?;
    match left.first() {
        Some(object) => {
            Err(inconsistent(store, format!("{} is listed after its deletion", object.path)))
        }
        None => Ok(()),
    }
}

/// The trial. `paths` are those that it may have written to.
async fn promises(store: &Store, folder: &str, paths: &mut Vec<String>) -> Result<(), ProbeError> {
    let failed = |source| ProbeError::Failed { url: store.url().to_owned(), source };
    let path = format!("{folder}/create");
    paths.push(path.clone());
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
    for number in 0..RACES {
        let path = format!("{folder}/race-{number}");
        paths.push(path.clone());
        race(store, &path).await?;
    }
    Ok(())
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
    let name = key(CREATE, path)?;
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let payload = PutPayload::from_bytes(Bytes::copy_from_slice(body));
    match store.quick.put_opts(&name, payload, options).await {
        Ok(_) => Ok(true),
        Err(Inner::AlreadyExists { .. } | Inner::Precondition { .. }) => Ok(false),
        Err(e) => Err(StoreError::from_inner(CREATE, path, e)),
    }
}

fn ignores(store: &Store, seen: String) -> ProbeError {
    ProbeError::IgnoresCreateOnly { url: store.url().to_owned(), seen }
}

fn inconsistent(store: &Store, seen: String) -> ProbeError {
    ProbeError::Inconsistent { url: store.url().to_owned(), seen }
}
