//! The provider that clients are given, and the task that renews what it hands out.

use super::exchange::{Build, Exchanged, Provider, exchange};
use super::schedule;
use crate::counters::{Counters, add};
use crate::random::random;
use futures_util::future::BoxFuture;
use object_store::CredentialProvider;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// No exchange takes so long: the task that was waited for has ended with its runtime.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// One provider for all clients of a store. `hint` is said when there never was a credential.
///
/// # Errors
/// What `build` finds wrong with what is set.
pub(crate) fn renewed<C: fmt::Debug + Send + Sync + 'static>(
    build: Build<C>,
    hint: Option<String>,
    counters: &Arc<Counters>,
) -> Result<Provider<C>, String> {
    // What is set is looked at now, although nothing is asked yet: a client that never signs never does.
    build(super::Listening::default())?;
    let build = Arc::new(build);
    let exchange: Exchange<C> = Box::new(move || {
        let build = Arc::clone(&build);
        Box::pin(async move { exchange(&build).await })
    });
    let chance = || random::<1>().map_or(0, |[byte]| byte);
    Ok(Arc::new(Renewed::new(exchange, hint, Arc::clone(counters), chance)))
}

/// One exchange, begun.
pub(super) type Exchange<C> =
    Box<dyn Fn() -> BoxFuture<'static, Result<Exchanged<C>, String>> + Send + Sync>;

/// Hands out what the task keeps fresh. The task begins with the first request and ends with this.
pub(super) struct Renewed<C> {
    shared: Arc<Shared<C>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<C> {
    exchange: Exchange<C>,
    hint: Option<String>,
    counters: Arc<Counters>,
    chance: fn() -> u8,
    state: watch::Sender<State<C>>,
}

struct State<C> {
    held: Held<C>,
    is_exchanging: bool,
    /// What the last exchange said, if it failed.
    failure: Option<Arc<str>>,
}

enum Held<C> {
    Nothing,
    Until(Instant, Arc<C>),
    Provider(Provider<C>),
}

impl<C> Clone for Held<C> {
    fn clone(&self) -> Self {
        match self {
            Held::Nothing => Held::Nothing,
            Held::Until(end, credential) => Held::Until(*end, Arc::clone(credential)),
            Held::Provider(provider) => Held::Provider(Arc::clone(provider)),
        }
    }
}

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
enum NoCredential {
    #[error("no credential was given: {why}{}", hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default())]
    Never { why: Arc<str>, hint: Option<String> },
    #[error("the credential has ended, and no new one was given: {0}")]
    Ended(Arc<str>),
}

impl From<NoCredential> for object_store::Error {
    fn from(error: NoCredential) -> Self {
        object_store::Error::Generic { store: "credentials", source: Box::new(error) }
    }
}

impl<C: Send + Sync + 'static> Renewed<C> {
    pub(super) fn new(
        exchange: Exchange<C>,
        hint: Option<String>,
        counters: Arc<Counters>,
        chance: fn() -> u8,
    ) -> Self {
        let state = State { held: Held::Nothing, is_exchanging: true, failure: None };
        let shared = Shared { exchange, hint, counters, chance, state: watch::Sender::new(state) };
        Renewed { shared: Arc::new(shared), task: Mutex::default() }
    }

    /// Begins the task, or begins it anew when the runtime that it ran in has ended.
    fn see_to_the_task(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            self.shared.state.send_modify(|state| state.is_exchanging = true);
            *task = Some(tokio::spawn(renew(Arc::clone(&self.shared))));
        }
    }
}

impl<C> Drop for Renewed<C> {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        task.iter().for_each(JoinHandle::abort);
    }
}

impl<C> fmt::Debug for Renewed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewed").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl<C: fmt::Debug + Send + Sync + 'static> CredentialProvider for Renewed<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        let mut state = self.shared.state.subscribe();
        loop {
            let held = state.borrow_and_update().held.clone();
            if let Held::Provider(provider) = &held {
                return provider.get_credential().await;
            }
            self.see_to_the_task();
            let (held, waits, failure) = {
                let state = state.borrow_and_update();
                (state.held.clone(), state.is_exchanging, state.failure.clone())
            };
            match held {
                Held::Until(end, credential) if Instant::now() < end => return Ok(credential),
                _ if waits => {}
                Held::Provider(_) => continue,
                Held::Nothing => {
                    let (why, hint) = (failure.unwrap_or_default(), self.shared.hint.clone());
                    return Err(NoCredential::Never { why, hint }.into());
                }
                Held::Until(..) => {
                    return Err(NoCredential::Ended(failure.unwrap_or_default()).into());
                }
            }
            if tokio::time::timeout(LONGEST_WAIT, state.changed()).await.is_err() {
                return Err(NoCredential::Ended("nothing answers".into()).into());
            }
        }
    }
}

/// Exchanges until no end is told; ends with the [`Renewed`] that began it.
async fn renew<C>(shared: Arc<Shared<C>>) {
    let mut failed = 0_u32;
    loop {
        let ends = shared.ends();
        let patience = schedule::patience(left(ends));
        shared.state.send_modify(|state| state.is_exchanging = true);
        let exchanged = tokio::time::timeout(patience, (shared.exchange)())
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {patience:?}")));
        let pause = match exchanged {
            Ok(Exchanged::Lasts(provider)) => {
                shared.hold(Held::Provider(provider), None);
                return;
            }
            Ok(Exchanged::Ends(credential, left)) => {
                let life = schedule::used_for(left);
                if left.is_zero() {
                    tracing::warn!(
                        "a credential of the store had ended by this machine's clock when it came; is \
                         the clock right?"
                    );
                }
                if failed > 0 {
                    tracing::info!(
                        failed,
                        seconds = life.as_secs(),
                        "the store's credential is renewed"
                    );
                }
                failed = 0;
                add(&shared.counters.credential_renewals, 1);
                let ends = Instant::now() + life;
                shared.counters.credential_ends(ends);
                shared.hold(Held::Until(ends, credential), None);
                schedule::renew_after(life, (shared.chance)())
            }
            Err(why) => {
                failed = failed.saturating_add(1);
                add(&shared.counters.credential_failures, 1);
                let left = left(ends);
                tracing::warn!(
                    error = why,
                    failed,
                    seconds_left = left.as_secs(),
                    "the store's credential could not be renewed; it is tried again"
                );
                let held = shared.state.borrow().held.clone();
                shared.hold(held, Some(why.into()));
                schedule::pause(failed, left, (shared.chance)())
            }
        };
        tokio::time::sleep(pause).await;
    }
}

fn left(ends: Option<Instant>) -> Duration {
    ends.map_or(Duration::ZERO, |end| end.saturating_duration_since(Instant::now()))
}

impl<C> Shared<C> {
    fn ends(&self) -> Option<Instant> {
        match self.state.borrow().held {
            Held::Until(end, _) => Some(end),
            Held::Nothing | Held::Provider(_) => None,
        }
    }

    fn hold(&self, held: Held<C>, failure: Option<Arc<str>>) {
        self.state.send_replace(State { held, is_exchanging: false, failure });
    }
}
