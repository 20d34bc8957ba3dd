//! Under which names a port is asked that only this machine reaches.
//!
//! A page of a foreign site that is open on this machine may let its own name point here once it is
//! loaded (DNS rebinding), and would then read what the port answers. Its requests still carry its own
//! name.

use http::{HeaderMap, Uri, header};
use std::net::{IpAddr, SocketAddr};

/// Whether all of these are reached from this machine alone.
pub(crate) fn is_private(addresses: &[SocketAddr]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback())
}

/// The name by which a request asks, when it is none of this machine. HTTP/2 names it in the address.
pub(super) fn foreign<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let named = headers.get(header::HOST).map(|value| value.to_str().unwrap_or("?"));
    let named = uri.authority().map(http::uri::Authority::as_str).or(named)?;
    (!is_own(named)).then_some(named)
}

fn is_own(named: &str) -> bool {
    let host = match named.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => named.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |address: IpAddr| address.is_loopback();
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_told_from_others() {
        let table = [
            ("localhost", true),
            ("localhost:3200", true),
            ("LOCALHOST:1", true),
            ("traces.localhost", true),
            ("127.0.0.1:3200", true),
            ("127.8.9.1", true),
            ("[::1]:3200", true),
            ("[::1]", true),
            ("", false),
            ("evil.example:3200", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.1:3200", false),
            ("[::2]:3200", false),
            ("notlocalhost", false),
        ];
        for (named, expected) in table {
            assert_eq!(is_own(named), expected, "{named}");
        }
    }

    #[test]
    fn an_address_names_it_before_the_header() {
        let mut headers = HeaderMap::new();
        let path = Uri::from_static("/api/echo");
        assert_eq!(foreign(&path, &headers), None, "HTTP/1.0 need not say");
        headers.insert(header::HOST, "evil.example".parse().unwrap());
        assert_eq!(foreign(&path, &headers), Some("evil.example"));
        assert_eq!(foreign(&Uri::from_static("http://localhost:1/api"), &headers), None);
        headers.insert(header::HOST, http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(foreign(&path, &headers), Some("?"));
    }

    #[test]
    fn a_port_is_private_when_all_its_addresses_are() {
        let at = |texts: &[&str]| {
            is_private(&texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<_>>())
        };
        assert!(at(&["127.0.0.1:1", "[::1]:1"]));
        assert!(!at(&["127.0.0.1:1", "10.0.0.1:1"]));
        assert!(!at(&["0.0.0.0:1"]));
        assert!(!at(&[]));
    }
}
