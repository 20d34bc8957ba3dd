//! The wire's server: streams of frames in, acknowledgements out.
//!
//! One task reads a stream: it takes memory, decodes and validates each frame and hands it to the
//! journal. The replies are a stream that wakes when a frame is settled. A frame that cannot be
//! decoded is refused here, so that the journal never holds what nobody can read; one that came
//! before is known again ([`dedup`]).

pub mod dedup;
pub mod direct;
mod pending;
mod replies;
mod source;
mod stream;
mod window;

pub use dedup::{FrameDedup, FrameId};
pub use pending::PendingFrame;
pub use source::Dictionary;
pub(crate) use source::{FrameSource, Peer};
pub use stream::{StreamState, Told};
pub use window::{OutOfOrder, Window};

use crate::limits::{Limit, Policy};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::runtime::Names;
use replies::{Replies, most_in_flight, replies};
use source::peer_of;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Code, Request, Response, Status, Streaming};
use tributary_wire::frame::FrameError;
use tributary_wire::v1::{self, Frame, Reason};

/// What all streams share.
#[derive(Debug)]
pub struct Receive {
    /// The ingester's name, told in the welcome.
    pub name: String,
    /// Names the incarnations of streams that begin here.
    pub names: Names,
    /// Budget for what is decoded.
    pub memory: Memory,
    /// Frames that are known should they come again.
    pub known: Arc<FrameDedup>,
    /// Where valid frames go.
    pub journal: mpsc::Sender<PendingFrame>,
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

/// Nothing new is taken.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the ingester is leaving")]
pub(crate) struct Leaving;

impl Receive {
    /// The state of a stream that begins.
    pub(crate) fn new_stream(&self) -> Arc<StreamState> {
        let most = most_in_flight(self.memory.limit());
        Arc::new(StreamState::new(self.metrics.clone(), most))
    }

    /// Hands a frame to the journal; or finds that it was handed there before, by a stream that took
    /// less time, and is settled with that.
    ///
    /// # Errors
    /// When there is no journal any more.
    pub(crate) async fn log(&self, incoming: PendingFrame) -> Result<(), Leaving> {
        let place = match self.journal.try_reserve() {
            Ok(place) => place,
            Err(TrySendError::Full(())) => {
                self.metrics.limited(Limit::JournalQueue);
                self.journal.reserve().await.map_err(|_| self.leaving())?
            }
            Err(TrySendError::Closed(())) => return Err(self.leaving()),
        };
        // From here to the journal nothing is waited for: a frame that counts as on its way is.
        if let Some(id) = &incoming.id
            && self.known.is_repeat_or_logged(id, &incoming.stream)
        {
            return Ok(());
        }
        place.send(incoming);
        Ok(())
    }

    pub(crate) fn leaving(&self) -> Leaving {
        self.metrics.limited(Limit::Leaving);
        Leaving
    }
}

#[tonic::async_trait]
impl v1::ingest_server::Ingest for Service {
    type PushStream = Replies;

    async fn push(&self, request: Request<Streaming<Frame>>) -> Result<Response<Replies>, Status> {
        let mut frames = request.into_inner();
        let hello = match frames.message().await? {
            Some(Frame { hello: Some(hello), .. }) => hello,
            _ => {
                self.0.metrics.limited(Limit::Hello);
                return Err(Status::invalid_argument(
                    "the first message of a stream must be a hello",
                ));
            }
        };
        let shared = self.0.clone();
        let peer = peer_of(&hello).inspect_err(|_| shared.metrics.limited(Limit::Hello))?;
        tracing::debug!(name = hello.name, lane = hello.lane, tenant = %peer.tenant, "stream opened");
        let state = shared.new_stream();
        let tenant = peer.tenant.clone();
        let origin = FrameSource::new(&shared, peer, state.clone());
        let reader = read(shared.clone(), frames, origin);
        let stop = shared.stop_reading.clone();
        shared.tasks.spawn(async move { stop.run_until_cancelled(reader).await });
        Ok(Response::new(replies(shared, state, tenant)))
    }
}

/// Reads one stream to its end.
async fn read(shared: Arc<Receive>, mut frames: Streaming<Frame>, mut origin: FrameSource) {
    let state = origin.state.clone();
    while state.has_room().await {
        let frame = match frames.message().await {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(status) => {
                if status.code() == Code::OutOfRange {
                    shared.metrics.limited(Limit::Message);
                    state.fail(status.clone());
                }
                tracing::debug!(%status, "stream broken");
                break;
            }
        };
        let seq = frame.seq;
        if let Err(out_of_order) = state.arrived(seq, frame.payload.len()) {
            shared.metrics.limited(Limit::Order);
            state.fail(Status::invalid_argument(out_of_order.to_string()));
            return;
        }
        shared.metrics.frames_received.inc();
        match origin.admit(&shared, frame).await {
            Ok(None) => {}
            Ok(Some(incoming)) => {
                if let Err(leaving) = shared.log(incoming).await {
                    state.fail(Status::unavailable(leaving.to_string()));
                    return;
                }
            }
            Err(error) => {
                shared.metrics.frames_rejected.inc();
                let (reason, limit) = classify(&error);
                let permanent = limit.policy() == Policy::Rejects;
                shared.metrics.limited(limit);
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

/// What to tell the sender, and which limit was met.
fn classify(error: &FrameError) -> (Reason, Limit) {
    match error {
        FrameError::Malformed(_) | FrameError::Version(_) => (Reason::Malformed, Limit::Malformed),
        FrameError::TooLarge { .. } => (Reason::TooLarge, Limit::FrameSize),
        FrameError::Undefined { .. } => (Reason::Undefined, Limit::Undefined),
    }
}
