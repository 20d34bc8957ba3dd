//! What callers show, and what they may: the decisions of [`tributary_identity::gate`] with the policy
//! of now, counted.

mod file;

use super::rounds::Rounds;
use super::{Access, AccessError};
use crate::limits::Limit;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use file::{PolicyFile, read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_identity::gate::identify;
use tributary_identity::token::{KeySet, KeySource, KeyUrl, TokenFault};
use tributary_identity::{Auth, Caller, Known, Refusal, Shown};

/// How often an unknown key is a reason to look at the files at once.
const KEYS_AGAIN: Duration = Duration::from_secs(60);

/// Where a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// On the wire.
    Wire,
    /// On the query port.
    Query,
    /// On the query port, where ingesters ask each other.
    Peer,
}

impl Port {
    /// Its name as a label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Port::Wire => "wire",
            Port::Query => "query",
            Port::Peer => "peer",
        }
    }
}

/// Lets callers in, or not.
#[derive(Debug)]
pub(crate) struct Gate {
    auth: Auth,
    permissive: bool,
    /// Whether readers must have a certificate that is not asked for more.
    readers_need_certificate: bool,
    path: Option<PathBuf>,
    file: Mutex<PolicyFile>,
    known: Mutex<Arc<Known>>,
    /// When an unknown key was last a reason to look at the files.
    looked: Mutex<Option<Instant>>,
    /// Of asking for keys at addresses.
    pub(super) rounds: Rounds,
    clock: IdGenerator,
    metrics: Arc<Metrics>,
}

impl Gate {
    /// Reads the policy.
    ///
    /// # Errors
    /// When it, or the keys of one of its issuers, cannot be read.
    pub(crate) fn open(
        access: &Access,
        clock: IdGenerator,
        metrics: Arc<Metrics>,
    ) -> Result<Gate, AccessError> {
        let mut file = PolicyFile::new(access.policy.clone());
        let known = read(access.policy.as_ref(), file.text()?)?;
        if access.auth != Auth::None && known.policy.peers.is_empty() {
            tracing::warn!(
                "the policy names no peers: other ingesters are not told what is in memory here"
            );
        }
        let asks = access.http.as_ref().is_some_and(|files| files.client_ca.is_some());
        Ok(Gate {
            auth: access.auth,
            permissive: access.permissive,
            readers_need_certificate: access.auth == Auth::None && asks,
            path: access.policy.clone(),
            file: Mutex::new(file),
            known: Mutex::new(Arc::new(known)),
            looked: Mutex::new(None),
            rounds: Rounds::default(),
            clock,
            metrics,
        })
    }

    /// Looks whether the policy or keys have changed, and goes by them from then on. True when they
    /// have.
    ///
    /// # Errors
    /// When they cannot be read: what was last good stays.
    pub(crate) fn refresh(&self) -> Result<bool, AccessError> {
        let mut new = {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            read(self.path.as_ref(), file.text()?)?
        };
        let changed = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            keep_told(&mut new, &known);
            let changed = **known != new;
            if changed {
                *known = Arc::new(new);
            }
            changed
        };
        // Later it is asked again by itself.
        if changed && self.without_keys() > 0 {
            self.rounds.ask();
        }
        Ok(changed)
    }

    /// Whether there is a policy that may name addresses of keys.
    pub(crate) fn has_policy(&self) -> bool {
        self.auth != Auth::None && self.path.is_some()
    }

    /// Where keys are told, each address once.
    pub(super) fn key_urls(&self) -> Vec<KeyUrl> {
        let known = self.known();
        let mut urls: Vec<KeyUrl> = Vec::new();
        for url in known.policy.issuers.iter().filter_map(|entry| url_of(&entry.keys)) {
            if !urls.contains(url) {
                urls.push(url.clone());
            }
        }
        urls
    }

    /// Goes by these keys, which an address has told, from now on. Whether they are others.
    pub(super) fn put_keys(&self, url: &KeyUrl, keys: &KeySet) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = (**known).clone();
        for (entry, issuer) in new.policy.issuers.iter().zip(&mut new.issuers) {
            if url_of(&entry.keys) == Some(url) {
                issuer.keys = keys.clone();
            }
        }
        let changed = **known != new;
        if changed {
            *known = Arc::new(new);
        }
        changed
    }

    /// How many issuers have no keys yet.
    pub(super) fn without_keys(&self) -> usize {
        let count = self.known().issuers.iter().filter(|issuer| issuer.keys.is_empty()).count();
        self.metrics.issuers_without_keys.set(i64::try_from(count).unwrap_or(i64::MAX));
        count
    }

    /// Who calls. None when it need not be known, or when it is not and none is refused.
    ///
    /// # Errors
    /// Why the caller is refused.
    pub(crate) async fn caller(
        &self,
        port: Port,
        shown: Shown<'_>,
    ) -> Result<Option<Caller>, Refusal> {
        if self.auth == Auth::None {
            return match self.readers_need_certificate && shown.certificate.is_none() {
                true if port != Port::Wire => {
                    let why = Refusal::Missing("no certificate: the connection has none");
                    self.refuse(port, why).map(|()| None)
                }
                _ => Ok(None),
            };
        }
        let now = self.clock.unix_ms() / 1000;
        let mut who = identify(self.auth, &self.known(), shown, now);
        if who == Err(Refusal::Token(TokenFault::Key)) && self.look_again() {
            if let Err(error) = self.refresh() {
                let error = tributary_telemetry::ErrorChain(&error);
                tracing::warn!(%error, "keys cannot be read; those that were read before count");
            }
            who = identify(self.auth, &self.known(), shown, now);
        }
        if who == Err(Refusal::Token(TokenFault::Key)) && !self.key_urls().is_empty() {
            self.rounds.unknown_key().await;
            who = identify(self.auth, &self.known(), shown, now);
        }
        match who {
            Ok(caller) => {
                self.metrics.callers.inc(port.name(), "identified");
                Ok(caller)
            }
            Err(refusal) => self.refuse(port, refusal).map(|()| None),
        }
    }

    /// What a caller wants to do, when it may; `otherwise` when it may not and none is refused.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn permit<T>(
        &self,
        port: Port,
        wants: Result<T, Refusal>,
        otherwise: T,
    ) -> Result<T, Refusal> {
        match wants {
            Ok(wants) => Ok(wants),
            Err(refusal) => self.refuse(port, refusal).map(|()| otherwise),
        }
    }

    /// Whether a caller is another ingester.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn peer(&self, caller: &Caller) -> Result<(), Refusal> {
        self.permit(Port::Peer, caller.is_peer(&self.known().policy), ())
    }

    /// Counts a refusal, which counts for nothing where none is refused.
    fn refuse(&self, port: Port, refusal: Refusal) -> Result<(), Refusal> {
        self.metrics.callers.inc(port.name(), refusal.reason());
        tracing::debug!(port = port.name(), why = %refusal, permissive = self.permissive, "caller refused");
        if self.permissive {
            return Ok(());
        }
        self.metrics.limited(Limit::Caller);
        Err(refusal)
    }

    fn known(&self) -> Arc<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an unknown key is a reason to look at the files now.
    fn look_again(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = looked.is_none_or(|at| at.elapsed() >= KEYS_AGAIN);
        if due {
            *looked = Some(Instant::now());
        }
        due
    }
}

fn url_of(keys: &KeySource) -> Option<&KeyUrl> {
    match keys {
        KeySource::Url(url) => Some(url),
        KeySource::File(_) => None,
    }
}

/// What was told at an address goes on to count where the policy still names it.
fn keep_told(new: &mut Known, before: &Known) {
    for (entry, issuer) in new.policy.issuers.iter().zip(&mut new.issuers) {
        let told = before.policy.issuers.iter().zip(&before.issuers);
        let mut told = told.filter(|(old, _)| old.keys == entry.keys);
        if url_of(&entry.keys).is_some()
            && let Some((_, old)) = told.next()
        {
            issuer.keys = old.keys.clone();
        }
    }
}

#[cfg(test)]
mod tests;
