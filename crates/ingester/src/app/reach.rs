//! Under which address sidecars and other ingesters reach this one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
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

/// An address of this host that others reach: the one that packets to the world would leave from,
/// else one that the host's own name stands for (in Kubernetes `/etc/hosts` has the pod's). When
/// there is neither, no other host can be there.
fn own_address() -> IpAddr {
    first_told(leaving().into_iter().chain(named(&host_name())))
}

/// Of these addresses the first that means the same on another host.
fn first_told(candidates: impl Iterator<Item = IpAddr>) -> IpAddr {
    let mut told = candidates.filter(|ip| !ip.is_unspecified() && !ip.is_loopback());
    told.next().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The addresses that packets to the world would leave from; none is sent. IPv4's comes first.
fn leaving() -> Vec<IpAddr> {
    let leaves = |from: &str, to: &str| -> io::Result<IpAddr> {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        Ok(socket.local_addr()?.ip())
    };
    let both = [leaves("0.0.0.0:0", "192.0.2.1:9"), leaves("[::]:0", "[2001:db8::1]:9")];
    both.into_iter().flatten().collect()
}

/// What a name stands for, looked up when it is asked for and not before: it may take seconds.
fn named(name: &str) -> impl Iterator<Item = IpAddr> {
    let look_up = move || (name, 0).to_socket_addrs().into_iter().flatten();
    std::iter::once_with(look_up).flatten().map(|address| address.ip())
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

    #[test]
    fn an_address_that_means_another_host_elsewhere_is_told_only_when_there_is_no_other() {
        let table: [(&[&str], &str); 5] = [
            (&["10.0.0.7", "fd00::7"], "10.0.0.7"),
            (&["0.0.0.0", "127.0.1.1", "fd00::7"], "fd00::7"),
            (&["::1", "10.0.0.7"], "10.0.0.7"),
            (&["127.0.0.1"], "127.0.0.1"),
            (&[], "127.0.0.1"),
        ];
        for (candidates, expected) in table {
            let told = first_told(candidates.iter().map(|ip| ip.parse().unwrap()));
            assert_eq!(told.to_string(), expected, "{candidates:?}");
        }
        assert!(named("localhost").any(|ip| ip.is_loopback()));
    }
}
