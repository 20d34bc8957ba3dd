//! A bucket in memory with a gate before some of what is written to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;
use tributary_store::Store;
use tributary_testkit::bucket::{Failure, Fate, InMemory, Outcome, Request, Script, Scripted};

/// What becomes of an object that is to be written and has a gate before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    /// It waits.
    Held,
    /// It is refused.
    Failing,
    /// It is refused until an operator changes something.
    Denied,
}

/// The bucket. Clones are one and the same.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    inner: Arc<InMemory>,
    gate: Arc<watch::Sender<Gate>>,
    is_before: fn(&str) -> bool,
    arrived: Arc<AtomicUsize>,
}

impl Bucket {
    /// With a gate before its segments.
    pub(crate) fn new(gate: Gate) -> Bucket {
        Bucket::before(|path| path.ends_with(".seg"), gate)
    }

    /// With a gate before the paths that are told.
    pub(crate) fn before(is_before: fn(&str) -> bool, gate: Gate) -> Bucket {
        let gate = Arc::new(watch::channel(gate).0);
        Bucket { inner: Arc::default(), gate, is_before, arrived: Arc::default() }
    }

    /// As the ingester has it.
    pub(crate) fn store(&self) -> Store {
        let behind = Scripted::new(Arc::clone(&self.inner), self.clone());
        Store::from_parts(Arc::new(behind), "").unwrap()
    }

    pub(crate) fn set(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// How often an object has come to the gate.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.load(Ordering::SeqCst)
    }
}

impl Script for Bucket {
    async fn fate(&self, request: &Request) -> Fate {
        if !request.operation.is_put() || !(self.is_before)(&request.path) {
            return Fate::DONE;
        }
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let mut gate = self.gate.subscribe();
        match gate.wait_for(|gate| *gate != Gate::Held).await.as_deref() {
            Ok(Gate::Open) => Fate::DONE,
            Ok(Gate::Denied) => Fate::at_once(Outcome::Refused(Failure::Denied)),
            _ => Fate::at_once(Outcome::Refused(Failure::Transient)),
        }
    }
}
