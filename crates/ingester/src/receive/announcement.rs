//! What all streams tell their senders at the same time.

use std::time::Duration;
use tributary_wire::v1::{Drain, Members, reply::Kind};

/// What every sender is told, now and whenever it changes.
#[derive(Debug, Clone, Default)]
pub struct Announcement {
    /// All ingesters; without this one when it leaves.
    pub members: Members,
    /// Set when this ingester leaves: until when it keeps streams, in milliseconds from then.
    pub drain_ms: Option<u32>,
}

impl Announcement {
    /// The reply that asks for a stream to be opened anew within this time, here as elsewhere: this
    /// ingester is among the members.
    pub(crate) fn renewal(&self, within: Duration) -> Kind {
        let deadline_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        Kind::Drain(Drain { deadline_ms, members: Some(self.members.clone()) })
    }

    /// The reply that says so.
    pub(crate) fn reply(&self) -> Kind {
        match self.drain_ms {
            Some(deadline_ms) => {
                Kind::Drain(Drain { deadline_ms, members: Some(self.members.clone()) })
            }
            None => Kind::Members(self.members.clone()),
        }
    }
}
