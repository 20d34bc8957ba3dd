//! Create-only writes whose outcome is known.
//!
//! A client's answer to a create-only write is not the outcome. `AlreadyExists` may be our own
//! write, whose answer was lost or which the client repeated; it may be S3's 409 for a race that
//! no writer has won yet; a timeout or a 500 may hide a write that took place, or will. So every
//! answer but success is settled by reading back. In a folder what was read back need not be on the
//! disk yet, and is flushed before it counts.

use crate::attempts::{TELL_AFTER, pause};
use crate::counters::add;
use crate::error::{CREATE, StoreError};
use crate::random::random;
use crate::store::{Store, key};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutOptions, PutPayload};
use std::ops::Range;
use std::pin::pin;
use std::time::Duration;
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// How a create-only write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is these bytes, by this call or by an earlier attempt of ours.
    Won,
    /// The object is another writer's.
    Lost,
}

/// What is in the store under the name.
#[derive(Debug)]
enum Found {
    Nothing,
    Ours,
    Others,
    Unclear(StoreError),
}

impl Store {
    /// Writes the object only if there is none, and finds out how that ended, however the store
    /// answered: `AlreadyExists`, a conflict, an error or a timeout is settled by reading back and
    /// comparing the length and the bytes in `identity`, which must hold something that no other
    /// writer of this name can have chosen. While nothing is there, the same bytes are sent again.
    ///
    /// # Errors
    /// When the deadline passed without an answer, or the store denies the write, or its disk is
    /// [`StoreError::Untrusted`]. The object may then exist or appear later: call again with the same
    /// bytes, or never use the name again.
    pub async fn create(
        &self,
        path: &str,
        bytes: Bytes,
        identity: Range<usize>,
    ) -> Result<Created, StoreError> {
        let name = key(CREATE, path)?;
        let Some(ours) = bytes.get(identity.clone()).filter(|ours| !ours.is_empty()) else {
            return Err(StoreError::Config(format!(
                "{path}: no identity at {identity:?} of the object"
            )));
        };
        let started = Instant::now();
        let mut timed_out = 0;
        let mut tried = 0;
        let mut told = false;
        loop {
            let left = self.attempts.deadline.saturating_sub(started.elapsed());
            let timeout = self.attempts.timeout(bytes.len(), timed_out).min(left);
            let attempt = hedged(self, &name, &bytes);
            let failure = match tokio::time::timeout(timeout, attempt).await {
                Ok(Ok(())) => return Ok(Created::Won),
                Ok(Err(e)) => StoreError::from_inner(CREATE, path, e),
                Err(_) => {
                    timed_out += 1;
                    StoreError::timeout(CREATE, path)
                }
            };
            add(&self.counters.errors, u64::from(!matches!(failure, StoreError::NotFound { .. })));
            if !failure.is_transient() {
                return Err(failure);
            }
            tracing::debug!(path, error = failure.chain(), "create-only write is read back");
            let mut last = failure;
            let created = match look(self, path, bytes.len(), &identity, ours).boxed().await {
                Found::Ours => Some(Created::Won),
                Found::Others => Some(Created::Lost),
                Found::Nothing => None,
                // What the write was answered is what an operator needs: to a look a server says less,
                // and to HEAD without words.
                Found::Unclear(e) if !e.is_transient() => return Err(e.after(&last)),
                Found::Unclear(e) => {
                    tracing::debug!(path, error = e.chain(), "and cannot be read back");
                    None
                }
            };
            if let Some(created) = created {
                let timeout = self.attempts.timeout(bytes.len(), timed_out);
                match settled(self, &name, timeout).boxed().await {
                    Ok(()) => {
                        add(&self.counters.create_lost, u64::from(created == Created::Lost));
                        return Ok(created);
                    }
                    Err(e) if !e.is_transient() => return Err(e),
                    Err(e) => {
                        timed_out += 1;
                        last = e;
                    }
                }
            }
            tried += 1;
            let random = match self.attempts.jitter {
                Some(fixed) => fixed,
                None => random::<1>()?[0],
            };
            let pause = pause(tried, random);
            if started.elapsed() + pause >= self.attempts.deadline {
                return Err(last);
            }
            if !told && started.elapsed() >= TELL_AFTER {
                told = true;
                self.tell_of_slow(path, &last, started);
            }
            add(&self.counters.create_retries, 1);
            tokio::time::sleep(pause).await;
        }
    }
}

impl Store {
    /// One write speaks for all others that are not taken either.
    fn tell_of_slow(&self, path: &str, last: &StoreError, started: Instant) {
        let Some(times) = self.slow.due(Instant::now().into_std()) else { return };
        let left = self.attempts.deadline.saturating_sub(started.elapsed());
        tracing::warn!(
            path,
            times,
            error = last.chain(),
            seconds_left = left.as_secs(),
            "a write has not been taken yet and is tried again"
        );
    }
}

/// One attempt, joined by a second one under the same name when the first is slow. Both carry the
/// same bytes, so whichever takes effect is right, and an error counts only when both failed.
async fn hedged(store: &Store, name: &Path, bytes: &Bytes) -> Result<(), object_store::Error> {
    let first = pin!(put(store, name, bytes));
    let Some(after) = store.attempts.hedge_after else {
        return first.await;
    };
    let first = match select(first, pin!(tokio::time::sleep(after))).await {
        Either::Left((done, _)) => return done,
        Either::Right(((), first)) => first,
    };
    if !store.may_hedge() {
        return first.await;
    }
    add(&store.counters.hedges, 1);
    match select(first, pin!(put(store, name, bytes))).await {
        Either::Left((Ok(()), _)) | Either::Right((Ok(()), _)) => Ok(()),
        Either::Left((Err(_), other)) => other.await,
        Either::Right((Err(_), other)) => other.await,
    }
}

async fn put(store: &Store, name: &Path, bytes: &Bytes) -> Result<(), object_store::Error> {
    add(&store.counters.puts, 1);
    add(&store.counters.bytes_written, bytes.len() as u64);
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    store.quick.put_opts(name, PutPayload::from_bytes(bytes.clone()), options).await.map(drop)
}

async fn look(
    store: &Store,
    path: &str,
    len: usize,
    identity: &Range<usize>,
    ours: &[u8],
) -> Found {
    add(&store.counters.create_read_backs, 1);
    let looked = async {
        let info = store.head_by(&store.quick, path).await?;
        if info.size != len as u64 {
            return Ok(Found::Others);
        }
        let range = identity.start as u64..identity.end as u64;
        let theirs = store.get_range_by(&store.quick, path, range).await?;
        Ok(if theirs == ours { Found::Ours } else { Found::Others })
    };
    match tokio::time::timeout(store.attempts.timeout(0, 0), looked).await {
        Ok(Ok(found)) => found,
        Ok(Err(StoreError::NotFound { .. })) => Found::Nothing,
        Ok(Err(e)) => Found::Unclear(e),
        Err(_) => Found::Unclear(StoreError::timeout("read back", path)),
    }
}

/// Returns when what was read back is there to stay: also of another writer's object, since the loser
/// builds on it, and may delete what it covers.
async fn settled(store: &Store, name: &Path, timeout: Duration) -> Result<(), StoreError> {
    let Some(folder) = &store.folder else { return Ok(()) };
    match tokio::time::timeout(timeout, folder.settle(name)).await {
        Ok(done) => store.counted("sync", name.as_ref(), done),
        Err(_) => Err(StoreError::timeout("sync", name.as_ref())),
    }
}
