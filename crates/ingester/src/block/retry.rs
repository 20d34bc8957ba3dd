//! Requests to the store that are made again until they succeed.

use std::time::Duration;
use tributary_telemetry::ErrorChain;

/// Pause before something that the store did not take is tried again.
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The pause after so many failures in a row, for what may wait.
pub(crate) fn growing_pause(failures: u32) -> Duration {
    RETRY_PAUSE.saturating_mul(1 << failures.min(6)).min(LONGEST_PAUSE)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_stop_growing() {
        let pauses = [0, 1, 3, 5, 6, 100].map(|failures| growing_pause(failures).as_secs());
        assert_eq!(pauses, [1, 2, 8, 32, 60, 60]);
    }
}
