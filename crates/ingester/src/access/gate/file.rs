//! The policy's file, and those of the keys that it names.

use crate::access::AccessError;
use std::path::PathBuf;
use tributary_identity::files::{self, Watched};
use tributary_identity::token::{Issuer, KeySet, KeySource};
use tributary_identity::{Known, Policy};

/// What the file of the policy has said last, empty without one.
#[derive(Debug)]
pub(super) struct PolicyFile {
    watched: Watched,
    text: Vec<u8>,
}

impl PolicyFile {
    pub(super) fn new(path: Option<PathBuf>) -> PolicyFile {
        PolicyFile { watched: Watched::new(path), text: Vec::new() }
    }

    /// As it is now, but for one that may be being written.
    pub(super) fn text(&mut self) -> Result<&[u8], AccessError> {
        if let Some(mut contents) = self.watched.changed()? {
            self.text = contents.pop().unwrap_or_default();
        }
        Ok(&self.text)
    }
}

/// The policy in `text`, and the keys of its issuers as their files have them now. What addresses tell
/// is not asked for.
pub(super) fn read(path: Option<&PathBuf>, text: &[u8]) -> Result<Known, AccessError> {
    let path = path.cloned().unwrap_or_default();
    let policy = Policy::read(&String::from_utf8_lossy(text))
        .map_err(|source| AccessError::Policy { path, source })?;
    let issuers = policy.issuers.iter().map(|entry| {
        let keys = match &entry.keys {
            KeySource::Url(_) => KeySet::default(),
            KeySource::File(path) => KeySet::read(&files::read(path)?)
                .map_err(|source| AccessError::Keys { path: path.clone(), source })?,
        };
        Ok(Issuer {
            issuer: entry.issuer.clone(),
            audience: entry.audience.clone(),
            cluster: entry.cluster.clone(),
            keys,
        })
    });
    let issuers = issuers.collect::<Result<_, AccessError>>()?;
    Ok(Known { policy, issuers })
}
