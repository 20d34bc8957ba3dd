//! TLS whose certificates come from files that may change at any time.

mod client;
mod connector;
mod pem;
mod server;
mod stream;

pub use client::{ClientFiles, ClientTls};
pub use connector::Connector;
pub use server::{ServerFiles, ServerTls};
pub use stream::Stream;

use crate::certificate::CertificateFault;
use crate::files::FileError;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use std::path::PathBuf;
use std::sync::Arc;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file has not what it should have.
    #[error("{} has no {what}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
    },
    /// Files do not fit together, or cannot be used.
    #[error("certificates that cannot be used")]
    Unusable(#[from] rustls::Error),
    /// Certificates of clients cannot be checked against this authority.
    #[error("an authority that cannot be used")]
    Authority(#[from] rustls::server::VerifierBuilderError),
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// The system has no authorities.
    #[error("the system has no certificates of authorities; name a file of them")]
    NoAuthorities,
}

/// The one that all of this uses.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// The name that a certificate must have for `host`: without brackets and without the dot at the end
/// of a name that is not to be completed. None when it can be in no certificate.
pub fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    ServerName::try_from(bare.to_owned()).ok()
}

#[cfg(test)]
mod tests;
