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
        if let Some((host, port)) = with_port(text) {
            return Err(wrong(&format!(
                "the port {port} is too much, which is that of the listener; give `{host}`"
            )));
        }
        let bare = match text.strip_prefix('[').map(|inner| inner.strip_suffix(']')) {
            None => text,
            Some(inner) => inner
                .filter(|ip| ip.parse::<Ipv6Addr>().is_ok())
                .ok_or_else(|| wrong("brackets stand around IPv6 addresses, as in `[fd00::7]`"))?,
        };
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        if bare.is_empty() || !(bare.chars().all(name) || bare.parse::<Ipv6Addr>().is_ok()) {
            return Err(wrong(match bare {
                url if url.contains("://") => "it is a URL; give the host in it alone",
                "" => "it is empty",
                _ => "it is neither a name nor an address",
            }));
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

/// A host and the port behind it, where there is one that is none of an address.
fn with_port(text: &str) -> Option<(&str, &str)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return None;
    }
    let (host, port) = text.rsplit_once(':')?;
    let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let is_host = !host.is_empty() && (host.ends_with(']') || !host.contains(':'));
    (is_port && is_host).then_some((host, port))
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
        let table = [
            (
                "[::1]:4319",
                "the port 4319 is too much, which is that of the listener; give `[::1]`",
            ),
            ("host:4319", "give `host`"),
            ("10.0.0.7:4319", "give `10.0.0.7`"),
            ("[host]", "brackets stand around IPv6"),
            ("http://host", "it is a URL"),
            ("a b", "neither a name nor an address"),
        ];
        for (text, expected) in table {
            let why = Host::read(text).unwrap_err();
            assert!(why.contains(expected) && why.contains(text), "{text}: {why}");
        }
        assert_eq!(Host::read("[fd00::7]").unwrap().ip(), "fd00::7".parse().ok());
        assert_eq!(Host::read("[fd00::7]").unwrap().as_str(), "fd00::7");
        assert_eq!(Host::read("a").unwrap().ip(), None);
    }
}
