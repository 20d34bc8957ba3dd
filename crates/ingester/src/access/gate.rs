//! What callers show, and what they may: the decisions of [`tributary_identity::gate`] with the policy
//! of now, counted.

use super::{Access, AccessError};
use crate::limits::Limit;
use crate::metrics::Metrics;
use crate::runtime::IdGenerator;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tributary_identity::gate::identify;
use tributary_identity::token::{Issuer, KeySet, TokenFault};
use tributary_identity::{Auth, Caller, Known, Policy, Refusal, Shown, files};

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
    known: Mutex<Arc<Known>>,
    /// When an unknown key was last a reason to look at the files.
    looked: Mutex<Option<Instant>>,
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
        let known = read(access.policy.as_ref())?;
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
            known: Mutex::new(Arc::new(known)),
            looked: Mutex::new(None),
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
        let new = read(self.path.as_ref())?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = **known != new;
        if changed {
            *known = Arc::new(new);
        }
        Ok(changed)
    }

    /// Who calls. None when it need not be known, or when it is not and none is refused.
    ///
    /// # Errors
    /// Why the caller is refused.
    pub(crate) fn caller(&self, port: Port, shown: Shown<'_>) -> Result<Option<Caller>, Refusal> {
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

/// The policy and the keys of its issuers, as their files have them now.
fn read(path: Option<&PathBuf>) -> Result<Known, AccessError> {
    let text = match path {
        Some(path) => files::read(path)?,
        None => Vec::new(),
    };
    let path = path.cloned().unwrap_or_default();
    let policy = Policy::read(&String::from_utf8_lossy(&text))
        .map_err(|source| AccessError::Policy { path, source })?;
    let issuers = policy.issuers.iter().map(|entry| {
        let keys = KeySet::read(&files::read(&entry.jwks)?)
            .map_err(|source| AccessError::Keys { path: entry.jwks.clone(), source })?;
        Ok(Issuer {
            issuer: entry.issuer.clone(),
            audience: entry.audience.clone(),
            cluster: entry.cluster.clone(),
            keys,
        })
    });
    let issuers = issuers.collect::<Result<_, AccessError>>()?;
    Ok(Known { policy, issuers })
}

#[cfg(test)]
mod tests;
