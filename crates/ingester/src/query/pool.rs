//! The threads that questions are answered on: at lower priority than everything that takes spans,
//! so that a heavy question never holds up a light acknowledgement.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tributary_query::Gate;

/// Threads for each that may compute: the others wait for the store.
const WAITING: usize = 8;
/// Niceness of the threads; the highest there is is 19.
const NICE: i32 = 10;

type Job = Box<dyn FnOnce(&Handle) + Send>;

/// The threads. They end when the pool is dropped.
#[derive(Debug)]
pub(crate) struct QueryPool {
    jobs: Mutex<Sender<Job>>,
    gate: Arc<Gate>,
    computing: usize,
    threads: usize,
}

/// A job's thread is gone: it panicked, or the process ends.
#[derive(Debug, thiserror::Error)]
#[error("the question's thread is gone")]
pub(crate) struct Gone;

impl QueryPool {
    /// Threads of which `computing` may compute at a time. Within a runtime, on which reads go on.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(computing: usize) -> std::io::Result<QueryPool> {
        let threads = computing.saturating_mul(WAITING);
        let (jobs, taken) = channel::<Job>();
        let taken = Arc::new(Mutex::new(taken));
        for n in 0..threads {
            let (taken, handle) = (taken.clone(), Handle::current());
            let named = std::thread::Builder::new().name(format!("query-{n}"));
            named.spawn(move || work(&taken, &handle))?;
        }
        Ok(QueryPool {
            jobs: Mutex::new(jobs),
            gate: Arc::new(Gate::new(computing)),
            computing,
            threads,
        })
    }

    /// What computing waits for.
    pub(crate) fn gate(&self) -> Arc<Gate> {
        self.gate.clone()
    }

    /// How many may compute at a time.
    pub(crate) fn computing(&self) -> usize {
        self.computing
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Does a job on one of the threads.
    ///
    /// # Errors
    /// When its thread is gone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Handle) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move |handle| {
            // Who asked may have gone away meanwhile.
            drop(done.send(job(handle)));
        });
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        sent.map_err(|_| Gone)?;
        outcome.await.map_err(|_| Gone)
    }
}

fn work(taken: &Mutex<Receiver<Job>>, handle: &Handle) {
    // On Linux this is the thread's own priority. Without it questions are as urgent as spans.
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread for questions keeps its priority");
    }
    loop {
        let job = taken.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A job that panics ends its question, which hears nothing more, and not the thread.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(handle)));
        if outcome.is_err() {
            tracing::error!("a question panicked: it is answered with an error");
        }
    }
}
