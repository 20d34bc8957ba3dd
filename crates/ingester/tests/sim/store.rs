//! A bucket that fails in every way that a bucket can, as a seed decides: late, never, twice, with
//! the wrong answer, or with none.

use bytes::Bytes;
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
    /// Whether nothing can be deleted.
    deletions_down: AtomicBool,
    /// The process that dies, and how often it changes blocks, records or what it remembers of
    /// retention before that.
    fuse: Mutex<Option<(u32, u32)>>,
    /// How often each object was read, and which readings give wrong bytes.
    readings: Mutex<BTreeMap<String, u32>>,
    garbled: Mutex<Option<Garbled>>,
}

/// The first readings of objects, each of which gives bytes that are wrong in another place.
#[derive(Debug, Clone)]
struct Garbled {
    /// What their paths have in them.
    part: String,
    /// Readings of each such object up to this one.
    up_to: u32,
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
            deletions_down: AtomicBool::new(false),
            fuse: Mutex::default(),
            readings: Mutex::default(),
            garbled: Mutex::default(),
        })
    }

    /// From now on it does what it is asked to.
    pub(crate) fn heal(&self) {
        self.faulty.store(false, Ordering::SeqCst);
        self.down.store(false, Ordering::SeqCst);
        self.blocks_down.store(false, Ordering::SeqCst);
        self.deletions_down.store(false, Ordering::SeqCst);
    }

    /// The first `times` readings of each object with `part` in its path give wrong bytes, other ones
    /// each time.
    pub(crate) fn garble(&self, part: &str, times: u32) {
        *self.garbled.lock().unwrap() = Some(Garbled { part: part.to_owned(), up_to: times });
    }

    /// Process `number` dies when it would change blocks, records or what it remembers of retention
    /// once more after so many times.
    pub(crate) fn dies_after(&self, number: u32, changes: u32) {
        *self.fuse.lock().unwrap() = Some((number, changes));
    }

    /// Whether the process that was to die lives.
    pub(crate) fn spared(&self) -> bool {
        self.fuse.lock().unwrap().is_some()
    }

    /// Whether this is where the process dies.
    fn burns(&self, number: u32, request: &Request) -> bool {
        let parts = ["blocks/", "journal/windows/", "journal/retention"];
        let mut fuse = self.fuse.lock().unwrap();
        match &mut *fuse {
            Some((who, left)) if *who == number && request.operation.is_write() => {
                if !parts.iter().any(|part| request.path.starts_with(part)) {
                    return false;
                }
                let now = *left == 0;
                *left = left.saturating_sub(1);
                if now {
                    *fuse = None;
                }
                now
            }
            _ => false,
        }
    }

    /// How often the object was read.
    pub(crate) fn readings(&self, path: &str) -> u32 {
        self.readings.lock().unwrap().get(path).copied().unwrap_or_default()
    }

    fn given(&self, path: &str, bytes: Bytes) -> Bytes {
        let mut readings = self.readings.lock().unwrap();
        let reading = readings.entry(path.to_owned()).or_default();
        *reading += 1;
        let garbled = self.garbled.lock().unwrap();
        match &*garbled {
            Some(rule) if path.contains(&rule.part) && *reading <= rule.up_to => {
                let mut bytes = bytes.to_vec();
                let at = bytes.len() / 2 + *reading as usize % 16;
                bytes[at] ^= 1;
                bytes.into()
            }
            _ => bytes,
        }
    }

    pub(crate) fn set_deletions_down(&self, down: bool) {
        self.deletions_down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn set_blocks_down(&self, down: bool) {
        self.blocks_down.store(down, Ordering::SeqCst);
    }

    /// Whether it takes the request, rather than let it wait for nothing.
    fn takes(&self, request: &Request) -> bool {
        let block = request.operation.is_put() && request.path.starts_with("blocks/");
        let deletion = request.operation == Operation::Delete;
        let down = block && self.blocks_down.load(Ordering::SeqCst)
            || deletion && self.deletions_down.load(Ordering::SeqCst);
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

    /// A request of process `number` has taken effect, which the bucket has `done`.
    fn note(&self, number: u32, request: &Request, done: bool) {
        let (now, Request { operation, path }) = (self.begun.elapsed(), request);
        let mut log = self.log.lock().unwrap();
        (now.as_millis(), number, operation, path).hash(&mut log.0);
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
    /// depends on who lives is then done by several at once.
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

    async fn carry<T: Send + 'static>(&self, request: Request, effect: Effect<T>) -> Result<T> {
        if request.operation.is_put() && request.path.starts_with(HEARTBEATS) {
            *self.heartbeat.lock().unwrap() = Some(request.path.clone());
        }
        if self.bucket.burns(self.number, &request) {
            self.running.set(false);
        }
        self.running.awake().await;
        let fate = self.fate(&request).await;
        let (bucket, number) = (Arc::clone(&self.bucket), self.number);
        let effect = effect.seen_by(move |done| bucket.note(number, &request, done));
        let answer = effect.meet(fate).await;
        self.running.awake().await;
        answer
    }

    fn given(&self, path: &str, bytes: Bytes) -> Bytes {
        self.bucket.given(path, bytes)
    }

    fn shown(&self, object: ObjectMeta) -> Option<ObjectMeta> {
        let path = object.location.as_ref();
        let own = self.heartbeat.lock().unwrap();
        let hidden = self.alone && path.starts_with(HEARTBEATS) && own.as_deref() != Some(path);
        (!hidden).then(|| self.bucket.dated(object))
    }
}
