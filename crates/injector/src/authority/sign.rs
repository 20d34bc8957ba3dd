//! Making authorities, and certificates by them. Times are seconds since 1970 and handed in.

use super::plan::{AUTHORITY_LIVES, CERTIFICATE_LIVES};
use crate::certificate::PROTOCOLS;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::Arc;
use time::OffsetDateTime;
use tributary_identity::certificate;

/// Clocks may be apart by so much: what is made now is valid for clocks that are behind.
const BEHIND: u64 = 600;

/// Why nothing could be made or signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("a certificate cannot be made")]
    Make(#[from] rcgen::Error),
    #[error("a certificate cannot be used")]
    Use(#[from] rustls::Error),
    #[error("a certificate cannot be read")]
    Read(#[from] certificate::CertificateFault),
    #[error("this is no time")]
    Time(#[from] time::error::ComponentRange),
    #[error("this is no PEM")]
    Pem,
}

/// An authority: certificate and private key in PEM.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) cert: String,
    pub(super) key: String,
}

fn moment(seconds: u64) -> Result<OffsetDateTime, time::error::ComponentRange> {
    OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// A new one.
pub(super) fn authority(now: u64) -> Result<Authority, SignError> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, format!("tributary-injector-ca-{now}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.not_before = moment(now.saturating_sub(BEHIND))?;
    params.not_after = moment(now.saturating_add(AUTHORITY_LIVES))?;
    let key = KeyPair::generate()?;
    let cert = params.self_signed(&key)?.pem();
    Ok(Authority { cert, key: key.serialize_pem() })
}

/// When an authority was made.
pub(super) fn made(cert: &str) -> Result<u64, SignError> {
    let der = CertificateDer::from_pem_slice(cert.as_bytes()).map_err(|_| SignError::Pem)?;
    Ok(certificate::expires(&der)?.saturating_sub(AUTHORITY_LIVES))
}

/// What a replica shows: a certificate for these names, signed by `authority`, with a key that never
/// leaves the process; and when it expires.
pub(super) fn certificate(
    authority: &Authority,
    names: &[String],
    now: u64,
) -> Result<(ServerConfig, u64), SignError> {
    let issuer = Issuer::from_ca_cert_pem(&authority.cert, KeyPair::from_pem(&authority.key)?)?;
    let expires = now.saturating_add(CERTIFICATE_LIVES);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = moment(now.saturating_sub(BEHIND))?;
    params.not_after = moment(expires)?;
    let key = KeyPair::generate()?;
    let cert = params.signed_by(&key, &issuer)?;
    let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(|_| SignError::Pem)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], der)?;
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok((config, expires))
}
