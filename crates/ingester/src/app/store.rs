//! Opening the store, trying whether it can be used, and tidying it.

use crate::config::Config;
use crate::error::IngesterError;
use std::time::Duration;
use tokio::time::Instant;
use tributary_journal::layout;
use tributary_store::{ProbeError, Store, StoreError, StoreOptions};
use tributary_telemetry::{ErrorChain, Repeated};

/// How long a store that cannot be used yet is waited for; a new process does no better.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two trials of such a store.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The store, once it has shown that it keeps the promises that the journal is built on.
///
/// # Errors
/// When it cannot be opened, or says what waiting does not mend; or when it has not passed the trial
/// in time.
pub(super) async fn open(config: &Config) -> Result<Store, IngesterError> {
    let options = StoreOptions { fsync: config.fsync, ..StoreOptions::default() };
    let store = Store::open(&config.store, &options)
        .await
        .map_err(|source| IngesterError::OpenStore { url: config.store.clone(), source })?;
    let tried = || store.probe();
    let is_tidy = until_usable(tried, &config.store, || tidy(config.store.clone())).await?;
    if !is_tidy {
        // It looks at every file of a local folder, and nothing hangs on it: it goes on beside, and
        // ends with the process.
        tokio::spawn(tidy(config.store.clone()));
    }
    tokio::spawn(tell_of_strangers(store.clone()));
    Ok(store)
}

/// What may lie at the root of a bucket: our own, and what a Tempo that shares it writes there.
const OURS: [&str; 4] = ["blocks", "journal", layout::CLUSTER, "tempo_cluster_seed.json"];

/// Another program in the bucket is told of once: it may delete what it does not know, or count ours
/// among its own. Nothing hangs on it.
async fn tell_of_strangers(store: Store) {
    match store.strangers(&OURS).await {
        Ok(names) if names.is_empty() => {}
        Ok(names) => tracing::warn!(
            ?names,
            "something else lies in this bucket or folder: if another program uses it, give each a prefix of its own, as in s3://bucket/prefix"
        ),
        Err(error) => {
            tracing::debug!(error = error.chain(), "what else lies in the bucket is not known")
        }
    }
}

/// Tries until the store can be used. Whether it was tidied meanwhile.
///
/// # Errors
/// What the last trial said.
async fn until_usable<T, P>(
    tried: impl Fn() -> P,
    url: &str,
    tidy: impl Fn() -> T,
) -> Result<bool, IngesterError>
where
    P: Future<Output = Result<(), ProbeError>>,
    T: Future<Output = ()>,
{
    let end = Instant::now() + START_WITHIN;
    let mut is_tidy = false;
    let mut last = None;
    let told = Repeated::default();
    loop {
        match tokio::time::timeout_at(end, tried()).await {
            Ok(Ok(())) => return Ok(is_tidy),
            Ok(Err(error)) if !error.is_transient() => {
                return Err(IngesterError::UnusableStore(error));
            }
            Ok(Err(error)) => {
                if let Some(times) = told.due(Instant::now().into_std()) {
                    // Its text holds its source.
                    tracing::warn!(times, %error, "the store cannot be used yet; it is tried again");
                }
                last = Some(error);
            }
            Err(_) => {
                return Err(IngesterError::UnusableStore(last.unwrap_or_else(|| silent(url))));
            }
        }
        // On a full disk the trial may need just the room that unfinished files take.
        match std::mem::replace(&mut is_tidy, true) {
            false => tidy().await,
            true => tokio::time::sleep(START_AGAIN_AFTER).await,
        }
    }
}

/// A store of which nothing was heard.
fn silent(url: &str) -> ProbeError {
    let source = StoreError::Transient {
        operation: "end",
        path: "the trial at start".to_owned(),
        source: format!("it was not done within {} s", START_WITHIN.as_secs()).into(),
    };
    ProbeError::Failed { url: url.to_owned(), source }
}

/// Removes what killed writers left in a local folder.
async fn tidy(url: String) {
    match tributary_store::remove_unfinished(&url).await {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed what killed writers left unfinished"),
        Err(error) => tracing::warn!(error = %ErrorChain(&error), "unfinished files stay"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn failed(source: StoreError) -> ProbeError {
        ProbeError::Failed { url: "s3://bucket".to_owned(), source }
    }

    fn refused() -> ProbeError {
        let (operation, path) = ("create", "a".to_owned());
        failed(StoreError::Refused { operation, path, source: "ExpiredToken".into() })
    }

    fn busy() -> ProbeError {
        let (operation, path) = ("create", "a".to_owned());
        failed(StoreError::Transient { operation, path, source: "SlowDown".into() })
    }

    /// How often it was tried, for how long, and what was said.
    async fn tried(
        each: Duration,
        said: impl Fn(u32) -> Result<(), ProbeError>,
    ) -> (u32, u64, String) {
        let (begun, times) = (Instant::now(), Cell::new(0));
        let trial = || async {
            times.set(times.get() + 1);
            tokio::time::sleep(each).await;
            said(times.get())
        };
        let ended = until_usable(trial, "s3://bucket", || async {}).await;
        let said = ended.map_or_else(|error| error.to_string(), |_| "fine".to_owned());
        (times.get(), begun.elapsed().as_secs(), said)
    }

    #[tokio::test(start_paused = true)]
    async fn what_waiting_does_not_mend_ends_at_once_and_all_else_in_a_minute() {
        let (times, took, said) = tried(Duration::ZERO, |_| Err(refused())).await;
        assert_eq!((times, took), (1, 0));
        assert!(said.contains("ExpiredToken") && said.contains("AWS_SESSION_TOKEN"), "{said}");

        let (_, took, said) = tried(Duration::from_secs(11), |_| Err(busy())).await;
        assert_eq!(took, 60);
        assert!(said.contains("SlowDown"), "{said}");

        let (times, took, said) = tried(Duration::from_secs(1000), |_| Ok(())).await;
        assert_eq!((times, took), (1, 60));
        assert!(said.contains("not done within 60 s"), "{said}");

        let then = |n| if n < 3 { Err(busy()) } else { Ok(()) };
        assert_eq!(tried(Duration::ZERO, then).await, (3, 1, "fine".to_owned()));
    }
}
