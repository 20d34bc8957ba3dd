//! The port of the queries: HTTP/1.1 and HTTP/2, Tempo's HTTP API and its streaming one.

use super::http::HttpState;
use super::{grpc, http};
use axum::routing::post;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tributary_receivers::Listener;

/// Serves until `stop`, then finishes the requests at hand. HTTP/2 is spoken to those that begin
/// with its preface.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    listener: Listener,
    state: Arc<HttpState>,
    stop: CancellationToken,
) -> io::Result<()> {
    let routes = axum::Router::new()
        .route(grpc::PATH, post(grpc::handle))
        .fallback(http::handle)
        .with_state(state);
    axum::serve(Sockets(listener), routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// The sockets as axum takes them.
struct Sockets(Listener);

impl axum::serve::Listener for Sockets {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        self.0.next().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.addresses().first().copied().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }
}
