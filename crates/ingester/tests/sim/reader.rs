//! A reader that asks ingesters for traces while all goes wrong: what was acknowledged before is in
//! the answer, or the answer says that something is missing.

use crate::application::{Doors, Id, Ledger, TRACES, a_door, tenant_of};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tributary_ingester::cluster::Membership;
use tributary_ingester::engine::Engine;
use tributary_ingester::group::LiveSpans;
use tributary_ingester::query::{TraceFinder, TraceQuery};
use tributary_journal::Journal;
use tributary_query::api::{Found, TimeRange};
use tributary_span::TraceId;
use tributary_testkit::Random;

/// Reads as one ingester does. There are no sockets here to ask the others by: what they have in
/// memory is read from their segments, as if none of them answered.
pub(crate) struct Reader {
    live: Arc<LiveSpans>,
    traces: Arc<TraceFinder>,
    membership: Membership,
    journal: Journal,
}

/// How many answers there were.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answers {
    /// In which nothing that was acknowledged may be missing.
    pub(crate) whole: u64,
    /// That say that something may be.
    pub(crate) partial: u64,
    /// That never came.
    pub(crate) none: u64,
}

impl Reader {
    pub(crate) fn of(engine: &Engine) -> Self {
        Reader {
            live: engine.live.clone(),
            traces: engine.traces.clone(),
            membership: engine.membership.clone(),
            journal: engine.journal.clone(),
        }
    }

    async fn ask(&self, tenant: &str, trace: [u8; 16]) -> Found {
        let (id, tenants) = (TraceId(trace), [tenant.to_owned()]);
        let own: BTreeSet<_> = self.live.epochs().into_iter().collect();
        let mut found = Found::default();
        found.parts.extend(self.traces.in_memory(tenant, &id));
        let epochs = match self.journal.epochs().await {
            Ok(all) => all.into_iter().filter(|epoch| !own.contains(epoch)).collect(),
            Err(error) => {
                found.missing.push(error.to_string());
                return found;
            }
        };
        let wanted = TraceQuery { tenants: &tenants, id, time: TimeRange::ALL, reading: None };
        self.traces.in_store(wanted, &epochs, self.membership.moved(), &mut found).await;
        found
    }
}

/// Asks on and on.
pub(crate) async fn run(
    number: u64,
    seed: u64,
    doors: Doors,
    ledger: Arc<Mutex<Ledger>>,
    answers: Arc<Mutex<Answers>>,
) {
    let mut dice = Random::new(seed ^ (0x7ead + number) << 48);
    loop {
        sleep(Duration::from_millis(200 + dice.draw(4_000))).await;
        let trace = u128::from(1 + dice.draw(TRACES)).to_be_bytes();
        let tenant = ["one", "two"][usize::from(dice.draw(2) == 0)];
        let Some(door) = a_door(&doors, &mut dice) else { continue };
        let of = |id: &&Id| id.0 == trace && tenant_of(id) == tenant;
        let acked: Vec<Id> = ledger.lock().unwrap().acked.iter().filter(of).copied().collect();
        // One that was killed or stands still does not answer.
        let Ok(found) = timeout(Duration::from_secs(120), door.tells.ask(tenant, trace)).await
        else {
            answers.lock().unwrap().none += 1;
            continue;
        };
        if !found.missing.is_empty() {
            answers.lock().unwrap().partial += 1;
            continue;
        }
        let there: BTreeSet<[u8; 8]> =
            found.parts.iter().flat_map(|part| part.spans.id.iter().map(|id| id.0)).collect();
        let missing: Vec<&Id> = acked.iter().filter(|id| !there.contains(&id.1)).collect();
        assert!(missing.is_empty(), "seed {seed}: {tenant} {trace:?}: not found: {missing:?}");
        answers.lock().unwrap().whole += 1;
    }
}
