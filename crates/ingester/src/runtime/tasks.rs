//! Owners of tasks: a stage has work that must be finished, helpers have none.

use anyhow::anyhow;
use tokio::task::JoinSet;

/// A task whose failure ends the process, and whose end is waited for.
pub struct Stage<E>(JoinSet<Result<(), E>>);

/// Tasks that may be dropped at any time.
#[derive(Default)]
pub struct Helpers(JoinSet<()>);

impl<E> Default for Stage<E> {
    fn default() -> Self {
        Stage(JoinSet::new())
    }
}

impl Helpers {
    /// Starts one.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }
}

impl<E: std::error::Error + Send + Sync + 'static> Stage<E> {
    /// Starts it.
    pub fn spawn(&mut self, task: impl Future<Output = Result<(), E>> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Waits for the stage's end.
    ///
    /// # Errors
    /// What it ended with.
    pub async fn finish(&mut self) -> anyhow::Result<()> {
        while let Some(done) = self.0.join_next().await {
            done??;
        }
        Ok(())
    }

    /// The error that ends the stage before its time.
    pub async fn failure(&mut self) -> anyhow::Error {
        match self.0.join_next().await {
            Some(Ok(Err(error))) => error.into(),
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) => anyhow!("a task ended before its time"),
            None => std::future::pending().await,
        }
    }
}
