//! Under which name and addresses other processes reach this one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// Host and port under which others reach `address`: the host that is advertised, else the one that is
/// listened on, else this host's address.
pub(super) fn at(advertise: &str, address: SocketAddr) -> String {
    let host = match advertise {
        host if !host.is_empty() => host.to_owned(),
        _ if !address.ip().is_unspecified() => bracketed(address.ip()),
        _ => bracketed(own_address()),
    };
    format!("{host}:{}", address.port())
}

/// This host's name.
pub(super) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "ingester".to_owned(),
        name => name.to_owned(),
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The address that packets to the world would leave from; none is sent.
fn own_address() -> IpAddr {
    let route = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    route.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}
