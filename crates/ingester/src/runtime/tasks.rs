//! Owners of tasks: critical ones have work that must be finished, background ones have none. That
//! any of them is gone ends the process.

use std::any::Any;
use std::collections::HashMap;
use tokio::task::{Id, JoinError, JoinSet};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A task that the process cannot go on without has failed: start the process again. What it had
/// acknowledged is in the journal.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct TaskError {
    /// What the task was for.
    doing: &'static str,
    source: BoxError,
}

/// Why a task is gone that has no error of its own.
#[derive(Debug, Clone, thiserror::Error)]
enum Gone {
    #[error("a task ended before its time")]
    Early,
    #[error("a task panicked: {0}")]
    Panicked(String),
}

impl From<JoinError> for Gone {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => Gone::Panicked(message(&*panic).to_owned()),
            // It was cancelled, which only its owner does.
            Err(_) => Gone::Early,
        }
    }
}

/// What a panic says: texts are all that `panic!` and its kin leave.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A task whose failure ends the process, and whose end is waited for; or several that do the same,
/// as one for each listener.
pub(crate) struct CriticalTask {
    doing: &'static str,
    tasks: JoinSet<Result<(), BoxError>>,
}

/// Tasks that may be dropped at any time, since nothing is lost with them, but that the process
/// cannot go on without: one without heartbeats is taken for dead, one that makes no room fills up.
#[derive(Debug, Default)]
pub(crate) struct BackgroundTasks {
    tasks: JoinSet<()>,
    /// What each is for.
    doing: HashMap<Id, &'static str>,
}

impl BackgroundTasks {
    /// Starts one. `doing` is what it is for, as in "listing blocks".
    pub(crate) fn spawn(
        &mut self,
        doing: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let started = self.tasks.spawn(task);
        self.doing.insert(started.id(), doing);
    }

    /// The first that has ended. Never comes while all run.
    pub(crate) async fn failure(&mut self) -> TaskError {
        let (id, gone) = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, Gone::Early),
            Some(Err(error)) => (error.id(), error.into()),
            None => std::future::pending().await,
        };
        TaskError { doing: self.doing.remove(&id).unwrap_or_default(), source: gone.into() }
    }

    /// Waits until all have ended, after they were told to.
    pub(crate) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends them all where they stand.
    pub(crate) async fn shutdown(&mut self) {
        self.tasks.shutdown().await;
    }
}

impl CriticalTask {
    /// Not started yet. `doing` is what it is for, as in "writing segments".
    pub(crate) fn new(doing: &'static str) -> Self {
        CriticalTask { doing, tasks: JoinSet::new() }
    }

    /// Starts it.
    pub(crate) fn spawn<E: Into<BoxError>>(
        &mut self,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        self.tasks.spawn(async { task.await.map_err(Into::into) });
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// What it ended with.
    pub(crate) async fn finish(&mut self) -> Result<(), TaskError> {
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.unwrap_or_else(|error| Err(Gone::from(error).into()));
            ended.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// The error that ends it before its time. Never comes while it is not started.
    pub(crate) async fn failure(&mut self) -> TaskError {
        let source = match self.tasks.join_next().await {
            Some(Ok(Ok(()))) => Gone::Early.into(),
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => Gone::from(error).into(),
            None => std::future::pending().await,
        };
        self.failed(source)
    }

    fn failed(&self, source: BoxError) -> TaskError {
        TaskError { doing: self.doing, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tributary_telemetry::ErrorChain;

    #[tokio::test]
    async fn what_ends_a_task_is_told_with_what_it_was_for() {
        let mut task = CriticalTask::new("writing segments");
        assert!(task.failure().now_or_never().is_none(), "it is not started");
        assert!(task.finish().await.is_ok(), "nothing is left of it");
        task.spawn(async { Err(std::fmt::Error) });
        let why = ErrorChain(&task.failure().await).to_string();
        assert_eq!(why, format!("writing segments: {}", std::fmt::Error));
        task.spawn(async { Ok::<_, std::fmt::Error>(()) });
        let why = ErrorChain(&task.failure().await).to_string();
        assert_eq!(why, "writing segments: a task ended before its time");
        task.spawn(async { Err(std::fmt::Error) });
        assert!(task.finish().await.is_err());
    }

    #[tokio::test]
    async fn what_is_gone_is_told_by_what_it_was_for() {
        let mut tasks = BackgroundTasks::default();
        assert!(tasks.failure().now_or_never().is_none(), "there is none");
        tasks.spawn("listing blocks", std::future::pending());
        assert!(tasks.failure().now_or_never().is_none(), "it runs");
        tasks.spawn("merging blocks", async {});
        let why = ErrorChain(&tasks.failure().await).to_string();
        assert_eq!(why, "merging blocks: a task ended before its time");
        let number = 7;
        tasks.spawn("beating", async move { assert!(number == 8, "no room for {number}") });
        let why = ErrorChain(&tasks.failure().await).to_string();
        assert_eq!(why, "beating: a task panicked: no room for 7");
        tasks.spawn("beating", async { std::panic::panic_any(7) });
        let why = ErrorChain(&tasks.failure().await).to_string();
        assert_eq!(why, "beating: a task panicked: no message");
        assert!(tasks.failure().now_or_never().is_none(), "one runs");
        tasks.shutdown().await;
        tasks.ended().await;
    }
}
