//! Connections inside TLS. Handshakes are tasks of their own, so that none holds up the next connection.

use crate::certificate::Certificate;
use crate::metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tributary_receivers::Listener;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// How many may be under way.
const MOST_HANDSHAKES: usize = 128;

/// The port.
pub(super) struct Sockets {
    listener: Listener,
    certificate: Certificate,
    /// Dropped with the port.
    handshakes: JoinSet<Option<TlsStream<TcpStream>>>,
    metrics: Arc<Metrics>,
}

impl Sockets {
    pub(super) fn new(listener: Listener, certificate: Certificate, metrics: Arc<Metrics>) -> Self {
        Sockets { listener, certificate, handshakes: JoinSet::new(), metrics }
    }

    /// Waits for a connection that is ready to be spoken on. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> TlsStream<TcpStream> {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = done {
                        return ready;
                    }
                }
                (stream, from) = self.listener.next(), if self.handshakes.len() < MOST_HANDSHAKES => {
                    // Before there is a certificate the connection is closed: the API server asks
                    // another replica, or goes by the failurePolicy.
                    let Some(config) = self.certificate.config() else { continue };
                    let (acceptor, metrics) = (TlsAcceptor::from(config), Arc::clone(&self.metrics));
                    self.handshakes.spawn(async move {
                        let (how, ready) = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
                            Ok(Ok(stream)) => ("done", Some(stream)),
                            Ok(Err(error)) => {
                                tracing::debug!(%from, %error, "no handshake");
                                ("failed", None)
                            }
                            Err(_) => ("late", None),
                        };
                        metrics.handshake(how);
                        ready
                    });
                }
            }
        }
    }
}
