//! Serving the wire to sidecars.

use crate::receive::{Intake, WireService};
use futures_util::stream::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Error, Server};
use tributary_receivers::Listener;

/// What a stream may have sent that was not read yet: it is in memory before a message is admitted,
/// and there may be thousands of streams. It is read within a round trip as long as there is room.
const UNREAD: u32 = 64 << 10;

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
    Server::builder()
        .initial_stream_window_size(UNREAD)
        .initial_connection_window_size(UNREAD)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(WireService::new(intake))
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
}
