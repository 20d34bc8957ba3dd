//! Which receivers there are, by name: what both programs' settings choose from.

use crate::connections::Settings;
use crate::counters::Counters;
use crate::jaeger::sampling::Strategy;
use crate::jaeger::udp;
use crate::listen::{self, BindError, Listener};
use crate::route::{self, Protocol};
use crate::sink::Sink;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tributary_settings::{Listen, value};

/// A receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// OTLP/gRPC. (Both OTLP sockets speak both; the names are those of the ports.)
    OtlpGrpc,
    /// OTLP/HTTP.
    OtlpHttp,
    /// Jaeger's Thrift, compact, in datagrams.
    JaegerCompact,
    /// Jaeger's Thrift, binary, in datagrams. (Both sockets for datagrams understand both.)
    JaegerBinary,
    /// Jaeger's Thrift over HTTP.
    JaegerHttp,
    /// Jaeger's gRPC.
    JaegerGrpc,
    /// What Jaeger's clients ask their agent.
    JaegerSampling,
    /// Zipkin.
    Zipkin,
}

impl Receiver {
    /// All of them.
    pub const ALL: [Receiver; 8] = [
        Receiver::OtlpGrpc,
        Receiver::OtlpHttp,
        Receiver::JaegerCompact,
        Receiver::JaegerBinary,
        Receiver::JaegerHttp,
        Receiver::JaegerGrpc,
        Receiver::JaegerSampling,
        Receiver::Zipkin,
    ];

    /// Its name in settings, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Receiver::OtlpGrpc => "otlp-grpc",
            Receiver::OtlpHttp => "otlp-http",
            Receiver::JaegerCompact => "jaeger-compact",
            Receiver::JaegerBinary => "jaeger-binary",
            Receiver::JaegerHttp => "jaeger-http",
            Receiver::JaegerGrpc => "jaeger-grpc",
            Receiver::JaegerSampling => "jaeger-sampling",
            Receiver::Zipkin => "zipkin",
        }
    }

    /// The port that clients use by default.
    pub fn port(self) -> u16 {
        match self {
            Receiver::OtlpGrpc => 4317,
            Receiver::OtlpHttp => 4318,
            Receiver::JaegerCompact => 6831,
            Receiver::JaegerBinary => 6832,
            Receiver::JaegerHttp => 14268,
            Receiver::JaegerGrpc => 14250,
            Receiver::JaegerSampling => 5778,
            Receiver::Zipkin => 9411,
        }
    }

    /// Whether it takes datagrams.
    pub fn is_udp(self) -> bool {
        matches!(self, Receiver::JaegerCompact | Receiver::JaegerBinary)
    }

    /// A list with commas: names, families (`otlp`, `jaeger`), `all`, or `none` alone.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn list(text: &str) -> Result<Vec<Receiver>, String> {
        let mut chosen = Vec::new();
        let items: Vec<_> = value::items(text).collect();
        if items.len() == 1 && items.iter().all(|item| item.eq_ignore_ascii_case("none")) {
            return Ok(chosen);
        }
        let words = ["all", "otlp", "jaeger"].into_iter().chain(Receiver::ALL.map(Receiver::name));
        let words: Vec<_> = words.map(|word| (word, word)).collect();
        for item in &items {
            let word = value::choice(item, &words)?;
            chosen.extend(Receiver::ALL.into_iter().filter(|receiver| {
                let name = receiver.name();
                word == "all" || name == word || name.split('-').next() == Some(word)
            }));
        }
        if items.is_empty() {
            return Err("names no receiver".to_owned());
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen)
    }

    /// Binds its sockets. Within a runtime.
    ///
    /// # Errors
    /// When an address cannot be had.
    pub fn bind(self, listen: &Listen) -> Result<Bound, BindError> {
        let sockets = match self.is_udp() {
            true => Sockets::Udp(listen::udp(self.name(), listen)?),
            false => Sockets::Tcp(Listener::bind(self.name(), listen)?),
        };
        Ok(Bound { receiver: self, sockets, counters: Arc::default() })
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A receiver whose sockets are bound.
#[derive(Debug)]
pub struct Bound {
    receiver: Receiver,
    sockets: Sockets,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Sockets {
    Tcp(Listener),
    Udp(Vec<UdpSocket>),
}

impl Bound {
    /// Which it is.
    pub fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// Where it is.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.sockets {
            Sockets::Tcp(listener) => listener.addresses(),
            Sockets::Udp(sockets) => sockets.iter().filter_map(|s| s.local_addr().ok()).collect(),
        }
    }

    /// What it counts.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Receives until `stop`, then finishes what runs. A caller that cannot wait drops the future.
    pub async fn serve<S: Sink>(
        self,
        settings: Settings,
        strategy: Strategy,
        sink: Arc<S>,
        stop: CancellationToken,
    ) {
        let protocol = match self.receiver {
            Receiver::JaegerHttp => Protocol::JaegerHttp,
            Receiver::JaegerGrpc => Protocol::JaegerGrpc(strategy),
            Receiver::JaegerSampling => Protocol::JaegerSampling(strategy),
            Receiver::Zipkin => Protocol::Zipkin,
            _ => Protocol::Otlp,
        };
        match self.sockets {
            Sockets::Tcp(listener) => {
                route::serve(protocol, listener, settings, sink, self.counters, stop).await;
            }
            Sockets::Udp(sockets) => {
                let mut serving = JoinSet::new();
                for socket in sockets {
                    let (sink, counters) = (Arc::clone(&sink), Arc::clone(&self.counters));
                    serving.spawn(udp::serve(socket, sink, counters, stop.clone()));
                }
                while serving.join_next().await.is_some() {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        use Receiver::{JaegerHttp, OtlpGrpc, OtlpHttp, Zipkin};
        let table: [(&str, Option<&[Receiver]>); 10] = [
            ("all", Some(&Receiver::ALL)),
            ("otlp", Some(&[OtlpGrpc, OtlpHttp])),
            ("zipkin, jaeger-http,zipkin", Some(&[JaegerHttp, Zipkin])),
            ("none", Some(&[])),
            ("NONE", Some(&[])),
            ("none,zipkin", None),
            ("smoke", None),
            ("Zipkin", Some(&[Zipkin])),
            ("", None),
            (",", None),
        ];
        for (text, expected) in table {
            assert_eq!(Receiver::list(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(Receiver::list("jaeger").unwrap().len(), 5);
        assert!(Receiver::list("otpl").unwrap_err().ends_with("; did you mean `otlp`?"));
    }
}
