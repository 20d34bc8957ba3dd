//! Owners of tasks: critical ones have work that must be finished, background ones have none.

use tokio::task::JoinSet;

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

/// Why a task failed that has no error of its own.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a task ended before its time")]
struct EndedEarly;

/// A task whose failure ends the process, and whose end is waited for; or several that do the same,
/// as one for each listener.
pub(crate) struct CriticalTask {
    doing: &'static str,
    tasks: JoinSet<Result<(), BoxError>>,
}

/// Tasks that may be dropped at any time.
#[derive(Default)]
pub(crate) struct BackgroundTasks(JoinSet<()>);

impl BackgroundTasks {
    /// Starts one.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
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
            let ended = ended.unwrap_or_else(|panic| Err(panic.into()));
            ended.map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// The error that ends it before its time. Never comes while it is not started.
    pub(crate) async fn failure(&mut self) -> TaskError {
        let source = match self.tasks.join_next().await {
            Some(Ok(Ok(()))) => EndedEarly.into(),
            Some(Ok(Err(error))) => error,
            Some(Err(panic)) => panic.into(),
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
}
