//! What becomes of a request: plain data, and how it comes about.

use futures_util::future::BoxFuture;
use object_store::{Error, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fate {
    /// Time until it takes effect and is answered, by the runtime's clock.
    pub latency: Duration,
    /// Which of the two happen.
    pub outcome: Outcome,
}

impl Fate {
    /// Done and answered at once.
    pub const DONE: Fate = Fate::at_once(Outcome::Done);

    /// This, without any latency.
    pub const fn at_once(outcome: Outcome) -> Fate {
        Fate { latency: Duration::ZERO, outcome }
    }
}

/// Whether, and when, a request takes effect, and what is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It takes effect, and the answer says so.
    Done,
    /// It takes no effect; the answer is this.
    Refused(Failure),
    /// It takes effect; the answer is this all the same.
    Unanswered(Failure),
    /// The answer is this; when so much time has passed it takes effect.
    Late(Duration, Failure),
    /// It takes effect, and the answer says so; so much later it takes effect again.
    Twice(Duration),
}

/// An answer that says nothing of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Trying again may help.
    Transient,
    /// Trying again does not help.
    Denied,
    /// There is such an object, it says, whether there is one or not.
    Exists,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let path = String::new();
        match failure {
            Failure::Transient => Error::Generic { store: "bucket", source: "no answer".into() },
            Failure::Denied => Error::PermissionDenied { path, source: "as the test says".into() },
            Failure::Exists => Error::AlreadyExists { path, source: "as the test says".into() },
        }
    }
}

/// What a request does to the bucket; it can be done more than once.
pub struct Effect<T>(Arc<dyn Fn() -> BoxFuture<'static, Result<T>> + Send + Sync>);

impl<T> Clone for Effect<T> {
    fn clone(&self) -> Self {
        Effect(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Effect<T> {
    pub(super) fn new(
        effect: impl Fn() -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> Self {
        Effect(Arc::new(effect))
    }

    /// The same; each time that it is done, `see` is told whether the bucket took it.
    pub fn seen_by(self, see: impl Fn(bool) + Send + Sync + 'static) -> Effect<T> {
        let see = Arc::new(see);
        Effect::new(move || {
            let (done, see) = (self.0(), Arc::clone(&see));
            Box::pin(async move {
                let done = done.await;
                see(done.is_ok());
                done
            })
        })
    }

    /// Lets it happen as `fate` says. What has set out takes effect whether the client waits for the
    /// answer or not.
    ///
    /// # Errors
    /// What the bucket answers, or what the fate says that it does.
    pub async fn meet(self, fate: Fate) -> Result<T> {
        let Fate { latency, outcome } = fate;
        match outcome {
            Outcome::Done => detached(self.after(latency)).await,
            Outcome::Refused(failure) => {
                pass(latency).await;
                Err(failure.into())
            }
            Outcome::Unanswered(failure) => {
                detached(self.after(latency)).await.and(Err(failure.into()))
            }
            Outcome::Late(time, failure) => {
                tokio::spawn(self.after(time));
                pass(latency).await;
                Err(failure.into())
            }
            Outcome::Twice(time) => {
                let again = self.clone();
                detached(async move {
                    let first = self.after(latency).await;
                    tokio::spawn(again.after(time));
                    first
                })
                .await
            }
        }
    }

    async fn after(self, time: Duration) -> Result<T> {
        pass(time).await;
        self.0().await
    }
}

async fn pass(time: Duration) {
    // A sleep of no time would be one until the clock's next millisecond.
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Does what no client can break off.
async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Failure::Transient.into()))
}
