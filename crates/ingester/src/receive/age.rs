//! How long a stream lasts: certificates and tokens are looked at when it is opened, so it is opened
//! anew before they have been out of date for long.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long a sender gets to open another stream and to have what is in flight settled on this one.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// To ask for another stream.
    Renew,
    /// To end this one.
    End,
}

/// A stream's age.
#[derive(Debug)]
pub(super) struct Age(Option<(Instant, Due)>);

impl Age {
    /// Of a stream that begins now, and lasts so long at most. Streams that began together, as after
    /// a restart, do not end together: their numbers spread them over the last fifth.
    pub(super) fn new(most: Option<Duration>, number: u32) -> Age {
        Age(most.map(|most| (Instant::now() + lasts(most, number), Due::Renew)))
    }

    /// Waits until something is due, and says what; each once.
    pub(super) async fn due(&mut self) -> Due {
        let Some((at, due)) = self.0 else { return std::future::pending().await };
        sleep_until(at).await;
        self.0 = match due {
            Due::Renew => Some((at + PATIENCE, Due::End)),
            Due::End => None,
        };
        due
    }

    /// How long its sender gets.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// Four fifths of `most` and a part of the rest: numbers that follow each other lie far apart, by the
/// golden ratio.
fn lasts(most: Duration, number: u32) -> Duration {
    let part = f64::from(number.wrapping_mul(0x9e37_79b9)) / f64::from(u32::MAX);
    most.mul_f64(0.8 + 0.2 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_that_begin_together_end_apart() {
        let most = Duration::from_secs(1800);
        let mut ends: Vec<u64> = (0..100).map(|number| lasts(most, number).as_secs()).collect();
        ends.sort_unstable();
        assert!(ends[0] >= 1440 && ends[99] <= 1800, "{ends:?}");
        assert!(ends.windows(2).all(|pair| pair[1] - pair[0] <= 8), "{ends:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_asked_to_begin_anew_and_then_ends() {
        let begun = Instant::now();
        let mut age = Age::new(Some(Duration::from_secs(100)), 0);
        assert_eq!((age.due().await, begun.elapsed().as_secs()), (Due::Renew, 80));
        assert_eq!((age.due().await, begun.elapsed().as_secs()), (Due::End, 90));
        let never = tokio::time::timeout(Duration::from_secs(9999), age.due()).await;
        assert!(never.is_err() && Age::new(None, 0).0.is_none());
    }
}
