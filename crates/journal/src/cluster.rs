//! Whose bucket this is: `cluster.json`, written once by the first process that uses it.
//!
//! JSON of [`Cluster`]. Its identity keeps two installations from sharing a bucket by mistake; its
//! format keeps an old release from working in a layout that it does not know.

use crate::id::Uid;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The layout that this release reads and writes.
pub const FORMAT: u32 = 1;

/// The bucket's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Random, chosen by the process that came first.
    pub cluster: Uid,
    /// The layout's version.
    pub format: u32,
}

/// Why a bucket cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Written by a newer release.
    #[error("the bucket has format {0}, this release knows format {FORMAT}: use a newer release")]
    NewerFormat(u32),
    /// Something else.
    #[error("cluster.json is not one of ours; is this another program's bucket or folder? {0}")]
    NotOurs(String),
}

impl Cluster {
    /// The object.
    pub fn encode(&self) -> Bytes {
        format!("{{\"cluster\":\"{}\",\"format\":{}}}\n", self.cluster, self.format).into()
    }

    /// Reads the object.
    ///
    /// # Errors
    /// When it is none of ours or from a newer release.
    pub fn decode(bytes: &[u8]) -> Result<Cluster, ClusterError> {
        let cluster: Cluster =
            serde_json::from_slice(bytes).map_err(|e| ClusterError::NotOurs(e.to_string()))?;
        if cluster.format > FORMAT {
            return Err(ClusterError::NewerFormat(cluster.format));
        }
        Ok(cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_read_back_or_refused() {
        let ours = Cluster { cluster: Uid([9; 16]), format: FORMAT };
        assert_eq!(Cluster::decode(&ours.encode()), Ok(ours.clone()));
        let newer = Cluster { format: FORMAT + 1, ..ours };
        assert_eq!(Cluster::decode(&newer.encode()), Err(ClusterError::NewerFormat(FORMAT + 1)));
        assert!(matches!(Cluster::decode(b"{}"), Err(ClusterError::NotOurs(_))));
        assert!(matches!(Cluster::decode(b""), Err(ClusterError::NotOurs(_))));
    }
}
