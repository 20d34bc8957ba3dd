//! Retention: which windows are over, and whether so much may go at once. Plain functions; what is due
//! expires by [`crate::compact`], and the setting that was gone by last is an object of the bucket.
//!
//! A window is over when the store's clock is `retention` past the end of its hour. The hour is that of
//! ingest, so no span's time saves or loses anything, and no process's clock takes part: the store's is
//! read off the newest heartbeat.
//!
//! # The breaker
//!
//! Hour by hour a window falls due, whatever the retention. What is due for longer is a backlog: a
//! retention that was set for the first time or made shorter, ingesters that stood still, or a fault,
//! such as a store whose clock is wrong. A backlog of more than a tenth of a tenant's blocks stops that
//! tenant's retention, unless its setting is new. (A tenth of all that is due would stop every
//! retention below ten hours, and every tenant that sends no more.)
//!
//! # The setting that was gone by
//!
//! A process keeps nothing, so whether a setting is new is told by the bucket: `journal/retention.json`
//! has, by tenant, the retention that processes went by last and since when by the store's clock.
//!
//! ```json
//! {"format":1,"tenants":{"single-tenant":{"retention":1209600,"since":1795442400}}}
//! ```
//!
//! Both in seconds, `since` from 1970 on. Versions: a process that finds another `format` takes every
//! setting for an old one, so that the breaker is whole, and leaves the object as it is; fields may join.
//!
//! Invariants
//! 1. A process whose setting differs from the recorded one records its own before it goes by it; the
//!    setting is new for [`NEW_FOR`] from then on.
//! 2. Nothing but the breaker looks at it: without the object, or with one that is wrong, the same
//!    windows are due.
//! 3. It is overwritten by any process. Of two that write at once one wins, and the other finds at its
//!    next look that its setting is not the recorded one. So the breaker stays open while processes of
//!    two settings run side by side, and for [`NEW_FOR`] after.
//! 4. An operator who means what the breaker stopped says so by having the setting recorded anew.

use crate::window::HOUR;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(test)]
mod tests;

/// A setting is new for so long.
pub const NEW_FOR: Duration = Duration::from_secs(3600);
/// What has been due for less than this is due because time has passed: an hour's windows fall due
/// together, and may wait for a pass or two.
pub const IN_TIME: Duration = Duration::from_secs(2 * 3600);
/// The part of a tenant's blocks that a backlog may have.
const ONE_IN: usize = 10;

/// How long a window of this hour (since 1970) has been over, if it is.
pub fn over_since(hour: u32, retention: Duration, now: SystemTime) -> Option<Duration> {
    let end = Duration::from_secs((u64::from(hour) + 1) * u64::from(HOUR));
    let age = now.duration_since(UNIX_EPOCH).ok()?.checked_sub(end)?;
    age.checked_sub(retention)
}

/// The blocks of a tenant that stand in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InWindow {
    /// Hours since 1970.
    pub hour: u32,
    /// How many.
    pub blocks: usize,
    /// Whether others of the window have expired before: what joined it late is no backlog.
    pub begun: bool,
}

/// What retention would take of a tenant's blocks now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Due {
    /// Hours whose windows are over, in their order.
    pub hours: Vec<u32>,
    /// Blocks in them.
    pub blocks: usize,
    /// Of these, blocks that are due for longer than the passing of time explains.
    pub backlog: usize,
    /// All blocks of the tenant.
    pub of: usize,
}

/// Judges a tenant's windows. `others` are blocks of it that belong to none, such as another program's.
pub fn due(
    windows: impl IntoIterator<Item = InWindow>,
    others: usize,
    retention: Duration,
    now: SystemTime,
) -> Due {
    let mut due = Due { of: others, ..Due::default() };
    for InWindow { hour, blocks, begun } in windows {
        due.of += blocks;
        let Some(since) = over_since(hour, retention, now).filter(|_| blocks > 0) else { continue };
        due.hours.push(hour);
        due.blocks += blocks;
        if since >= IN_TIME && !begun {
            due.backlog += blocks;
        }
    }
    due.hours.sort_unstable();
    due
}

impl Due {
    /// Whether all of it may go. `is_new` says that the setting was recorded within [`NEW_FOR`].
    pub fn may_go(&self, is_new: bool) -> bool {
        is_new || self.backlog <= self.of / ONE_IN
    }
}

/// The settings that were gone by last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    format: u32,
    /// By tenant.
    #[serde(default)]
    tenants: BTreeMap<String, Since>,
}

/// A tenant's retention, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Since {
    retention: u64,
    since: u64,
}

/// The object's version.
const FORMAT: u32 = 1;
/// The largest object that is read: tens of thousands of tenants.
pub(crate) const MAX_RECORDED: u64 = 4 << 20;

impl Default for Recorded {
    fn default() -> Self {
        Recorded { format: FORMAT, tenants: BTreeMap::new() }
    }
}

impl Recorded {
    /// Reads the object; one that is damaged says nothing, and is written anew.
    pub fn decode(bytes: &[u8]) -> Recorded {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        match serde_json::from_slice(bytes) {
            Ok(recorded @ Recorded { format: FORMAT, .. }) => recorded,
            _ => match serde_json::from_slice::<Head>(bytes) {
                Ok(Head { format }) => Recorded { format, tenants: BTreeMap::new() },
                Err(_) => Recorded::default(),
            },
        }
    }

    /// The object.
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Whether a newer release wrote it.
    pub fn is_foreign(&self) -> bool {
        self.format != FORMAT
    }

    /// Whether this is the recorded setting of a tenant.
    pub fn has(&self, tenant: &str, retention: Duration) -> bool {
        let recorded = self.tenants.get(tenant);
        self.is_foreign() || recorded.is_some_and(|at| at.retention == retention.as_secs())
    }

    /// Whether a tenant's setting was recorded within [`NEW_FOR`].
    pub fn is_new(&self, tenant: &str, now: SystemTime) -> bool {
        let age = |at: &Since| seconds(now).saturating_sub(at.since);
        self.tenants.get(tenant).is_some_and(|at| age(at) < NEW_FOR.as_secs())
    }

    /// Records a tenant's setting as one that is gone by from now on.
    pub fn record(&mut self, tenant: &str, retention: Duration, now: SystemTime) {
        let at = Since { retention: retention.as_secs(), since: seconds(now) };
        self.tenants.insert(tenant.to_owned(), at);
    }

    /// Forgets tenants that are no more.
    pub fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.tenants.retain(|tenant, _| is_there(tenant));
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
