//! Under which address sidecars and other ingesters reach this one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use tributary_settings::Host;

/// Of the addresses that a server listens on the one that others are told: all of the host, else
/// one that is reached from other hosts.
pub(super) fn told(addresses: &[SocketAddr]) -> SocketAddr {
    let all = addresses.iter().find(|address| address.ip().is_unspecified());
    let far = || addresses.iter().find(|address| !address.ip().is_loopback());
    let told = all.or_else(far).or(addresses.first());
    *told.unwrap_or_else(|| unreachable!("a server listens somewhere"))
}

/// `host:port` for others: the host is what the operator says, else what the server listens on,
/// else the host's own address.
pub(super) fn at(advertise: Option<&Host>, listening: SocketAddr) -> String {
    let host = match advertise {
        Some(host) => host.clone(),
        None if listening.ip().is_unspecified() => own_address().into(),
        None => listening.ip().into(),
    };
    format!("{host}:{}", listening.port())
}

/// The address that packets to the world would leave from; none is sent. IPv4's where there is one.
fn own_address() -> IpAddr {
    let leaves = |from: &str, to: &str| {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        socket.local_addr()
    };
    leaves("0.0.0.0:0", "192.0.2.1:9")
        .or_else(|_| leaves("[::]:0", "[2001:db8::1]:9"))
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

/// The host's name.
pub(super) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "ingester".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_settings::Listen;

    #[test]
    fn others_are_told_what_they_can_reach() {
        let table = [
            (None, "127.0.0.1:1", "127.0.0.1:1"),
            (None, "[::1]:1", "[::1]:1"),
            (None, "localhost:1,10.0.0.1:2", "10.0.0.1:2"),
            (Some("ingester-0"), "10.0.0.1:1", "ingester-0:1"),
            (Some("10.0.0.7"), ":1", "10.0.0.7:1"),
            (Some("fd00::7"), "10.0.0.1:1,0.0.0.0:2", "[fd00::7]:2"),
        ];
        for (advertise, listen, expected) in table {
            let advertise = advertise.map(|host| Host::read(host).unwrap());
            let told = told(Listen::read(listen).unwrap().addresses());
            assert_eq!(at(advertise.as_ref(), told), expected, "{listen}");
        }
        assert!(!own_address().is_unspecified());
    }
}
