//! Waiting for something to become true, with a deadline and a last word about what was seen.

use anyhow::{Result, bail};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest pause between two looks.
const LONGEST: Duration = Duration::from_millis(100);

/// Deadline for what takes milliseconds on a quiet machine: long enough that only a fault reaches
/// it.
pub const SOON: Duration = Duration::from_secs(30);

/// Looks again and again until `look` gives a value. Pauses grow from 1 ms to 100 ms.
///
/// # Errors
/// When `deadline` has passed: names `what` was waited for and the last state that `look` told.
pub async fn wait_for<T, L, F>(what: &str, deadline: Duration, mut look: L) -> Result<T>
where
    L: FnMut() -> F,
    F: Future<Output = Result<T, String>>,
{
    let until = Instant::now() + deadline;
    let mut pause = Duration::from_millis(1);
    loop {
        match look().await {
            Ok(value) => return Ok(value),
            Err(state) if Instant::now() >= until => {
                bail!("waited {deadline:?} for {what}; last seen: {state}")
            }
            Err(_) => sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_last_state_is_told() {
        let mut looks = 0;
        let failed = wait_for("a door", Duration::from_secs(1), || {
            looks += 1;
            let state = format!("closed at look {looks}");
            async move { Err::<(), _>(state) }
        })
        .await;
        let text = failed.unwrap_err().to_string();
        assert_eq!(text, format!("waited 1s for a door; last seen: closed at look {looks}"));
        assert!(looks > 5);
        assert_eq!(wait_for("now", LONGEST, || async { Ok(7) }).await.unwrap(), 7);
    }
}
