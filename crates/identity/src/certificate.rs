//! Who a client's certificate is made out to. That a known authority signed it, and when it is valid,
//! was checked by the handshake.

use crate::identity::{Account, Identity};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why a certificate names nothing that could be an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// It cannot be read.
    #[error("the certificate cannot be read")]
    Malformed,
    /// It names neither one SPIFFE identity of a ServiceAccount nor a host.
    #[error("the certificate names neither spiffe://…/ns/…/sa/… nor a host")]
    Nameless,
}

/// The identity in a certificate: the ServiceAccount of its SPIFFE name, else its first host name. A
/// certificate has one SPIFFE name (X.509-SVID, section 2): with several it has no identity.
///
/// # Errors
/// When it has none.
pub fn identity(der: &[u8]) -> Result<Identity, CertificateFault> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
    let names = certificate.subject_alternative_name().map_err(|_| CertificateFault::Malformed)?;
    let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let uris: Vec<&str> = names.iter().filter_map(uri).collect();
    match uris.as_slice() {
        [] => {}
        [uri] => return spiffe(uri).map(Identity::Account).ok_or(CertificateFault::Nameless),
        _ => return Err(CertificateFault::Nameless),
    }
    let host = names.iter().find_map(|name| match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        _ => None,
    });
    host.map(Identity::Named).ok_or(CertificateFault::Nameless)
}

fn uri<'c>(name: &GeneralName<'c>) -> Option<&'c str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

/// When a certificate expires, in seconds since 1970.
///
/// # Errors
/// When it cannot be read.
pub fn expires(der: &[u8]) -> Result<u64, CertificateFault> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|_| CertificateFault::Malformed)?;
    Ok(u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0))
}

/// The ServiceAccount in `spiffe://<trust domain>/ns/<namespace>/sa/<account>`.
fn spiffe(uri: &str) -> Option<Account> {
    let (domain, path) = uri.strip_prefix("spiffe://")?.split_once('/')?;
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-._".contains(&c);
    if domain.is_empty() || !domain.bytes().all(letter) {
        return None;
    }
    let mut parts = path.split('/');
    let mut next = || parts.next();
    let (ns, namespace, sa, account) = (next()?, next()?, next()?, next()?);
    (ns == "ns" && sa == "sa" && next().is_none())
        .then(|| Account::checked(domain, namespace, account))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    #[test]
    fn spiffe_names() {
        let fine = spiffe("spiffe://main.example/ns/pay-eu/sa/checkout").unwrap();
        let parts = (&*fine.cluster, &*fine.namespace, &*fine.account);
        assert_eq!(parts, ("main.example", "pay-eu", "checkout"));
        for wrong in [
            "",
            "spiffe://",
            "spiffe:///ns/a/sa/b",
            "https://d/ns/a/sa/b",
            "SPIFFE://d/ns/a/sa/b",
            "spiffe://d/ns/a/sa/",
            "spiffe://d/ns//sa/b",
            "spiffe://d/ns/a/sa/b/c",
            "spiffe://d/ns/a/sa/b/",
            "spiffe://d/sa/a/ns/b",
            "spiffe://d/ns/*/sa/b",
            "spiffe://d/ns/{namespace}/sa/b",
            "spiffe://d/ns/A/sa/b",
            "spiffe://d/ns/a%2f/sa/b",
            "spiffe://d:80/ns/a/sa/b",
            "spiffe://u@d/ns/a/sa/b",
            "spiffe://d/ns/a/sa/b?x",
            "spiffe://d/ns/a/sa/b#x",
        ] {
            assert_eq!(spiffe(wrong), None, "{wrong}");
        }
    }

    fn certificate(names: &[&str]) -> Vec<u8> {
        let mut made = CertificateParams::new(Vec::<String>::new()).unwrap();
        made.subject_alt_names = names
            .iter()
            .map(|name| match name.contains("://") {
                true => SanType::URI((*name).try_into().unwrap()),
                false => SanType::DnsName((*name).try_into().unwrap()),
            })
            .collect();
        made.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn certificates_name_an_account_or_a_host() {
        let of = |names: &[&str]| identity(&certificate(names)).map(|who| who.to_string());
        let nameless = Err(CertificateFault::Nameless);
        let uri = "spiffe://d/ns/a/sa/b";
        assert_eq!(of(&["host", uri]), Ok("d/a/b".to_owned()));
        assert_eq!(of(&["host", "other"]), Ok("host".to_owned()));
        assert_eq!(of(&[]), nameless);
        assert_eq!(of(&[uri, "spiffe://d/ns/a/sa/c"]), nameless, "which of them?");
        assert_eq!(of(&["host", "https://d/x"]), nameless, "a URI that is no SPIFFE name");
    }

    #[test]
    fn what_is_no_certificate_is_a_fault() {
        let whole = certificate(&["host"]);
        assert!(expires(&whole).unwrap() > 1_700_000_000);
        for cut in 0..whole.len() {
            assert_eq!(identity(&whole[..cut]), Err(CertificateFault::Malformed), "cut at {cut}");
        }
    }
}
