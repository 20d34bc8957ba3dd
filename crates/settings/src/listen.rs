//! Where a server listens.

use crate::value::items;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses that one server listens on; at least one.
///
/// `[::]` stands for all addresses of both families. A family that the host lacks is no error as
/// long as one address is left, and `[::]` is `0.0.0.0` then; an address that is in use is one. Where
/// the port is 0 the system chooses one, the same for all addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen(Vec<SocketAddr>);

impl Listen {
    /// `ip:port`, `localhost:port` for both loopbacks, `:port` for all addresses; several with
    /// commas. The root page has the table.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Listen, String> {
        let mut all = Vec::new();
        for item in items(text) {
            all.extend(addresses(item)?);
        }
        // What another address of the list covers cannot be bound beside it.
        let covered = |i: usize, one: &SocketAddr| {
            all.iter().enumerate().any(|(j, other)| {
                other.port() == one.port()
                    && covers(other.ip(), one.ip())
                    && (j < i || !covers(one.ip(), other.ip()))
            })
        };
        let kept: Vec<_> =
            all.iter().enumerate().filter(|(i, one)| !covered(*i, one)).map(|(_, a)| *a).collect();
        if kept.is_empty() { Err("names no address".to_owned()) } else { Ok(Listen(kept)) }
    }

    /// The addresses. No one covers another.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.0
    }

    fn clashes(&self, other: &Listen) -> bool {
        self.0.iter().any(|a| {
            other.0.iter().any(|b| {
                let meet = covers(a.ip(), b.ip()) || covers(b.ip(), a.ip());
                a.port() != 0 && a.port() == b.port() && meet
            })
        })
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Listen(vec![address])
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, address) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

/// Whether a socket on `a` takes what comes to `b`.
fn covers(a: IpAddr, b: IpAddr) -> bool {
    match a {
        IpAddr::V6(ip) if ip.is_unspecified() => true,
        IpAddr::V4(ip) if ip.is_unspecified() => b.is_ipv4(),
        _ => a == b,
    }
}

fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        // An IPv4 address in IPv6's form is one of IPv4, whose sockets are its own.
        return Ok(vec![SocketAddr::new(address.ip().to_canonical(), address.port())]);
    }
    let wrong = || {
        let near = match text.parse::<u16>() {
            Ok(port) => format!("; did you mean `:{port}`?"),
            Err(_) => String::new(),
        };
        format!(
            "`{text}` is no address such as `127.0.0.1:4317`, `[::1]:4317`, `localhost:4317`, or \
             `:4317` for all{near}"
        )
    };
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    match host {
        "" | "*" => Ok(vec![(Ipv6Addr::UNSPECIFIED, port).into()]),
        host if host.eq_ignore_ascii_case("localhost") => {
            Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()])
        }
        _ => Err(wrong()),
    }
}

/// A server, for [`crate::Given::find_clashes`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server<'a> {
    /// The setting that says where it listens.
    pub setting: String,
    /// Whether it takes datagrams.
    pub is_udp: bool,
    /// Where.
    pub listen: &'a Listen,
}

impl Server<'_> {
    /// Whether the two cannot both listen.
    pub(crate) fn clashes(&self, other: &Server<'_>) -> bool {
        self.is_udp == other.is_udp && self.listen.clashes(other.listen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_every_form() {
        let table = [
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("[::1]:4317", Some("[::1]:4317")),
            ("0.0.0.0:4317", Some("0.0.0.0:4317")),
            ("localhost:4317", Some("127.0.0.1:4317,[::1]:4317")),
            ("LocalHost:0", Some("127.0.0.1:0,[::1]:0")),
            (":4320", Some("[::]:4320")),
            ("*:4320", Some("[::]:4320")),
            ("[::]:4320", Some("[::]:4320")),
            ("[::ffff:127.0.0.1]:4320", Some("127.0.0.1:4320")),
            (" 10.0.0.1:1 ,\n[fd00::1]:1,", Some("10.0.0.1:1,[fd00::1]:1")),
            ("127.0.0.1:1,localhost:1", Some("127.0.0.1:1,[::1]:1")),
            ("127.0.0.1:1,localhost:2", Some("127.0.0.1:1,127.0.0.1:2,[::1]:2")),
            ("0.0.0.0:1,[::]:1", Some("[::]:1")),
            ("localhost:1,:1", Some("[::]:1")),
            ("localhost:1,0.0.0.0:1", Some("[::1]:1,0.0.0.0:1")),
            (":1,:1", Some("[::]:1")),
            ("4320", None),
            ("example.org:80", None),
            ("127.0.0.1", None),
            ("::1:4317", None),
            (":70000", None),
            ("127.0.0.1:1,here", None),
            ("", None),
            (" , ", None),
        ];
        for (text, expected) in table {
            let found = Listen::read(text).ok().map(|listen| listen.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(Listen::read("4320").unwrap_err().ends_with("did you mean `:4320`?"));
    }

    #[test]
    fn clashes() {
        let table = [
            (":4320", ":4320", true),
            (":0", ":0", false),
            ("127.0.0.1:1", ":1", true),
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("0.0.0.0:1", "[::1]:1", false),
            ("0.0.0.0:1", ":1", true),
            ("localhost:1", "[::1]:1", true),
            ("localhost:1", "localhost:2,127.0.0.1:1", true),
        ];
        for (a, b, expected) in table {
            let (first, second) = (Listen::read(a).unwrap(), Listen::read(b).unwrap());
            assert_eq!(first.clashes(&second), expected, "{a} {b}");
            assert_eq!(second.clashes(&first), expected, "{b} {a}");
        }
    }
}
