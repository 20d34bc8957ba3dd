//! Serving the wire to sidecars.

use crate::access::{ClientCertificate, Sockets};
use crate::receive::{Intake, WireService};
use futures_util::stream::unfold;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tonic::transport::{Error, Server};
use tributary_identity::tls::Stream;

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
    let connections = unfold(sockets, |mut sockets| async {
        let (stream, _) = sockets.next().await;
        Some((Ok::<_, io::Error>(Connection(stream)), sockets))
    });
    let connections = pin!(connections);
    Server::builder()
        .initial_stream_window_size(UNREAD)
        .initial_connection_window_size(UNREAD)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .add_service(WireService::new(intake))
        .serve_with_incoming_shutdown(connections, stop.cancelled_owned())
        .await
}

/// A connection as tonic takes it.
struct Connection(Stream);

impl Connected for Connection {
    type ConnectInfo = ClientCertificate;

    fn connect_info(&self) -> ClientCertificate {
        ClientCertificate::of(&self.0)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
