//! The settings of receivers: which are open, where, and what they tell their clients. Both programs
//! have them, with other defaults.

use crate::jaeger::sampling::Strategy;
use crate::receiver::Receiver;
use tributary_settings::{Given, Group, Listen, Server, Unset::*, settings, value};

macro_rules! group {
    ($which:literal, $host:literal) => {
        Group {
            heading: "Receivers",
            settings: settings! {
                "receivers", "LIST", Is($which), "which are open: all, otlp, jaeger, or names such as zipkin";
                "otlp-grpc-listen", "ADDRESS,…", Is(concat!($host, ":4317")), "OTLP/gRPC";
                "otlp-http-listen", "ADDRESS,…", Is(concat!($host, ":4318")), "OTLP/HTTP";
                "jaeger-compact-listen", "ADDRESS,…", Is(concat!($host, ":6831")), "Jaeger's compact Thrift (UDP)";
                "jaeger-binary-listen", "ADDRESS,…", Is(concat!($host, ":6832")), "Jaeger's binary Thrift (UDP)";
                "jaeger-http-listen", "ADDRESS,…", Is(concat!($host, ":14268")), "Jaeger's Thrift over HTTP";
                "jaeger-grpc-listen", "ADDRESS,…", Is(concat!($host, ":14250")), "Jaeger's gRPC";
                "jaeger-sampling-listen", "ADDRESS,…", Is(concat!($host, ":5778")), "where Jaeger's clients ask for their sampling strategy";
                "jaeger-sampling-rate", "PART", Is("1"), "the part of traces that they are told to sample, 0 to 1";
                "zipkin-listen", "ADDRESS,…", Is(concat!($host, ":9411")), "Zipkin v1 and v2";
                "cors-origins", "ORIGIN,…", Means("none"), "web pages that may send spans over HTTP: `https://shop.example`, or `*`";
            },
        }
    };
}

/// The settings of a program beside an application: all receivers, on both loopbacks.
pub const ON_LOOPBACK: Group = group!("all", "localhost");

/// The settings of a program that applications reach over the network, once it is told to open
/// receivers.
pub const ON_ALL_ADDRESSES: Group = group!("none", "[::]");

/// What the settings say.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The receivers that are open, and where.
    pub receivers: Vec<(Receiver, Listen)>,
    /// The sampling strategy that Jaeger's clients are told.
    pub sampling: Strategy,
    /// Origins whose browser pages may send spans over HTTP; `*` for any.
    pub cors_origins: Vec<String>,
}

impl Config {
    /// Takes the settings of one of the groups above. Addresses of receivers that are not open
    /// are checked as well.
    pub fn take(given: &mut Given) -> Config {
        let chosen = given.take("receivers", Receiver::list);
        let all =
            Receiver::ALL.map(|receiver| (receiver, given.take(&setting(receiver), Listen::read)));
        Config {
            receivers: all.into_iter().filter(|(receiver, _)| chosen.contains(receiver)).collect(),
            sampling: given.take("jaeger-sampling-rate", |text| {
                let rate = text.parse().ok().and_then(Strategy::new);
                rate.ok_or_else(|| format!("`{text}` is not between 0 and 1"))
            }),
            cors_origins: given.find("cors-origins", origins).unwrap_or_default(),
        }
    }

    /// The receivers, to see whether they can listen beside each other and beside other servers.
    pub fn servers(&self) -> impl Iterator<Item = Server<'_>> {
        self.receivers.iter().map(|(receiver, listen)| Server {
            setting: setting(*receiver),
            is_udp: receiver.is_udp(),
            listen,
        })
    }
}

/// The setting that says where it listens.
fn setting(receiver: Receiver) -> String {
    format!("{receiver}-listen")
}

/// Origins as browsers send them: `scheme://host`, with a port if it is not the scheme's; or `*`.
fn origins(text: &str) -> Result<Vec<String>, String> {
    let origin = |item: &str| {
        let host = item.split_once("://").map(|(_, host)| host);
        match host {
            // Nor a pattern: that would match nothing.
            Some(host) if !host.is_empty() && !host.contains(['/', '*']) => Ok(item.to_owned()),
            _ if item == "*" => Ok(item.to_owned()),
            _ => Err(format!("`{item}` is no origin such as `https://shop.example`, or `*`")),
        }
    };
    value::items(text).map(origin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_receiver_has_its_usual_port() {
        for (group, host) in [(ON_LOOPBACK, "localhost"), (ON_ALL_ADDRESSES, "[::]")] {
            for receiver in Receiver::ALL {
                let row = group.settings.iter().find(|row| row.name == setting(receiver)).unwrap();
                let Is(default) = row.unset else { panic!("{row:?}") };
                assert_eq!(default, format!("{host}:{}", receiver.port()), "{receiver}");
            }
        }
    }

    #[test]
    fn lists_of_origins() {
        for good in ["https://a", "http://a:1, https://b", "*", ""] {
            assert!(origins(good).is_ok(), "{good}");
        }
        for bad in ["a", "https://a/", "https://", "https://a/b", "https://*.a"] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }
}
