//! An authority, certificates that it signs, and a client that is shown and shows them.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tributary_testkit::http::Connection;

/// What ingesters' certificates are made out to.
pub(crate) const INGESTER: &str = "ingester.test";

/// Signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key; both as PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Result<Authority> {
        let mut own = CertificateParams::new(Vec::<String>::new())?;
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ok(Authority(CertifiedIssuer::self_signed(own, KeyPair::generate()?)?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a host, or for what a URI names; for servers and clients.
    pub(crate) fn signs(&self, name: &str) -> Result<Pair> {
        let mut made = CertificateParams::new(Vec::<String>::new())?;
        made.subject_alt_names = vec![match name.contains("://") {
            true => SanType::URI(name.try_into()?),
            false => SanType::DnsName(name.try_into()?),
        }];
        // Where all of it runs in the stories.
        made.subject_alt_names.push(SanType::DnsName("localhost".try_into()?));
        made.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        let cert = made.signed_by(&key, &self.0)?.pem();
        Ok(Pair { cert, key: key.serialize_pem() })
    }
}

impl Pair {
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<()> {
        std::fs::write(folder.join(format!("{name}.crt")), &self.cert)?;
        std::fs::write(folder.join(format!("{name}.key")), &self.key)?;
        Ok(())
    }
}

/// A connection inside TLS to an ingester that this authority knows, with a certificate if there is one.
pub(crate) async fn connect(
    to: SocketAddr,
    authority: &str,
    own: Option<&Pair>,
) -> Result<Connection> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(own.cert.as_bytes())?],
            PrivateKeyDer::from_pem_slice(own.key.as_bytes())?,
        )?,
    };
    let stream = TcpStream::connect(to).await?;
    let name = ServerName::try_from(INGESTER)?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    Connection::over(to, stream.context("handshake")?).await
}
