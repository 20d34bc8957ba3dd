//! A script by which a process fails, or stands still, at a chosen write.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use tributary_testkit::bucket::{Failure, Fate, Outcome, Request, Script};

/// What happens at the write with this number, counted from 0; deletions are writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    None,
    /// The process dies: this write and everything after it fails for good.
    KillBefore(usize),
    /// As above, but this write took effect.
    KillAfter(usize),
    /// The write fails, once.
    ErrorBefore(usize),
    /// The write takes effect, but its answer says that it failed.
    ErrorAfter(usize),
    /// The process stands still until it is resumed.
    Pause(usize),
}

impl Fault {
    /// Whether a process that has made so many writes is dead.
    fn is_fatal(self, writes: usize) -> bool {
        matches!(self, Fault::KillBefore(at) | Fault::KillAfter(at) if writes > at)
    }

    /// What becomes of a write of a process that lives.
    fn outcome(self, number: usize) -> Outcome {
        match self {
            Fault::KillBefore(at) if at == number => Outcome::Refused(Failure::Denied),
            Fault::KillAfter(at) if at == number => Outcome::Unanswered(Failure::Denied),
            Fault::ErrorBefore(at) if at == number => Outcome::Refused(Failure::Transient),
            Fault::ErrorAfter(at) if at == number => Outcome::Unanswered(Failure::Transient),
            _ => Outcome::Done,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Fuse {
    fault: Fault,
    writes: Arc<AtomicUsize>,
    paused: Arc<Semaphore>,
    resumed: Arc<Semaphore>,
}

impl Fuse {
    pub(crate) fn new(fault: Fault) -> Self {
        let gate = || Arc::new(Semaphore::new(0));
        Fuse { fault, writes: Arc::default(), paused: gate(), resumed: gate() }
    }

    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Until the process stands still, or has finished without.
    pub(crate) async fn paused(&self) {
        self.paused.acquire().await.unwrap().forget();
    }

    pub(crate) fn resume(&self) {
        self.resumed.add_permits(1);
    }

    pub(crate) fn finish(&self) {
        self.paused.add_permits(1);
    }
}

impl Script for Fuse {
    async fn fate(&self, request: &Request) -> Fate {
        if self.fault.is_fatal(self.writes()) {
            return Fate::at_once(Outcome::Refused(Failure::Denied));
        }
        if !request.operation.is_write() {
            return Fate::DONE;
        }
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        if matches!(self.fault, Fault::Pause(at) if at == number) {
            self.paused.add_permits(1);
            self.resumed.acquire().await.unwrap().forget();
        }
        Fate::at_once(self.fault.outcome(number))
    }
}
