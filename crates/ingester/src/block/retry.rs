//! Requests to the store that are made again until they succeed.

use super::Pauses;
use std::time::Duration;
use tributary_telemetry::ErrorChain;

/// Pause before something that the store did not take is tried again.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Pauses after failures in a row of what may wait.
pub(crate) const PAUSES: Pauses = Pauses { first: RETRY_PAUSE, longest: Duration::from_secs(60) };

/// Repeats what must happen in the end. `operation` is what it does, as in "write the metas".
pub(crate) async fn retry_until_done<T, E, F>(operation: &'static str, attempt: impl Fn() -> F) -> T
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => tracing::warn!(
                operation,
                error = %ErrorChain(&error),
                "the store did not do it yet; it is tried again"
            ),
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}
