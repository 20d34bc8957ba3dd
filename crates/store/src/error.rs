//! What can go wrong with a store, by what a caller can do about it.

use crate::sync::Untrusted;
use object_store::Error as Inner;
use tributary_telemetry::ErrorChain;

/// Why an operation on a store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object (or, for a write, no such bucket).
    #[error("{path} is not in the store")]
    NotFound {
        /// The path asked for.
        path: String,
        /// What the client says: whether it is the object or the bucket that is missing.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store did not do it now and may do it later: busy, unreachable, timed out, disk full.
    #[error("the store failed to {operation} {path}")]
    Transient {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: String,
        /// What the client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store will not do it until an operator changes credentials or permissions.
    #[error("the store denies to {operation} {path}: check the credentials and their permissions")]
    Denied {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: String,
        /// What the client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store will never do it as asked.
    #[error("the store cannot {operation} {path}")]
    Refused {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: String,
        /// What the client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The folder's disk may have lost what it took, and this process must write no more: end it, and
    /// begin again when the disk was checked.
    #[error(
        "the store failed to {operation} {path}: a sync to disk failed once since this process began, \
         and the disk may have lost what it took; check the disk, then restart the process"
    )]
    Untrusted {
        /// What was tried.
        operation: &'static str,
        /// On which path.
        path: String,
        /// What could not be synced, and what the system said of it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The URL or an option is wrong; the text says what to do.
    #[error("{0}")]
    Config(String),
}

impl StoreError {
    /// Whether the same call may succeed later by itself.
    pub fn is_transient(&self) -> bool {
        matches!(self, StoreError::Transient { .. })
    }

    /// Whether the store will not take it until an operator changes something.
    pub fn is_refusal(&self) -> bool {
        matches!(self, StoreError::Denied { .. } | StoreError::Refused { .. })
    }

    /// Whether the object is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, StoreError::NotFound { .. })
    }

    /// Whether a disk may have lost what it took, so that this process must write no more.
    pub fn is_untrusted(&self) -> bool {
        matches!(self, StoreError::Untrusted { .. })
    }

    /// The error and what caused it, in one line.
    pub fn chain(&self) -> String {
        ErrorChain(self).to_string()
    }

    /// The same, of the first of `failed` names among `of`.
    pub(crate) fn among(self, failed: usize, of: usize) -> Self {
        if of == 1 {
            return self;
        }
        let among = |source| Box::new(Among { failed, of, source }) as Box<_>;
        match self {
            StoreError::Transient { operation, path, source } => {
                StoreError::Transient { operation, path, source: among(source) }
            }
            StoreError::Denied { operation, path, source } => {
                StoreError::Denied { operation, path, source: among(source) }
            }
            StoreError::Refused { operation, path, source } => {
                StoreError::Refused { operation, path, source: among(source) }
            }
            StoreError::Untrusted { operation, path, source } => {
                StoreError::Untrusted { operation, path, source: among(source) }
            }
            StoreError::NotFound { .. } | StoreError::Config(_) => self,
        }
    }

    /// The failure of a write, of which it cannot be told either how it ended, because of `self`.
    pub(crate) fn after(self, write: &StoreError) -> Self {
        let (operation, path) = match write {
            StoreError::Transient { operation, path, .. } => (*operation, path.clone()),
            _ => return self,
        };
        let source = Box::new(Unsettled { read: self.chain(), write: tail(&write.chain()) });
        match self {
            StoreError::Denied { .. } => StoreError::Denied { operation, path, source },
            StoreError::Refused { .. } => StoreError::Refused { operation, path, source },
            other => other,
        }
    }

    pub(crate) fn timeout(operation: &'static str, path: &str) -> Self {
        StoreError::Transient { operation, path: path.to_owned(), source: "timed out".into() }
    }

    pub(crate) fn from_inner(operation: &'static str, path: &str, error: Inner) -> Self {
        let path = path.to_owned();
        match error {
            Inner::NotFound { source, .. } => StoreError::NotFound { path, source },
            Inner::Generic { source, .. } if source.is::<Untrusted>() => {
                StoreError::Untrusted { operation, path, source }
            }
            Inner::PermissionDenied { .. } | Inner::Unauthenticated { .. } => {
                StoreError::Denied { operation, path, source: error.into() }
            }
            // Only a create-only write has a condition: what else is answered so was not understood.
            Inner::Precondition { .. } if operation != CREATE => {
                StoreError::Refused { operation, path, source: error.into() }
            }
            Inner::Generic { .. } if answered(&error) == Some(Answered::Denied) => {
                StoreError::Denied { operation, path, source: error.into() }
            }
            Inner::Generic { .. } if answered(&error) == Some(Answered::Refused) => {
                StoreError::Refused { operation, path, source: error.into() }
            }
            Inner::NotSupported { .. }
            | Inner::NotImplemented { .. }
            | Inner::InvalidPath { .. }
            | Inner::UnknownConfigurationKey { .. } => {
                StoreError::Refused { operation, path, source: error.into() }
            }
            _ => StoreError::Transient { operation, path, source: error.into() },
        }
    }
}

/// What create-only writes are called in errors.
pub(crate) const CREATE: &str = "create";

/// What a server answered for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    Denied,
    Refused,
}

/// The same, if that is the cause.
#[cfg(feature = "cloud")]
fn answered(error: &Inner) -> Option<Answered> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(answer) = error.downcast_ref::<crate::answer::Answer>() {
            return Some(if answer.is_denial() { Answered::Denied } else { Answered::Refused });
        }
        if error.is::<crate::answer::NotTrusted>() {
            return Some(Answered::Refused);
        }
        next = error.source();
    }
    None
}

#[cfg(not(feature = "cloud"))]
fn answered(_: &Inner) -> Option<Answered> {
    None
}

/// A write that may have happened, and nothing tells. What the write was answered stands last, where
/// a line that is too long keeps it.
#[derive(Debug, thiserror::Error)]
#[error("whether it happened cannot be read ({read}); the write: {write}")]
struct Unsettled {
    read: String,
    write: String,
}

/// The end of a chain: what was answered.
fn tail(chain: &str) -> String {
    const LONGEST: usize = 200;
    match chain.char_indices().rev().nth(LONGEST) {
        Some((at, _)) => format!("…{}", chain.get(at..).unwrap_or_default()),
        None => chain.to_owned(),
    }
}

/// What was to be done with many names, and was not with some.
#[derive(Debug, thiserror::Error)]
#[error("{failed} of {of} could not be deleted")]
struct Among {
    failed: usize,
    of: usize,
    source: Box<dyn std::error::Error + Send + Sync>,
}
