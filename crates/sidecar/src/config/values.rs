//! The types of values that settings have, read from text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The port that ingesters listen on when an upstream names none.
pub(super) const WIRE_PORT: u16 = 4319;

/// Bytes: a whole number, alone or with `B`, `KiB`, `MiB`, `GiB`, `KB`, `MB` or `GB` behind it.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, unit) = split_number(text);
    let number: usize =
        digits.parse().map_err(|_| format!("`{text}` is no size such as `16MiB`"))?;
    let factor = match unit {
        "" | "B" => 1,
        "KiB" | "Ki" => 1 << 10,
        "MiB" | "Mi" => 1 << 20,
        "GiB" | "Gi" => 1 << 30,
        "KB" | "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("`{unit}` is no unit of size: B, KiB, MiB, GiB, KB, MB, GB")),
    };
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is too large"))
}

/// A time: a whole number with `ms`, `s` or `m` behind it.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = split_number(text);
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no time such as `10s`"))?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => return Err(format!("`{text}` needs a unit of time: ms, s or m")),
    }
    .ok_or_else(|| format!("`{text}` is too long"))
}

fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim())
}

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    /// On one address.
    At(SocketAddr),
    /// On all addresses of the machine: IPv6 and IPv4 where the system has both, else IPv4.
    Everywhere(u16),
}

impl Listen {
    /// The addresses to try to bind, the first that works counts.
    pub fn candidates(&self) -> impl Iterator<Item = SocketAddr> {
        let (first, second) = match *self {
            Listen::At(address) => (address, None),
            Listen::Everywhere(port) => (
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
                Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
            ),
        };
        std::iter::once(first).chain(second)
    }

    /// Whether two servers cannot both listen like this.
    pub(super) fn clashes(&self, other: &Listen) -> bool {
        let parts = |listen: &Listen| match listen {
            Listen::At(at) => (at.port(), (!at.ip().is_unspecified()).then_some(at.ip())),
            Listen::Everywhere(port) => (*port, None),
        };
        let (a, b) = (parts(self), parts(other));
        a.0 != 0 && a.0 == b.0 && (a.1.is_none() || b.1.is_none() || a.1 == b.1)
    }
}

/// `ip:port`, `localhost:port`, or `:port` for all addresses.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let wrong = || format!("`{text}` is no address such as `127.0.0.1:4317`, or `:4317` for all");
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Listen::At(address));
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    match host {
        "" | "*" => Ok(Listen::Everywhere(port)),
        "localhost" => Ok(Listen::At(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))),
        _ => Err(wrong()),
    }
}

/// Where ingesters are found: a name with any number of addresses behind it, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// A name, or an IP address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether `https://` stood before it.
    pub tls: bool,
}

impl Upstream {
    /// The address, when the host is one and nothing needs to be looked up.
    pub fn literal(&self) -> Option<SocketAddr> {
        self.host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, self.port))
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
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
    let wrong = |why: &str| format!("`{text}` is no `host:port`: {why}");
    let (tls, rest) = match text.split_once("://") {
        None => (false, text),
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some((scheme, _)) => return Err(wrong(&format!("unknown scheme `{scheme}`"))),
    };
    let rest = rest.trim_end_matches('/');
    let bare_v6 = rest.parse::<Ipv6Addr>().is_ok();
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') && !bare_v6 => {
            let port = port.parse().ok().filter(|&p| p != 0);
            (host, port.ok_or_else(|| wrong("the port is not between 1 and 65535"))?)
        }
        _ => (rest, WIRE_PORT),
    };
    let host = match host.strip_prefix('[').map(|inner| inner.strip_suffix(']')) {
        None => host,
        Some(inner) => inner
            .filter(|ip| ip.parse::<Ipv6Addr>().is_ok())
            .ok_or_else(|| wrong("brackets stand around IPv6 addresses"))?,
    };
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if host.is_empty() || !(host.chars().all(name) || host.parse::<Ipv6Addr>().is_ok()) {
        return Err(wrong("the host is neither a name nor an address"));
    }
    Ok(Upstream { host: host.to_owned(), port, tls })
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

/// Origins as browsers send them: `scheme://host`, with a port if it is not the scheme's; or `*`.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    let origin = |item: &str| {
        let host = item.split_once("://").map(|(_, host)| host);
        match host {
            Some(host) if !host.is_empty() && !host.contains('/') => Ok(item.to_owned()),
            _ if item == "*" => Ok(item.to_owned()),
            _ => Err(format!("`{item}` is no origin such as `https://shop.example`, or `*`")),
        }
    };
    items(text).map(origin).collect()
}

/// What stands between commas, blanks taken off, empty items left out.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
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
    fn sizes() {
        let table = [
            ("0", Some(0)),
            ("100", Some(100)),
            ("16MiB", Some(16 << 20)),
            ("16 MiB", Some(16 << 20)),
            ("16Mi", Some(16 << 20)),
            ("2KB", Some(2000)),
            ("1GiB", Some(1 << 30)),
            ("", None),
            ("MiB", None),
            ("1.5MiB", None),
            ("-1", None),
            ("16mib", None),
            ("99999999999999999999GiB", None),
            ("18446744073709551615GiB", None),
        ];
        for (text, expected) in table {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn durations() {
        let table = [
            ("200ms", Some(Duration::from_millis(200))),
            ("10s", Some(Duration::from_secs(10))),
            ("2m", Some(Duration::from_secs(120))),
            ("10", None),
            ("s", None),
            ("1h", None),
            ("18446744073709551615m", None),
        ];
        for (text, expected) in table {
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn listening() {
        let at = |text: &str| Some(Listen::At(text.parse().unwrap()));
        let table = [
            ("127.0.0.1:0", at("127.0.0.1:0")),
            ("[::1]:4317", at("[::1]:4317")),
            ("localhost:4317", at("127.0.0.1:4317")),
            (":4320", Some(Listen::Everywhere(4320))),
            ("*:4320", Some(Listen::Everywhere(4320))),
            ("4320", None),
            ("example.org:80", None),
            ("127.0.0.1", None),
            (":70000", None),
        ];
        for (text, expected) in table {
            assert_eq!(listen(text).ok(), expected, "{text}");
        }
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
        ];
        for (a, b, expected) in table {
            let (first, second) = (listen(a).unwrap(), listen(b).unwrap());
            assert_eq!(first.clashes(&second), expected, "{a} {b}");
            assert_eq!(second.clashes(&first), expected, "{b} {a}");
        }
    }

    #[test]
    fn upstreams_in_every_form() {
        let table = [
            ("ingester", Some(("ingester", WIRE_PORT, false))),
            ("ingester:1", Some(("ingester", 1, false))),
            ("http://ingester.obs.svc.:1/", Some(("ingester.obs.svc.", 1, false))),
            ("https://ingester", Some(("ingester", WIRE_PORT, true))),
            ("10.1.2.3:7", Some(("10.1.2.3", 7, false))),
            ("[::1]:7", Some(("::1", 7, false))),
            ("[::1]", Some(("::1", WIRE_PORT, false))),
            ("::1", Some(("::1", WIRE_PORT, false))),
            ("ftp://ingester", None),
            ("ingester:0", None),
            ("ingester:70000", None),
            ("ingester:", None),
            (":4319", None),
            ("[ingester]:1", None),
            ("a b:1", None),
            ("host/path:1", None),
            ("", None),
            (" , ", None),
        ];
        for (text, expected) in table {
            let expected = expected
                .map(|(host, port, tls)| vec![Upstream { host: host.to_owned(), port, tls }]);
            assert_eq!(upstreams(text).ok(), expected, "{text}");
        }
        assert_eq!(upstreams("a:1, b:2").unwrap().len(), 2);
        assert!(upstreams("a:1,https://b:2").is_err());
        assert_eq!(upstreams("[::1]:7").unwrap()[0].to_string(), "[::1]:7");
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
    fn lists_of_origins() {
        for good in ["https://a", "http://a:1, https://b", "*", ""] {
            assert!(origins(good).is_ok(), "{good}");
        }
        for bad in ["a", "https://a/", "https://", "https://a/b"] {
            assert!(origins(bad).is_err(), "{bad}");
        }
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
