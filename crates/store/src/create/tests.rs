use super::*;
use crate::options::StoreOptions;
use futures_util::future::join_all;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tributary_testkit::bucket::{Fate, InMemory, Request, Script, Scripted};

/// Writes take their time; everything else is at once.
#[derive(Debug, Clone, Default)]
struct Slow(Arc<Mutex<Pace>>);

#[derive(Debug, Default)]
struct Pace {
    /// Milliseconds for each write in turn; after these, none.
    takes: VecDeque<u64>,
    /// Milliseconds at which writes began, since the first.
    began: Vec<u128>,
    since: Option<Instant>,
}

impl Script for Slow {
    async fn fate(&self, request: &Request) -> Fate {
        if !request.operation.is_write() {
            return Fate::DONE;
        }
        let mut pace = self.0.lock().unwrap();
        let since = *pace.since.get_or_insert_with(Instant::now);
        pace.began.push(since.elapsed().as_millis());
        let latency = Duration::from_millis(pace.takes.pop_front().unwrap_or(0));
        Fate { latency, ..Fate::DONE }
    }
}

impl Slow {
    fn began(&self) -> Vec<u128> {
        self.0.lock().unwrap().began.clone()
    }
}

fn store(takes: &[u64]) -> (Slow, Store) {
    let slow = Slow::default();
    slow.0.lock().unwrap().takes.extend(takes);
    let behind = Scripted::new(Arc::new(InMemory::new()), slow.clone());
    let mut store = Store::from_parts(Arc::new(behind), "").unwrap();
    // As a cloud has them by default.
    store.attempts.hedge_after = StoreOptions::default().hedge_after;
    (slow, store)
}

#[test]
fn the_road_to_an_acknowledgement_has_the_times_it_should() {
    let options = StoreOptions::default();
    assert_eq!(options.attempt_timeout, Duration::from_millis(2500));
    assert_eq!(options.hedge_after, Some(Duration::from_millis(600)));
    assert_eq!(options.create_deadline, Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_gets_a_second_copy_after_its_time() {
    // How long each write takes in turn; when each begins; when the answer is there.
    let table: &[(&[u64], &[u128], u128)] = &[
        (&[0], &[0], 0),
        (&[599], &[0], 599),
        (&[2000, 50], &[0, 600], 650),
        (&[700, 1000], &[0, 600], 700),
        (&[2000, 1900], &[0, 600], 2000),
    ];
    for (takes, begins, done) in table {
        let (slow, store) = store(takes);
        let begun = Instant::now();
        let created = store.create("a", Bytes::from_static(b"uid"), 0..3).await.unwrap();
        assert_eq!(created, Created::Won, "{takes:?}");
        assert_eq!(begun.elapsed().as_millis(), *done, "{takes:?}");
        assert_eq!(slow.began(), *begins, "{takes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_its_time_and_the_next_one_has_more() {
    let (slow, store) = store(&[60_000, 60_000, 3_000]);
    let created = store.create("a", Bytes::from_static(b"uid"), 0..3).await.unwrap();
    assert_eq!(created, Created::Won);
    let began = slow.began();
    let [0, 600, third, fourth] = began.as_slice() else { panic!("{began:?}") };
    // A pause of 25 to 50 ms, half of it random.
    assert!((2525..=2551).contains(third), "{began:?}");
    assert_eq!(fourth - third, 600, "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn ten_slow_writes_at_once_get_two_second_copies() {
    let (slow, store) = store(&[2_000; 30]);
    let create =
        async |n: usize| store.create(&format!("a/{n}"), Bytes::from_static(b"uid"), 0..3).await;
    let all = join_all((0..10).map(create)).await;
    assert!(all.into_iter().all(|created| created.unwrap() == Created::Won));
    assert_eq!(slow.began().iter().filter(|at| **at == 600).count(), 2);
    assert_eq!(store.counters().snapshot().hedges, 2);
    // A second later two more are allowed.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let create =
        async |n: usize| store.create(&format!("b/{n}"), Bytes::from_static(b"uid"), 0..3).await;
    let all = join_all((0..10).map(create)).await;
    assert!(all.into_iter().all(|created| created.unwrap() == Created::Won));
    assert_eq!(store.counters().snapshot().hedges, 4);
}
