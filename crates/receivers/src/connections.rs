//! Connections: accepted under a limit, served with HTTP/1.1 or HTTP/2, ended in good order.
//!
//! One task a connection, owned by the future that `serve` returns; dropping that future ends
//! them all. HTTP/2's streams are tasks of their own because hyper wants it so; they are bound
//! to the same owner.

use crate::counters::Counters;
use crate::listen::Listener;
use crate::reply::Reply;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use tributary_telemetry::Counter;

/// What a receiver allows its clients.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of a request, before and after decompression. Set it no higher than what the sink
    /// can ever admit, or a client will try for ever.
    pub body_bytes: usize,
    /// Connections at a time. More wait in the kernel's backlog.
    pub connections: usize,
    /// HTTP/2 requests at a time on a connection.
    pub streams: u32,
    /// Time in which a request's body must have come.
    pub body_timeout: Duration,
    /// A connection on which no request ran for that long is closed, also one that never sent a
    /// whole head. (At least this long, at most twice.)
    pub idle_timeout: Duration,
    /// Origins whose browser pages may send spans over HTTP; `*` for any. Empty: none, no CORS.
    pub cors_origins: Vec<String>,
}

impl Default for Settings {
    /// 64 MiB (OTLP's recommendation since 1.11), 1024 connections of 100 streams, 30 s, 2 min.
    fn default() -> Self {
        Settings {
            body_bytes: 64 << 20,
            connections: 1024,
            streams: 100,
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            cors_origins: Vec::new(),
        }
    }
}

/// Serves `listener` until `stop`; then stops accepting, lets running requests finish and
/// returns. A caller that cannot wait that long drops the future.
pub(crate) async fn serve<H, F>(
    mut listener: Listener,
    name: &'static str,
    settings: &Settings,
    counters: &Arc<Counters>,
    handler: H,
    stop: CancellationToken,
) where
    H: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Reply>> + Send + 'static,
{
    let dropped = CancellationToken::new();
    let _ends_streams = dropped.clone().drop_guard();
    let http = Arc::new(http(settings, dropped));
    let places = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
    let mut connections = JoinSet::new();
    let mut failures = 0;
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&mut listener, &places) => accepted,
        };
        let (stream, from, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                counters.accept_errors.add(1);
                if failures == 0 {
                    warn!(%error, "cannot accept connections");
                }
                failures += 1;
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = sleep(backoff(failures)) => continue,
                }
            }
        };
        failures = 0;
        let (http, counters) = (Arc::clone(&http), Arc::clone(counters));
        let (handler, stop, idle) = (handler.clone(), stop.clone(), settings.idle_timeout);
        connections.spawn(async move {
            let _open = Open::new(&counters);
            let handler = |request| handler(from, request);
            if let Some(bad) = connection(stream, &http, handler, idle, stop).await {
                bad.count(&counters).add(1);
                counters.complaints.say(from, name, bad.kind(), &bad);
            }
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn accept(
    listener: &mut Listener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, from) = listener.accept().await?;
    Ok((stream, from, place))
}

/// Pause after the `failures`-th failure in a row: nothing for the first, which is mostly a
/// client that went away in the backlog, then up to a second.
fn backoff(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        n => Duration::from_millis(10u64 << n.min(8)).min(Duration::from_secs(1)),
    }
}

/// hyper, set so that an idle connection costs little and a busy one is bounded.
fn http(settings: &Settings, dropped: CancellationToken) -> auto::Builder<Streams> {
    let mut http = auto::Builder::new(Streams { dropped });
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.idle_timeout)
        .max_buf_size(64 << 10);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(20))
        .initial_stream_window_size(256 << 10)
        .initial_connection_window_size(1 << 20)
        .max_send_buf_size(16 << 10)
        .max_concurrent_streams(settings.streams);
    http
}

async fn connection<H, F>(
    stream: TcpStream,
    http: &auto::Builder<Streams>,
    handler: H,
    idle: Duration,
    stop: CancellationToken,
) -> Option<Unreadable>
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<Reply>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    // What comes first tells what the client speaks, should it not be HTTP.
    let mut first = [0];
    let peek = stop.run_until_cancelled(stream.peek(&mut first));
    if !matches!(tokio::time::timeout(idle, peek).await, Ok(Some(Ok(1)))) {
        return None;
    }
    let activity = Arc::new(Activity::default());
    let service = service_fn(|request| {
        let running = Running::new(&activity);
        let answer = handler(request);
        async move {
            let answer = answer.await;
            drop(running);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut look = pin!(sleep(idle));
    let mut seen = 0;
    let mut closing = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled(), if !closing => {
                connection.as_mut().graceful_shutdown();
                closing = true;
            }
            end = connection.as_mut() => {
                let error = end.err()?;
                debug!(error, "connection ended");
                let none_begun = activity.begun.load(Relaxed) == 0;
                return unreadable(first[0], none_begun, error.downcast_ref());
            }
            () = look.as_mut() => {
                let begun = activity.begun.load(Relaxed);
                if begun == seen && activity.ended.load(Relaxed) == begun {
                    if closing {
                        return None;
                    }
                    connection.as_mut().graceful_shutdown();
                    closing = true;
                }
                seen = begun;
                look.as_mut().reset(Instant::now() + idle);
            }
        }
    }
}

/// What came instead of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Unreadable {
    #[error(
        "a TLS handshake came, and plain HTTP is spoken here: let the client use http://, or gRPC insecure"
    )]
    Tls,
    #[error(
        "what came is not HTTP: let the client speak OTLP, Jaeger or Zipkin over HTTP to this port"
    )]
    NotHttp,
}

impl Unreadable {
    fn kind(self) -> &'static str {
        match self {
            Unreadable::Tls => "tls",
            Unreadable::NotHttp => "not_http",
        }
    }

    fn count(self, counters: &Counters) -> &Counter {
        match self {
            Unreadable::Tls => &counters.connections_tls,
            Unreadable::NotHttp => &counters.connections_not_http,
        }
    }
}

/// Whether a connection ended because its client speaks something else: by its first byte, and whether
/// a request had begun. One that broke off or was too slow may have spoken HTTP.
fn unreadable(first: u8, none_begun: bool, error: Option<&hyper::Error>) -> Option<Unreadable> {
    /// The first byte of a TLS record with a handshake (RFC 8446 §5.1).
    const HANDSHAKE: u8 = 22;
    if first == HANDSHAKE {
        return Some(Unreadable::Tls);
    }
    let spoken = |error: &hyper::Error| error.is_timeout() || error.is_incomplete_message();
    (none_begun && !error.is_some_and(spoken)).then_some(Unreadable::NotHttp)
}

/// How many requests a connection has seen begin and end.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that runs, for [`Activity`].
struct Running(Arc<Activity>);

impl Running {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.begun.fetch_add(1, Relaxed);
        Running(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Relaxed);
    }
}

/// A connection that is open, for the gauge.
struct Open<'c>(&'c Counters);

impl<'c> Open<'c> {
    fn new(counters: &'c Counters) -> Self {
        counters.connections.inc();
        counters.connections_open.inc();
        Open(counters)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections_open.dec();
    }
}

/// Runs HTTP/2 streams until their server is dropped.
#[derive(Debug, Clone)]
struct Streams {
    dropped: CancellationToken,
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let dropped = self.dropped.clone();
        tokio::spawn(async move {
            // Cut off or not: its client is gone.
            let _: Option<()> = dropped.run_until_cancelled(stream).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_rises_to_a_second() {
        let pauses: Vec<_> = (1..12).map(backoff).collect();
        assert_eq!(pauses[0], Duration::ZERO);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[10], Duration::from_secs(1));
    }
}
