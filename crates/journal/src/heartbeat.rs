//! Heartbeats: who is there and how to reach them. A hint and never a lock: nothing is lost if
//! they are wrong, some work is done twice.
//!
//! JSON, so that a person can read it in the bucket; at most [`MAX_HEARTBEAT`] bytes. Unknown fields
//! are ignored and new ones have defaults, so processes of different releases read each other.

use crate::id::{EpochId, Uid};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

mod reading;

pub use reading::{Heartbeats, Mark, Unreadable};

/// The largest heartbeat, in bytes.
pub const MAX_HEARTBEAT: usize = 64 << 10;
/// The most epochs that one names: older ones are drained long before there are so many.
pub const MAX_EPOCHS: usize = 256;

/// A process as it describes itself, written anew every few seconds by it alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Random, new for each start.
    pub process: Uid,
    /// Its name, such as its pod's.
    #[serde(default)]
    pub instance: String,
    /// Where it answers queries, as `host:port`. Empty when it does not.
    #[serde(default)]
    pub query_address: String,
    /// Where sidecars reach it, as `host:port`. Empty when they do not.
    #[serde(default)]
    pub wire_address: String,
    /// Its zone, or empty.
    #[serde(default)]
    pub zone: String,
    /// The epochs that it owns, newest first.
    #[serde(default)]
    pub epochs: Vec<EpochId>,
    /// Rises with each heartbeat. Others measure its age by their own clock: how long ago they
    /// saw it change (I9).
    pub counter: u64,
    /// When it started, in seconds since 1970. For people.
    #[serde(default)]
    pub started: u64,
}

/// Why a heartbeat cannot be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the heartbeat is not usable: {0}")]
pub struct HeartbeatError(String);

impl Heartbeat {
    /// The first heartbeat of a process that is reached nowhere yet and owns no epoch.
    pub fn new(process: Uid, instance: String) -> Heartbeat {
        Heartbeat {
            process,
            instance,
            query_address: String::new(),
            wire_address: String::new(),
            zone: String::new(),
            epochs: Vec::new(),
            counter: 0,
            started: 0,
        }
    }

    /// The heartbeat's object.
    ///
    /// # Errors
    /// When it is larger than [`MAX_HEARTBEAT`] or names more than [`MAX_EPOCHS`] epochs.
    pub fn encode(&self) -> Result<Bytes, HeartbeatError> {
        let bytes = serde_json::to_vec(self).map_err(|e| HeartbeatError(e.to_string()))?;
        if bytes.len() > MAX_HEARTBEAT || self.epochs.len() > MAX_EPOCHS {
            let epochs = self.epochs.len();
            return Err(HeartbeatError(format!("{} bytes, {epochs} epochs", bytes.len())));
        }
        Ok(bytes.into())
    }

    /// Reads a heartbeat.
    ///
    /// # Errors
    /// When it is none, or too large.
    pub fn decode(bytes: &[u8]) -> Result<Heartbeat, HeartbeatError> {
        if bytes.len() > MAX_HEARTBEAT {
            return Err(HeartbeatError(format!("{} bytes", bytes.len())));
        }
        let heartbeat: Heartbeat =
            serde_json::from_slice(bytes).map_err(|e| HeartbeatError(e.to_string()))?;
        if heartbeat.epochs.len() > MAX_EPOCHS {
            return Err(HeartbeatError(format!("{} epochs", heartbeat.epochs.len())));
        }
        Ok(heartbeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat() -> Heartbeat {
        Heartbeat {
            process: Uid([7; 16]),
            instance: "ingester-7f9c".into(),
            query_address: "10.0.0.7:3200".into(),
            wire_address: "10.0.0.7:4319".into(),
            zone: "eu-1a".into(),
            epochs: vec![EpochId::new(1_795_442_400, [1; 12])],
            counter: 42,
            started: 1_795_442_399,
        }
    }

    #[test]
    fn a_heartbeat_is_read_back() {
        let bytes = heartbeat().encode().unwrap();
        assert_eq!(Heartbeat::decode(&bytes), Ok(heartbeat()));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.contains("\"6b0446e0010101010101010101010101\""), "{text}");
    }

    #[test]
    fn other_releases_are_read_as_far_as_known() {
        let text = r#"{"process":"07070707070707070707070707070707","counter":1,"load":0.5}"#;
        let read = Heartbeat::decode(text.as_bytes()).unwrap();
        assert_eq!((read.counter, read.epochs.len()), (1, 0));
    }

    #[test]
    fn what_is_no_heartbeat_is_an_error() {
        let whole = heartbeat().encode().unwrap();
        for cut in 0..whole.len() {
            assert!(Heartbeat::decode(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Heartbeat::decode(&vec![b' '; MAX_HEARTBEAT + 1]).is_err());
        let many =
            Heartbeat { epochs: vec![EpochId::new(0, [0; 12]); MAX_EPOCHS + 1], ..heartbeat() };
        assert!(many.encode().is_err());
        assert!(Heartbeat::decode(&serde_json::to_vec(&many).unwrap()).is_err());
    }
}
