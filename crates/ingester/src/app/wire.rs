//! Serving the wire to sidecars.

use crate::access::{Client, Port, Sockets, Stranger, Strangers, Watched};
use crate::receive::{Intake, WireService};
use axum::extract::Request;
use futures_util::stream::unfold;
use http::Response;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::server::Connected;
use tonic::transport::{Error, Server};

/// What a stream may have sent that was not read yet: it is in memory before a message is admitted,
/// and there may be thousands of streams. It is read within a round trip as long as there is room.
const UNREAD: u32 = 64 << 10;

/// Serves until `stop`, then until all streams have ended.
///
/// # Errors
/// When the listener fails.
pub(super) async fn serve(
    sockets: Sockets,
    intake: Arc<Intake>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let strangers = sockets.strangers();
    let connections = unfold(sockets, |mut sockets| async {
        let (stream, _) = sockets.next().await;
        Some((Ok::<_, io::Error>(stream), sockets))
    });
    let routes = Routes::new(WireService::new(intake))
        .into_axum_router()
        .fallback(move |request: Request| async move { unknown(&strangers, &request) });
    let connections = pin!(connections);
    Server::builder()
        .initial_stream_window_size(UNREAD)
        .initial_connection_window_size(UNREAD)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_routes(Routes::from(routes))
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
}

impl Connected for Watched {
    type ConnectInfo = Client;

    fn connect_info(&self) -> Client {
        Client::of(self)
    }
}

/// Answers a method that is not served here, and tells what applications do wrong.
fn unknown(strangers: &Strangers, request: &Request) -> Response<Body> {
    let stranger = Stranger::of_path(request.uri().path());
    let why = stranger.map_or("there is no such method", |who| who.advice(Port::Wire));
    if let (Some(who), Some(client)) = (stranger, request.extensions().get::<Client>()) {
        strangers.met(who, client.from, Some(&request.uri().path()));
    }
    Status::unimplemented(why).into_http()
}
