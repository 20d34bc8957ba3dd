//! Whose bucket this is: `cluster.json`, written once by the first process that uses it.
//!
//! JSON of [`Cluster`]. Its name, where operators give one, keeps two installations from sharing a
//! bucket by mistake; its format keeps an old release from working in a layout that it does not know.
//! Fields that a release does not know it leaves alone.

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
    /// What its operator calls it; none in buckets that were begun without a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Why a bucket cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// Written by a newer release.
    #[error("the bucket has format {0}, this release knows format {FORMAT}: use a newer release")]
    NewerFormat(u32),
    /// Another installation's.
    #[error(
        "the bucket is of the cluster {theirs:?}, and this process of {ours:?}: give each cluster a \
         bucket or a prefix of its own, or correct --cluster"
    )]
    OtherCluster {
        /// The name in the bucket.
        theirs: String,
        /// The name that was given.
        ours: String,
    },
    /// Something else.
    #[error("cluster.json is not one of ours; is this another program's bucket or folder? {0}")]
    NotOurs(String),
}

impl Cluster {
    /// The object.
    pub fn encode(&self) -> Bytes {
        let (cluster, format) = (&self.cluster, self.format);
        // As JSON has it, with its quotes.
        let name = self.name.as_ref().map(|name| serde_json::Value::from(name.as_str()));
        let name = name.map(|name| format!(",\"name\":{name}")).unwrap_or_default();
        format!("{{\"cluster\":\"{cluster}\",\"format\":{format}{name}}}\n").into()
    }

    /// This bucket, for a process of the cluster `ours`. A process without a name asks for none, and a
    /// bucket that was begun without one is any cluster's: an object that others read is not changed.
    ///
    /// # Errors
    /// When it is another cluster's.
    pub fn named(self, ours: Option<&str>) -> Result<Cluster, ClusterError> {
        match (&self.name, ours) {
            (Some(theirs), Some(ours)) if theirs != ours => {
                Err(ClusterError::OtherCluster { theirs: theirs.clone(), ours: ours.to_owned() })
            }
            _ => Ok(self),
        }
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
        let ours = Cluster { cluster: Uid([9; 16]), format: FORMAT, name: None };
        assert_eq!(Cluster::decode(&ours.encode()), Ok(ours.clone()));
        let named = Cluster { name: Some("a \"b\"".into()), ..ours.clone() };
        assert_eq!(Cluster::decode(&named.encode()), Ok(named));
        let newer = Cluster { format: FORMAT + 1, ..ours };
        assert_eq!(Cluster::decode(&newer.encode()), Err(ClusterError::NewerFormat(FORMAT + 1)));
        assert!(matches!(Cluster::decode(b"{}"), Err(ClusterError::NotOurs(_))));
        assert!(matches!(Cluster::decode(b""), Err(ClusterError::NotOurs(_))));
    }

    #[test]
    fn a_bucket_is_of_one_cluster() {
        let table = [
            (None, None, true),
            (None, Some("a"), true),
            (Some("a"), None, true),
            (Some("a"), Some("a"), true),
            (Some("a"), Some("b"), false),
        ];
        for (theirs, ours, fits) in table {
            let name = theirs.map(str::to_owned);
            let cluster = Cluster { cluster: Uid([9; 16]), format: FORMAT, name };
            assert_eq!(cluster.named(ours).is_ok(), fits, "{theirs:?}, {ours:?}");
        }
    }
}
