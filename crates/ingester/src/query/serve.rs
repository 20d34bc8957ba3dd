//! The port of the queries: HTTP/1.1 and HTTP/2, Tempo's HTTP API and its streaming one.

use super::admit::admit;
use super::http::HttpState;
use super::prefix::take_off;
use super::{grpc, http};
use crate::access::{Client, Sockets, Watched};
use axum::extract::connect_info::Connected;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use axum::serve::IncomingStream;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Serves until `stop`, then finishes the requests at hand. HTTP/2 is spoken to those that begin
/// with its preface.
///
/// # Errors
/// When the listener fails.
pub(crate) async fn serve(
    sockets: Sockets,
    state: Arc<HttpState>,
    stop: CancellationToken,
) -> io::Result<()> {
    let routes = axum::Router::new()
        .route(grpc::PATH, post(grpc::handle))
        .fallback(http::handle)
        // Before all of them.
        .layer(from_fn_with_state(state.clone(), admit))
        // And what they go by before that.
        .layer(from_fn_with_state(state.prefix.clone(), take_off))
        .with_state(state)
        .into_make_service_with_connect_info::<Client>();
    axum::serve(Listener(sockets), routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// The sockets as axum takes them.
struct Listener(Sockets);

impl axum::serve::Listener for Listener {
    type Io = Watched;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Watched, SocketAddr) {
        self.0.next().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.addresses().first().copied().ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }
}

impl Connected<IncomingStream<'_, Listener>> for Client {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        Client::of(stream.io())
    }
}
