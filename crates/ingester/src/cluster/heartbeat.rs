//! Which ingesters there are: heartbeats in the bucket.
//!
//! Each ingester overwrites its own heartbeat and reads those of the others; which count as living
//! decides [`tributary_journal::failure_detector`]. All of it is a hint: nothing that is stored or
//! acknowledged depends on it.
//!
//! Each heartbeat is read for itself. What one that cannot be read may hide, the detector decides
//! (`tributary_journal::failure_detector`): it is told of, and answers say that it is not known which
//! ingesters there are, for as long as it may be that of a living one.

use super::Membership;
use crate::metrics::Metrics;
use crate::receive::Announcement;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tributary_journal::heartbeat::Unreadable;
use tributary_journal::{EpochId, Heartbeat, Journal, JournalError, Uid};
use tributary_telemetry::{ErrorChain, Repeated};
use tributary_wire::v1;

/// The task that beats and listens.
pub(crate) struct HeartbeatTask {
    /// Where heartbeats lie.
    pub journal: Journal,
    /// This process.
    pub own: Heartbeat,
    /// Whether the last heartbeat was written.
    pub beats: bool,
    /// Time between two heartbeats.
    pub period: Duration,
    /// The epochs that this process writes at the moment.
    pub epochs: Box<dyn Fn() -> Vec<EpochId> + Send + Sync>,
    /// What all heartbeats together say.
    pub membership: Membership,
    /// Living processes of our name that the log has told of.
    pub namesakes: BTreeSet<Uid>,
    /// Processes whose heartbeats cannot be read, and that the log has told of.
    pub unreadable: BTreeSet<Uid>,
    /// When the log is due to tell that the store does not take or give heartbeats.
    pub failing: Repeated,
    /// What sidecars are told.
    pub announcements: Arc<watch::Sender<Announcement>>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl HeartbeatTask {
    /// Writes the first heartbeat: an epoch is named before it has a segment. Nothing that others say
    /// is needed for that, so it is read in [`HeartbeatTask::run`].
    pub(crate) async fn begin(&mut self) {
        self.beats = self.beat().await;
    }

    /// Listens and beats until `stop`, after [`HeartbeatTask::begin`].
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let work = async {
            loop {
                self.listen().await;
                tokio::time::sleep(self.period).await;
                self.beats = self.beat().await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Writes our heartbeat. Whether it was written.
    async fn beat(&mut self) -> bool {
        self.own.counter += 1;
        self.own.epochs = (self.epochs)();
        let beaten = self.journal.beat(&self.own).await;
        if let Err(error) = &beaten {
            self.tell_of_failure(error);
        }
        beaten.is_ok()
    }

    /// Reads the others' heartbeats, and tells the sidecars when the members have changed. Both
    /// together are a round.
    async fn listen(&mut self) {
        let beats = match self.beats {
            true => self.journal.heartbeats().await.map(Some),
            false => Ok(None),
        };
        let beats = beats.unwrap_or_else(|error| {
            self.tell_of_failure(&error);
            None
        });
        if let Some(beats) = &beats {
            self.tell_of_unreadable(&beats.unreadable);
        }
        let told = &mut self.namesakes;
        let (others, namesakes): (Vec<Heartbeat>, Vec<Heartbeat>) =
            self.membership.with(|detector, now| {
                detector.round(now, beats);
                told.retain(|process| detector.has_heartbeat(process));
                let owned = |beats: Vec<&Heartbeat>| beats.into_iter().cloned().collect();
                (owned(detector.living(now)), owned(detector.namesakes(now)))
            });
        self.membership.heard();
        self.tell_of(&namesakes);
        self.metrics.members.set(i64::try_from(others.len() + 1).unwrap_or(i64::MAX));
        // Before, it would be said that there is no other one, and all sidecars would come here.
        if self.membership.has_heard() {
            self.announce(&others);
        }
    }

    fn tell_of_failure(&self, error: &JournalError) {
        if let Some(times) = self.failing.due(Instant::now().into_std()) {
            tracing::warn!(times, error = %ErrorChain(error), "heartbeats could not be exchanged");
        }
    }

    /// Heartbeats that are there and cannot be read are told of once.
    fn tell_of_unreadable(&mut self, unreadable: &[Unreadable]) {
        let others = unreadable.iter().filter(|object| object.process != self.own.process);
        let others: Vec<&Unreadable> = others.collect();
        self.metrics.heartbeats_unreadable.set(i64::try_from(others.len()).unwrap_or(i64::MAX));
        let is_there = |process: &Uid| others.iter().any(|object| object.process == *process);
        self.unreadable.retain(is_there);
        for Unreadable { process, why, .. } in others {
            if self.unreadable.insert(*process) {
                tracing::warn!(
                    %process, why,
                    "a heartbeat cannot be read: as long as it may be that of a living ingester, answers say that they may not be whole"
                );
            }
        }
    }

    /// Two processes under one name are a mistake of the operator, whom each tells once of the other.
    fn tell_of(&mut self, namesakes: &[Heartbeat]) {
        self.metrics.namesakes.set(i64::try_from(namesakes.len()).unwrap_or(i64::MAX));
        for other in namesakes {
            if self.namesakes.insert(other.process) {
                let (name, process) = (&self.own.instance, &self.own.process);
                tracing::error!(
                    name, %process, other = %other.process, other_address = other.wire_address,
                    "another ingester that lives uses this one's name: end one of them, or give each a --name of its own"
                );
            }
        }
    }

    fn announce(&self, others: &[Heartbeat]) {
        self.announcements.send_if_modified(|announcement| {
            let leaving = announcement.drain_ms.is_some();
            replace(&mut announcement.members, told(&self.own, others, leaving))
        });
    }
}

/// What sidecars are told by `own`, which leaves or stays. One that leaves names no process at its
/// own address: that would be one before it in its place, whose heartbeat still stands there.
fn told(own: &Heartbeat, others: &[Heartbeat], leaving: bool) -> v1::Members {
    if !leaving {
        return members(std::iter::once(own).chain(others));
    }
    members(others.iter().filter(|other| other.wire_address != own.wire_address))
}

/// Whether the value was another one.
fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    let changed = *place != value;
    *place = value;
    changed
}

/// What sidecars are told of these processes.
fn members<'l>(living: impl Iterator<Item = &'l Heartbeat>) -> v1::Members {
    let mut members: Vec<v1::Member> = living
        .filter(|heartbeat| !heartbeat.wire_address.is_empty())
        .map(|heartbeat| v1::Member {
            address: heartbeat.wire_address.clone(),
            zone: heartbeat.zone.clone(),
        })
        .collect();
    members.sort_by(|a, b| a.address.cmp(&b.address));
    v1::Members { members }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_journal::Uid;

    fn heartbeat(process: u8) -> Heartbeat {
        Heartbeat {
            process: Uid([process; 16]),
            instance: String::new(),
            query_address: format!("q{process}"),
            wire_address: format!("w{process}"),
            zone: String::new(),
            epochs: Vec::new(),
            counter: 1,
            started: 0,
        }
    }

    #[test]
    fn sidecars_are_told_wire_addresses() {
        let beats =
            [heartbeat(2), heartbeat(1), Heartbeat { wire_address: String::new(), ..heartbeat(3) }];
        let told: Vec<_> = members(beats.iter()).members.into_iter().map(|m| m.address).collect();
        assert_eq!(told, ["w1", "w2"]);
    }

    #[test]
    fn one_that_leaves_names_all_but_itself() {
        let at = |process, address: &str| Heartbeat {
            wire_address: address.into(),
            ..heartbeat(process)
        };
        // As in Kubernetes: each has an address of its own and the port of all.
        let own = at(1, "10.0.0.1:4319");
        let others = [at(2, "10.0.0.2:4319"), at(3, "[fd00::3]:4319"), at(4, "10.0.0.1:4319")];
        let told = |leaving| {
            let told = told(&own, &others, leaving).members.into_iter();
            told.map(|member| member.address).collect::<Vec<_>>()
        };
        assert_eq!(told(true), ["10.0.0.2:4319", "[fd00::3]:4319"]);
        assert!(told(false).contains(&own.wire_address));
    }
}
