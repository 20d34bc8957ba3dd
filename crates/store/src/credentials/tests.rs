//! The provider with exchanges that are handed in, on a clock that runs ahead.

use super::exchange::Exchanged;
use super::renewed::{Exchange, Renewed};
use crate::counters::Counters;
use object_store::{CredentialProvider, StaticCredentialProvider};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const LIFE: Duration = Duration::from_secs(3600);

/// What the next exchange comes to.
#[derive(Debug, Clone, Copy)]
enum Next {
    /// A credential of this life.
    Given(Duration),
    Refused,
    /// No answer, ever.
    Hangs,
    /// A credential without an end.
    Endless,
}

/// A cloud: what it does in order, then `otherwise` for ever. Credentials are numbered from 1.
#[derive(Clone)]
struct Cloud {
    next: Arc<Mutex<VecDeque<Next>>>,
    otherwise: Arc<Mutex<Next>>,
    given: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

impl Cloud {
    fn new(next: &[Next], otherwise: Next) -> Cloud {
        Cloud {
            next: Arc::new(Mutex::new(next.iter().copied().collect())),
            otherwise: Arc::new(Mutex::new(otherwise)),
            given: Arc::default(),
            asked: Arc::default(),
        }
    }

    fn provider(&self) -> (Renewed<u64>, Arc<Counters>) {
        let cloud = self.clone();
        let exchange: Exchange<u64> = Box::new(move || {
            let cloud = cloud.clone();
            Box::pin(async move { cloud.exchange().await })
        });
        let counters = Arc::new(Counters::default());
        let hint = Some("set something".to_owned());
        (Renewed::new(exchange, hint, Arc::clone(&counters), || 0), counters)
    }

    async fn exchange(&self) -> Result<Exchanged<u64>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let next = self.next.lock().unwrap().pop_front();
        let otherwise = *self.otherwise.lock().unwrap();
        match next.unwrap_or(otherwise) {
            Next::Given(left) => {
                // An answer takes a while, so that many wait for it.
                sleep(Duration::from_millis(20)).await;
                let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(Exchanged::Ends(Arc::new(number), left))
            }
            Next::Refused => Err("503 from STS".to_owned()),
            Next::Hangs => std::future::pending().await,
            Next::Endless => Ok(Exchanged::Lasts(Arc::new(StaticCredentialProvider::new(77)))),
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn now(provider: &Renewed<u64>) -> Result<u64, String> {
    provider.get_credential().await.map(|n| *n).map_err(|e| e.to_string())
}

#[tokio::test(start_paused = true)]
async fn many_first_requests_make_one_exchange() {
    let cloud = Cloud::new(&[], Next::Given(LIFE));
    let (provider, counters) = cloud.provider();
    let all = futures_util::future::join_all((0..100).map(|_| now(&provider))).await;
    assert!(all.iter().all(|one| one == &Ok(1)), "{all:?}");
    assert_eq!(cloud.asked(), 1);
    assert_eq!(counters.snapshot().credential_renewals, 1);
    assert_eq!(counters.credential_left(Instant::now()), Some(LIFE - Duration::from_secs(5)));
}

/// Asked each second for three hours, with an outage longer than five minutes that ends before the
/// credential does: the end of every credential is met with a newer one in hand.
#[tokio::test(start_paused = true)]
async fn no_request_fails_or_waits_in_an_outage_that_is_shorter_than_half_a_life() {
    let cloud = Cloud::new(&[Next::Given(LIFE)], Next::Refused);
    let (provider, counters) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    let began = Instant::now();
    let back_at = began + LIFE - Duration::from_secs(70);
    let mut seen = vec![1];
    for second in 0..3 * 3600 {
        sleep_until(began + Duration::from_secs(second)).await;
        if Instant::now() >= back_at {
            *cloud.otherwise.lock().unwrap() = Next::Given(LIFE);
        }
        let asked_at = Instant::now();
        let number = now(&provider).await.unwrap_or_else(|e| panic!("second {second}: {e}"));
        assert_eq!(Instant::now(), asked_at, "second {second} waited");
        if seen.last() != Some(&number) {
            seen.push(number);
        }
    }
    let counted = counters.snapshot();
    assert!(counted.credential_failures > 20, "{counted:?}");
    assert!(cloud.asked() < 90, "{} exchanges: pauses grow", cloud.asked());
    assert_eq!(seen, [1, 2, 3, 4, 5, 6], "each half of an hour from the outage's end on");
}

#[tokio::test(start_paused = true)]
async fn an_exchange_without_an_answer_is_given_up_and_tried_again() {
    let hangs = [Next::Given(LIFE), Next::Hangs, Next::Hangs, Next::Given(LIFE)];
    let cloud = Cloud::new(&hangs, Next::Refused);
    let (provider, _) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    sleep(LIFE / 2 + Duration::from_secs(30)).await;
    assert_eq!(now(&provider).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_requests_fail_with_the_reason_and_go_on_when_the_cloud_is_back() {
    let cloud = Cloud::new(&[Next::Given(LIFE)], Next::Refused);
    let (provider, counters) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    sleep(LIFE - Duration::from_secs(6)).await;
    assert_eq!(now(&provider).await, Ok(1), "used until it ends");
    sleep(Duration::from_secs(10)).await;
    let error = now(&provider).await.unwrap_err();
    assert!(error.contains("has ended") && error.contains("503 from STS"), "{error}");
    assert_eq!(counters.credential_left(Instant::now()), Some(Duration::ZERO));
    *cloud.otherwise.lock().unwrap() = Next::Given(LIFE);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(now(&provider).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_start_without_a_credential_says_what_is_missing() {
    let cloud = Cloud::new(&[], Next::Refused);
    let (provider, counters) = cloud.provider();
    let error = now(&provider).await.unwrap_err();
    assert!(error.contains("503 from STS") && error.contains("set something"), "{error}");
    assert_eq!(counters.credential_left(Instant::now()), None);
    *cloud.otherwise.lock().unwrap() = Next::Given(LIFE);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(now(&provider).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_asked_for_at_half_of_what_is_left() {
    // A metadata server that gives the same token until five minutes before its end.
    let lefts = [3600, 1800, 900, 450, 225].map(|left| Next::Given(Duration::from_secs(left)));
    let cloud = Cloud::new(&lefts, Next::Given(LIFE));
    let (provider, _) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(cloud.asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_end_and_what_ended_on_arrival_are_not_asked_for_in_a_circle() {
    let cloud = Cloud::new(&[], Next::Endless);
    let (provider, counters) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(77));
    sleep(LIFE * 24).await;
    assert_eq!((now(&provider).await, cloud.asked()), (Ok(77), 1));
    assert_eq!(counters.credential_left(Instant::now()), None);

    let cloud = Cloud::new(&[], Next::Given(Duration::ZERO));
    let (provider, _) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    sleep(Duration::from_secs(600)).await;
    assert!(now(&provider).await.is_ok());
    assert!(cloud.asked() <= 21, "{}", cloud.asked());
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_provider() {
    let cloud = Cloud::new(&[], Next::Given(LIFE));
    let (provider, _) = cloud.provider();
    assert_eq!(now(&provider).await, Ok(1));
    drop(provider);
    sleep(LIFE * 10).await;
    assert_eq!(cloud.asked(), 1);
}

#[test]
fn another_runtime_takes_over_when_the_first_one_has_ended() {
    let cloud = Cloud::new(&[], Next::Given(Duration::from_millis(500)));
    let (provider, _) = cloud.provider();
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    assert_eq!(runtime().block_on(now(&provider)), Ok(1));
    let second = runtime();
    second.block_on(async {
        sleep(Duration::from_secs(3)).await;
        assert!(now(&provider).await.is_ok_and(|number| number > 1));
    });
}
