//! What can go wrong with a block.

/// Why a block cannot be written or read, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The bytes could not be had now. Try again, or answer without this block and say so.
    #[error("block bytes cannot be read: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An object of the block is not there: the block has been deleted. Forget it.
    #[error("{0} of the block does not exist")]
    Missing(String),
    /// The bytes are not what they say they are. Report it; another try gives the same.
    #[error("block is corrupt: {0}")]
    Corrupt(String),
    /// A block that this version cannot read. Leave it to a newer one.
    #[error("block cannot be read by this version: {0}")]
    Unsupported(String),
    /// Columns that break their own invariants were given to the writer.
    #[error(transparent)]
    Columns(#[from] tributary_span::columns::Inconsistent),
    /// Settings that cannot be carried out.
    #[error("block settings: {0}")]
    Settings(String),
    /// More than one block can hold (4 GiB of distinct texts, or 2^31 of anything).
    #[error("too much for one block: {0}")]
    TooLarge(&'static str),
}

impl BlockError {
    /// Shorthand for [`BlockError::Corrupt`].
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        BlockError::Corrupt(what.into())
    }
}

impl From<parquet::errors::ParquetError> for BlockError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        BlockError::Corrupt(error.to_string())
    }
}
