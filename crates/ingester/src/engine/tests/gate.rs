//! Between the tasks and the bucket: a request that another task could notice waits here until the
//! search lets it go on. What no other task can tell apart (data that no slot names yet, filters,
//! the floor, what is read of a block that is visible) passes.

use super::mutant::Mutant;
use futures_util::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutResult, Result};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;
use tributary_store::Store;
use tributary_testkit::bucket::{
    Effect, Failure, Fate, InMemory, Operation, Outcome, Request, Script, Scripted,
};

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Client {
    /// The owner's task that writes segments.
    Writer,
    /// The owner's task that writes blocks.
    Flusher,
    /// The owner's task that deletes.
    Deleter,
    /// The owner's task that adopts what the owner has lost.
    Upkeep,
    /// Another process, which adopts the owner's epoch while the owner lives.
    Adopter,
    /// A query.
    Reader,
    /// A write that was given up by its client and takes effect later.
    Late,
}

/// What waits, in the order of each client.
pub(super) type Key = (Client, u64);

/// All that wait.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) bucket: Arc<InMemory>,
    mutant: Option<Mutant>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Whether everything passes.
    open: bool,
    arrived: BTreeMap<Client, u64>,
    waiting: BTreeMap<Key, Waiting>,
    /// What each client has asked for and seen so far, as one number: from it follows where its
    /// task stands.
    histories: BTreeMap<Client, u64>,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    go: oneshot::Sender<Outcome>,
}

impl Gate {
    /// Open, until it is closed.
    pub(super) fn new(bucket: Arc<InMemory>, mutant: Option<Mutant>) -> Arc<Gate> {
        let inner = Inner { open: true, ..Inner::default() };
        Arc::new(Gate { bucket, mutant, inner: Mutex::new(inner) })
    }

    /// The bucket as this client has it.
    pub(super) fn store(self: &Arc<Self>, client: Client) -> Store {
        let line = Line { client, gate: self.clone() };
        Store::from_parts(Arc::new(Scripted::new(self.bucket.clone(), line)), "").unwrap()
    }

    pub(super) fn set_open(&self, open: bool) {
        let mut inner = self.inner.lock().unwrap();
        inner.open = open;
        if open {
            for (_, waiting) in std::mem::take(&mut inner.waiting) {
                let _gone = waiting.go.send(Outcome::Done);
            }
        }
    }

    /// What waits, by its place in the line.
    pub(super) fn waiting(&self) -> Vec<(Key, Request)> {
        let mut inner = self.inner.lock().unwrap();
        inner.waiting.retain(|_, waiting| !waiting.go.is_closed());
        inner.waiting.iter().map(|(key, waiting)| (*key, waiting.request.clone())).collect()
    }

    /// Lets one go on. `seen` stands for what its client sees of the bucket, and of memory that
    /// it shares with others.
    pub(super) fn release(&self, key: Key, outcome: Outcome, seen: u64) {
        let mut inner = self.inner.lock().unwrap();
        let Waiting { request, go } = inner.waiting.remove(&key).unwrap();
        let history = inner.histories.entry(key.0).or_default();
        *history =
            digest((*history, request.operation, request.path, format!("{outcome:?}"), seen));
        let _gone = go.send(outcome);
    }

    /// What all clients have done so far.
    pub(super) fn histories(&self) -> BTreeMap<Client, u64> {
        self.inner.lock().unwrap().histories.clone()
    }

    /// The client asks for nothing more: what it has seen makes no difference any longer.
    pub(super) fn is_done(&self, client: Client) {
        self.inner.lock().unwrap().histories.insert(client, 0);
    }

    /// Waits at a place of its own, as though for a request: another thread may come between.
    pub(super) async fn pass(&self, client: Client, place: &str) {
        let request = Request { operation: Operation::Get, path: place.to_owned() };
        if let Some(go) = self.arrive(client, request) {
            let _outcome = go.await;
        }
    }

    fn arrive(&self, client: Client, request: Request) -> Option<oneshot::Receiver<Outcome>> {
        let mut inner = self.inner.lock().unwrap();
        if inner.open {
            return None;
        }
        let (go, waits) = oneshot::channel();
        let number = inner.arrived.entry(client).or_default();
        *number += 1;
        let key = (client, *number);
        inner.waiting.insert(key, Waiting { request, go });
        Some(waits)
    }

    /// The names in the bucket.
    pub(super) async fn paths(&self) -> BTreeSet<String> {
        let objects = self.bucket.list(None);
        objects.map(|object| object.unwrap().location.to_string()).collect().await
    }

    /// What stands in its slots, as one number.
    pub(super) async fn slots(&self) -> u64 {
        let mut slots = Vec::new();
        for path in self.paths().await.into_iter().filter(|path| path.ends_with(".cmt")) {
            let bytes = self.bucket.get(&path.as_str().into()).await.unwrap().bytes().await;
            slots.push(bytes.unwrap());
        }
        digest(slots)
    }
}

/// Whether another task could tell when this request took effect.
fn matters(client: Client, Request { operation, path }: &Request) -> bool {
    if path.starts_with("blocks/") {
        let reads_meta = client == Client::Reader && path.ends_with("meta.json");
        return match operation {
            Operation::Put => path.ends_with("/meta.json"),
            Operation::Get => reads_meta,
            _ => true,
        };
    }
    // A slot that was listed is there to stay; the writer reads back what only it has written.
    path.starts_with("journal/log/")
        && !(*operation == Operation::Get && (path.ends_with(".cmt") || client == Client::Writer))
}

/// One client's way to the bucket.
#[derive(Debug, Clone)]
struct Line {
    client: Client,
    gate: Arc<Gate>,
}

impl Script for Line {
    async fn fate(&self, _: &Request) -> Fate {
        Fate::DONE
    }

    async fn carry<T: Send + 'static>(&self, request: Request, effect: Effect<T>) -> Result<T> {
        let creates = request.operation == Operation::Create;
        let slot = creates && request.path.ends_with(".cmt");
        if creates && self.client == Client::Writer && self.gate.mutant == Some(Mutant::HastyAck) {
            self.later(request, effect);
            return Ok(created());
        }
        let waits = match matters(self.client, &request) {
            true => self.gate.arrive(self.client, request.clone()),
            false => None,
        };
        let outcome = match waits {
            Some(go) => go.await.unwrap_or(Outcome::Done),
            None => Outcome::Done,
        };
        match outcome {
            Outcome::Late(_, failure) => {
                self.later(request, effect);
                Err(failure.into())
            }
            outcome => match effect.meet(Fate::at_once(outcome)).await {
                Err(object_store::Error::AlreadyExists { .. })
                    if slot && self.gate.mutant == Some(Mutant::LoserGoesOn) =>
                {
                    Ok(created())
                }
                answer => answer,
            },
        }
    }
}

impl Line {
    /// Lets it take effect when the search comes to it.
    fn later<T: Send + 'static>(&self, request: Request, effect: Effect<T>) {
        let waits = self.gate.arrive(Client::Late, request);
        tokio::spawn(async move {
            if let Some(go) = waits {
                let _outcome = go.await;
            }
            effect.meet(Fate::DONE).await
        });
    }
}

/// What a bucket answers that has created an object, or says so.
fn created<T: 'static>() -> T {
    let answer: Box<dyn Any> =
        Box::new(PutResult { e_tag: None, version: None, extensions: Default::default() });
    *answer.downcast().unwrap()
}

/// What may become of a write whose outcome is not told at once.
pub(super) const FAULTS: [Outcome; 3] = [
    Outcome::Refused(Failure::Transient),
    Outcome::Unanswered(Failure::Transient),
    Outcome::Late(std::time::Duration::ZERO, Failure::Transient),
];

pub(super) fn digest(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
