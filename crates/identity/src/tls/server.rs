//! A server's side.

use super::{TlsError, pem, provider};
use crate::certificate;
use crate::files::Watched;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where its certificates are, and what it asks of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate, and those between it and an authority that clients know.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities that clients' certificates must be signed by; without it none is asked for.
    pub client_ca: Option<PathBuf>,
    /// Whether clients must have one. Else those that have none are let in, to be asked otherwise.
    pub client_must: bool,
    /// What is spoken inside, the preferred first.
    pub protocols: &'static [&'static [u8]],
}

/// A server's TLS as its files have it. Clones share it.
#[derive(Debug, Clone)]
pub struct ServerTls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    files: ServerFiles,
    watched: Mutex<Watched>,
    current: Mutex<Current>,
}

#[derive(Debug, Clone)]
struct Current {
    config: Arc<ServerConfig>,
    expires: u64,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub fn load(files: ServerFiles) -> Result<ServerTls, TlsError> {
        let paths = [Some(files.cert.clone()), Some(files.key.clone()), files.client_ca.clone()];
        let mut watched = Watched::new(paths.into_iter().flatten());
        let contents = watched.changed()?.unwrap_or_default();
        let current = Mutex::new(made(&files, &contents)?);
        Ok(ServerTls(Arc::new(Shared { files, watched: Mutex::new(watched), current })))
    }

    /// Looks whether the files have changed, and goes by them from then on if they can be used. True
    /// when something has changed. Connections that are there stay as they are.
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
    pub fn config(&self) -> Arc<ServerConfig> {
        self.current().config
    }

    /// When its certificate expires, in seconds since 1970.
    pub fn expires(&self) -> u64 {
        self.current().expires
    }

    fn current(&self) -> Current {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The configuration that these contents give: certificate, key, and authorities if there are any.
fn made(files: &ServerFiles, contents: &[Vec<u8>]) -> Result<Current, TlsError> {
    let content = |n: usize| contents.get(n).map(Vec::as_slice).unwrap_or_default();
    let chain = pem::certificates(&files.cert, content(0))?;
    let key = pem::key(&files.key, content(1))?;
    let expires = certificate::expires(chain.first().map(|c| c.as_ref()).unwrap_or_default())?;
    let builder =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let roots = Arc::new(pem::authorities(path, content(2))?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = match files.client_must {
                true => verifier,
                false => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(verifier.build()?)
        }
    };
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols = files.protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Current { config: Arc::new(config), expires })
}
