//! Deleting: what is gone is gone, however a store says it.
//!
//! Of names that are not there S3 says that they were deleted; its clones answer with an error for the
//! name, with 404, or for many names at once not at all. So a request for many names is only the fast
//! road: what it does not confirm is deleted name by name, and where that fails as well, that the
//! object is not there is all that counts.

use crate::counters::add;
use crate::error::StoreError;
use crate::store::{Store, key};
use futures_util::{FutureExt, StreamExt, stream};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Names that are deleted one by one at a time.
const AT_ONCE: usize = 20;
/// How long a cloud is asked again to delete one name, before it is looked whether it is there.
const ONE: Duration = Duration::from_secs(5);
/// How long a cloud is asked to delete names one by one. All of them were asked for at once before.
const ALL: Duration = Duration::from_secs(60);

impl Store {
    /// Deletes the object. That it was not there is no error.
    ///
    /// # Errors
    /// When the store did not confirm it.
    pub async fn delete(&self, path: &str) -> Result<(), StoreError> {
        self.delete_all([path.to_owned()]).await
    }

    /// Deletes many objects, a thousand a request where the store can. Each of them is tried, in no
    /// order; deleting again what is gone is no error.
    ///
    /// # Errors
    /// When the store did not confirm some of them: how many, and the first. Which kind of error it
    /// is says what a caller can do about all of them.
    pub async fn delete_all(
        &self,
        paths: impl IntoIterator<Item = String>,
    ) -> Result<(), StoreError> {
        let keys =
            paths.into_iter().map(|path| key("delete", &path)).collect::<Result<Vec<_>, _>>()?;
        let of = keys.len();
        add(&self.counters.deletes, of as u64);
        let left = match self.is_cloud && of > 1 {
            true => self.delete_at_once(keys).boxed().await,
            false => keys,
        };
        let until = Instant::now() + ALL;
        let deletions = left.into_iter().map(|key| self.delete_one(key, until).boxed());
        // Over a client of a test one after the other, so that its run can be repeated.
        let at_once = if self.is_cloud || self.folder.is_some() { AT_ONCE } else { 1 };
        let errors = stream::iter(deletions).buffered(at_once).filter_map(|error| async { error });
        let errors: Vec<StoreError> = errors.collect().boxed().await;
        add(&self.counters.errors, errors.len() as u64);
        match first(errors) {
            Some((error, failed)) => Err(error.among(failed, of)),
            None => Ok(()),
        }
    }

    /// Asks for all of them at once, and gives those of which it is not known that they are gone.
    async fn delete_at_once(&self, mut keys: Vec<Path>) -> Vec<Path> {
        let mut gone = HashSet::new();
        let asked = async {
            let all = stream::iter(keys.clone().into_iter().map(Ok)).boxed();
            let mut answers = self.quick.delete_stream(all);
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(key) => {
                        gone.insert(key);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "names are deleted one by one");
                    }
                }
            }
        };
        // The client panics over an error for a name that it did not ask for.
        if AssertUnwindSafe(asked).catch_unwind().await.is_err() {
            tracing::debug!("an answer was not understood; names are deleted one by one");
        }
        keys.retain(|key| !gone.contains(key));
        keys
    }

    /// Deletes one name. Gives an error when it may still be there.
    async fn delete_one(&self, key: Path, until: Instant) -> Option<StoreError> {
        let path = key.as_ref();
        let limit = |at: Instant| self.is_cloud.then_some(at);
        let one = until.min(Instant::now() + ONE);
        let error = match within(limit(one), self.patient.delete(&key)).await {
            Some(Ok(()) | Err(Error::NotFound { .. })) => return None,
            Some(Err(error)) => StoreError::from_inner("delete", path, error),
            None => StoreError::timeout("delete", path),
        };
        let looked = within(limit(until), self.patient.head(&key)).await;
        let is_gone = matches!(looked, Some(Err(Error::NotFound { .. })));
        (!is_gone).then_some(error)
    }
}

/// What comes of it, unless that takes too long.
async fn within<T>(limit: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(until) => timeout_at(until, work).await.ok(),
        None => Some(work.await),
    }
}

/// The error that says the most of all: the first that waiting does not mend, or else the first; and
/// how many there are.
fn first(errors: Vec<StoreError>) -> Option<(StoreError, usize)> {
    let failed = errors.len();
    let at = errors.iter().position(|error| !error.is_transient()).unwrap_or(0);
    errors.into_iter().nth(at).map(|error| (error, failed))
}
