//! How long to wait before what, in the time of the process that waits.

use std::time::Duration;

/// How long to wait before what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A heartbeat that stands still for so long belongs to a suspect.
    pub suspect_after: Duration,
    /// A heartbeat under our own name that stands still for so long is that of a process before us,
    /// and what it left is ours to adopt.
    pub predecessor_after: Duration,
    /// Processes that rank behind the first adopter of an epoch wait so long more for each rank.
    pub rank_step: Duration,
    /// An epoch that no heartbeat names is adopted when it has been seen for so long.
    pub unknown_after: Duration,
    /// A heartbeat that stands still for so long, and whose epochs are done with, is removed.
    pub forget_after: Duration,
}

impl Patience {
    /// The relations that keep false suspicion rare, from the period of heartbeats alone.
    pub fn from_heartbeat(period: Duration) -> Patience {
        Patience {
            suspect_after: period * 4,
            predecessor_after: period * 2,
            rank_step: period * 2,
            unknown_after: period * 24,
            forget_after: period * 120,
        }
    }
}
