//! When issuers are asked for their keys at once, and who waits for that.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tributary_identity::token::PATIENCE;

/// How often an unknown key is a reason to ask at once.
const AT_ONCE: Duration = Duration::from_secs(60);

/// When it was asked: decisions, no waiting.
#[derive(Debug, Clone, Copy, Default)]
struct Asking {
    /// When an unknown key was last a reason. What is asked from time to time does not count: a key that
    /// came just after that is not to be unknown for a minute.
    at_once: Option<Instant>,
    running: bool,
}

/// What an unknown key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// To ask, and to wait for that.
    Ask,
    /// To wait for the round that runs.
    Wait,
    /// To nothing.
    Nothing,
}

impl Asking {
    fn unknown_key(&mut self, now: Instant) -> Then {
        if self.running {
            return Then::Wait;
        }
        let due = self.at_once.is_none_or(|last| now.duration_since(last) >= AT_ONCE);
        if !due {
            return Then::Nothing;
        }
        (self.at_once, self.running) = (Some(now), true);
        Then::Ask
    }
}

/// Between callers and the task that asks.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    asking: Mutex<Asking>,
    /// Wakes the task.
    asked: Notify,
    /// How many there were.
    done: watch::Sender<u64>,
}

impl Rounds {
    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a reason to ask.
    pub(super) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// A round begins.
    pub(super) fn begins(&self) {
        self.asking().running = true;
    }

    /// It is over: what was told counts.
    pub(super) fn ends(&self) {
        self.asking().running = false;
        self.done.send_modify(|done| *done += 1);
    }

    /// There is an address that was not asked yet.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// A token has a key that is not known: asks if it is time for that, and waits for the answers.
    pub(super) async fn unknown_key(&self) {
        let mut done = self.done.subscribe();
        match self.asking().unknown_key(Instant::now()) {
            Then::Nothing => return,
            Then::Wait => {}
            Then::Ask => self.ask(),
        }
        // The task may have been stopped.
        drop(timeout(PATIENCE + Duration::from_secs(1), done.changed()).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn an_unknown_key_is_a_reason_to_ask_once_a_minute() {
        let (mut asking, begun) = (Asking::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(asking.unknown_key(at(0)), Then::Ask);
        assert_eq!(asking.unknown_key(at(1)), Then::Wait);
        assert_eq!(asking.unknown_key(at(90)), Then::Wait, "however long it takes");
        asking.running = false;
        assert_eq!(asking.unknown_key(at(59)), Then::Nothing);
        assert_eq!(asking.unknown_key(at(91)), Then::Ask);
        asking.running = false;
        assert_eq!(asking.unknown_key(at(150)), Then::Nothing);
        assert_eq!(asking.unknown_key(at(151)), Then::Ask);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_wait_for_the_round_that_they_are_a_reason_for() {
        let rounds = Arc::new(Rounds::default());
        let caller = || {
            let rounds = rounds.clone();
            tokio::spawn(async move { rounds.unknown_key().await })
        };
        let (first, second) = (caller(), caller());
        rounds.asked().await;
        tokio::task::yield_now().await;
        assert!(!first.is_finished() && !second.is_finished());
        rounds.ends();
        first.await.unwrap();
        second.await.unwrap();
        let begun = Instant::now();
        caller().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO, "not again within a minute");
        tokio::time::advance(AT_ONCE).await;
        // One that is not answered is not waited for without end.
        let begun = Instant::now();
        caller().await.unwrap();
        assert!(begun.elapsed() > PATIENCE && begun.elapsed() < 2 * PATIENCE);
    }
}
