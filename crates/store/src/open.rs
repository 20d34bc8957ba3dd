//! From a URL to clients.
//!
//! Clouds are a feature: without it a program knows folders and memory.

#[cfg(feature = "cloud")]
mod cloud;

use crate::error::StoreError;
use crate::folder::Folder;
use crate::foreign::Foreign;
use crate::location::Location;
use crate::options::StoreOptions;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use std::sync::Arc;

pub(crate) struct Clients {
    /// For create-only writes and what settles them.
    pub(crate) quick: Arc<dyn ObjectStore>,
    /// For everything else.
    pub(crate) patient: Arc<dyn ObjectStore>,
    /// The same once more, when it is a folder.
    pub(crate) folder: Option<Arc<Folder>>,
    pub(crate) is_cloud: bool,
}

pub(crate) fn clients(
    url: &str,
    options: &StoreOptions,
    foreign: Foreign,
) -> Result<Clients, StoreError> {
    match Location::parse(url)? {
        Location::Memory => Ok(local(Arc::new(InMemory::new()))),
        Location::Folder(folder) => {
            let wrong = |e: &dyn std::fmt::Display| {
                StoreError::Config(format!(
                    "store \"{url}\": the folder cannot be used: {e}; give one that this process \
                     may create and write to"
                ))
            };
            let folder = Folder::open(&folder, options, foreign).map_err(|e| wrong(&e))?;
            let folder = Arc::new(folder);
            Ok(Clients { folder: Some(Arc::clone(&folder)), ..local(folder) })
        }
        #[cfg(not(feature = "cloud"))]
        Location::Cloud { .. } => Err(StoreError::Config(format!(
            "store \"{url}\": this program was built for folders only; build it with `--features \
             cloud`"
        ))),
        #[cfg(feature = "cloud")]
        Location::Cloud { cloud, bucket, prefix } => {
            let wrong = |e| StoreError::Config(format!("store \"{url}\": {e}"));
            let pair = cloud::clients(cloud, &bucket, options, &foreign).map_err(wrong)?;
            Ok(Clients {
                quick: prefixed(pair.quick, &prefix).map_err(wrong)?,
                patient: prefixed(pair.patient, &prefix).map_err(wrong)?,
                folder: None,
                is_cloud: true,
            })
        }
    }
}

/// That the folder at `url` exists; nothing is known of a cloud.
pub(crate) fn check_folder(url: &str) -> Result<(), StoreError> {
    match Location::parse(url)? {
        Location::Folder(folder) if !folder.is_dir() => Err(StoreError::Config(format!(
            "store \"{url}\": there is no such folder; is the path right?"
        ))),
        _ => Ok(()),
    }
}

fn local(store: Arc<dyn ObjectStore>) -> Clients {
    Clients { quick: Arc::clone(&store), patient: store, folder: None, is_cloud: false }
}

/// `store` with every path below `prefix`.
pub(crate) fn prefixed(
    store: Arc<dyn ObjectStore>,
    prefix: &str,
) -> Result<Arc<dyn ObjectStore>, String> {
    if prefix.is_empty() {
        return Ok(store);
    }
    let prefix = Path::parse(prefix).map_err(|e| e.to_string())?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}
