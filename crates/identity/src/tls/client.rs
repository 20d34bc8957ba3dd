//! A client's side.

use super::{TlsError, pem, provider};
use crate::files::Watched;
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where its certificates are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFiles {
    /// The authorities that servers' certificates must be signed by; without it the system's.
    pub ca: Option<PathBuf>,
    /// Its own certificate and private key, for servers that ask for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// A client's TLS as its files have it. Clones share it.
#[derive(Debug, Clone)]
pub struct ClientTls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    files: ClientFiles,
    watched: Mutex<Watched>,
    current: Mutex<Arc<ClientConfig>>,
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub fn load(files: ClientFiles) -> Result<ClientTls, TlsError> {
        let own = files.own.iter().flat_map(|(cert, key)| [cert, key]);
        let mut watched = Watched::new(own.chain(&files.ca).cloned());
        let contents = watched.changed()?.unwrap_or_default();
        let current = Mutex::new(made(&files, &contents)?);
        Ok(ClientTls(Arc::new(Shared { files, watched: Mutex::new(watched), current })))
    }

    /// Looks whether the files have changed, and goes by them from then on if they can be used. True
    /// when something has changed.
    ///
    /// # Errors
    /// When they cannot be read, or have changed and cannot be used: what was last good stays.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let mut watched = self.0.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(contents) = watched.changed()? else { return Ok(false) };
        let made = made(&self.0.files, &contents).inspect_err(|_| watched.forget())?;
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = made;
        Ok(true)
    }

    /// For the next handshake.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The configuration that these contents give: own certificate and key, then authorities, as far as
/// there are any.
fn made(files: &ClientFiles, contents: &[Vec<u8>]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut contents = contents.iter().map(Vec::as_slice);
    let own = match &files.own {
        None => None,
        Some((cert, key)) => {
            let chain = pem::certificates(cert, contents.next().unwrap_or_default())?;
            Some((chain, pem::key(key, contents.next().unwrap_or_default())?))
        }
    };
    let roots = match &files.ca {
        Some(path) => pem::authorities(path, contents.next().unwrap_or_default())?,
        None => system()?,
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn system() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(TlsError::NoAuthorities),
        false => Ok(roots),
    }
}
