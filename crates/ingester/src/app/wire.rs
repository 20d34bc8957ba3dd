//! Serving the wire to sidecars.

use crate::receive::{IngestService, Intake};
use futures_util::stream::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Error, Server};
use tributary_receivers::Listener;
use tributary_wire::v1::ingest_server::IngestServer;

/// The largest message of a stream.
const LARGEST_FRAME: usize = 16 << 20;

/// Serves until `stop`, then until all streams have ended.
///
/// # Errors
/// When the listener fails.
pub(super) async fn serve(
    mut listener: Listener,
    intake: Arc<Intake>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let connections = poll_fn(move |context| {
        listener.poll_accept(context).map_ok(|(stream, _)| stream).map(Some)
    });
    let service = IngestServer::new(IngestService(intake));
    Server::builder()
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(service.max_decoding_message_size(LARGEST_FRAME))
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
}
