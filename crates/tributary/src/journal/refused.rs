//! What a part of `tributary journal` does not do.

/// It was not done, and nothing was changed; why.
#[derive(Debug, thiserror::Error)]
#[error("nothing was changed: {0}")]
pub(super) struct Refused(pub(super) String);
