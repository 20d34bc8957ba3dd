//! TLS to the ingesters, and what they are shown inside it. Files are read each time, so that what
//! changes counts without a restart, and nothing has to watch them.

use super::StreamError;
use crate::config::{Tls, Upstream};
use std::io::{Error, ErrorKind};
use std::path::PathBuf;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Endpoint;

/// How a connection is secured.
#[derive(Debug, Clone)]
pub(super) struct Secure {
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "nothing to secure with"))]
    tls: Tls,
    token: Option<PathBuf>,
}

impl Secure {
    pub(super) fn new(mut tls: Tls, token: Option<PathBuf>, upstream: &[Upstream]) -> Self {
        // Addresses were resolved from names, and certificates are made out to names.
        if let (None, [only]) = (&tls.name, upstream) {
            tls.name = Some(only.host.as_str().to_owned());
        }
        // A dot at the end is for the resolver: no certificate has it.
        tls.name = tls.name.map(|name| name.trim_end_matches('.').to_owned());
        Secure { tls, token }
    }

    /// Adds the token to what a stream begins with.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn show(&self, metadata: &mut MetadataMap) -> Result<(), StreamError> {
        let Some(file) = &self.token else { return Ok(()) };
        let failed = |source| StreamError::Token { file: file.clone(), source };
        let token = std::fs::read_to_string(file).map_err(failed)?;
        let value = match token.trim() {
            "" => Err(Error::new(ErrorKind::InvalidData, "it is empty")),
            token => MetadataValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Error::new(ErrorKind::InvalidData, "it cannot be sent in a header")),
        };
        let mut value = value.map_err(failed)?;
        value.set_sensitive(true);
        metadata.insert("authorization", value);
        Ok(())
    }

    /// The endpoint at `address`, inside TLS.
    ///
    /// # Errors
    /// When certificates cannot be read or used.
    #[cfg(feature = "tls")]
    pub(super) fn endpoint(
        &self,
        endpoint: Endpoint,
        address: &str,
    ) -> Result<Endpoint, StreamError> {
        use crate::config::Authorities;
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};
        let read = |file: &PathBuf| {
            let failed = |source| StreamError::Certificates { file: file.clone(), source };
            std::fs::read(file).map_err(failed)
        };
        let mut config = match &self.tls.ca {
            Some(ca) => {
                let pem = match ca {
                    Authorities::File(file) => read(file)?,
                    Authorities::Text(pem) => pem.clone().into_bytes(),
                };
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem))
            }
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some((cert, key)) = &self.tls.own {
            config = config.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        let config = config.domain_name(self.tls.name.as_deref().unwrap_or(host(address)));
        endpoint.tls_config(config).map_err(StreamError::Connect)
    }

    /// There is none.
    #[cfg(not(feature = "tls"))]
    pub(super) fn endpoint(&self, _: Endpoint, _: &str) -> Result<Endpoint, StreamError> {
        Err(StreamError::WithoutTls)
    }
}

/// The host of `host:port`, as certificates have it.
#[cfg(feature = "tls")]
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.')
}
