//! What the API server is shown.

use rustls::ServerConfig;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tributary_identity::tls::{ServerFiles, ServerTls, TlsError};

/// What is spoken inside TLS, the preferred first.
pub(crate) const PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];

/// The certificate of the moment. Clones share it.
#[derive(Debug, Clone)]
pub(crate) enum Certificate {
    /// As the files have it.
    Files(ServerTls),
    /// Signed by the injectors' own authority.
    Own(Own),
}

/// What is shown, and when it expires.
type Shown = (Arc<ServerConfig>, u64);

/// A certificate in memory; none at first. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own(Arc<Mutex<Option<Shown>>>);

impl Own {
    /// This one from now on. Connections that are there stay as they are.
    pub(crate) fn set(&self, config: ServerConfig, expires: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Arc::new(config), expires));
    }

    fn get(&self) -> Option<Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Certificate {
    /// Reads it from files.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub(crate) fn files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = ServerFiles {
            cert: cert.to_owned(),
            key: key.to_owned(),
            client_ca: None,
            client_must: false,
            protocols: PROTOCOLS,
        };
        ServerTls::load(files).map(Certificate::Files)
    }

    /// For the next handshake; none before there is one.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        match self {
            Certificate::Files(tls) => Some(tls.config()),
            Certificate::Own(own) => own.get().map(|(config, _)| config),
        }
    }

    /// When it expires, in seconds since 1970; 0 before there is one.
    pub(crate) fn expires(&self) -> i64 {
        let seconds = match self {
            Certificate::Files(tls) => tls.expires(),
            Certificate::Own(own) => own.get().map_or(0, |(_, expires)| expires),
        };
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}
