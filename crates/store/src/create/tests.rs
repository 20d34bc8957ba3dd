use super::*;
use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    PutMultipartOptions, PutResult, Result,
};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Memory that takes its time for writes; everything else is at once.
#[derive(Debug, Default)]
struct Slow {
    inner: InMemory,
    /// Milliseconds for each write in turn; after these, none.
    takes: Mutex<VecDeque<u64>>,
    /// Milliseconds at which writes began.
    began: Mutex<Vec<u128>>,
    since: Mutex<Option<Instant>>,
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("slow")
    }
}

#[async_trait]
impl ObjectStore for Slow {
    async fn put_opts(
        &self,
        to: &Path,
        body: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let since = *self.since.lock().unwrap().get_or_insert_with(Instant::now);
        self.began.lock().unwrap().push(since.elapsed().as_millis());
        let takes = self.takes.lock().unwrap().pop_front().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(takes)).await;
        self.inner.put_opts(to, body, options).await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "parts".into(), implementer: "slow".into() })
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(from, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copies".into(), implementer: "slow".into() })
    }
}

fn store(takes: &[u64]) -> (Arc<Slow>, Store) {
    let takes = Mutex::new(takes.iter().copied().collect());
    let slow = Arc::new(Slow { takes, ..Slow::default() });
    let mut store = Store::from_parts(slow.clone(), "").unwrap();
    // As a cloud has them by default.
    store.attempts.hedge_after = crate::StoreOptions::default().hedge_after;
    (slow, store)
}

#[test]
fn the_road_to_an_acknowledgement_has_the_times_it_should() {
    let options = crate::StoreOptions::default();
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
        assert_eq!(*slow.began.lock().unwrap(), *begins, "{takes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_after_its_time_and_the_next_one_has_more() {
    let (slow, store) = store(&[60_000, 60_000, 3_000]);
    let created = store.create("a", Bytes::from_static(b"uid"), 0..3).await.unwrap();
    assert_eq!(created, Created::Won);
    let began = slow.began.lock().unwrap().clone();
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
    assert_eq!(slow.began.lock().unwrap().iter().filter(|at| **at == 600).count(), 2);
    assert_eq!(store.counters().snapshot().hedges, 2);
    // A second later two more are allowed.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let create =
        async |n: usize| store.create(&format!("b/{n}"), Bytes::from_static(b"uid"), 0..3).await;
    let all = join_all((0..10).map(create)).await;
    assert!(all.into_iter().all(|created| created.unwrap() == Created::Won));
    assert_eq!(store.counters().snapshot().hedges, 4);
}
