//! Binding the addresses of one server: all of them, as far as the host has their families.

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, UdpSocket};
use tracing::debug;
use tributary_settings::Listen;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 1024;
/// How often the system is asked for a port that is free in every family.
const MOST_TRIES: usize = 16;

/// A server that cannot listen where it is told to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {name} (--{name}-listen): {error}")]
pub struct BindError {
    /// Which server.
    pub name: &'static str,
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

/// Binds a TCP socket.
pub(super) fn tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = unbound(address, Type::STREAM, Protocol::TCP)?;
    // Connections of a predecessor that are not quite gone do not stand in the way.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    let at = listener.local_addr()?;
    Ok((listener, at))
}

/// What the kernel is asked to keep of datagrams that wait; it gives what its own limit
/// (`net.core.rmem_max`) allows.
const RECEIVE_BUFFER: usize = 8 << 20;

/// Binds a UDP socket that has room for bursts.
pub(super) fn udp(address: SocketAddr) -> io::Result<(UdpSocket, SocketAddr)> {
    let socket = unbound(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    if let Err(error) = socket.set_recv_buffer_size(RECEIVE_BUFFER) {
        debug!(%error, "cannot ask for a receive buffer");
    }
    let socket = UdpSocket::from_std(socket.into())?;
    let at = socket.local_addr()?;
    Ok((socket, at))
}

fn unbound(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 as well, whatever the system's default is.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Binds every address by `open`, which also says where it ended up.
pub(super) fn all<T>(
    name: &'static str,
    listen: &Listen,
    open: impl Fn(SocketAddr) -> io::Result<(T, SocketAddr)>,
) -> Result<Vec<T>, BindError> {
    let mut tries = 1;
    loop {
        match once(listen, &open) {
            Ok(sockets) => return Ok(sockets),
            // What the system chose in one family is taken in another: it may choose again.
            Err(Failed { chosen: true, .. }) if tries < MOST_TRIES => tries += 1,
            Err(Failed { address, error, .. }) => return Err(BindError { name, address, error }),
        }
    }
}

struct Failed {
    address: SocketAddr,
    error: io::Error,
    /// Whether its port is one that the system chose for another address.
    chosen: bool,
}

fn once<T>(
    listen: &Listen,
    open: impl Fn(SocketAddr) -> io::Result<(T, SocketAddr)>,
) -> Result<Vec<T>, Failed> {
    let mut sockets = Vec::new();
    let mut port = None;
    let mut missing = None;
    for &address in listen.addresses() {
        let is_open = address.port() == 0;
        for wanted in candidates(address) {
            let chosen = is_open && port.is_some();
            let wanted =
                SocketAddr::new(wanted.ip(), port.filter(|_| is_open).unwrap_or(wanted.port()));
            match open(wanted) {
                Ok((socket, at)) => {
                    sockets.push(socket);
                    port = port.or(is_open.then(|| at.port()));
                    break;
                }
                Err(error) if lacks(wanted, &error) => {
                    debug!(address = %wanted, %error, "the host has no such address");
                    missing.get_or_insert(Failed { address: wanted, error, chosen: false });
                }
                Err(error) => return Err(Failed { address: wanted, error, chosen }),
            }
        }
    }
    match missing {
        Some(failed) if sockets.is_empty() => Err(failed),
        _ => Ok(sockets),
    }
}

/// What is tried for an address, one after the other until one is there.
fn candidates(address: SocketAddr) -> impl Iterator<Item = SocketAddr> {
    let is_all = address.is_ipv6() && address.ip().is_unspecified();
    let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
    std::iter::once(address).chain(is_all.then_some(v4))
}

/// Whether an address could not be bound because the host lacks its family. An address of an
/// interface that is not there is a mistake; a loopback that is not there is such a host.
fn lacks(address: SocketAddr, error: &io::Error) -> bool {
    let every_host_has_it = address.ip().is_loopback() || address.ip().is_unspecified();
    error.raw_os_error() == Some(libc::EAFNOSUPPORT)
        || (error.kind() == ErrorKind::AddrNotAvailable && every_host_has_it)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    const NO_IPV6: i32 = libc::EAFNOSUPPORT;
    const NOT_HERE: i32 = libc::EADDRNOTAVAIL;
    const IN_USE: i32 = libc::EADDRINUSE;

    /// What is bound, or the address that is not and why, on a host on which some addresses fail.
    fn bound(listen: &str, failures: &[(&str, i32)]) -> Result<Vec<String>, (String, i32)> {
        let next = RefCell::new(50_000);
        let open = |address: SocketAddr| {
            let text = address.to_string();
            let failure = failures.iter().find(|(at, _)| text.starts_with(at));
            if let Some((_, code)) = failure {
                return Err(io::Error::from_raw_os_error(*code));
            }
            let port = match address.port() {
                0 => next.replace_with(|port| *port + 1),
                port => port,
            };
            let at = SocketAddr::new(address.ip(), port);
            Ok((at.to_string(), at))
        };
        all("test", &Listen::read(listen).unwrap(), open)
            .map_err(|failed| (failed.address.to_string(), failed.error.raw_os_error().unwrap()))
    }

    #[test]
    fn a_family_that_the_host_lacks_is_no_error() {
        type Failures<'a> = &'a [(&'a str, i32)];
        type Answer<'a> = Result<&'a [&'a str], (&'a str, i32)>;
        let table: [(&str, Failures<'_>, Answer<'_>); 14] = [
            ("localhost:1", &[], Ok(&["127.0.0.1:1", "[::1]:1"])),
            ("localhost:1", &[("[", NO_IPV6)], Ok(&["127.0.0.1:1"])),
            ("localhost:1", &[("[::1]", NOT_HERE)], Ok(&["127.0.0.1:1"])),
            ("localhost:1", &[("127", NOT_HERE)], Ok(&["[::1]:1"])),
            ("localhost:1", &[("[::1]", IN_USE)], Err(("[::1]:1", IN_USE))),
            ("localhost:1", &[("127", IN_USE)], Err(("127.0.0.1:1", IN_USE))),
            (":1", &[], Ok(&["[::]:1"])),
            (":1", &[("[", NO_IPV6)], Ok(&["0.0.0.0:1"])),
            (":1", &[("[", NO_IPV6), ("0", IN_USE)], Err(("0.0.0.0:1", IN_USE))),
            (":1", &[("[", IN_USE)], Err(("[::]:1", IN_USE))),
            ("[::1]:1", &[("[", NO_IPV6)], Err(("[::1]:1", NO_IPV6))),
            ("10.0.0.1:1", &[("10", NOT_HERE)], Err(("10.0.0.1:1", NOT_HERE))),
            ("[fd00::1]:1,10.0.0.1:1", &[("[", NO_IPV6)], Ok(&["10.0.0.1:1"])),
            ("[fd00::1]:1,10.0.0.1:1", &[("[", NOT_HERE)], Err(("[fd00::1]:1", NOT_HERE))),
        ];
        for (listen, failures, expected) in table {
            let expected = expected
                .map(|all| all.iter().map(|&a| a.to_owned()).collect())
                .map_err(|(at, why)| (at.to_owned(), why));
            assert_eq!(bound(listen, failures), expected, "{listen} {failures:?}");
        }
    }

    #[test]
    fn the_system_chooses_one_port_for_all_addresses() {
        let expected = ["127.0.0.1:50000", "[::1]:50000", "10.0.0.1:7"].map(str::to_owned);
        assert_eq!(bound("localhost:0,10.0.0.1:7", &[]).unwrap(), expected);
        // Taken in the other family: another one is tried.
        let taken = [("[::1]:50000", IN_USE), ("[::1]:50001", IN_USE)];
        let expected = ["127.0.0.1:50002", "[::1]:50002"].map(str::to_owned);
        assert_eq!(bound("localhost:0", &taken).unwrap(), expected);
        let always = [("[::1]", IN_USE)];
        assert_eq!(bound("localhost:0", &always), Err(("[::1]:50015".to_owned(), IN_USE)));
    }

    #[tokio::test]
    async fn real_sockets_on_both_loopbacks() {
        let listen = Listen::read("localhost:0").unwrap();
        let tcp: Vec<_> = all("test", &listen, tcp).unwrap();
        let udp: Vec<_> = all("test", &listen, udp).unwrap();
        let tcp: Vec<_> = tcp.iter().map(|socket| socket.local_addr().unwrap()).collect();
        let udp: Vec<_> = udp.iter().map(|socket| socket.local_addr().unwrap()).collect();
        for at in [&tcp, &udp] {
            assert!(at.iter().all(|one| one.port() == at[0].port() && one.port() != 0), "{at:?}");
        }
        let again = Listen::from(tcp[0]);
        let error = all("test", &again, super::tcp).unwrap_err();
        assert_eq!(error.error.kind(), ErrorKind::AddrInUse, "{error}");
        let expected = format!("cannot listen on {} for test (--test-listen): ", tcp[0]);
        assert!(error.to_string().starts_with(&expected), "{error}");
    }

    #[tokio::test]
    async fn all_addresses_are_those_of_both_families() {
        let listen = Listen::read(":0").unwrap();
        let bound = all("test", &listen, tcp).unwrap();
        let [socket] = &bound[..] else { panic!("{bound:?}") };
        let port = socket.local_addr().unwrap().port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        if socket.local_addr().unwrap().is_ipv6() {
            tokio::net::TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port)).await.unwrap();
        }
    }
}
