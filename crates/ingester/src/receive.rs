//! The wire's server: streams of frames in, acknowledgements out.
//!
//! One task reads a stream: it takes memory, decodes and validates each frame and hands it to the
//! journal. The replies are a stream that wakes when a frame is settled. A frame that cannot be
//! decoded is refused here, so that the journal never holds what nobody can read.

mod stream;
mod window;

pub use stream::{StreamState, Told};
pub use window::{OutOfOrder, Window};

use crate::commit::Incoming;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::names::Names;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::unfold};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming};
use tributary_span::tenant;
use tributary_wire::frame::{DecodeLimits, Decoder, FrameError};
use tributary_wire::v1::{self, Frame, Hello, Reason, Reply, reply::Kind};

/// Columns take about this many times the bytes of the payload they are decoded from. Taken from
/// the memory budget before decoding and set right after; recorded traffic needs about ten.
const EXPANSION: usize = 16;

/// What all streams share.
#[derive(Debug)]
pub struct Receive {
    /// The ingester's name, told in the welcome.
    pub name: String,
    /// Names the incarnations of streams that begin here.
    pub names: Names,
    /// Budget for what is decoded.
    pub memory: Memory,
    /// Where valid frames go.
    pub journal: mpsc::Sender<Incoming>,
    /// What all senders are told: who the ingesters are, and whether this one leaves.
    pub told: watch::Receiver<Told>,
    /// Owner of the reading tasks.
    pub tasks: TaskTracker,
    /// Ends the reading of all streams.
    pub stop_reading: CancellationToken,
    /// Ends all streams, replies included.
    pub stop: CancellationToken,
    /// Numbers the streams.
    pub streams: AtomicU32,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The gRPC service. Clones share everything.
#[derive(Debug, Clone)]
pub struct Service(pub Arc<Receive>);

/// Definitions of one dictionary of one stream, shared with the segments that need them.
#[derive(Debug)]
pub struct Dictionary {
    /// Its number on the stream.
    pub number: u32,
    decoder: Mutex<Decoder>,
}

impl Dictionary {
    /// Definitions so far, in a form that any decoder takes.
    ///
    /// # Errors
    /// When a number is not defined, which a decoded frame's are.
    pub fn export(&self, numbers: &[u32]) -> Result<Bytes, FrameError> {
        self.decoder.lock().unwrap_or_else(PoisonError::into_inner).export(numbers)
    }
}

type Replies = Pin<Box<dyn Stream<Item = Result<Reply, Status>> + Send>>;

#[tonic::async_trait]
impl v1::ingest_server::Ingest for Service {
    type PushStream = Replies;

    async fn push(&self, request: Request<Streaming<Frame>>) -> Result<Response<Replies>, Status> {
        let mut frames = request.into_inner();
        let hello = match frames.message().await? {
            Some(Frame { hello: Some(hello), .. }) => hello,
            _ => {
                return Err(Status::invalid_argument(
                    "the first message of a stream must be a hello",
                ));
            }
        };
        let shared = self.0.clone();
        let peer = peer_of(&hello)?;
        tracing::debug!(name = hello.name, lane = hello.lane, tenant = %peer.tenant, "stream opened");
        let state = Arc::new(StreamState::new(shared.metrics.clone()));
        let tenant = peer.tenant.clone();
        let origin = Origin::new(&shared, peer, state.clone());
        let reader = read(shared.clone(), frames, origin);
        let stop = shared.stop_reading.clone();
        shared.tasks.spawn(async move { stop.run_until_cancelled(reader).await });
        Ok(Response::new(replies(shared, state, tenant)))
    }
}

/// Who sends a stream.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) tenant: Arc<str>,
    pub(crate) incarnation: [u8; 16],
}

fn peer_of(hello: &Hello) -> Result<Peer, Status> {
    if hello.version == 0 {
        return Err(Status::invalid_argument("hello.version must be 1 or more"));
    }
    let incarnation = hello
        .incarnation
        .as_ref()
        .try_into()
        .map_err(|_| Status::invalid_argument("hello.incarnation must have 16 bytes"))?;
    let name = if hello.tenant.is_empty() { tenant::SINGLE } else { &hello.tenant };
    tenant::check(name).map_err(|why| Status::invalid_argument(format!("hello.tenant: {why}")))?;
    Ok(Peer { tenant: name.into(), incarnation })
}

/// Where frames come from, and what has been defined there.
#[derive(Debug)]
pub(crate) struct Origin {
    number: u32,
    peer: Peer,
    dictionary: Option<Arc<Dictionary>>,
    /// What becomes of the frames.
    pub(crate) state: Arc<StreamState>,
}

impl Origin {
    /// A new stream.
    pub(crate) fn new(shared: &Receive, peer: Peer, state: Arc<StreamState>) -> Self {
        let number = shared.streams.fetch_add(1, Ordering::Relaxed);
        Origin { number, peer, dictionary: None, state }
    }

    /// Takes memory for a frame, decodes and validates it: what the journal takes.
    ///
    /// # Errors
    /// When the frame cannot be decoded.
    pub(crate) async fn admit(
        &mut self,
        shared: &Receive,
        frame: Frame,
    ) -> Result<Incoming, FrameError> {
        let tenant = &self.peer.tenant;
        let mut permit = shared.memory.take(tenant, estimate(&frame, &shared.memory)).await;
        let (dictionary, decoded) = decode(&mut self.dictionary, &frame)?;
        shared.memory.adjust(&mut permit, decoded.columns.bytes() + frame.payload.len());
        shared.metrics.spans_received.inc_by(decoded.columns.len() as u64);
        Ok(Incoming {
            stream_number: self.number,
            tenant: tenant.clone(),
            incarnation: self.peer.incarnation,
            seq: frame.seq,
            payload: frame.payload,
            dictionary,
            referenced: decoded.referenced,
            columns: Arc::new(decoded.columns),
            permit,
            stream: self.state.clone(),
        })
    }
}

/// Reads one stream to its end.
async fn read(shared: Arc<Receive>, mut frames: Streaming<Frame>, mut origin: Origin) {
    let state = origin.state.clone();
    loop {
        let frame = match frames.message().await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(status) => {
                tracing::debug!(%status, "stream broken");
                break;
            }
        };
        let seq = frame.seq;
        if let Err(out_of_order) = state.arrived(seq) {
            state.fail(Status::invalid_argument(out_of_order.to_string()));
            return;
        }
        shared.metrics.frames_received.inc();
        match origin.admit(&shared, frame).await {
            Ok(incoming) => {
                if shared.journal.send(incoming).await.is_err() {
                    state.fail(Status::unavailable("the ingester is leaving"));
                    return;
                }
            }
            Err(error) => {
                shared.metrics.frames_rejected.inc();
                let (reason, permanent) = classify(&error);
                tracing::warn!(%error, seq, permanent, "frame rejected");
                state.reject(seq, reason, error.to_string(), permanent);
                if !permanent {
                    state.fail(Status::failed_precondition(
                        "the stream's definitions are out of step",
                    ));
                    return;
                }
            }
        }
    }
    state.end();
}

/// Bytes to take for a frame before it is decoded.
fn estimate(frame: &Frame, memory: &Memory) -> usize {
    let estimate = frame.payload.len().saturating_mul(EXPANSION).saturating_add(4096);
    estimate.min(memory.limit() / 2)
}

/// Decodes a frame; a new dictionary gets a decoder of its own, so that segments which still need
/// the one before keep it.
fn decode(
    dictionary: &mut Option<Arc<Dictionary>>,
    frame: &Frame,
) -> Result<(Arc<Dictionary>, tributary_wire::frame::Decoded), FrameError> {
    let dictionary = match dictionary {
        Some(current) if current.number == frame.dict => current.clone(),
        _ => {
            let decoder = Mutex::new(Decoder::new(DecodeLimits::default()));
            let new = Dictionary { number: frame.dict, decoder };
            dictionary.insert(Arc::new(new)).clone()
        }
    };
    let mut decoder = dictionary.decoder.lock().unwrap_or_else(PoisonError::into_inner);
    if !frame.definitions.is_empty() {
        decoder.define(frame.dict, &frame.definitions)?;
    }
    let decoded = decoder.decode(frame.dict, &frame.payload)?;
    drop(decoder);
    Ok((dictionary, decoded))
}

/// What to tell the sender, and whether the frame is lost for good.
fn classify(error: &FrameError) -> (Reason, bool) {
    match error {
        FrameError::Malformed(_) | FrameError::Version(_) => (Reason::Malformed, true),
        FrameError::TooLarge { .. } => (Reason::TooLarge, true),
        FrameError::Undefined { .. } => (Reason::Undefined, false),
    }
}

/// The replies of one stream: the welcome, then whatever happens, until all frames of an ended
/// stream are settled.
fn replies(shared: Arc<Receive>, state: Arc<StreamState>, tenant: Arc<str>) -> Replies {
    let mut told = shared.told.clone();
    let first = {
        let told = told.borrow_and_update();
        Kind::Welcome(v1::Welcome {
            version: tributary_wire::VERSION,
            credit: credit(&shared, &tenant),
            ingester: shared.name.clone(),
            members: Some(told.members.clone()),
        })
    };
    let first = futures_util::stream::iter([Ok(Reply { kind: Some(first) })]);
    let all = (shared, state, tenant, told);
    let rest = unfold(all, |(shared, state, tenant, mut told)| async move {
        loop {
            if let Some(kind) = state.next_reply(credit(&shared, &tenant)) {
                let reply = kind.map(|kind| Reply { kind: Some(kind) });
                return Some((reply, (shared, state, tenant, told)));
            }
            if state.is_over() {
                return None;
            }
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => {
                    state.fail(Status::unavailable("the ingester is leaving"));
                }
                () = state.changed() => {}
                changed = told.changed() => {
                    if changed.is_err() {
                        state.fail(Status::unavailable("the ingester is leaving"));
                    } else {
                        let kind = told.borrow_and_update().reply();
                        let reply = Ok(Reply { kind: Some(kind) });
                        return Some((reply, (shared, state, tenant, told)));
                    }
                }
            }
        }
    });
    Box::pin(first.chain(rest))
}

/// Payload bytes that a stream may have in flight.
fn credit(shared: &Receive, tenant: &str) -> u64 {
    if shared.memory.is_over_share(tenant) {
        return 0;
    }
    credit_of(shared.memory.limit(), shared.memory.used(), shared.metrics.streams_open()) as u64
}

/// The share of one stream in half of the budget, in payload bytes, as long as there is room.
/// Nobody gets more than 4 MiB, and nothing when the budget is nearly used up; a stream with nothing
/// in flight may send one frame all the same.
fn credit_of(limit: usize, used: usize, streams: usize) -> usize {
    if used > limit / 10 * 9 {
        return 0;
    }
    (limit / 2 / EXPANSION / streams.max(1)).clamp(16 << 10, 4 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_is_a_share_of_what_there_is() {
        let mib = 1 << 20;
        let table = [
            ((256 * mib, 0, 1), 4 * mib),
            ((256 * mib, 0, 8), mib),
            ((256 * mib, 0, 100_000), 16 << 10),
            ((256 * mib, 250 * mib, 1), 0),
        ];
        for ((limit, used, streams), expected) in table {
            assert_eq!(credit_of(limit, used, streams), expected);
        }
    }

    #[test]
    fn hellos_are_checked() {
        let good = Hello { version: 1, incarnation: vec![1; 16].into(), ..Hello::default() };
        assert_eq!(&*peer_of(&good).unwrap().tenant, "single-tenant");
        let bad = [
            Hello { version: 0, ..good.clone() },
            Hello { incarnation: vec![1; 15].into(), ..good.clone() },
            Hello { tenant: "a/b".into(), ..good.clone() },
        ];
        for hello in bad {
            assert_eq!(peer_of(&hello).unwrap_err().code(), tonic::Code::InvalidArgument);
        }
    }
}
