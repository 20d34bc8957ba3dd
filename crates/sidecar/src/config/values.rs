//! The types of values that settings have, read from text.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use tributary_settings::value::items;
use tributary_settings::{Host, host_port};

/// The port that ingesters listen on when an upstream names none.
pub(super) const WIRE_PORT: u16 = 4319;

/// Where ingesters are found: a name with any number of addresses behind it, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// A name or an address.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// Whether `https://` stood before it.
    pub tls: bool,
}

impl Upstream {
    /// The address, when the host is one and nothing needs to be looked up.
    pub fn literal(&self) -> Option<SocketAddr> {
        self.host.ip().map(|ip| SocketAddr::new(ip, self.port))
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// `host:port`, `host`, `[ipv6]:port`, each with `http://` or `https://` before it if wished;
/// several with commas between them.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn upstreams(text: &str) -> Result<Vec<Upstream>, String> {
    let all: Vec<_> = items(text).map(upstream).collect::<Result<_, _>>()?;
    match all.first() {
        None => Err("names no ingester".to_owned()),
        Some(first) if all.iter().any(|u| u.tls != first.tls) => {
            Err("`https://` stands before some ingesters and not before others".to_owned())
        }
        Some(_) => Ok(all),
    }
}

fn upstream(text: &str) -> Result<Upstream, String> {
    let (tls, rest) = match text.split_once("://") {
        None => (false, text),
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some((scheme, _)) => {
            return Err(format!("`{text}` begins with the unknown scheme `{scheme}`"));
        }
    };
    let (host, port) = host_port(rest.trim_end_matches('/'), WIRE_PORT)?;
    Ok(Upstream { host, port, tls })
}

/// `key=value` pairs with commas between them, values percent-encoded where needed, as in
/// `OTEL_RESOURCE_ATTRIBUTES`. Pairs without a value are left out: the label or annotation that
/// should have filled them was not there.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for item in items(text) {
        let (key, value) = item.split_once('=').ok_or_else(|| format!("`{item}` is no `k=v`"))?;
        let (key, value) = (key.trim(), percent_decoded(value.trim()));
        if key.is_empty() {
            return Err(format!("`{item}` has no key"));
        }
        if pairs.iter().any(|(known, _)| known == key) {
            return Err(format!("`{key}` is given twice"));
        }
        let value = value.ok_or_else(|| format!("`{item}` is not well percent-encoded"))?;
        if !value.is_empty() {
            pairs.push((key.to_owned(), value));
        }
    }
    Ok(pairs)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = match (byte, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                out.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                tail
            }
            (b'%', _) => return None,
            (other, tail) => {
                out.push(*other);
                tail
            }
        };
    }
    String::from_utf8(out).ok()
}

/// A file that is there now; it is read when it is needed, since it may change.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    match std::fs::File::open(text) {
        Ok(_) => Ok(PathBuf::from(text)),
        Err(error) => Err(format!("cannot read `{text}`: {error}")),
    }
}

/// Certificates of authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// A file with them (PEM), read when it is needed.
    File(PathBuf),
    /// Themselves (PEM): where sidecars are injected, no file of theirs is in the pod.
    Text(String),
}

/// Certificates, or a file with them that is there now.
///
/// # Errors
/// Why the file cannot be read.
pub(super) fn authorities(text: &str) -> Result<Authorities, String> {
    match text.trim_start().starts_with("-----BEGIN ") {
        true => Ok(Authorities::Text(text.to_owned())),
        false => Ok(Authorities::File(file(text)?)),
    }
}

/// A tenant's name: what may stand in a header and as a folder.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn tenant(text: &str) -> Result<String, String> {
    match tributary_span::tenant::check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err(format!("`{text}`: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_in_every_form() {
        let table = [
            ("ingester", Some(("ingester:4319", false))),
            ("ingester:1", Some(("ingester:1", false))),
            ("http://ingester.obs.svc.:1/", Some(("ingester.obs.svc.:1", false))),
            ("https://ingester", Some(("ingester:4319", true))),
            ("10.1.2.3:7", Some(("10.1.2.3:7", false))),
            ("[::1]:7", Some(("[::1]:7", false))),
            ("::1", Some(("[::1]:4319", false))),
            ("ftp://ingester", None),
            ("ingester:0", None),
            (":4319", None),
            ("a b:1", None),
            ("host/path:1", None),
            ("", None),
            (" , ", None),
        ];
        for (text, expected) in table {
            let found = upstreams(text).ok().map(|all| {
                let [only] = &all[..] else { panic!("{all:?}") };
                (only.to_string(), only.tls)
            });
            assert_eq!(found, expected.map(|(at, tls)| (at.to_owned(), tls)), "{text}");
        }
        assert_eq!(upstreams("a:1,\n b:2").unwrap().len(), 2);
        assert!(upstreams("a:1,https://b:2").is_err());
        assert_eq!(upstreams("[::1]:7").unwrap()[0].literal(), "[::1]:7".parse().ok());
    }

    #[test]
    fn attribute_lists() {
        let pairs = |pairs: &[(&str, &str)]| {
            Some(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        type Pairs = Vec<(String, String)>;
        let table: [(&str, Option<Pairs>); 8] = [
            ("", pairs(&[])),
            ("a=1,b=2", pairs(&[("a", "1"), ("b", "2")])),
            ("a=x=y", pairs(&[("a", "x=y")])),
            ("a=,b=2,", pairs(&[("b", "2")])),
            ("a=x%2Cy%20%c3%a9", pairs(&[("a", "x,y é")])),
            ("a=%4", None),
            ("a", None),
            ("a=1,a=2", None),
        ];
        for (text, expected) in table {
            assert_eq!(attributes(text).ok(), expected, "{text}");
        }
        assert!(attributes("=1").is_err());
        assert!(attributes("a=%ff").is_err());
    }

    #[test]
    fn tenants() {
        for good in ["team-a", "single-tenant", "a.b_c"] {
            assert_eq!(tenant(good).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", "a/b", "a b", "ü", &"x".repeat(151)] {
            assert!(tenant(bad).is_err(), "{bad}");
        }
    }
}
