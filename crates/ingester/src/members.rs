//! Who the ingesters are: heartbeats in the bucket.
//!
//! Each ingester overwrites its own heartbeat and reads those of the others. One that has not
//! changed for a while, by this process's own clock, counts as gone; no clocks are compared. All of
//! it is a hint: nothing that is stored or acknowledged depends on it.

use crate::chain::Chain;
use crate::metrics::Metrics;
use crate::receive::Told;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tributary_journal::{EpochId, Heartbeat, Journal, Live, Uid};
use tributary_wire::v1;

/// An ingester is gone when its heartbeat has not changed for this many periods.
const GONE_AFTER: u32 = 4;

/// When each process's heartbeat was last seen to change.
#[derive(Debug, Default)]
pub struct Seen {
    counters: BTreeMap<Uid, (u64, Instant)>,
}

impl Seen {
    /// Takes in a reading of all heartbeats: those that count as living, this process left out.
    pub fn living(
        &mut self,
        beats: &[Heartbeat],
        ours: Uid,
        patience: Duration,
        now: Instant,
    ) -> Vec<Live> {
        self.counters.retain(|process, _| beats.iter().any(|b| b.live.process == *process));
        let others = beats.iter().map(|b| &b.live).filter(|live| live.process != ours);
        others
            .filter(|live| {
                let seen = self.counters.entry(live.process).or_insert((live.counter, now));
                if seen.0 != live.counter {
                    *seen = (live.counter, now);
                }
                now.saturating_duration_since(seen.1) < patience
            })
            .cloned()
            .collect()
    }
}

/// The task that beats and listens.
pub struct Members {
    /// Where heartbeats lie.
    pub journal: Journal,
    /// This process.
    pub own: Live,
    /// Time between two heartbeats.
    pub period: Duration,
    /// The epochs that this process writes at the moment.
    pub epochs: Box<dyn Fn() -> Vec<EpochId> + Send + Sync>,
    /// What sidecars are told.
    pub told: Arc<watch::Sender<Told>>,
    /// Query addresses of the other ingesters.
    pub peers: watch::Sender<Vec<String>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Members {
    /// Beats and listens until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut seen = Seen::default();
        loop {
            self.round(&mut seen).await;
            if stop.run_until_cancelled(tokio::time::sleep(self.period)).await.is_none() {
                return;
            }
        }
    }

    async fn round(&mut self, seen: &mut Seen) {
        self.own.counter += 1;
        self.own.epochs = (self.epochs)();
        if let Err(error) = self.journal.beat(&self.own).await {
            tracing::warn!(error = %Chain(&error), "the heartbeat could not be written");
        }
        let beats = match self.journal.heartbeats().await {
            Ok(beats) => beats,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "heartbeats could not be read");
                return;
            }
        };
        let patience = self.period * GONE_AFTER;
        let others = seen.living(&beats, self.own.process, patience, Instant::now());
        self.metrics.members.set(i64::try_from(others.len() + 1).unwrap_or(i64::MAX));
        self.tell(&others);
    }

    fn tell(&self, others: &[Live]) {
        let mut addresses: Vec<String> = others.iter().map(|o| o.query_address.clone()).collect();
        addresses.retain(|address| !address.is_empty());
        self.peers.send_if_modified(|now| replace(now, addresses));
        self.told.send_if_modified(|told| {
            let leaving = told.drain_ms.is_some();
            let own = (!leaving).then_some(&self.own);
            replace(&mut told.members, members(own.into_iter().chain(others)))
        });
    }
}

/// Whether the value was another one.
fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changed = *place != value;
    *place = value;
    changed
}

/// What sidecars are told of these processes.
pub fn members<'l>(living: impl Iterator<Item = &'l Live>) -> v1::Members {
    let mut members: Vec<v1::Member> = living
        .filter(|live| !live.wire_address.is_empty())
        .map(|live| v1::Member { address: live.wire_address.clone(), zone: live.zone.clone() })
        .collect();
    members.sort_by(|a, b| a.address.cmp(&b.address));
    v1::Members { members }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn beat(process: u8, counter: u64) -> Heartbeat {
        let live = Live {
            process: Uid([process; 16]),
            instance: String::new(),
            query_address: format!("q{process}"),
            wire_address: format!("w{process}"),
            zone: String::new(),
            epochs: Vec::new(),
            counter,
            started: 0,
        };
        Heartbeat { live, modified: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn a_heartbeat_that_stands_still_is_gone_and_may_come_back() {
        let (mut seen, ours, patience) = (Seen::default(), Uid([1; 16]), Duration::from_secs(40));
        let start = Instant::now();
        let mut at = |secs, beats: &[Heartbeat]| -> Vec<u8> {
            let now = start + Duration::from_secs(secs);
            seen.living(beats, ours, patience, now).iter().map(|l| l.process.0[0]).collect()
        };
        assert_eq!(at(0, &[beat(1, 1), beat(2, 1), beat(3, 1)]), [2, 3]);
        assert_eq!(at(30, &[beat(1, 1), beat(2, 2), beat(3, 1)]), [2, 3]);
        assert_eq!(at(60, &[beat(1, 1), beat(2, 3), beat(3, 1)]), [2]);
        assert_eq!(at(70, &[beat(2, 4), beat(3, 2)]), [2, 3]);
    }

    #[test]
    fn sidecars_are_told_wire_addresses() {
        let beats = [
            beat(2, 1).live,
            beat(1, 1).live,
            Live { wire_address: String::new(), ..beat(3, 1).live },
        ];
        let told: Vec<_> = members(beats.iter()).members.into_iter().map(|m| m.address).collect();
        assert_eq!(told, ["w1", "w2"]);
    }
}
