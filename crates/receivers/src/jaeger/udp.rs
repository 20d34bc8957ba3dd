//! Thrift in datagrams: the agent's ports.
//!
//! No sender can be refused here, so what cannot be taken is dropped and counted: by this receiver
//! when the sink has no room, by the kernel when datagrams come faster than they are read. The
//! kernel's count is published too, so that for every socket, at rest,
//! `datagrams sent = accepted + malformed + refused + dropped by the kernel`.
//!
//! Datagrams that are there at the same time are handed on as one request: requests of OTLP are
//! joined by standing one behind the other.

use super::thrift;
use crate::answer;
use crate::body::Intake;
use crate::counters::{Counters, KernelDrops};
use crate::fault::Fault;
use crate::sink::{OfferError, Sink};
use crate::translate::Endless;
use bytes::Bytes;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use tributary_span::otlp::decode::count_spans;

/// What it is called in the log.
const NAME: &str = "jaeger datagrams";
/// The largest datagram there is.
const LARGEST: usize = 65_535;
/// A request is handed on when it has so many bytes.
const ENOUGH: usize = 256 << 10;
/// Or so many datagrams: then others have their turn.
const TURN: u64 = 128;
/// Requests that wait for the sink at a time, beside their bytes, which the sink admits; more
/// datagrams wait in the kernel.
const WAITING: usize = 1024;

/// Takes datagrams until `stop`, and then those that are there already.
pub async fn serve<S: Sink>(
    socket: UdpSocket,
    sink: Arc<S>,
    counters: Arc<Counters>,
    stop: CancellationToken,
) {
    let kernel = KernelDrops::of(&socket);
    match &kernel {
        Ok(kernel) => counters.watch_kernel(*kernel),
        Err(error) => debug!(%error, "the kernel's drops cannot be counted"),
    }
    let mut buffer = vec![0; LARGEST];
    let mut offers = JoinSet::new();
    loop {
        let stopping = tokio::select! {
            biased;
            Some(_) = offers.join_next(), if offers.len() >= WAITING => continue,
            () = stop.cancelled() => true,
            readable = socket.readable(), if offers.len() < WAITING => {
                if let Err(error) = readable {
                    warn!(%error, "cannot wait for datagrams");
                }
                false
            }
        };
        let (turn, more) = read_turn(&socket, &mut buffer, &*sink, &counters);
        if turn.datagrams > 0 {
            let (sink, counters) = (Arc::clone(&sink), Arc::clone(&counters));
            offers.spawn(async move { turn.offer(&*sink, &counters).await });
        }
        while offers.try_join_next().is_some() {}
        if stopping && !more {
            break;
        }
        tokio::task::yield_now().await;
    }
    while offers.join_next().await.is_some() {}
    if let Ok(kernel) = kernel {
        counters.keep_kernel(kernel);
    }
}

/// Datagrams that are handed on together.
struct Turn<P> {
    request: Vec<u8>,
    permits: Vec<P>,
    datagrams: u64,
    /// Who sent the first of them.
    from: Option<SocketAddr>,
}

/// Reads what is there, for one turn. Whether there may be more.
fn read_turn<S: Sink>(
    socket: &UdpSocket,
    buffer: &mut [u8],
    sink: &S,
    counters: &Counters,
) -> (Turn<S::Permit>, bool) {
    let mut turn = Turn { request: Vec::new(), permits: Vec::new(), datagrams: 0, from: None };
    for _ in 0..TURN {
        match socket.try_recv_from(buffer) {
            Ok((len, from)) => {
                turn.take(buffer.get(..len).unwrap_or_default(), from, sink, counters);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (turn, false),
            Err(error) => {
                debug!(%error, "cannot receive a datagram");
                counters.accept_errors.add(1);
                return (turn, false);
            }
        }
        if turn.request.len() >= ENOUGH {
            break;
        }
    }
    (turn, true)
}

impl<P> Turn<P> {
    fn take<S: Sink<Permit = P>>(
        &mut self,
        datagram: &[u8],
        from: SocketAddr,
        sink: &S,
        counters: &Counters,
    ) {
        counters.requests.add(1);
        counters.bytes.add(datagram.len() as u64);
        let mut intake = Intake::new(sink, usize::MAX);
        match thrift::datagram(datagram, &mut intake) {
            Ok(request) => {
                counters.otlp_bytes.add(request.len() as u64);
                let mut held = intake.hold(request);
                self.request.extend_from_slice(&held.bytes);
                self.permits.append(&mut held.permits);
                self.datagrams += 1;
                let _ = self.from.get_or_insert(from);
            }
            Err(fault) => {
                if let Some(kind) = fault.kind() {
                    counters.complaints.say(from, NAME, kind, &fault);
                }
                counters.fault(&fault);
                if matches!(fault, Fault::Refused(_)) {
                    let spans = thrift::datagram(datagram, &mut Endless).map(|r| count(&r));
                    counters.spans_dropped.add(spans.unwrap_or(0));
                }
            }
        }
    }

    async fn offer<S: Sink<Permit = P>>(self, sink: &S, counters: &Counters) {
        let request = Bytes::from(self.request);
        match sink.offer(None, request.clone()).await {
            Ok(outcome) => {
                counters.taken(&outcome);
                if let (Some((kind, what)), Some(from)) = (answer::told(&outcome), self.from) {
                    counters.complaints.say(from, NAME, kind, &what);
                }
                // One was counted.
                counters.requests_accepted.add(self.datagrams - 1);
            }
            Err(error) => {
                let (count_of, lost) = match error {
                    OfferError::Refused(_) | OfferError::Limited(_) => {
                        (&counters.requests_refused, count(&request))
                    }
                    OfferError::Malformed(_) => (&counters.requests_malformed, 0),
                };
                count_of.add(self.datagrams);
                counters.spans_dropped.add(lost);
            }
        }
        drop(self.permits);
    }
}

fn count(request: &[u8]) -> u64 {
    count_spans(request).unwrap_or(0)
}
