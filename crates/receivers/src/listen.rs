//! Sockets that servers listen with: one server may have several, of both families.

mod bind;
mod reserve;

pub use bind::BindError;

use reserve::Reserve;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{Instant, Sleep, sleep};
use tracing::warn;
use tributary_settings::Listen;
use tributary_telemetry::Repeated;

/// Pause after a failure to accept a connection: no file descriptors, mostly.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The TCP sockets of one server, as one.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    /// Which of them is asked first, so that none has to wait for another that is busy.
    turn: usize,
    failures: Repeated,
    reserve: Reserve,
    /// While no descriptor is free but those that are kept: when it looks again.
    resting: Option<Pin<Box<Sleep>>>,
    rests: Repeated,
}

impl Listener {
    /// Binds the sockets of the server `name`, whose setting is `--<name>-listen`. Within a runtime.
    ///
    /// # Errors
    /// When an address cannot be had. See [`Listen`] for what a host without IPv6 means.
    pub fn bind(name: &'static str, listen: &Listen) -> Result<Listener, BindError> {
        Ok(Listener::of(bind::all(name, listen, bind::tcp)?))
    }

    fn of(sockets: Vec<TcpListener>) -> Listener {
        Listener {
            sockets,
            turn: 0,
            failures: Repeated::default(),
            reserve: Reserve::of_process(),
            resting: None,
            rests: Repeated::default(),
        }
    }

    /// One that is asked whether the process is well: it goes on accepting when others rest, because
    /// few descriptors are left, and rests when half of those are taken as well.
    #[must_use]
    pub fn of_health(self) -> Listener {
        Listener { reserve: self.reserve.halved(), ..self }
    }

    /// Where they are.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect()
    }

    /// Waits for a connection to any of them. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When one cannot be accepted.
    pub async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    /// Waits for a connection as [`Listener::accept`] does. Failures are logged and waited out.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.accept().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    if let Some(times) = self.failures.due(Instant::now().into_std()) {
                        warn!(%error, times, "cannot accept connections");
                    }
                }
            }
            sleep(ACCEPT_AGAIN_AFTER).await;
        }
    }

    /// Looks for a connection to any of them.
    pub fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        ready!(self.poll_rested(context));
        let (behind, ahead) = self.sockets.split_at(self.turn);
        for (i, socket) in ahead.iter().chain(behind).enumerate() {
            if let Poll::Ready(accepted) = socket.poll_accept(context) {
                self.turn = (self.turn + i + 1) % self.sockets.len();
                let given = accepted.as_ref().map(|(stream, _)| stream.as_raw_fd());
                if given.is_ok_and(|given| self.reserve.is_kept(given)) {
                    self.rest();
                }
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }

    /// Waits until connections may have descriptors.
    fn poll_rested(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(rest) = &mut self.resting {
            ready!(rest.as_mut().poll(context));
            // The next descriptor is the same whichever is copied.
            let is_reached = self.sockets.first().is_some_and(|any| self.reserve.is_reached(any));
            self.resting = is_reached.then(|| Box::pin(sleep(reserve::LOOK_AGAIN_AFTER)));
        }
        Poll::Ready(())
    }

    fn rest(&mut self) {
        self.resting = Some(Box::pin(sleep(reserve::LOOK_AGAIN_AFTER)));
        if let Some(times) = self.rests.due(Instant::now().into_std()) {
            let (limit, at) = (self.reserve.limit(), self.addresses());
            warn!(
                limit,
                ?at,
                times,
                "connections wait: all descriptors are taken but those that are kept for the store and health; raise the limit of open files (ulimit -n)"
            );
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Listener::of(vec![socket])
    }
}

/// Binds the sockets of a server that takes datagrams.
pub(crate) fn udp(name: &'static str, listen: &Listen) -> Result<Vec<UdpSocket>, BindError> {
    bind::all(name, listen, bind::udp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_come_from_all_sockets_in_turn() {
        let mut listener = Listener::bind("a", &Listen::read("127.0.0.1:0").unwrap()).unwrap();
        let second = Listener::bind("b", &Listen::read("127.0.0.1:0").unwrap()).unwrap();
        listener.sockets.extend(second.sockets);
        let addresses = listener.addresses();
        assert_eq!(addresses.len(), 2);
        let mut clients = Vec::new();
        for to in [0, 0, 0, 1] {
            clients.push(TcpStream::connect(addresses[to]).await.unwrap());
        }
        let mut came = Vec::new();
        for _ in 0..4 {
            let (stream, _) = listener.next().await;
            let to = stream.local_addr().unwrap();
            came.push(addresses.iter().position(|a| *a == to).unwrap());
        }
        assert_eq!(came, [0, 1, 0, 0], "the busy one let the other have its turn");
        let waits = poll_fn(|context| Poll::Ready(listener.poll_accept(context).is_pending()));
        assert!(waits.await);
    }
}
