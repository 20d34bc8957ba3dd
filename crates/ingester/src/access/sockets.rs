//! A port's sockets: connections, inside TLS where it has certificates.
//!
//! Handshakes are tasks of their own, so that none holds up the next connection; each has little time,
//! and no more than a few hundred run at once.

use super::strangers::{Stranger, Strangers, Watched};
use crate::access::Port;
use crate::limits::Limit;
use crate::metrics::Metrics;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tributary_identity::tls::{ServerTls, Stream};
use tributary_receivers::Listener;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// How many may be under way.
const MOST_HANDSHAKES: usize = 256;

/// The client of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Where it is.
    pub(crate) from: SocketAddr,
    certificate: Option<Arc<[u8]>>,
}

impl Client {
    /// Of this connection.
    pub(crate) fn of(connection: &Watched) -> Self {
        let certificate = connection.stream().certificate().map(Arc::from);
        Client { from: connection.from(), certificate }
    }

    /// Its certificate, if it has shown one, as DER.
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }
}

/// The sockets of a port.
#[derive(Debug)]
pub(crate) struct Sockets {
    listener: Listener,
    tls: Option<ServerTls>,
    /// Dropped with the sockets.
    handshakes: JoinSet<Option<(Stream, SocketAddr)>>,
    port: Port,
    metrics: Arc<Metrics>,
    strangers: Arc<Strangers>,
}

impl Sockets {
    /// With TLS, if there are certificates.
    pub(crate) fn new(
        listener: Listener,
        tls: Option<ServerTls>,
        port: Port,
        metrics: Arc<Metrics>,
    ) -> Self {
        let strangers = Strangers::new(port, metrics.clone());
        Sockets { listener, tls, handshakes: JoinSet::new(), port, metrics, strangers }
    }

    /// What comes and is not for this port.
    pub(crate) fn strangers(&self) -> Arc<Strangers> {
        Arc::clone(&self.strangers)
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listener.addresses()
    }

    /// Waits for a connection that is ready to be spoken on. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> (Watched, SocketAddr) {
        loop {
            let has_room = self.handshakes.len() < MOST_HANDSHAKES;
            if !has_room {
                self.metrics.limited(Limit::Handshakes);
            }
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some((stream, from))) = done {
                        return (Watched::new(stream, from, &self.strangers), from);
                    }
                }
                (stream, from) = self.listener.next(), if has_room => match &self.tls {
                    None => return (Watched::new(Stream::Plain(stream), from, &self.strangers), from),
                    Some(tls) => {
                        let acceptor = TlsAcceptor::from(tls.config());
                        let (metrics, strangers) = (self.metrics.clone(), self.strangers.clone());
                        let port = self.port;
                        self.handshakes.spawn(async move {
                            let (outcome, ready) = handshake(acceptor, stream, from, &strangers).await;
                            metrics.tls_handshakes.inc(port.name(), outcome);
                            ready
                        });
                    }
                },
            }
        }
    }
}

/// How it ended, and the connection.
async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    from: SocketAddr,
    strangers: &Strangers,
) -> (&'static str, Option<(Stream, SocketAddr)>) {
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => ("done", Some((Stream::Tls(Box::new(stream.into())), from))),
        Ok(Err(error)) => {
            // A probe that looks whether the port is open says nothing.
            if error.kind() != ErrorKind::UnexpectedEof {
                strangers.met(Stranger::NoTls, from, Some(&error));
            }
            ("failed", None)
        }
        Err(_) => ("late", None),
    }
}
