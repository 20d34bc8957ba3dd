//! What can be set about a store beside its URL.

use crate::space::{AskSpace, DiskSpace};
use crate::sync::SyncFile;
use std::time::Duration;

/// How to open a store. The default is right for a Deployment in a cloud and for a local folder.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Settings of the cloud client by the names of their environment variables in any case, such
    /// as `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_ALLOW_HTTP`, `AZURE_STORAGE_ACCOUNT_NAME`, `GOOGLE_SERVICE_ACCOUNT`. They take
    /// precedence over the process's environment, which is read as well.
    pub settings: Vec<(String, String)>,
    /// Local folder: flush each file and its folder to the disk before a write counts as done.
    /// Without it a power loss can take acknowledged data; the kill of a process never can.
    pub fsync: bool,
    /// What flushes an open file or folder: the seam for tests with a disk that fails.
    #[doc(hidden)]
    pub sync: SyncFile,
    /// What tells the room on the disk below a folder: the seam for tests with a disk that is full.
    #[doc(hidden)]
    pub space: AskSpace,
    /// How long [`crate::Store::create`] goes on trying.
    pub create_deadline: Duration,
    /// How long one attempt of it may take at first; each attempt that times out doubles it, up to
    /// 30 s. Large bodies get a second more for each 4 MiB.
    pub attempt_timeout: Duration,
    /// When to send a second copy of a create-only write that has had no answer: at most two a
    /// second. Clouds only.
    pub hedge_after: Option<Duration>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            settings: Vec::new(),
            fsync: true,
            sync: |file, _| file.sync_all(),
            space: DiskSpace::below,
            create_deadline: Duration::from_secs(60),
            attempt_timeout: Duration::from_millis(2500),
            hedge_after: Some(Duration::from_millis(600)),
        }
    }
}
