//! A bucket that fails in every way that a bucket can, as a seed decides: late, never, twice, with
//! the wrong answer, or with none.

use object_store::{ObjectMeta, Result};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;
use tokio::time::Instant;
use tributary_journal::layout::HEARTBEATS;
use tributary_store::Store;
use tributary_testkit::Random;
use tributary_testkit::bucket::{
    Effect, Failure, Fate, InMemory, Operation, Outcome, Request, Script, Scripted,
};

/// What all processes share.
#[derive(Debug)]
pub(crate) struct Bucket {
    inner: Arc<InMemory>,
    dice: Mutex<Random>,
    /// Everything that took effect, when and by whom.
    log: Mutex<(DefaultHasher, u64)>,
    /// When each object was written, by the clock of the simulation.
    written: Mutex<BTreeMap<String, Duration>>,
    begun: Instant,
    faulty: AtomicBool,
    down: AtomicBool,
    /// Whether blocks alone cannot be written.
    blocks_down: AtomicBool,
}

impl Bucket {
    pub(crate) fn new(seed: u64) -> Arc<Bucket> {
        Arc::new(Bucket {
            inner: Arc::default(),
            dice: Mutex::new(Random::new(seed)),
            log: Mutex::default(),
            written: Mutex::default(),
            begun: Instant::now(),
            faulty: AtomicBool::new(true),
            down: AtomicBool::new(false),
            blocks_down: AtomicBool::new(false),
        })
    }

    /// From now on it does what it is asked to.
    pub(crate) fn heal(&self) {
        self.faulty.store(false, Ordering::SeqCst);
        self.down.store(false, Ordering::SeqCst);
        self.blocks_down.store(false, Ordering::SeqCst);
    }

    pub(crate) fn set_blocks_down(&self, down: bool) {
        self.blocks_down.store(down, Ordering::SeqCst);
    }

    /// Whether it takes the request, rather than let it wait for nothing.
    fn takes(&self, request: &Request) -> bool {
        let block = request.operation.is_put() && request.path.starts_with("blocks/");
        let down = if block { self.blocks_down.load(Ordering::SeqCst) } else { false };
        !down && !self.down.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// A number that two runs share only if the same happened in both, and how much did.
    pub(crate) fn history(&self) -> (u64, u64) {
        let log = self.log.lock().unwrap();
        (log.0.finish(), log.1)
    }

    fn note(&self, process: u32, what: &str, path: &str) {
        let mut log = self.log.lock().unwrap();
        (self.begun.elapsed().as_millis(), process, what, path).hash(&mut log.0);
        log.1 += 1;
        if done && operation.is_put() {
            self.written.lock().unwrap().insert(path.clone(), now);
        }
    }

    /// What a listing says of an object, with the time of the simulation.
    fn dated(&self, mut object: ObjectMeta) -> ObjectMeta {
        let written = self.written.lock().unwrap().get(object.location.as_ref()).copied();
        let since = Duration::from_secs(1_795_442_400) + written.unwrap_or_default();
        object.last_modified = (SystemTime::UNIX_EPOCH + since).into();
        object
    }

    fn draw(&self, below: u64) -> u64 {
        self.dice.lock().unwrap().draw(below)
    }
}

/// Whether a process runs. (Tokio's own channels for this wake up in an order that no seed
/// decides.)
#[derive(Debug, Clone)]
pub(crate) struct Running(Arc<(AtomicBool, Notify)>);

impl Running {
    pub(crate) fn new() -> Self {
        Running(Arc::new((AtomicBool::new(true), Notify::new())))
    }

    /// Stands still or goes on. A process that was killed stands still for ever.
    pub(crate) fn set(&self, running: bool) {
        self.0.0.store(running, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    async fn awake(&self) {
        loop {
            let changed = self.0.1.notified();
            if self.0.0.load(Ordering::SeqCst) {
                return;
            }
            changed.await;
        }
    }
}

/// One process's connection.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    bucket: Arc<Bucket>,
    number: u32,
    running: Running,
    /// Whether it sees no heartbeat but its own, so that it takes itself for the only one: what
    /// depends on which of them live is then done by several at once.
    alone: bool,
    heartbeat: Arc<Mutex<Option<String>>>,
}

impl Line {
    pub(crate) fn new(bucket: Arc<Bucket>, number: u32, running: Running, alone: bool) -> Self {
        Line { bucket, number, running, alone, heartbeat: Arc::default() }
    }

    /// The bucket at the end of it.
    pub(crate) fn store(self) -> Store {
        let bucket = Scripted::new(Arc::clone(&self.bucket.inner), self);
        Store::from_parts(Arc::new(bucket), "").unwrap()
    }
}

/// What becomes of a request to a bucket that takes it, by a number below a hundred.
fn outcome(drawn: u64, operation: Operation, late: Duration) -> Outcome {
    match drawn {
        0..=2 => Outcome::Refused(Failure::Transient),
        3..=4 => Outcome::Unanswered(Failure::Transient),
        5 => Outcome::Late(late, Failure::Transient),
        6 => Outcome::Twice(late),
        7..=8 if operation == Operation::Create => Outcome::Refused(Failure::Exists),
        _ => Outcome::Done,
    }
}

impl Script for Line {
    async fn fate(&self, request: &Request) -> Fate {
        let latency = Duration::from_millis(5 + self.bucket.draw(200));
        let faulty = self.bucket.faulty.load(Ordering::SeqCst);
        let drawn = if faulty { self.bucket.draw(100) } else { u64::MAX };
        let late = Duration::from_secs(5 + self.bucket.draw(60));
        if !self.bucket.takes(request) {
            let outcome = Outcome::Refused(Failure::Transient);
            return Fate { latency: Duration::from_secs(2), outcome };
        }
        Fate { latency, outcome: outcome(drawn, request.operation, late) }
    }

    /// A request. What took off takes effect whether its sender waits for it or not.
    async fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        path: String,
        creates: bool,
        effect: impl Fn() -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> Result<T> {
        self.running.awake().await;
        let fate = self.fate(&request).await;
        let (bucket, number) = (Arc::clone(&self.bucket), self.number);
        let effect = effect.seen_by(move |done| bucket.note(number, &request, done));
        let answer = effect.meet(fate).await;
        self.running.awake().await;
        answer
    }

/// Runs what cannot be cancelled.
async fn join<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(hiccup()))
}

fn hiccup() -> Error {
    Error::Generic { store: "bucket", source: "no answer".into() }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.number)
    }
}

#[async_trait]
impl ObjectStore for Line {
    async fn put_opts(
        &self,
        to: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if to.as_ref().starts_with("journal/live/") {
            *self.heartbeat.lock().unwrap() = Some(to.clone());
        }
        let (bucket, path) = (self.bucket.clone(), to.clone());
        let creates = options.mode == PutMode::Create;
        self.ask("put", to.to_string(), creates, move || {
            let (bucket, path) = (bucket.clone(), path.clone());
            let (payload, options) = (payload.clone(), options.clone());
            Box::pin(async move {
                let done = bucket.inner.put_opts(&path, payload, options).await?;
                bucket.put(&path);
                Ok(done)
            })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "parts".into(), implementer: "line".into() })
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        let (bucket, path) = (self.bucket.clone(), from.clone());
        self.ask("get", from.to_string(), false, move || {
            let (bucket, path, options) = (bucket.clone(), path.clone(), options.clone());
            Box::pin(async move { bucket.inner.get_opts(&path, options).await })
        })
        .await
    }

    async fn get_ranges(&self, from: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let (bucket, path, ranges) = (self.bucket.clone(), from.clone(), ranges.to_vec());
        self.ask("get", from.to_string(), false, move || {
            let (bucket, path, ranges) = (bucket.clone(), path.clone(), ranges.clone());
            Box::pin(async move { bucket.inner.get_ranges(&path, &ranges).await })
        })
        .await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        // One by one, so that a deletion can stop half-way.
        let line = self.clone();
        let delete = move |path: Result<Path>| {
            let line = line.clone();
            async move {
                let path = path?;
                let (bucket, gone) = (line.bucket.clone(), path.clone());
                line.ask("delete", path.to_string(), false, move || {
                    let (bucket, gone) = (bucket.clone(), gone.clone());
                    Box::pin(async move { bucket.inner.delete(&gone).await })
                })
                .await?;
                Ok(path)
            }
        };
        paths.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (line, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let (bucket, name) = (line.bucket.clone(), format!("{prefix:?}"));
            let all = line
                .ask("list", name, false, move || {
                    let (bucket, prefix) = (bucket.clone(), prefix.clone());
                    Box::pin(async move {
                        let found: Vec<_> = bucket.inner.list(prefix.as_ref()).collect().await;
                        let dated = found.into_iter().map(|object| Ok(bucket.dated(object?)));
                        dated.collect::<Result<Vec<ObjectMeta>>>()
                    })
                })
                .await;
            let all: Vec<Result<ObjectMeta>> = match all {
                Ok(all) => all.into_iter().filter(|o| line.sees(&o.location)).map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            futures_util::stream::iter(all)
        };
        futures_util::stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (bucket, prefix) = (self.bucket.clone(), prefix.cloned());
        self.ask("list", format!("{prefix:?}"), false, move || {
            let (bucket, prefix) = (bucket.clone(), prefix.clone());
            Box::pin(async move { bucket.inner.list_with_delimiter(prefix.as_ref()).await })
        })
        .await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(Error::NotImplemented { operation: "copies".into(), implementer: "line".into() })
    }
}
