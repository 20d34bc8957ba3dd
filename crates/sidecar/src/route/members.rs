//! Who the ingesters are, as far as is known: what the names resolve to, what the ingesters say of
//! each other, and which of them could not be reached or are about to leave.

use super::plan::Plan;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::info;

/// What is known, as plain data.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Decides between ingesters where there are more than groups.
    sidecar: u64,
    /// What the configured names and addresses stand for.
    resolved: Vec<String>,
    /// What the ingesters said last.
    told: Vec<String>,
    marks: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    address: String,
    state: State,
    until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Could not be reached, or does not answer. It keeps its groups, others serve them.
    Away,
    /// Said that it will leave. It has no groups any more.
    Leaving,
}

impl Directory {
    /// Nothing is known.
    pub(crate) fn new(sidecar: u64) -> Self {
        Directory { sidecar, ..Directory::default() }
    }

    /// The names were looked up. Nothing found says nothing.
    pub(crate) fn resolved(&mut self, addresses: Vec<String>) {
        if !addresses.is_empty() {
            self.resolved = addresses;
        }
    }

    /// An ingester told who the ingesters are. An empty list says nothing (the wire's rule W15),
    /// and so does one that holds what can be no address.
    pub(crate) fn told(&mut self, addresses: Vec<String>) {
        if !addresses.is_empty() && addresses.iter().all(|address| is_address(address)) {
            self.told = addresses;
        }
    }

    /// No stream is left to learn from: what the ingesters told is not to be relied on any more.
    pub(crate) fn forget_told(&mut self) {
        self.told.clear();
    }

    /// `address` could not be reached, or does not answer.
    pub(crate) fn away(&mut self, address: &str, until: Instant) {
        self.mark(address, State::Away, until);
    }

    /// `address` said that it will leave.
    pub(crate) fn leaving(&mut self, address: &str, until: Instant) {
        self.mark(address, State::Leaving, until);
    }

    /// `address` answers.
    pub(crate) fn here(&mut self, address: &str) {
        self.marks.retain(|mark| mark.state != State::Away || mark.address != address);
    }

    fn mark(&mut self, address: &str, state: State, until: Instant) {
        let leaving = |m: &Mark| m.address == address && m.state == State::Leaving;
        if state == State::Away && self.marks.iter().any(leaving) {
            return;
        }
        self.marks.retain(|mark| mark.address != address);
        self.marks.push(Mark { address: address.to_owned(), state, until });
    }

    /// When a mark ends.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        self.marks.iter().map(|mark| mark.until).min()
    }

    /// Who gets what, as of `now`.
    pub(crate) fn plan(&mut self, now: Instant) -> Plan {
        self.marks.retain(|mark| mark.until > now);
        let state = |address: &str| {
            self.marks.iter().find(|mark| mark.address == address).map(|mark| mark.state)
        };
        let all = self.members();
        let staying: Vec<_> =
            all.iter().filter(|a| state(a) != Some(State::Leaving)).cloned().collect();
        // When all are leaving, there is nowhere else to go until they have gone.
        let members = if staying.is_empty() { all } else { staying };
        Plan::new(members, |address| state(address) == Some(State::Away), self.sidecar)
    }

    /// Where the two sources speak of the same addresses each makes up for what the other does not
    /// know yet. Where they do not (one address in front of all ingesters), the ingesters know
    /// better.
    fn members(&self) -> Vec<String> {
        let overlap = self.resolved.iter().any(|address| self.told.contains(address));
        match (self.told.is_empty(), overlap) {
            (true, _) => self.resolved.clone(),
            (false, false) => self.told.clone(),
            (false, true) => self.resolved.iter().chain(&self.told).cloned().collect(),
        }
    }
}

/// `host:port` that another host could connect to.
fn is_address(text: &str) -> bool {
    match text.parse::<SocketAddr>() {
        Ok(address) => !address.ip().is_unspecified() && address.port() != 0,
        Err(_) => text.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p != 0)
        }),
    }
}

/// The directory, shared between the tasks that learn something and those that go by it.
#[derive(Debug)]
pub(crate) struct Members {
    directory: Mutex<Directory>,
    plan: watch::Sender<Arc<Plan>>,
    /// A forwarder wants the names looked up again.
    lookup: Notify,
}

impl Members {
    /// Nothing is known yet.
    pub(crate) fn new(sidecar: u64) -> Self {
        Members {
            directory: Mutex::new(Directory::new(sidecar)),
            plan: watch::Sender::default(),
            lookup: Notify::new(),
        }
    }

    /// The plan now, and word of every new one.
    pub(crate) fn plan(&self) -> watch::Receiver<Arc<Plan>> {
        self.plan.subscribe()
    }

    /// Changes the directory; a different plan is published.
    pub(crate) fn learn(&self, what: impl FnOnce(&mut Directory)) {
        let mut directory = self.lock();
        what(&mut directory);
        let plan = directory.plan(Instant::now());
        drop(directory);
        self.plan.send_if_modified(|current| {
            let changed = **current != plan;
            if changed {
                if (current.len(), current.groups()) != (plan.len(), plan.groups()) {
                    info!(ingesters = plan.len(), groups = plan.groups(), "ingesters known");
                }
                *current = Arc::new(plan);
            }
            changed
        });
    }

    /// When the plan will be another one by itself.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        self.lock().next_change()
    }

    /// Has the names looked up again.
    pub(crate) fn request_lookup(&self) {
        self.lookup.notify_one();
    }

    /// Waits until the names should be looked up again.
    pub(crate) async fn lookup_requested(&self) {
        self.lookup.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
