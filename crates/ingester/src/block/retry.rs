//! Requests to the store that are made again until they succeed.

use super::Pauses;
use std::time::Duration;
use tokio::time::Instant;
use tributary_telemetry::{ErrorChain, Repeated};

/// Pause before something that the store did not take is tried again, for the first time.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Pauses before something that must happen is tried again, after failures in a row.
const MUST: Pauses = Pauses { first: RETRY_PAUSE, longest: Duration::from_secs(15) };

/// What is made again until it succeeds: tells of it, and waits longer each time.
#[derive(Debug)]
pub(crate) struct Retries {
    failures: u32,
    /// The random part of pauses, so that what failed together does not come back together.
    chance: u8,
    told: Repeated,
}

impl Retries {
    /// None yet. `chance` is any number that others do not have.
    pub(crate) fn new(chance: u8) -> Retries {
        Retries { failures: 0, chance, told: Repeated::default() }
    }

    /// It failed: how often since the last line of log, if one is due.
    pub(crate) fn failed(&mut self) -> Option<u64> {
        self.failures = self.failures.saturating_add(1);
        self.told.due(Instant::now().into_std())
    }

    /// Waits until it may be tried again.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(MUST.jittered(self.failures, self.chance)).await;
    }
}

/// Pauses after failures in a row of what may wait.
pub(crate) const PAUSES: Pauses = Pauses { first: RETRY_PAUSE, longest: Duration::from_secs(60) };

/// Repeats what must happen in the end. `operation` is what it does, as in "write the metas"; `chance`
/// is any number that others do not have.
pub(crate) async fn retry_until_done<T, E, F>(
    operation: &'static str,
    chance: u8,
    attempt: impl Fn() -> F,
) -> T
where
    E: std::error::Error + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut retries = Retries::new(chance);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => {
                if let Some(times) = retries.failed() {
                    tracing::warn!(
                        operation,
                        times,
                        error = %ErrorChain(&error),
                        "the store did not do it yet; it is tried again"
                    );
                }
            }
        }
        retries.pause().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_a_line_is_due_once_a_minute() {
        let mut retries = Retries::new(u8::MAX);
        let (mut pauses, mut lines) = (Vec::new(), Vec::new());
        for _ in 0..10 {
            lines.extend(retries.failed());
            let begun = Instant::now();
            retries.pause().await;
            pauses.push(begun.elapsed().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15, 15, 15, 15]);
        // At 0 s, at 60 s, and then not before 120 s.
        assert_eq!(lines, [1, 7]);
    }
}
