//! Who is let in, as it was set (`settings`): TLS on both ports (`sockets`), what callers show and may
//! (`gate`), keys that are told at an address (`keys`), the files that all of it comes from, looked
//! at again and again (`refresh`), and what comes to a port that is not for it (`strangers`).
//!
//! What follows from what is decided in [`tributary_identity`], by functions of plain data; here are
//! sockets, clocks and counters.

mod gate;
mod keys;
mod refresh;
mod rounds;
mod settings;
mod sockets;
mod strangers;

pub(crate) use gate::{Gate, Port};
pub(crate) use keys::KeyFetcher;
pub(crate) use refresh::Refresher;
pub use settings::Access;
pub(crate) use sockets::{Client, Sockets};
pub(crate) use strangers::{Stranger, Strangers, Watched};

use std::path::PathBuf;
use tributary_identity::files::FileError;
use tributary_identity::policy::PolicyError;
use tributary_identity::tls::TlsError;
use tributary_identity::token::KeySetError;

/// Why callers cannot be checked as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Certificates of this setting cannot be used.
    #[error("{setting}")]
    Tls {
        /// Which.
        setting: &'static str,
        /// Why.
        source: TlsError,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The policy cannot be read.
    #[error("{}", path.display())]
    Policy {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: PolicyError,
    },
    /// The keys of an issuer cannot be read.
    #[error("{}", path.display())]
    Keys {
        /// Their file.
        path: PathBuf,
        /// Why.
        source: KeySetError,
    },
}
