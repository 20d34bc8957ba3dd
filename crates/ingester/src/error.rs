//! Why an ingester does not start, or ends before it is told to.

use crate::access::AccessError;
use crate::runtime::TaskError;
use tributary_journal::JournalError;
use tributary_receivers::BindError;
use tributary_store::{ProbeError, StoreError};

/// Why an ingester does not start, or ends before it is told to. Nothing that was acknowledged is
/// lost by any of these: it is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum IngesterError {
    /// An address cannot be listened on: choose another one.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The store's URL or one of its options is wrong: correct it.
    #[error("the store {url}")]
    OpenStore {
        /// Its URL.
        url: String,
        /// What is wrong.
        source: StoreError,
    },
    /// Callers cannot be checked as the settings say: correct the files that they name.
    #[error("who is let in")]
    Access(#[from] AccessError),
    /// The store does not keep the promises that the journal is built on, or could not be used for
    /// a minute: the text says what to look at.
    // Its text holds its source.
    #[error("{0}")]
    UnusableStore(ProbeError),
    /// The bucket belongs to another program or to a newer release: choose another one, or use that
    /// release.
    #[error("the store's cluster.json")]
    Cluster(#[source] JournalError),
    /// The operating system gives no random bytes: start again.
    #[error("making an id")]
    Id(#[source] StoreError),
    /// The operating system gives no threads for questions: allow more, and start again.
    #[error("starting the threads for questions")]
    Threads(#[source] std::io::Error),
    /// A task that the process cannot go on without has failed: start again.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The heartbeat could not be taken away at the end. Others notice in time that it stands
    /// still.
    #[error("taking the heartbeat away")]
    Leave(#[source] JournalError),
}
