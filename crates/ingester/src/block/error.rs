//! Why blocks are not built or committed.

use tributary_block::BlockError;
use tributary_journal::epoch::EpochError;
use tributary_journal::{CompactionWindow, EpochId, JournalError, adopt, commit, compact};
use tributary_store::StoreError;

/// Why spans are not in a visible block.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    /// The store did not take something: try again, all of it is repeatable.
    #[error("the store did not take a block")]
    Store(#[from] StoreError),
    /// The journal did not take something.
    #[error("the journal did not take a commit")]
    Journal(#[from] JournalError),
    /// The block could not be built: a fault in this program.
    #[error("the block could not be built")]
    Block(#[from] BlockError),
    /// The epoch has no slot left.
    #[error("epoch {0} has no commit slot left")]
    NoSlotLeft(EpochId),
    /// The id of an epoch that was opened to log spans again exists twice.
    #[error(
        "epoch {0}, which began just now, was written by another process: was this machine cloned?"
    )]
    BornTwice(EpochId),
    /// A span is larger than a segment.
    #[error("a span does not fit into a segment of epoch {0}")]
    TooLargeToRelog(EpochId),
    /// An epoch that was opened to log a segment again counts as retired.
    #[error(
        "epoch {0}, which began just now, lies below the floor: is this machine's clock behind by \
         hours, or did another program write into journal/floor?"
    )]
    BornRetired(EpochId),
    /// The window has no record left.
    #[error("window {} of tenant {} has no record left", .0.hour_name(), .0.tenant)]
    NoRecordLeft(CompactionWindow),
    /// The task that builds blocks panicked.
    #[error("building a block panicked")]
    Panicked(#[from] tokio::task::JoinError),
    /// A fault in this program: the journal's core was told something that cannot be.
    #[error("the journal's core was used out of turn")]
    Core(#[from] EpochError),
    /// The same, in a commit.
    #[error("a commit's steps were taken out of turn")]
    Commit(#[from] commit::OutOfTurn),
    /// The same, in an adoption.
    #[error("an adoption's steps were taken out of turn")]
    Adoption(#[from] adopt::OutOfTurn),
    /// The same, in a compaction.
    #[error("a compaction's steps were taken out of turn")]
    Compaction(#[from] compact::OutOfTurn),
}

impl CommitError {
    /// Whether the same may succeed later without any change to the store.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            CommitError::Store(error) | CommitError::Journal(JournalError::Store(error)) => {
                error.is_transient()
            }
            // The next reading may be a better one.
            CommitError::Journal(JournalError::Unsteady { .. }) => true,
            _ => false,
        }
    }
}
