//! Where a program is found: a name or an address, and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A name, or an IP address. Written with brackets around it where it is one of IPv6, so that a
/// port can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host(String);

impl Host {
    /// A name, an IPv4 address, or an IPv6 address with brackets or without.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Host, String> {
        let wrong = |why: &str| format!("`{text}` is no host: {why}");
        let bare = match text.strip_prefix('[').map(|inner| inner.strip_suffix(']')) {
            None => text,
            Some(inner) => inner
                .filter(|ip| ip.parse::<Ipv6Addr>().is_ok())
                .ok_or_else(|| wrong("brackets stand around IPv6 addresses"))?,
        };
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if bare.is_empty() || !(bare.chars().all(name) || bare.parse::<Ipv6Addr>().is_ok()) {
            return Err(wrong("it is neither a name nor an address"));
        }
        Ok(Host(bare.to_owned()))
    }

    /// The name, or the address without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, when it is one and nothing needs to be looked up.
    pub fn ip(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }
}

impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        Host(ip.to_string())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]", self.0),
            false => f.write_str(&self.0),
        }
    }
}

/// `host:port`, or a host alone, whose port is `usual` then.
///
/// # Errors
/// What is wrong with the text.
pub fn host_port(text: &str, usual: u16) -> Result<(Host, u16), String> {
    let bare_v6 = text.parse::<Ipv6Addr>().is_ok();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') && !bare_v6 => {
            let port = port.parse().ok().filter(|&port| port != 0);
            let why = || format!("`{text}` is no `host:port`: the port is not between 1 and 65535");
            (host, port.ok_or_else(why)?)
        }
        _ => (text, usual),
    };
    Ok((Host::read(host)?, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_ports() {
        let table = [
            ("ingester", Some(("ingester", 9))),
            ("ingester:1", Some(("ingester", 1))),
            ("ingester.obs.svc.:1", Some(("ingester.obs.svc.", 1))),
            ("10.1.2.3:7", Some(("10.1.2.3", 7))),
            ("[::1]:7", Some(("[::1]", 7))),
            ("[::1]", Some(("[::1]", 9))),
            ("::1", Some(("[::1]", 9))),
            ("ingester:0", None),
            ("ingester:70000", None),
            ("ingester:", None),
            (":4319", None),
            ("[ingester]:1", None),
            ("[::1", None),
            ("a b:1", None),
            ("host/path:1", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = host_port(text, 9).ok().map(|(host, port)| (host.to_string(), port));
            assert_eq!(found, expected.map(|(h, p)| (h.to_owned(), p)), "{text}");
        }
        assert_eq!(Host::read("[fd00::7]").unwrap().ip(), "fd00::7".parse().ok());
        assert_eq!(Host::read("[fd00::7]").unwrap().as_str(), "fd00::7");
        assert_eq!(Host::read("a").unwrap().ip(), None);
    }
}
