//! A port's sockets: connections, inside TLS where it has certificates.
//!
//! Handshakes are tasks of their own, so that none holds up the next connection; each has little time,
//! and no more than a few hundred run at once.

use crate::access::Port;
use crate::limits::Limit;
use crate::metrics::Metrics;
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

/// The certificate of a connection's client, if it has shown one, as DER.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientCertificate(Option<Arc<[u8]>>);

impl ClientCertificate {
    /// Of this connection.
    pub(crate) fn of(stream: &Stream) -> Self {
        ClientCertificate(stream.certificate().map(Arc::from))
    }

    /// Its bytes.
    pub(crate) fn der(&self) -> Option<&[u8]> {
        self.0.as_deref()
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
}

impl Sockets {
    /// With TLS, if there are certificates.
    pub(crate) fn new(
        listener: Listener,
        tls: Option<ServerTls>,
        port: Port,
        metrics: Arc<Metrics>,
    ) -> Self {
        Sockets { listener, tls, handshakes: JoinSet::new(), port, metrics }
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listener.addresses()
    }

    /// Waits for a connection that is ready to be spoken on. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> (Stream, SocketAddr) {
        loop {
            let has_room = self.handshakes.len() < MOST_HANDSHAKES;
            if !has_room {
                self.metrics.limited(Limit::Handshakes);
            }
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = done {
                        return ready;
                    }
                }
                (stream, from) = self.listener.next(), if has_room => match &self.tls {
                    None => return (Stream::Plain(stream), from),
                    Some(tls) => {
                        let acceptor = TlsAcceptor::from(tls.config());
                        let handshake = handshake(acceptor, stream, from, self.port, self.metrics.clone());
                        self.handshakes.spawn(handshake);
                    }
                },
            }
        }
    }
}

async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    from: SocketAddr,
    port: Port,
    metrics: Arc<Metrics>,
) -> Option<(Stream, SocketAddr)> {
    let (outcome, ready) = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => ("done", Some((Stream::Tls(Box::new(stream.into())), from))),
        Ok(Err(error)) => {
            tracing::debug!(%from, port = port.name(), %error, "no handshake");
            ("failed", None)
        }
        Err(_) => ("late", None),
    };
    metrics.tls_handshakes.inc(port.name(), outcome);
    ready
}
