//! A query for the trace that all spans belong to, in the order of [`crate::query`]: memory, the
//! other ingesters, the segments of those that do not answer, blocks.

use super::gate::{Client, Gate};
use super::mutant::Mutant;
use crate::query::{TraceFinder, TraceQuery};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tributary_journal::EpochId;
use tributary_query::api::{Found, TimeRange};
use tributary_span::TraceId;

pub(super) const TENANT: &str = "t";
pub(super) const TRACE: TraceId = TraceId([7; 16]);

/// What was acknowledged, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) acked: Mutex<BTreeSet<u8>>,
    pub(super) faults: Mutex<Vec<String>>,
}

impl Ledger {
    pub(super) fn acked(&self) -> BTreeSet<u8> {
        self.acked.lock().unwrap().clone()
    }

    pub(super) fn fault(&self, what: String) {
        self.faults.lock().unwrap().push(what);
    }
}

/// Where a query is asked, and whom it asks.
pub(super) struct Reader {
    /// Of the process that is asked.
    pub(super) own: Arc<TraceFinder>,
    /// Of the others that answer.
    pub(super) peers: Vec<Arc<TraceFinder>>,
    /// Epochs of the others that do not.
    pub(super) silent: BTreeSet<EpochId>,
}

impl Reader {
    /// Asks once, whenever that is.
    pub(super) async fn run(self, gate: Arc<Gate>, ledger: Arc<Ledger>, mutant: Option<Mutant>) {
        gate.pass(Client::Reader, "a query comes").await;
        let acked = ledger.acked();
        let mut found = Found::default();
        if mutant == Some(Mutant::BlocksFirst) {
            self.in_store(&mut found).await;
            gate.pass(Client::Reader, "the query has looked at blocks").await;
            self.in_memory(&gate, &mut found).await;
        } else {
            self.in_memory(&gate, &mut found).await;
            self.in_store(&mut found).await;
        }
        gate.is_done(Client::Reader);
        if let Some(what) = wanting(&acked, &found) {
            ledger.fault(what);
        }
    }

    async fn in_memory(&self, gate: &Gate, found: &mut Found) {
        found.parts.extend(self.own.in_memory(TENANT, &TRACE));
        gate.pass(Client::Reader, "the query has looked at memory").await;
        // All at once, and they answer in any order.
        let asked =
            self.peers.iter().zip(["the first", "the second"]).map(async |(peer, place)| {
                gate.pass(Client::Reader, &format!("the query asks {place} peer")).await;
                peer.for_peer(TENANT, &TRACE, &BTreeSet::new()).await
            });
        for told in join_all(asked).await {
            found.parts.extend(told.parts);
            found.missing.extend(told.missing);
        }
    }

    async fn in_store(&self, found: &mut Found) {
        in_store(&self.own, &self.silent, found).await;
    }
}

pub(super) async fn in_store(finder: &TraceFinder, silent: &BTreeSet<EpochId>, found: &mut Found) {
    let tenants = [TENANT.to_owned()];
    let query = TraceQuery { tenants: &tenants, id: TRACE, time: TimeRange::ALL, reading: None };
    finder.in_store(query, silent, None, found).await;
}

/// What an answer lacks that calls itself complete.
pub(super) fn wanting(acked: &BTreeSet<u8>, found: &Found) -> Option<String> {
    let there: BTreeSet<u8> = spans(found).collect();
    let missing: Vec<&u8> = acked.difference(&there).collect();
    (found.missing.is_empty() && !missing.is_empty())
        .then(|| format!("a complete answer lacks the acknowledged spans {missing:?}"))
}

pub(super) fn spans(found: &Found) -> impl Iterator<Item = u8> + '_ {
    found.parts.iter().flat_map(|part| part.spans.id.iter().map(|id| id.0[0]))
}
