//! Opening the store, trying whether it can be used, and tidying it.

use crate::config::Config;
use crate::error::IngesterError;
use std::time::Duration;
use tokio::time::Instant;
use tributary_store::{Store, StoreOptions};
use tributary_telemetry::ErrorChain;

/// How long a store that cannot be used yet is waited for; a new process does no better.
const START_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two trials of such a store.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The store, once it has shown that it keeps the promises that the journal is built on.
///
/// # Errors
/// When it cannot be opened or does not pass the trial in time.
pub(super) async fn open(config: &Config) -> Result<Store, IngesterError> {
    let options = StoreOptions { fsync: config.fsync, ..StoreOptions::default() };
    let store = Store::open(&config.store, &options)
        .await
        .map_err(|source| IngesterError::OpenStore { url: config.store.clone(), source })?;
    let begun = Instant::now();
    let mut is_tidy = false;
    loop {
        match store.probe().await {
            Ok(()) => break,
            Err(error) if !error.is_transient() || begun.elapsed() >= START_WITHIN => {
                return Err(IngesterError::UnusableStore(error));
            }
            // Its text holds its source.
            Err(error) => {
                tracing::warn!(%error, "the store cannot be used yet; it is tried again");
            }
        }
        // On a full disk the trial may need just the room that unfinished files take.
        match std::mem::replace(&mut is_tidy, true) {
            false => tidy(config.store.clone()).await,
            true => tokio::time::sleep(START_AGAIN_AFTER).await,
        }
    }
    if !is_tidy {
        // It looks at every file of a local folder, and nothing hangs on it: it goes on beside, and
        // ends with the process.
        tokio::spawn(tidy(config.store.clone()));
    }
    Ok(store)
}

/// Removes what killed writers left in a local folder.
async fn tidy(url: String) {
    match tributary_store::remove_unfinished(&url).await {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed what killed writers left unfinished"),
        Err(error) => tracing::warn!(error = %ErrorChain(&error), "unfinished files stay"),
    }
}
