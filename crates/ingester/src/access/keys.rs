//! Keys of issuers that tell them at an address: asked for at the start and from time to time, and at
//! once when a token has a key that is not known.
//!
//! One task asks, in rounds; a caller whose token has an unknown key waits for the round that it is a
//! reason for (`rounds`), in its own request: neither a handshake nor another caller waits with it. What
//! was good before counts until there is something better, however long an address does not answer.

use super::Gate;
use crate::metrics::Metrics;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tributary_identity::token::KeyUrl;
use tributary_telemetry::ErrorChain;

/// How often it is asked without a reason: a key that is told no more counts no longer than that.
const PERIOD: Duration = Duration::from_secs(600);
/// How soon it is asked again when an answer was none.
const AGAIN: Duration = Duration::from_secs(60);
/// The same while there are no keys at all.
const WITHOUT: Duration = Duration::from_secs(5);

/// How long until it is asked again, after some did not answer and some have no keys at all.
fn pause(failed: bool, without: bool) -> Duration {
    match (failed, without) {
        (_, true) => WITHOUT,
        (true, false) => AGAIN,
        (false, false) => PERIOD,
    }
}

/// The task that asks.
pub(crate) struct KeyFetcher {
    gate: Arc<Gate>,
    metrics: Arc<Metrics>,
    /// What was wrong, by address: told once.
    told: BTreeMap<String, String>,
}

impl KeyFetcher {
    /// For the issuers of this gate's policy, of now and later.
    pub(crate) fn new(gate: Arc<Gate>, metrics: Arc<Metrics>) -> KeyFetcher {
        KeyFetcher { gate, metrics, told: BTreeMap::new() }
    }

    /// Asks until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let gate = self.gate.clone();
        let mut wait = self.pause();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = gate.rounds.asked() => {}
                () = sleep(wait) => {}
            }
            match stop.run_until_cancelled(self.round()).await {
                None => return,
                Some(()) => wait = self.pause(),
            }
        }
    }

    fn pause(&self) -> Duration {
        pause(!self.told.is_empty(), self.gate.without_keys() > 0)
    }

    /// Asks all addresses of the policy at once.
    pub(crate) async fn round(&mut self) {
        let gate = self.gate.clone();
        gate.rounds.begins();
        let urls = gate.key_urls();
        let asked = join_all(urls.iter().map(async |url| (url, url.fetch().await))).await;
        let mut told = BTreeMap::new();
        for (url, outcome) in asked {
            match outcome {
                Ok(keys) => {
                    self.metrics.keys_fetched.inc();
                    if gate.put_keys(url, &keys) {
                        tracing::info!(url = %url.url, "keys of an issuer have changed");
                    }
                }
                Err(error) => {
                    self.metrics.keys_not_fetched.inc();
                    drop(told.insert(name(url), ErrorChain(&error).to_string()));
                }
            }
        }
        for (url, error) in told.iter().filter(|(url, error)| self.told.get(*url) != Some(error)) {
            tracing::warn!(
                url,
                error,
                "an issuer's keys were not told; those that were told before count"
            );
        }
        self.told = told;
        gate.rounds.ends();
    }
}

fn name(url: &KeyUrl) -> String {
    url.url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_sooner() {
        let table = [
            (false, false, PERIOD),
            (true, false, AGAIN),
            (true, true, WITHOUT),
            (false, true, WITHOUT),
        ];
        for (failed, without, expected) in table {
            assert_eq!(pause(failed, without), expected);
        }
    }
}
