//! The ports that the demo's programs listen on.

use anyhow::bail;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// The usual ports, all moved by one offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) otlp_grpc: u16,
    pub(crate) otlp_http: u16,
    pub(crate) admin: u16,
    pub(crate) wire: u16,
    pub(crate) http: u16,
}

impl Ports {
    /// The ports moved up by `offset`.
    ///
    /// # Errors
    /// When that leads beyond 65535.
    pub(crate) fn with_offset(offset: u16) -> anyhow::Result<Self> {
        let moved = |port: u16| {
            port.checked_add(offset).ok_or_else(|| {
                anyhow::anyhow!("--port-offset {offset} moves port {port} beyond 65535")
            })
        };
        Ok(Ports {
            otlp_grpc: moved(4317)?,
            otlp_http: moved(4318)?,
            admin: moved(4320)?,
            wire: moved(4319)?,
            http: moved(3200)?,
        })
    }

    fn named(&self) -> [(u16, &'static str); 5] {
        [
            (self.otlp_grpc, "OTLP over gRPC"),
            (self.otlp_http, "OTLP over HTTP"),
            (self.admin, "the sidecar's probes and metrics"),
            (self.wire, "the ingester's stream"),
            (self.http, "the query API"),
        ]
    }

    /// Whether the programs will be able to listen, by trying.
    ///
    /// # Errors
    /// All ports that are in use, and what to do.
    pub(crate) fn check_free(&self) -> anyhow::Result<()> {
        let used: Vec<String> = self
            .named()
            .into_iter()
            .filter_map(|(port, what)| {
                let loopbacks = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                let error = loopbacks.into_iter().find_map(|ip| refused(ip, port))?;
                Some(format!("port {port} ({what}): {error}"))
            })
            .collect();
        if used.is_empty() {
            return Ok(());
        }
        bail!(
            "cannot listen on {}\nend the program that uses it, or move all ports: --port-offset 10000",
            used.join("\n                 ")
        )
    }
}

/// Why a program could not listen there. A family that the machine lacks is no reason.
fn refused(ip: IpAddr, port: u16) -> Option<io::Error> {
    let error = TcpListener::bind((ip, port)).err()?;
    let in_the_way = [io::ErrorKind::AddrInUse, io::ErrorKind::PermissionDenied];
    in_the_way.contains(&error.kind()).then_some(error)
}

/// The port on this machine alone.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_all_ports() {
        let (usual, moved) = (Ports::with_offset(0).unwrap(), Ports::with_offset(1000).unwrap());
        assert_eq!(usual.otlp_grpc, 4317);
        for ((usual, _), (moved, _)) in usual.named().into_iter().zip(moved.named()) {
            assert_eq!(moved, usual + 1000);
        }
        assert!(Ports::with_offset(62_000).unwrap_err().to_string().contains("beyond 65535"));
    }

    #[test]
    fn ports_in_use_are_named() {
        let held = TcpListener::bind(local(0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let ports = Ports { otlp_grpc: 0, otlp_http: 0, admin: 0, wire: 0, http: port };
        let message = ports.check_free().unwrap_err().to_string();
        assert!(message.contains(&format!("port {port} (the query API)")), "{message}");
        assert!(message.contains("--port-offset"), "{message}");
        drop(held);
    }
}
