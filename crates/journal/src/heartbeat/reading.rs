//! All heartbeats as one reading of the bucket found them, those included that say nothing.

use super::Heartbeat;
use crate::id::Uid;
use std::time::SystemTime;

/// What a reading found. Each object is read for itself: one that cannot be takes no other away.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heartbeats {
    /// Those that could be read, sorted by process.
    pub read: Vec<Heartbeat>,
    /// Those that are there and could not, sorted by process.
    pub unreadable: Vec<Unreadable>,
}

impl From<Vec<Heartbeat>> for Heartbeats {
    fn from(read: Vec<Heartbeat>) -> Self {
        Heartbeats { read, unreadable: Vec::new() }
    }
}

/// An object under a heartbeat's name that says nothing: it could not be read, or is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The process whose heartbeat it would be.
    pub process: Uid,
    /// What shows whether it is written anew.
    pub mark: Mark,
    /// What is wrong with it.
    pub why: String,
}

/// What is seen of an object whose content is not understood. The object of a process that lives is
/// written anew with each heartbeat, and never twice the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Time and length in the listing. Two readings of one object's time are compared for being the
    /// same, and no clock with another one.
    pub listed: (SystemTime, u64),
    /// A checksum of its bytes, when they could be had.
    pub bytes: Option<u32>,
}

impl Mark {
    /// Whether the object was written since the `earlier` look. Bytes tell better than times: a
    /// program may write the same over and over, which no ingester does.
    pub fn has_changed_since(&self, earlier: &Mark) -> bool {
        match (self.bytes, earlier.bytes) {
            (Some(now), Some(then)) => now != then,
            _ => self.listed != earlier.listed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bytes_tell_better_than_times() {
        let mark = |second: u64, bytes| Mark {
            listed: (SystemTime::UNIX_EPOCH + Duration::from_secs(second), 100),
            bytes,
        };
        let table = [
            (mark(1, None), mark(1, None), false),
            (mark(1, None), mark(2, None), true),
            (mark(1, Some(7)), mark(2, Some(7)), false),
            (mark(1, Some(7)), mark(1, Some(8)), true),
            // Of one of the two there are no bytes.
            (mark(1, Some(7)), mark(1, None), false),
            (mark(1, None), mark(2, Some(7)), true),
        ];
        for (earlier, now, changed) in table {
            assert_eq!(now.has_changed_since(&earlier), changed, "{earlier:?} {now:?}");
        }
    }
}
